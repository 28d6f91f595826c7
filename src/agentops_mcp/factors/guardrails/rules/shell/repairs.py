"""`!`, `time` and `coproc` before a group, loop or condition, of which the grammar makes a command called `{`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from agentops_mcp.factors.guardrails.rules.shell.state import TooMuchError
from agentops_mcp.factors.guardrails.rules.shell.tree import parse

if TYPE_CHECKING:
    from tree_sitter import Node

_COMPOUND = frozenset({b"{", b"if", b"for", b"while", b"until", b"case", b"select", b"[[", b"((", b"!"})
_MARKS = (b"!", b"time", b"coproc")
_ROUNDS = 8


def repaired(data: bytes) -> "Node":
    """The root of the tree of some text, in which those words are spaces: they change nothing that is run.

    Raises:
        TooMuchError: the text is more than is parsed, or has too many of them.
    """
    root = parse(data)
    if not any(mark in data for mark in _MARKS):
        return root
    for _ in range(_ROUNDS):
        cuts = list(_cuts(root))
        if not cuts:
            return root
        for start, end in cuts:
            data = data[:start] + b" " * (end - start) + data[end:]
        root = parse(data)
    raise TooMuchError


def _cuts(root: "Node") -> Iterator[tuple[int, int]]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        waiting += node.named_children
        if node.type != "command":
            continue
        words = node.named_children[:3]
        texts = [(each.text or b" ").split(None, 1)[:1] for each in words]  # `{ {` is one word there
        if texts[:1] in ([[b"time"]], [[b"coproc"]]):
            groups = (
                each
                for each, text in zip(words[1:], texts[1:], strict=True)
                if _COMPOUND.intersection(text) or each.type == "subshell"
            )
            yield from ((node.start_byte, each.start_byte) for each in list(groups)[:1])
        elif node.parent is not None and node.parent.type == "negated_command" and _COMPOUND.intersection(*texts[:1]):
            yield node.parent.start_byte, node.parent.start_byte + 1
