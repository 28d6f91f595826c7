"""The marked block that tells an agent, in AGENTS.md or CLAUDE.md, when to call the server."""

import re
from pathlib import Path
from typing import Final

from agentops_mcp.cli.clients import ConfigChange, read_text
from agentops_mcp.core.errors import InvalidInputError

BEGIN: Final = "<!-- agentops-mcp:begin -->"
END: Final = "<!-- agentops-mcp:end -->"
BLOCK: Final = (
    BEGIN,
    "## Keep a record with agentops-mcp",
    "- When you start work, call `start_session` with your goal, and read the brief it returns before you act.",
    "- After a decision, a learning, a failure or a finished action, call `record_entry`: `context` (why it came up),",
    "  `solution` (what you did), `learning` (what to do differently), `impact` (what changed, with a number).",
    "- At each milestone, and before you stop, call `save_state`; another session goes on from it with `resume_state`.",
    END,
)
_MARKER = re.compile(r"(?:^|(?<=\A\ufeff))<!-- agentops-mcp:(begin|end) -->[ \t]*\r?$\n?", re.MULTILINE)


def plan_block(path: Path) -> ConfigChange:
    """The change that puts the current block into the file, in place of an older one if there is one.

    Raises:
        InvalidInputError: the markers do not form one pair, or the file is not UTF-8.
        ConfigError: the file cannot be read.
    """
    before = read_text(path)
    text = before or ""
    span = _span(text, path)
    eol = "\r\n" if "\r\n" in text else "\n"
    block = "".join(line + eol for line in BLOCK)
    if span is None:
        # No blank line in between: then removing the block leaves exactly what was there.
        gap = "" if text in ("", "\ufeff") or text.endswith("\n") else eol
        return ConfigChange(path, before, text + gap + block)
    start, end = span
    return ConfigChange(path, before, text[:start] + block + text[end:])


def plan_block_removal(path: Path) -> ConfigChange:
    """The change that takes the block out; the file itself stays, even when nothing else is in it.

    Raises:
        InvalidInputError: the markers do not form one pair, or the file is not UTF-8.
        ConfigError: the file cannot be read.
    """
    before = read_text(path)
    span = _span(before or "", path)
    if before is None or span is None:
        return ConfigChange(path, before, before)
    return ConfigChange(path, before, before[: span[0]] + before[span[1] :])


def _span(text: str, path: Path) -> tuple[int, int] | None:
    """Where the block stands, from the first marker's line to the end of the last one's."""
    markers = list(_MARKER.finditer(text))
    if not markers:
        return None
    if [marker[1] for marker in markers] != ["begin", "end"]:
        line = text.count("\n", 0, markers[0].start()) + 1
        raise InvalidInputError(
            f"{path}, line {line}: the agentops-mcp markers are not one begin followed by one end.",
            remedy="Delete the marker lines that are too many, then run the command again.",
        )
    return markers[0].start(), markers[1].end()
