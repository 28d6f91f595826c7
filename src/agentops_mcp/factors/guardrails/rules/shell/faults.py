"""Text that the grammar does not read as shell."""

from typing import TYPE_CHECKING

from agentops_mcp.factors.guardrails.rules.effects import Effect

if TYPE_CHECKING:
    from tree_sitter import Node

    from agentops_mcp.factors.guardrails.rules.shell.walk import Walker

_RUNS = frozenset(";|&$`(\n")


def broken(walker: "Walker", root: "Node", text: str) -> None:
    """Ask about a text in which what is not understood could be a command."""
    if not walker.calls and text.lstrip().startswith("<") and not set(text) & _RUNS:
        return  # redirections and nothing else: no program is named
    fault = _first(root)
    if fault is None:
        return
    said = (fault.text or b"").decode(errors="replace").strip()
    walker.notes.append(f"not understood: {said[:60]!r}" if said else "something is missing")
    walker.found(Effect("unresolved", text[:200], traits=frozenset({"syntax"}), by=said[:100] or "syntax"))


def _first(node: "Node") -> "Node | None":
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if (each.is_error or each.is_missing) and not _is_known(each):
            return each
        if each.has_error:
            waiting += reversed(each.children)
    return None


def is_here_string(node: "Node | None") -> bool:
    """Whether it is the first half of `<<<` behind a group or loop, which the grammar has no rule for."""
    following = node.next_sibling if node is not None and node.is_error and node.text == b"<<" else None
    return node is not None and following is not None and following.start_byte == node.end_byte


def _is_known(node: "Node") -> bool:
    """What the grammar has no rule for: the second half of `<>`, the first of some `<<<`."""
    before = node.prev_sibling
    if node.text == b">" and before is not None and before.type == "<":
        return before.end_byte == node.start_byte
    return is_here_string(node)
