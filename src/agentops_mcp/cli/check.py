"""`check`: what the guard makes of an action, for a person, and of many commands, for whoever measures it."""

import json as jsonlib
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer

from agentops_mcp.cli.lines import lines_of
from agentops_mcp.cli.opening import JsonOption, ProjectOption
from agentops_mcp.cli.output import EXIT_FOUND, say, say_json, visible_json
from agentops_mcp.core.clock import utc_now
from agentops_mcp.core.errors import AgentOpsError, InvalidInputError
from agentops_mcp.core.redaction import find_secrets
from agentops_mcp.core.screening import suspicions
from agentops_mcp.factors.guardrails.render import effect_line, finding_line, render_shadowed, render_verdict
from agentops_mcp.factors.guardrails.rules import actions, judge, packs
from agentops_mcp.factors.guardrails.rules.actions import Action, Understood
from agentops_mcp.factors.guardrails.rules.verdicts import Policy, Verdict
from agentops_mcp.factors.guardrails.rules.worlds import Anywhere
from agentops_mcp.factors.guardrails.tools import Kind
from agentops_mcp.guarding import ground_of, place_of
from agentops_mcp.storage import policy_files
from agentops_mcp.storage.project import locate

_KINDS: tuple[Kind, ...] = get_args(Kind)
_BATCH_KINDS = ("shell", "secret", "injection")

ActionArgument = Annotated[
    str | None, typer.Argument(metavar="ACTION", help="The command, path, diff, URL or amount; an object as JSON.")
]
KindOption = Annotated[
    Kind, typer.Option(metavar="KIND", help=f"What the action is: {', '.join(_KINDS)}.", autocompletion=lambda: _KINDS)
]
CwdOption = Annotated[str, typer.Option(metavar="DIR", help="Where it would run; by default the project's folder.")]
ExplainOption = Annotated[bool, typer.Option("--explain", help="Show the parse, every effect and every rule.")]
BatchOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="JSON Lines of id, text and kind (shell, secret or injection), or - for standard input; a line out for "
        "each, by the packs of the package, in a project of which nothing is known.",
    ),
]


