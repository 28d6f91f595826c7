"""What a language says about its syntax tree: which nodes are units, and which lead to them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from agentops_mcp.factors.context.rules.units.unit import short_name

if TYPE_CHECKING:
    from tree_sitter import Node

FEW_LINES = 3
"""A constant of up to this many lines is no unit: what is around it shows it."""

KEY_LINES = 10
"""A key inside of a table is a unit when it has more lines than this."""


class Look(Enum):
    """A node that is no unit itself."""

    INSIDE = "its units stand for themselves, as in an `if` around a function"
    WRAPPED = "its first unit begins with it and its last ends with it, as in a decorated function"
    LEAD = "it belongs to what follows, as a comment or an attribute"


@dataclass(frozen=True, slots=True)
class Found:
    """A node that is a unit; `body` follows its signature (None: the first line is all of that).

    `inside` is where to look for units in it.
    """

    kind: str
    name: str
    body: "Node | None" = None
    inside: "Node | None" = None


Read = Callable[["Node", bytes], Found | Look | None]
Rules = Mapping[str, Read | Look]


@dataclass(frozen=True, slots=True)
class Grammar:
    """A tree-sitter grammar: the module and function that give it, and the rules by type of node."""

    module: str
    rules: Rules
    function: str = "language"


def text_of(node: "Node", content: bytes) -> bytes:
    """The text of a node. Its own property is not for a tree that was parsed piece by piece."""
    return content[node.start_byte : node.end_byte]


def name_of(node: "Node | None", content: bytes) -> str:
    """The text of a node as a name."""
    return short_name(text_of(node, content)) if node else ""


def lines_of(node: "Node") -> int:
    """How many lines a node touches."""
    return node.end_point.row - node.start_point.row + 1


def define(kind: str, *, name: str = "name", body: str = "body", open_body: bool = True) -> Read:
    """A unit whose name and body are fields of its node; one without a name is none."""

    def read(node: "Node", content: bytes) -> Found | None:
        named = node.child_by_field_name(name)
        if named is None:
            return None
        inside = node.child_by_field_name(body)
        return Found(kind, name_of(named, content), inside, inside if open_body else None)

    return read


def constant(name: str, kind: str = "constant") -> Read:
    """A unit when it has more than a few lines."""

    def read(node: "Node", content: bytes) -> Found | None:
        if lines_of(node) <= FEW_LINES:
            return None
        named = node.child_by_field_name(name)
        return Found(kind, name_of(named, content)) if named else None

    return read


def looks(look: Look, types: str) -> dict[str, Read | Look]:
    """The same look for several types of nodes."""
    return dict.fromkeys(types.split(), look)
