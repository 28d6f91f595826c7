"""Ruby."""

from typing import TYPE_CHECKING

from agentops_mcp.factors.context.rules.units.grammars.grammar import (
    Found,
    Grammar,
    Look,
    constant,
    define,
    looks,
    name_of,
)

if TYPE_CHECKING:
    from tree_sitter import Node

_TEST_CALLS = frozenset("describe context it specify feature scenario shared_examples shared_context".split())
_TASK_CALLS = frozenset("task namespace define_method".split())


def _call(node: "Node", content: bytes) -> Found | Look | None:
    """`describe "..." do`, `task :name do`, or `private def name`."""
    arguments, block = node.child_by_field_name("arguments"), node.child_by_field_name("block")
    if block is None:
        return Look.WRAPPED if arguments else None
    called = name_of(node.child_by_field_name("method"), content)
    if called not in _TEST_CALLS and called not in _TASK_CALLS:
        return None
    named = arguments.named_children[0] if arguments and arguments.named_children else None
    body = block.child_by_field_name("body")
    kind = "test" if called in _TEST_CALLS else "method"
    return Found(kind, name_of(named, content).lstrip(":").strip("\"'"), body, body)


RUBY = Grammar(
    "tree_sitter_ruby",
    {
        "module": define("module"),
        "class": define("class"),
        "method": define("function"),
        "singleton_method": define("method"),
        "assignment": constant("left"),
        "call": _call,
        **looks(Look.WRAPPED, "argument_list"),
        **looks(Look.INSIDE, "singleton_class body_statement if unless then else begin"),
        **looks(Look.LEAD, "comment"),
    },
)
