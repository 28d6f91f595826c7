"""`approve`, `reject` and `revise`: a person decides at a terminal, about what was printed there, with a code."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentops_mcp.cli.approvals import SHORT, pending_ids
from agentops_mcp.cli.marked import say_marked
from agentops_mcp.cli.opening import DryRunOption, ProjectOption, reading
from agentops_mcp.cli.output import EXIT_FOUND, counted, say
from agentops_mcp.cli.person import at_terminal, duration, need_terminal, person
from agentops_mcp.core.errors import ConflictError, ExpiredError, InvalidInputError, NotFoundError
from agentops_mcp.factors.approval.render.requests import FLOORS, message, status_line, title
from agentops_mcp.factors.approval.rules.principals import person_of
from agentops_mcp.factors.approval.rules.scopes import check_grant
from agentops_mcp.factors.approval.rules.settings import Settings
from agentops_mcp.factors.approval.rules.standing import Decision, floor_of
from agentops_mcp.factors.approval.rules.subjects import PLAN, SEVERITIES
from agentops_mcp.factors.approval.service.requests import Standing

if TYPE_CHECKING:
    from agentops_mcp.approving import Approving

_GRANT_LASTS = timedelta(minutes=30)
"""Where only the number of uses was given."""

_NAMED = 5

IdArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="ID", help="A request; the end of its id is enough. Not needed where one waits.",
        autocompletion=pending_ids,
    ),
]  # fmt: skip
IdenticalOption = Annotated[
    bool, typer.Option("--identical", help="Decide the other open requests for the same action too.")
]
WordsOption = Annotated[str, typer.Option("--because", metavar="TEXT", help="Your words; the agent gets them.")]


@dataclass(frozen=True, slots=True)
class _Grant:
    """A grant that is to be given besides; it was checked."""

    rule: str
    prefix: str
    uses: int | None
    lasts: timedelta
    severity: str

    @property
    def spoken(self) -> str:
        where = f" in {self.prefix}" if self.prefix else ""
        times = f"{counted(self.uses, 'use')} within " if self.uses else ""
        return f"{self.rule}{where} for {times}{self.lasts.total_seconds() / 60:g} minutes"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was typed."""

    decision: Decision
    approval: str | None
    words: str = ""
    identical: bool = False
    dry_run: bool = False
    rule: str | None = None
    prefix: str = ""
    uses: int | None = None
    lasts: str | None = None


def approve(
    approval: IdArgument = None,
    because: WordsOption = "",
    identical: IdenticalOption = False,
    grant: Annotated[
        str | None,
        typer.Option("--grant", metavar="RULE", help="Grant this rule of the request in advance besides."),
    ] = None,
    prefix: Annotated[
        str, typer.Option("--prefix", metavar="PATH", help="The grant is for this folder or file; else for any.")
    ] = "",
    uses: Annotated[
        int | None, typer.Option("--uses", min=1, max=100, metavar="NUMBER", help="How often the grant is good for.")
    ] = None,
    lasts: Annotated[
        str | None,
        typer.Option("--for", metavar="DURATION", help="How long: 30m or 8h, at most 1d; 30m where --uses is given."),
    ] = None,
    dry_run: DryRunOption = False,
    project: ProjectOption = None,
) -> None:
    """Let an agent do what it asked for, once.

    A person decides this, at a terminal, with a code shown there. The request is printed whole before. With --dry-run
    nothing is decided, and the exit code is 1 where an approval at this terminal would not be enough.
    """
    _decide(
        _Asked("approve", approval, because, identical, dry_run, grant, prefix, uses, lasts), project
    )  # fmt: skip


def reject(
    approval: IdArgument = None,
    because: WordsOption = "",
    identical: IdenticalOption = False,
    dry_run: DryRunOption = False,
    project: ProjectOption = None,
) -> None:
    """Refuse what an agent asked for.

    A person decides this, at a terminal, with a code shown there. The request is printed whole before.
    """
    _decide(_Asked("reject", approval, because, identical, dry_run), project)


def revise(
    approval: IdArgument = None,
    because: Annotated[
        str, typer.Option("--because", metavar="TEXT", help="What is to change; the agent gets it.")
    ] = "",
    identical: IdenticalOption = False,
    dry_run: DryRunOption = False,
    project: ProjectOption = None,
) -> None:
    """Send a request back with your words.

    A person decides this, at a terminal, with a code shown there. The request is printed whole before.
    """
    _decide(_Asked("revise", approval, because, identical, dry_run), project)


def _decide(asked: _Asked, project: Path | None) -> None:
    """Print the request, have the code typed, and keep the decision about what was printed.

    Raises:
        ConfigError: there is no terminal, or another code was typed.
        ConflictError, ExpiredError, InvalidInputError, NotFoundError: it can not be decided, or not so.
    """
    actor = person(asked.decision)
    by = person_of(actor)
    with reading(project) as app:
        approving = app.approving()
        requests = approving.requests
        found = requests.standing(asked.approval or _only_one(approving))
        _refuse(found, asked, by)
        wanted = _grant(found, approving.settings(), asked)
        what = _spoken(found, asked, wanted)
        if asked.dry_run:
            _try(found, asked, what)
            return
        need_terminal(f"{asked.decision} a request")
        shown = requests.show(found.request.id, by=by, actor=actor)
        say_marked(f"{message(shown)}\n")
        at_terminal(what)
        decided = requests.decide(
            shown.request.id, asked.decision, by=by, digest=shown.request.digest, feedback=asked.words,
            identical=asked.identical, actor=actor,
        )  # fmt: skip
        if wanted:
            given = approving.grants.give(
                wanted.rule, wanted.prefix, uses=wanted.uses, lasts=wanted.lasts, severity=wanted.severity,
                reason=asked.words, by=by, actor=actor,
            )  # fmt: skip
            say(f"Granted: {wanted.spoken}. `agentops-mcp revoke {given.id[-SHORT:]}` ends it.")
        say_marked(status_line(decided))
        say_marked(_next(decided, approving.settings()))
        if asked.identical:
            _say_others([requests.standing(each) for each in shown.identical])
        app.settle()


