"""Loops, whose bodies are walked once for each of the first known words or lines."""

from typing import TYPE_CHECKING

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Stream
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.shell.state import State, joined

if TYPE_CHECKING:
    from tree_sitter import Node

    from agentops_mcp.factors.guardrails.rules.shell.walk import Walker

_MOST = 6
_ALWAYS = {"while": frozenset({"true", ":", "[ 1 ]", "[[ 1 ]]", "(( 1 ))", "((1))"}), "until": frozenset({"false"})}


def each_word(walker: "Walker", node: "Node", state: State, stdin: Stream) -> Stream:
    """`for` and `select`: the words one after another; those beyond the first few as one that is not known."""
    variable, body = node.child_by_field_name("variable"), node.child_by_field_name("body")
    name = (variable.text or b"").decode(errors="replace") if variable is not None else ""
    words = walker.words(state)
    given = node.children_by_field_name("value")
    values = words.line(node, given) if given else list(state.arguments[1:])
    if len(values) > _MOST:
        values = [*values[: _MOST - 1], HOLE]
    outputs: list[Stream] = []
    for value in values or [HOLE]:
        walker.limits.call(walker.depth)
        before = walker.traits
        if HOLE in value:
            walker.traits |= {"repeated"}
        state.set(name, Stream(None if value == HOLE else value, words.taints, words.origin))
        if body is not None:
            outputs.append(walker.walk(body, state, stdin))
        walker.traits = before
    return joined(outputs)


def repeated(walker: "Walker", node: "Node", state: State, stdin: Stream) -> Stream:
    """`while` and `until`: once, or once for each of the first lines that `read` takes."""
    _endless(walker, node)
    before, walker.traits = walker.traits, walker.traits | {"repeated"}
    try:
        return joined([walker.group(node, state, each) for each in _inputs(node, stdin)])
    finally:
        walker.traits = before


def _inputs(node: "Node", stdin: Stream) -> list[Stream]:
    """What the loop finds in its input each time round."""
    condition = node.child_by_field_name("condition")
    reads = condition is not None and b"read" in (condition.text or b"")
    lines = stdin.text.splitlines(keepends=True) if stdin.text is not None else []
    if not reads or len(lines) < 2:
        return [stdin]
    found = [Stream("".join(lines[at:]), stdin.taints, stdin.origin) for at in range(min(len(lines), _MOST))]
    return found if len(lines) <= _MOST else [*found[:-1], Stream(None, stdin.taints, stdin.origin)]


def _endless(walker: "Walker", node: "Node") -> None:
    """A loop without end that starts a process in the background each time."""
    condition, body = node.child_by_field_name("condition"), node.child_by_field_name("body")
    said = (condition.text or b"").decode(errors="replace").strip().rstrip(";") if condition is not None else ""
    ends_never = said.rpartition("/")[2] in _ALWAYS.get(node.children[0].type, ())
    ends_never = ends_never or (node.children[0].type == "for" and condition is None)
    if ends_never and body is not None and any(each.type == "&" for each in body.children):
        text = (node.text or b"").decode(errors="replace")
        walker.found(Effect("exhaust", "processes", traits=frozenset({"fork"}), by=text[:100]))
