"""Which ways a text may go: conditions, choices, pipes and the background, and what is known after them."""

from typing import TYPE_CHECKING

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, Stream
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.shell.state import State, joined

if TYPE_CHECKING:
    from tree_sitter import Node

    from agentops_mcp.factors.guardrails.rules.shell.walk import Walker

_LEAVES = frozenset({b"exit", b"return", b"break", b"continue"})
_ITSELF = frozenset({"$0", "${0}", "$BASH_SOURCE", "${BASH_SOURCE}", "${BASH_SOURCE[0]}"})


def either(walker: "Walker", node: "Node", state: State, stdin: Stream) -> Stream:
    """`a && b`, where b is taken to run, and `a || b`, where it may or may not."""
    parts = node.named_children
    if len(parts) < 2 or not any(each.type == "||" for each in node.children):
        return joined(_some([walker.walk(each, state, stdin) for each in parts]))
    outputs = [walker.walk(each, state, stdin) for each in parts[:-1]]
    after = state.copy()
    outputs.append(walker.walk(parts[-1], after, stdin))
    if not _leaves(parts[-1]):
        state.meet([after, state.copy()])
    return joined(_some(outputs))


def branches(walker: "Walker", node: "Node", state: State, stdin: Stream) -> Stream:
    """`if`: all ways are walked; what they leave differently is not known afterwards."""
    outputs: list[Stream] = []
    ways: list[State] = []
    way = state
    for each in node.children:
        if each.type == "then" and way is state:
            way = state.copy()
            ways.append(way)
        elif each.type in {"elif_clause", "else_clause"}:
            ways.append(state.copy())
            outputs.append(walker.group(each, ways[-1], stdin))
        elif each.is_named:
            outputs.append(walker.walk(each, way, stdin))
    if not any(each.type == "else_clause" for each in node.children):
        ways.append(state.copy())
    state.meet(ways)
    return joined(_some(outputs))


def cases(walker: "Walker", node: "Node", state: State, stdin: Stream) -> Stream:
    """`case`: every item, or none."""
    outputs: list[Stream] = []
    ways = [state.copy()]
    for each in node.named_children:
        if each.type != "case_item":
            walker.words(state).stream(each)
            continue
        ways.append(state.copy())
        outputs.append(walker.group(each, ways[-1], stdin))
    state.meet(ways)
    return joined(_some(outputs))


def piped(walker: "Walker", node: "Node", state: State, stdin: Stream) -> Stream:
    """`… | …`: each stage is a shell of its own, but for the variables of the last, which some shells keep."""
    stages = [each for each in node.named_children if each.type != "comment"]
    flow, outer = stdin, walker.stdout
    for each in stages[:-1]:
        walker.stdout = ""
        flow = _stage(walker, each, state.copy(), flow)
    walker.stdout = outer
    cwd = state.cwd
    flow = _stage(walker, stages[-1], state, flow) if stages else flow
    state.cwd = cwd if len(stages) > 1 else state.cwd
    return flow


def behind(walker: "Walker", node: "Node", state: State, stdin: Stream) -> Stream:
    """A command in the background."""
    _itself(walker, node)
    before, walker.traits, walker.forks = walker.traits, walker.traits | {"background"}, walker.forks + 1
    try:
        return walker.walk(node, state.copy(), stdin)
    finally:
        walker.traits, walker.forks = before, walker.forks - 1


def each_choice(walker: "Walker", node: "Node", state: State, stdin: Stream, name: str) -> Stream:
    """A command with a variable that is one of several values: as it is with each of them."""
    outputs: list[Stream] = []
    after: list[State] = []
    behind_it = walker.behind
    for value in state.choices[name]:
        way = state.copy()
        way.set(name, Stream(value))
        way.chosen |= {name}
        walker.behind = behind_it
        outputs.append(walker.command(node, way, stdin))
        way.chosen = state.chosen
        after.append(way)
    state.meet(after)
    return joined(outputs)


def _stage(walker: "Walker", node: "Node", state: State, stdin: Stream) -> Stream:
    """A function that calls itself as a stage doubles; one that does so in a loop over its input walks a tree."""
    _itself(walker, node)
    forks = node.type == "command"
    walker.forks += forks
    try:
        return walker.walk(node, state, stdin)
    finally:
        walker.forks -= forks


def _itself(walker: "Walker", node: "Node") -> None:
    """A script that starts itself in a pipe or in the background."""
    name = node.child_by_field_name("name") if node.type == "command" else None
    said = ((name.text or b"") if name is not None else b"").decode(errors="replace").strip("\"'")
    if said.removeprefix("./") in _ITSELF:
        walker.found(Effect("exhaust", "processes", traits=frozenset({"fork"}), by=said))


def _leaves(node: "Node") -> bool:
    """Whether nothing is run behind a command, as it ends the text, function or loop."""
    while node.type in {"compound_statement", "list", "redirected_statement"} and node.named_children:
        node = node.named_children[0 if node.type == "redirected_statement" else -1]
    name = node.child_by_field_name("name") if node.type == "command" else None
    return name is not None and name.text in _LEAVES


def _some(outputs: list[Stream]) -> list[Stream]:
    return [each for each in outputs if each is not EMPTY]