def _only_one(approving: "Approving") -> str:
    """The request that waits, where it is the only one.

    Raises:
        NotFoundError, InvalidInputError: none waits, or several do.
    """
    page = approving.requests.open(limit=_NAMED)
    if not page.lines:
        raise NotFoundError("Nothing waits for a person.", remedy="`agentops-mcp approvals --history` lists the rest.")
    if page.lines[1:]:
        named = (title(approving.requests.standing(line.id)) for line in page.lines)
        listed = "\n  ".join(f"{line.id[-SHORT:]}  {name}" for line, name in zip(page.lines, named, strict=True))
        more = (
            "\n  and more: `agentops-mcp approvals` lists them"
            if page.total > sum(line.identical for line in page.lines)
            else ""
        )
        raise InvalidInputError(f"{page.total} requests wait.", remedy=f"Say which:\n  {listed}{more}")
    return page.lines[0].id


def _refuse(found: Standing, asked: _Asked, by: str) -> None:
    """Refuse before anything is printed what could not be kept."""
    if found.status == "expired":
        raise ExpiredError("Nobody decided in time, which is a refusal.", remedy="The agent can ask again.")
    if found.status != "pending":
        raise ConflictError(
            f"It was decided before: {status_line(found)}.",
            remedy="The first decision stands; the agent can ask again.",
        )
    if asked.decision == "approve" and any(each.by == by for each in found.fold.approvals):
        raise InvalidInputError(
            "1 of 2: you approved it already, and two people must.",
            remedy="Another person must approve it, on an account of their own or on the page.",
        )
    if asked.decision == "revise" and not asked.words.strip():
        raise InvalidInputError("Say in words what is to change.", remedy="--because 'only what is older than a year'")


def _grant(found: Standing, settings: Settings, asked: _Asked) -> _Grant | None:
    """The grant that is asked for besides.

    Raises:
        InvalidInputError: it can not be given.
    """
    if asked.rule is None:
        if asked.prefix or asked.uses or asked.lasts:
            raise InvalidInputError(
                "--prefix, --uses and --for are about a grant.", remedy="Name its rule: --grant RULE"
            )
        return None
    findings = [each for each in found.request.subject.findings if each.effect]
    about = [each for each in findings if each.rule == asked.rule]
    if not about:
        rules = ", ".join(dict.fromkeys(each.rule for each in findings)) or "none"
        raise InvalidInputError(
            f"{asked.rule[:60]!r} is no rule that stands in the way of it.", remedy=f"These do: {rules}."
        )
    if floor_of(about, settings) == "two_people":
        raise InvalidInputError(f"{asked.rule} needs two people each time.", remedy="Approve it without a grant.")
    if asked.uses is None and asked.lasts is None:
        raise InvalidInputError("A grant needs an end.", remedy="Give --uses 3, or --for 30m, or both.")
    severity = max((each.severity for each in about), key=SEVERITIES.index)
    lasts = duration(asked.lasts) if asked.lasts else _GRANT_LASTS
    check_grant(asked.rule, asked.prefix, asked.uses, lasts, severity)
    return _Grant(asked.rule, asked.prefix, asked.uses, lasts, severity)


def _spoken(found: Standing, asked: _Asked, wanted: _Grant | None) -> str:
    """What is decided, in the words beside the code."""
    verb = {"approve": "approve", "reject": "reject", "revise": "send back"}[asked.decision]
    others = len(found.identical) if asked.identical else 0
    more = f" and {counted(others, 'other request')} for the same" if others else ""
    grant = f" and grant {wanted.spoken}" if wanted else ""
    return f'{verb} "{title(found)}"{more}{grant}'


def _try(found: Standing, asked: _Asked, what: str) -> None:
    """Say what would be decided, and whether that would be enough."""
    say_marked(f"{message(found)}\n")
    say(f"This would {what}. Nothing was decided.")
    if asked.decision != "approve":
        say("A terminal does for this.")
        return
    if found.request.floor == "two_people":
        given = len(found.fold.approvals) + 1
        say(f"A terminal counts for one person: {given} of 2. It needs {FLOORS['two_people']}.")
        if given < 2:
            raise typer.Exit(EXIT_FOUND)
    else:
        say(f"A terminal does for this. It needs {FLOORS[found.request.floor]}.")


def _next(decided: Standing, settings: Settings) -> str:
    """What happens now."""
    match decided.status:
        case "approved" if decided.request.subject.kind == PLAN:
            return "The agent's waiting call answers; it reads the approval, which lets no single action pass."
        case "approved":
            last = decided.fold.last
            minutes = f"{settings.grant_lasts.total_seconds() / 60:g} minutes"
            until = f", until {last.at + settings.grant_lasts:%H:%M} UTC" if last else ""
            return f"The agent's waiting call answers; it can do exactly this, once, within {minutes}{until}."
        case "pending":
            return "1 of 2: another person must approve it, on an account of their own or on the page."
        case "revise":
            return "The agent's waiting call answers with your words; it can ask again."
        case _:
            return "The agent's waiting call answers; it is told not to do it."


def _say_others(others: list[Standing]) -> None:
    for each in others:
        say_marked(f"{each.request.id[-SHORT:]}: {status_line(each)}")
