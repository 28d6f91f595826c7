"""From a syntax tree to units, by the rules of its language."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from agentops_mcp.factors.context.rules.units.grammars.grammar import KEY_LINES, Found, Look, Rules, lines_of
from agentops_mcp.factors.context.rules.units.unit import Unit

if TYPE_CHECKING:
    from tree_sitter import Node

_DEEPEST_UNIT = 4
_DEEPEST_LOOK = 12
"""How many nodes that are no units are looked through, one in another."""
_LONG_FUNCTION = 40
"""What is defined inside a function of up to this many lines is not cut from it."""
_FUNCTIONS = frozenset({"function", "method"})
# What a broken stretch makes of `if (...) {}` is a method of that name.
_NO_NAMES = frozenset({"if", "else", "for", "while", "switch", "catch", "return", "const", "let", "var"})
_CLASSES = frozenset({"class", "struct", "interface", "trait", "impl", "enum", "record"})


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the walk is: the unit around it, and how deep that is."""

    parent: int = -1
    kind: str = ""
    units: int = 0
    looks: int = 0

    @property
    def is_in_function(self) -> bool:
        return self.kind in _FUNCTIONS or self.kind == "test"

    def deeper(self) -> "_Place":
        return _Place(self.parent, self.kind, self.units, self.looks + 1)


class Walk:
    """One walk over one tree."""

    def __init__(self, content: bytes, rules: Rules) -> None:
        self._content = content
        # What the grammar could not read may still hold whole definitions.
        self._rules: Rules = {**rules, "ERROR": Look.INSIDE}
        self._units: list[Unit] = []

    def units(self, root: "Node") -> list[Unit]:
        """The units of a tree in order of start, the outer before the inner."""
        self._look(root.named_children, _Place())
        return _ordered(self._units)

    def _look(self, nodes: Sequence["Node"], at: _Place) -> None:
        for index, node in enumerate(nodes):
            rule = self._rules.get(node.type)
            if rule is None or rule is Look.LEAD:
                continue
            found = rule if isinstance(rule, Look) else rule(node, self._content)
            if isinstance(found, Found):
                self._add(node, found, at, self._first_row(nodes, index))
            elif found is Look.WRAPPED and at.looks < _DEEPEST_LOOK:
                self._unwrap(node, at, self._first_row(nodes, index))
            elif found is Look.INSIDE and at.looks < _DEEPEST_LOOK and not at.is_in_function:
                self._look(node.named_children, at.deeper())

    def _unwrap(self, node: "Node", at: _Place, first: int) -> None:
        before = len(self._units)
        self._look(node.named_children, at.deeper())
        tops = [index for index in range(before, len(self._units)) if self._units[index].parent == at.parent]
        if tops:
            self._stretch(tops[0], first + 1, self._units[tops[0]].end)
            self._stretch(tops[-1], self._units[tops[-1]].start, _last_row(node) + 1)

    def _stretch(self, index: int, start: int, end: int) -> None:
        unit = self._units[index]
        start, end = min(start, unit.start), max(end, unit.end)
        body = end + 1 if unit.body == unit.end + 1 else unit.body
        self._units[index] = Unit(start, end, body, unit.kind, unit.name, unit.parent)

    def _add(self, node: "Node", found: Found, at: _Place, first: int) -> None:
        if self._is_detail(node, found, at):
            return
        kind = "method" if found.kind == "function" and at.kind in _CLASSES else found.kind
        last = self._last_text_row(node)
        body = self._body_row(node, found.body)
        body = min(max(body, first + 1), last + 1)
        place = _Place(len(self._units), kind, at.units + 1)
        self._units.append(Unit(first + 1, last + 1, body + 1, kind, found.name, at.parent))
        if found.inside is None or at.units >= _DEEPEST_UNIT:
            return
        if kind in _FUNCTIONS and last - node.start_point.row < _LONG_FUNCTION:
            return
        self._look(self._inside(node, found.inside), place)

    def _last_text_row(self, node: "Node") -> int:
        """The last row of a node that is not blank."""
        row = _last_row(node)
        if node.end_point.column == 0:
            tail = self._content[node.start_byte : node.end_byte]
            row -= max(tail.count(b"\n", len(tail.rstrip())) - 1, 0)
        return row

    @staticmethod
    def _is_detail(node: "Node", found: Found, at: _Place) -> bool:
        """Whether what is around says enough of it, such as a value in a function or a short key under another."""
        if found.name in _NO_NAMES:
            return found.kind in _FUNCTIONS
        if at.is_in_function:
            return found.kind == "constant"
        return at.kind == "key" and found.kind in {"key", "item"} and lines_of(node) <= KEY_LINES

    def _inside(self, node: "Node", inside: "Node") -> Sequence["Node"]:
        """The nodes of a body; a grammar may put the comments before its first statement in front of it."""
        rules = self._rules
        before = [
            child
            for child in node.named_children
            if rules.get(child.type) is Look.LEAD and node.start_byte < child.start_byte < inside.start_byte
        ]
        return [*before, *inside.named_children]

    def _body_row(self, node: "Node", body: "Node | None") -> int:
        """The row after the signature: after the brace, or after the last that stands before the body."""
        if body is None:
            return node.start_point.row + 1
        if self._content[body.start_byte : body.start_byte + 1] == b"{":
            return body.start_point.row + 1
        rules = self._rules
        row = node.start_point.row
        for child in node.children:
            if child.start_byte >= body.start_byte:
                break
            if rules.get(child.type) is not Look.LEAD:
                row = max(row, _last_row(child))
        return row + 1

    def _first_row(self, nodes: Sequence["Node"], index: int) -> int:
        """The row a unit starts on, with the comments and attributes right above it."""
        first = nodes[index].start_point.row
        for above in range(index - 1, -1, -1):
            lead = nodes[above]
            if self._rules.get(lead.type) is not Look.LEAD or not self._is_right_above(lead, first):
                break
            if above and nodes[above - 1].end_point.row == lead.start_point.row and not _ends_line(nodes[above - 1]):
                break  # it stands behind something else on its line
            first = min(first, lead.start_point.row)
        return first

    def _is_right_above(self, lead: "Node", row: int) -> bool:
        """On the row before; a `/**` comment may be followed by a blank line, a `#!` line stands alone."""
        if lead.start_byte == 0 and self._content.startswith(b"#!"):
            return False
        gap = row - _last_row(lead) - 1
        return gap <= 0 or (gap == 1 and self._content.startswith(b"/**", lead.start_byte))


def _ends_line(node: "Node") -> bool:
    return _last_row(node) != node.end_point.row


def _last_row(node: "Node") -> int:
    """The last row a node has text on; some end with the line feed of their last line."""
    row, column = node.end_point
    return row - 1 if column == 0 and row > node.start_point.row else row


def _ordered(units: list[Unit]) -> list[Unit]:
    """Sorted by start, the longer first; the walk itself gives nearly that."""
    keys = [(unit.start, -unit.end) for unit in units]
    if all(before <= after for before, after in pairwise(keys)):
        return units
    order = sorted(range(len(units)), key=keys.__getitem__)
    moved = {old: new for new, old in enumerate(order)}
    moved[-1] = -1
    sorted_units = (units[index] for index in order)
    return [Unit(unit.start, unit.end, unit.body, unit.kind, unit.name, moved[unit.parent]) for unit in sorted_units]
