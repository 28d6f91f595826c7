"""`rules` and `exempt`: what the guard goes by, and what people make of what it learned."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from agentops_mcp.app import App
from agentops_mcp.cli.opening import JsonOption, ProjectOption, reading
from agentops_mcp.cli.output import EXIT_FOUND, counted, say, say_json, say_table
from agentops_mcp.cli.person import at_terminal, duration, person
from agentops_mcp.core.errors import AgentOpsError, InvalidInputError
from agentops_mcp.factors.guardrails.rules import packs
from agentops_mcp.factors.guardrails.rules.trying import fires, is_there
from agentops_mcp.factors.guardrails.rules.verdicts import Policy, Rule
from agentops_mcp.factors.guardrails.service.exemptions import Granted
from agentops_mcp.factors.guardrails.service.rule_review import Reviewed
from agentops_mcp.guarding import ground_of, place_of
from agentops_mcp.storage import policy_files
from agentops_mcp.storage.project import locate

commands = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Read, test and review the guard's rules.")


def _learned(context: typer.Context, incomplete: str) -> list[str]:
    with suppress(AgentOpsError), reading(context.params.get("project")) as app:
        ids = [each.row.learned.id for each in app.guard().review.listed()]
        return [each for each in ids if each.startswith(incomplete)]
    return []


@commands.command("list")
def list_rules(json: JsonOption = False, project: ProjectOption = None) -> None:
    """List every rule that holds here, strictest first, and how often it fired."""
    with reading(project) as app:
        uses = {use.rule: use for use in app.guard().exemptions.uses()}
        ground = app.guard().ground()
    found = _rules(ground.policy)
    if json:
        say_json(
            [
                {**rule._asdict(), **{key: sorted(getattr(rule, key)) for key in _SETS},
                 "fired": uses[rule.id].fired if rule.id in uses else 0}
                for rule in found
            ]
        )  # fmt: skip
        return
    say_table(
        (rule.id, "shadow" if rule.shadow else rule.decision, rule.severity, _times(uses, rule.id), rule.reason)
        for rule in found
    )
    for problem in ground.problems:
        say(f"policy: {problem}")


_SETS = ("effects", "places", "traits", "without", "programs")


def _rules(policy: Policy) -> list[Rule]:
    by_id = {rule.id: rule for rules in policy.rules.values() for rule in rules}
    order = ("deny", "ask", "allow")
    return sorted(by_id.values(), key=lambda rule: (rule.shadow, order.index(rule.decision), rule.id))


def _times(uses: dict[str, Any], rule: str) -> str:
    use = uses.get(rule)
    return f"fired {use.fired}" if use else "fired 0"


@commands.command("test")
def try_rules(json: JsonOption = False, project: ProjectOption = None) -> None:
    """Try every rule on the commands beside it: those that must fire it, and those that must not.

    Nothing is run. Exit code 1 when a rule does not do what its examples say, or a file of the policy is wrong.
    """
    place = place_of(locate(project or Path.cwd(), os.environ))
    ground = ground_of(place, os.environ)
    tables = [*policy_files.builtin_tables(), *policy_files.own_tables(place, os.environ)]
    examples = packs.examples(tables)
    failed = [each for each in examples if is_there(each, ground.policy) and fires(each, ground.policy) != each.fires]
    if json:
        told = [each._asdict() for each in failed]
        say_json({"examples": len(examples), "failed": told, "problems": ground.problems})
    else:
        for each in failed:
            say(f"{each.rule}: {'does not fire' if each.fires else 'fires'} for {each.command!r}")
        for problem in ground.problems:
            say(f"policy: {problem}")
        say(f"{counted(len(examples), 'example')}, {len(failed)} failed")
    if failed or ground.problems:
        raise typer.Exit(EXIT_FOUND)


@commands.command()
def review(
    rule: Annotated[
        str | None, typer.Argument(metavar="RULE", help="A learned rule to decide about.", autocompletion=_learned)
    ] = None,
    enable: Annotated[bool, typer.Option("--enable", help="Enforce it from now on.")] = False,
    dismiss: Annotated[bool, typer.Option("--dismiss", help="Drop it.")] = False,
    disable: Annotated[bool, typer.Option("--disable", help="Enforce it no longer.")] = False,
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="Why; kept with the decision.")] = "",
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """List the rules that were learned from incidents, or decide about one, at a terminal.

    Each starts in the shadow, where it is counted and not enforced.
    """
    wanted = [name for name, on in (("enable", enable), ("dismiss", dismiss), ("disable", disable)) if on]
    if rule is None and not wanted:
        _list_learned(project, json=json)
        return
    if rule is None or len(wanted) != 1:
        raise InvalidInputError(
            "Say one rule, and one of --enable, --dismiss and --disable.", remedy="agentops-mcp rules review"
        )
    with App(project) as app:
        guard = app.guard()
        at_terminal(f"{wanted[0]} {rule}")
        decided = getattr(guard.review, wanted[0])(rule, reason=because, actor=person("rules review"))
        guard.write_rules()
        app.settle()
    say(f"{decided.row.learned.id} is {decided.row.state}.")


def _list_learned(project: Path | None, *, json: bool) -> None:
    with reading(project) as app:
        found = app.guard().review.listed()
    if json:
        say_json([_learned_document(each) for each in found])
        return
    if not found:
        say("Nothing was learned yet: report_outcome of a checked action that failed drafts a rule.")
    for each in found:
        for line in _learned_lines(each):
            say(line)


def _learned_document(each: Reviewed) -> dict[str, Any]:
    learned, use = each.row.learned, each.use
    return {
        "id": learned.id, "state": each.row.state, "effects": sorted(learned.effects),
        "places": sorted(learned.places), "programs": sorted(learned.programs), "targets": list(learned.targets),
        "pattern": learned.pattern, "reason": learned.reason, "hits": list(learned.hits),
        "shadowed": use.shadowed, "fired": use.fired, "exempted": use.exempted,
    }  # fmt: skip


def _learned_lines(each: Reviewed) -> Iterator[str]:
    learned, use = each.row.learned, each.use
    yield f"{learned.id}  {each.row.state}: {learned.reason}"
    about = {
        "effects": sorted(learned.effects), "places": sorted(learned.places), "programs": sorted(learned.programs),
        "targets": learned.targets, "pattern": [learned.pattern] if learned.pattern else [],
    }  # fmt: skip
    yield "  asks about " + "; ".join(f"{key} {', '.join(values)}" for key, values in about.items() if values)
    yield from (f"  from: {command}" for command in learned.hits)
    yield f"  would have fired {use.shadowed} times, fired {use.fired}, exempted {use.exempted}"


def exempt(
    rule: Annotated[str | None, typer.Argument(metavar="RULE", help="A rule's id, or a kind of effect.")] = None,
    target: Annotated[str, typer.Option(metavar="GLOB", help="Only for targets that fit; * for all.")] = "*",
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="Why this is fine; kept with it.")] = "",
    lasts: Annotated[str, typer.Option("--for", metavar="TIME", help="How long: 30m, 1h, at most 7d.")] = "1h",
    requester: Annotated[str, typer.Option(metavar="WHO", help="Who asked for it; by default you.")] = "",
    revoke: Annotated[str, typer.Option("--revoke", metavar="ID", help="End an exemption now.")] = "",
    listing: Annotated[bool, typer.Option("--list", help="List exemptions, and how often each rule is.")] = False,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """Let a rule not hold for some targets, for a while. A person decides this, at a terminal."""
    if listing:
        _list_exemptions(project, json=json)
        return
    if (rule is None) == (not revoke):
        raise InvalidInputError(
            "Give a rule to exempt, an exemption to --revoke, or --list.",
            remedy="agentops-mcp exempt files.outside --target '/srv/scratch/*' --because 'the build makes it again'",
        )
    with App(project) as app:
        guard, who = app.guard(), person("exempt")
        if revoke:
            ended = guard.exemptions.revoke(revoke, reason=because, actor=who)
            say(f"{ended.id} holds no longer.")
        else:
            at_terminal(f"exempt {target} from {rule} for {lasts}")
            made = guard.exemptions.grant(
                rule or "", target, because, requester=requester, lasts=duration(lasts), actor=who
            )
            until = f"{made.until:%Y-%m-%d %H:%M} UTC"
            say(f"{made.id}: {made.target} is exempt from {made.rule or made.effect} until {until}.")
        guard.write_exemptions()
        app.settle()


def _list_exemptions(project: Path | None, *, json: bool) -> None:
    with reading(project) as app:
        granted, used = app.guard().exemptions.listed(), app.guard().exemptions.used()
    if json:
        say_json(
            {
                "exemptions": [{**_readable(each), "live": each.live} for each in granted],
                "used": [asdict(use) for use in used],
            }
        )
        return
    _say_exemptions(granted)
    for use in used:
        met = use.fired + use.exempted
        say(f"{use.rule} was exempted {use.exempted} of {met} times it was met (n = {met})")


def _readable(each: Granted) -> dict[str, Any]:
    fields = each.exemption._asdict()
    return {key: value if isinstance(value, str | bool) else value.isoformat() for key, value in fields.items()}


def _say_exemptions(granted: Sequence[Granted]) -> None:
    if not granted:
        say("No exemptions.")
        return
    say_table(
        (
            each.exemption.id, "holds" if each.live else "ended", each.exemption.rule or each.exemption.effect,
            each.exemption.target, f"until {each.exemption.until:%Y-%m-%d %H:%M}", each.exemption.justification,
        )
        for each in granted
    )  # fmt: skip
