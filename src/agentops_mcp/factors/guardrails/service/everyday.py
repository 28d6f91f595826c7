"""The everyday commands that come with the package: what a learned rule must not interrupt."""

from functools import cache
from importlib.resources import files


@cache
def everyday() -> tuple[str, ...]:
    """The commands, one for each line of the list that is neither empty nor a comment."""
    text = files("agentops_mcp.factors.guardrails").joinpath("packs", "everyday.txt").read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))
