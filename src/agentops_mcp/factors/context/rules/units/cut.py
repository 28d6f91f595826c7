"""Source text cut into units: the public side of this package."""

from agentops_mcp.factors.context.rules.units import sections
from agentops_mcp.factors.context.rules.units.fallback import blocks, filled
from agentops_mcp.factors.context.rules.units.languages import GRAMMARS, language_of
from agentops_mcp.factors.context.rules.units.parse import is_broken, is_parsable, parse
from agentops_mcp.factors.context.rules.units.unit import Unit, line_count, qualified
from agentops_mcp.factors.context.rules.units.walk import Walk

__all__ = ["Unit", "cut", "language_of", "line_count", "qualified"]


def cut(path: str, content: bytes) -> tuple[Unit, ...]:
    """Units in order of start, the outer before the inner; any text but a blank one has at least one."""
    language = language_of(path, content)
    units: list[Unit] = []
    if is_parsable(content):
        if language in GRAMMARS:
            units = _parsed(language, content)
        elif language == "rst":
            units = sections.restructured_text(content)
    return tuple(units or blocks(content))


def _parsed(language: str, content: bytes) -> list[Unit]:
    root = parse(language, content)
    if root is None:
        return []
    if language == "markdown":
        return sections.markdown(root, content)
    units = Walk(content, GRAMMARS[language].rules).units(root)
    if language == "toml":
        units = sections.tables(units, content)
    return filled(units, content) if is_broken(root) else units