def check(
    action: ActionArgument = None,
    kind: KindOption = "shell",
    cwd: CwdOption = "",
    explain: ExplainOption = False,
    batch: BatchOption = None,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """Say what the guard makes of an action. Nothing is run, and nothing is recorded.

    It is what check_action tells an agent about the action itself; the run's own checks (spirals, breakers, budgets)
    and earlier incidents have no part in it. Exit code 1 when the answer is ask or deny, or a line of --batch has none.
    """
    if (action is None) == (batch is None):
        raise InvalidInputError("Give an action, or a file with --batch.", remedy="agentops-mcp check 'rm -rf build'")
    if batch is not None:
        raise typer.Exit(_answer_all(batch))
    made = actions.checked(kind, actions.given(kind, _fields(kind, cast("str", action))))
    ground = ground_of(place_of(locate(project or Path.cwd(), os.environ)), os.environ)
    where = str(Path(cwd).resolve()) if cwd else ground.world.project
    understood = actions.understand(made, ground.policy, ground.world, where)
    verdict = _verdict(made, understood, ground.policy)
    if json:
        say_json({**_document(verdict, understood, explain=explain), "problems": list(ground.problems)})
    else:
        for line in _lines(verdict, understood, explain=explain):
            say(line)
        for problem in ground.problems:
            say(f"policy: {problem}")
    if verdict.decision != "allow":
        raise typer.Exit(EXIT_FOUND)


def _fields(kind: str, text: str) -> str | Mapping[str, Any]:
    """An object where the kind has more than one field and JSON was given."""
    if kind in ("tool_call", "network", "spend", "file_write") and text.lstrip().startswith("{"):
        with suppress(ValueError, RecursionError):
            found: Any = jsonlib.loads(text)
            return cast("Mapping[str, Any]", found)
    return text


def _verdict(action: Action, understood: Understood, policy: Policy) -> Verdict:
    return judge.judge(understood.effects, policy, now=utc_now().isoformat(), text=actions.text_of(action))


def _lines(verdict: Verdict, understood: Understood, *, explain: bool) -> Iterator[str]:
    yield from render_verdict(verdict)
    if not explain:
        return
    if understood.analysis is not None:
        yield ""
        yield "what is run:"
        yield from (f"  {line}" for line in understood.analysis.lines())
    yield ""
    yield "effects:" if verdict.effects else "effects: none"
    for effect in dict.fromkeys(verdict.effects):
        traits = f" [{', '.join(sorted(effect.traits))}]" if effect.traits else ""
        yield f"  {effect_line(effect)}{traits}, by {effect.by}" if effect.by else f"  {effect_line(effect)}{traits}"
    yield ""
    yield "rules:" if verdict.findings else "rules: none fired"
    for line in dict.fromkeys(map(finding_line, verdict.findings)):
        yield f"  {line}"
    yield from (f"  {line}" for line in dict.fromkeys(render_shadowed(verdict.shadowed)))


def _document(verdict: Verdict, understood: Understood, *, explain: bool = False) -> dict[str, Any]:
    effects = [
        {
            "kind": each.kind, "target": each.target, "place": each.place, "traits": sorted(each.traits),
            "reversible": each.reversible, "by": each.by,
        }
        for each in dict.fromkeys(verdict.effects)
    ]  # fmt: skip
    rules = [
        {
            "id": each.rule.id, "decision": each.decision, "severity": each.rule.severity, "reason": each.rule.reason,
            "safer": each.rule.safer,
        }
        for each in {each.rule.id: each for each in reversed(verdict.findings)}.values()
    ][::-1]  # fmt: skip
    document: dict[str, Any] = {"decision": verdict.decision, "rules": rules, "effects": effects}
    if explain and understood.analysis is not None:
        document["parse"] = list(understood.analysis.lines())
    return document


def _answer_all(file: Path) -> int:
    """Answer every line, in order and as soon as it can be; returns the exit code."""
    loaded = policy_files.packaged()
    policy = packs.policy_of(loaded.data, version=loaded.version)
    failed = False
    with lines_of(file) as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            answer = _answer(line, policy)
            if "error" in answer:
                failed = True
                answer["error"] = f"line {number}: {answer['error']}"
            typer.echo(visible_json(jsonlib.dumps(answer)))
    return EXIT_FOUND if failed else 0


def _answer(line: bytes, policy: Policy) -> dict[str, Any]:
    try:
        row = jsonlib.loads(line)
    except (ValueError, RecursionError):
        return {"id": None, "error": "this is not JSON"}
    if not isinstance(row, dict):
        return {"id": None, "error": "this is no object"}
    given = cast("dict[str, Any]", row)
    identifier, text, kind = given.get("id"), given.get("text"), given.get("kind", "shell")
    if not isinstance(text, str):
        return {"id": identifier, "error": "text is missing"}
    if kind not in _BATCH_KINDS:
        return {"id": identifier, "error": f"kind must be one of {', '.join(_BATCH_KINDS)}"}
    try:
        return {"id": identifier, **_judged(text, kind, policy)}
    except AgentOpsError as error:
        return {"id": identifier, "error": str(error)}


def _judged(text: str, kind: str, policy: Policy) -> dict[str, Any]:
    if kind == "secret":
        kinds = sorted({each.kind for each in find_secrets(text)})
        return {"flagged": bool(kinds), "rules": kinds}
    if kind == "injection":
        found = suspicions(text)
        return {"flagged": bool(found), "rules": sorted({each.reason for each in found})}
    if not text.strip():
        return {"decision": "allow", "rules": [], "effects": []}
    world = Anywhere()
    action = actions.checked("shell", {"command": text})
    verdict = _verdict(action, actions.understand(action, policy, world, world.project), policy)
    rules = list(dict.fromkeys(each.rule.id for each in verdict.findings))
    return {
        "decision": verdict.decision, "rules": rules,
        "effects": list(dict.fromkeys(each.kind for each in verdict.effects)),
    }  # fmt: skip
