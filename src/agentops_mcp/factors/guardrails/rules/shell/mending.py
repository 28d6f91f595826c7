"""Text that bash reads otherwise than the grammar, or not at all, made readable for the grammar."""

from typing import TYPE_CHECKING

from agentops_mcp.factors.guardrails.rules.shell.tree import parse

if TYPE_CHECKING:
    from tree_sitter import Node

_PLAIN_ENOUGH = (b"\n", b"#", b"<<", b"$(", b"`")
"""Where none of these is, a quote at the end is one."""


def readable(data: bytes, root: "Node") -> "list[Node]":
    """Trees to walk instead of one with errors: the first has none where that could be had."""
    closed = _quote_closed(data)
    if closed is not None:
        return [closed]
    moved = _bodies_first(data)
    return [root] if moved is None else [moved, root]  # what stands there is kept, should it have been meant


def _quote_closed(data: bytes) -> "Node | None":
    """A path of Windows in quotes, whose last backslash takes the quote away: closed once more."""
    if not data.rstrip().endswith(b'\\"') or any(each in data for each in _PLAIN_ENOUGH):
        return None
    root = parse(data + b'"')
    return None if root.has_error else root


def _bodies_first(data: bytes) -> "Node | None":
    """`cat <<E; rm x` with what follows on the line moved behind the here-document, which the grammar asks for."""
    lines = data.split(b"\n")
    changed = False
    at = 0
    while at < len(lines) and b"<<" in data:
        before, cut, rest = _behind_mark(lines[at])
        end = next((n for n in range(at + 1, len(lines)) if cut and lines[n].lstrip(b"\t") == cut), 0)
        if end and rest:
            lines[at], lines[end] = before, lines[end] + b"\n" + rest
            changed = True
        at = max(end, at) + 1
    if not changed:
        return None
    root = parse(b"\n".join(lines))
    return None if root.has_error else root


def _behind_mark(line: bytes) -> tuple[bytes, bytes, bytes]:
    """A line up to and with the mark of its here-document, the mark, and what is behind a `;` or `&` after it."""
    before, found, after = line.partition(b"<<")
    if not found or after[:1] == b"<":
        return line, b"", b""
    stripped = after.lstrip(b"-").lstrip(b" ")
    end = 0
    while end < len(stripped) and stripped[end] not in b" \t;&|<>()":
        end += 1
    mark, rest = stripped[:end], stripped[end:].lstrip(b" ")
    kept = before + found + after[: len(after) - len(stripped) + end]
    if rest[:1] == b";" or (rest[:1] == b"&" and rest[1:2] not in b"&>"):
        return kept, mark.strip(b"'\"\\"), rest[1:].lstrip(b" ")
    return line, mark.strip(b"'\"\\"), b""
