"""A request as a person reads it: what the server found out first, and then the agent's words, set apart.

Everything in it went through `revealed`, so that nothing is hidden and nothing passes for something else. Nothing is
cut: who decides about what they can not see decides about something else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, cast

from agentops_mcp.core.lookalikes import revealed
from agentops_mcp.factors.approval.render import actions
from agentops_mcp.factors.approval.render.actions import counted, one_line
from agentops_mcp.factors.approval.rules.proposals import Proposal
from agentops_mcp.factors.approval.rules.settings import SPOKEN, Need, Strength
from agentops_mcp.factors.approval.rules.standing import Decided, Fold
from agentops_mcp.factors.approval.rules.subjects import PLAN, SEVERITIES, Finding, Subject

FLOORS: dict[Strength, str] = {
    "client": "a person, at the page, a terminal or the client's dialog",
    "page": "a person at the page or a terminal; the client's dialog does not do",
    "terminal": "a person at a terminal",
    "two_people": "two different people, each at the page or a terminal",
}
"""Who can approve, in words."""

_NEEDS: dict[Need, str] = {
    "required": "A person must approve it.",
    "optional": "The settings leave it to the agent whether a person is asked.",
    "none": "The settings ask nobody about it.",
}


class Asked(Protocol):
    """What is rendered of a request."""

    @property
    def id(self) -> str:
        """What names it."""
        ...

    @property
    def subject(self) -> Subject:
        """The action, and what the server found out about it."""
        ...

    @property
    def proposal(self) -> Proposal:
        """The agent's words."""
        ...

    @property
    def floor(self) -> Strength:
        """What a decision must come by at the least."""
        ...

    @property
    def need(self) -> Need:
        """Whether a person must decide."""
        ...

    @property
    def requester(self) -> str:
        """Who asks."""
        ...

    @property
    def session(self) -> str | None:
        """In which session."""
        ...

    @property
    def at(self) -> datetime:
        """When it was asked."""
        ...

    @property
    def escalates_at(self) -> datetime:
        """When people are told again."""
        ...

    @property
    def expires_at(self) -> datetime:
        """When it is refused because nobody decided."""
        ...


class Standing(Protocol):
    """What is rendered of a request, and of where it stands."""

    @property
    def request(self) -> Asked:
        """The request as it was made."""
        ...

    @property
    def fold(self) -> Fold:
        """What was decided."""
        ...

    @property
    def identical(self) -> Sequence[str]:
        """Other open requests for the same action."""
        ...

    @property
    def here(self) -> bool:
        """Whether it was made in this database, and did not come from another clone."""
        ...


@dataclass(frozen=True, slots=True)
class Section:
    """One part of what is shown; every line is safe to show as it is."""

    heading: str
    lines: tuple[str, ...]
    """Of `text` each is a statement of its own and may have line breaks; of the others each is one line."""

    whose: Literal["server", "agent"]
    form: Literal["text", "code", "diff"]


def title(standing: Standing) -> str:
    """What would be done, on one line: the server's words and the action's, not the agent's."""
    return actions.headline(standing.request.subject)


def sections(standing: Standing) -> list[Section]:
    """Everything a person reads before deciding, in the order in which they should."""
    return [*_found(standing), *_said(standing.request.proposal)]


def message(standing: Standing) -> str:
    """The same as plain text. Every line of it that others wrote is indented and marked, so none passes for another."""
    shown = sections(standing)
    lines = [title(standing), status_line(standing), f"Request {standing.request.id}"]
    for each in shown:
        if each.whose == "server":
            lines += ["", each.heading.upper(), *_marked(each, "  ")]
    lines += ["", "THE AGENT'S OWN WORDS, WHICH NOBODY CHECKED"]
    for each in shown:
        if each.whose == "agent":
            lines += [f"  {each.heading}", *(f"  > {line}" for text in each.lines for line in text.split("\n"))]
    return "\n".join(lines)


def status_line(standing: Standing) -> str:
    """Where a request stands, on one line: its status in capitals, by whom, and their words."""
    request, fold = standing.request, standing.fold
    by = " and ".join(_by(each) for each in fold.approvals)
    match fold.status:
        case "pending":
            until = f"refused at {_minute(request.expires_at)} if nobody decides"
            if fold.approvals:
                return f"PENDING, 1 of 2: approved by {by}; another person must approve it; {until}"
            return f"PENDING since {_minute(request.at)}; {until}"
        case "approved":
            return f"APPROVED by {by}{_words(fold.last)}"
        case "rejected":
            return f"REJECTED by {_by(fold.last)}{_words(fold.last)}"
        case "revise":
            return f"REVISE, sent back by {_by(fold.last)}{_words(fold.last)}"
        case "expired":
            return f"EXPIRED at {_minute(request.expires_at)}: nobody decided in time, which is a refusal"
        case "used":
            return f"USED, once; approved by {by or _by(fold.last)}{_words(fold.last)}"
        case "lapsed":
            return f"LAPSED: approved by {by}, and not used in time"


def _found(standing: Standing) -> Iterator[Section]:
    """What the server found out itself."""
    subject = standing.request.subject
    yield Section(_heading(subject), actions.in_full(subject), "server", "code")
    yield _text("What stands in the way", _in_the_way(subject))
    if subject.effects:
        yield _text("What it does", (one_line(each) for each in subject.effects))
    if files := actions.files_of(subject):
        yield _text(f"What it touches: {counted(len(files), 'path')}", files)
    yield _text("Where, and who asks", _where(standing))
    yield _text("What a decision needs", _needs(standing))
    if subject.past:
        yield _text("What went wrong before", (revealed(each) for each in subject.past))
    if subject.safer:
        yield _text("A safer way", (revealed(subject.safer),))
    if held := actions.payload(subject):
        yield Section(*held, "server", "code")
    if diff := actions.diff_lines(subject):
        yield Section("What changes in files", diff, "server", "diff")


def _said(proposal: Proposal) -> Iterator[Section]:
    """What the agent says, each part under its name."""
    own = ", ".join(f"{measure} {level}" for measure, level in proposal.levels.items())
    impact = (*(f"{key}: {_said_of(value)}" for key, value in proposal.impact.items() if key != "level" and value),)
    parts: tuple[tuple[str, Sequence[str]], ...] = (
        ("Summary", (proposal.summary,)),
        ("What will change", (proposal.changes,)),
        ("How to undo it", (proposal.rollback,)),
        ("Impact", (*impact, f"by its own measure: {own}")),
        ("Alternatives, and why not", proposal.alternatives),
        ("Risks", proposal.risks),
        ("Confidence", () if proposal.confidence is None else (f"{proposal.confidence * 100:g} %",)),
        ("Questions to you", proposal.questions),
        ("Phase", (proposal.phase,)),
        ("Task", (proposal.task,)),
        ("State to resume with", (proposal.state,)),
    )
    for heading, texts in parts:
        if lines := tuple(revealed(each) for each in texts if each):
            yield Section(heading, lines, "agent", "text")


def _heading(subject: Subject) -> str:
    if subject.kind == PLAN:
        return "The plan, in full"
    return f"What will happen, in full ({subject.kind.replace('_', ' ')})"


def _in_the_way(subject: Subject) -> Iterator[str]:
    worst = sorted(subject.findings, key=lambda each: -SEVERITIES.index(each.severity))
    yield from map(_finding_line, worst)
    if not worst:
        yield "The guard judges no plans." if subject.kind == PLAN else "No rule of the guard."


def _finding_line(finding: Finding) -> str:
    does = "denies it" if finding.decision == "deny" else "asks"
    target = ": ".join(filter(None, (finding.effect, one_line(finding.target))))
    place = f" ({one_line(finding.place)})" if finding.place else ""
    about = f", for {target}{place}" if target else ""
    return f"{finding.severity}: {one_line(finding.reason)} {one_line(finding.rule)} {does}{about}."


def _where(standing: Standing) -> Iterator[str]:
    request, subject = standing.request, standing.request.subject
    if not standing.here:
        yield "It came from another clone, and nothing here vouches for it: it can be rejected here, not approved."
    yield f"Folder: {one_line(subject.cwd)}"
    if subject.project != subject.cwd:
        yield f"Project: {one_line(subject.project)}"
    yield f"Branch: {one_line(subject.branch) or 'none'}"
    session = f", in session {one_line(request.session)}" if request.session else ", outside any session"
    yield f"Asked by {one_line(request.requester)}{session}, {_minute(request.at)}"


def _needs(standing: Standing) -> Iterator[str]:
    request = standing.request
    yield f"{_NEEDS[request.need]} Who can: {FLOORS[request.floor]}."
    if standing.fold.status == "pending":
        yield f"Without a decision people are told again at {_minute(request.escalates_at)}."
        yield f"Without a decision it is refused at {_minute(request.expires_at)}."
    if standing.identical:
        yield f"{counted(len(standing.identical), 'other open request')} for the same action."


def _by(decided: Decided | None) -> str:
    if decided is None:
        return "nobody known"
    return f"{one_line(decided.by)}, {SPOKEN[decided.strength]}, {_minute(decided.at)}"


def _words(decided: Decided | None) -> str:
    return f": {' '.join(revealed(decided.feedback).split())}" if decided and decided.feedback else ""


def _said_of(value: object) -> str:
    return ", ".join(map(str, cast("list[object]", value))) if isinstance(value, list) else str(value)


def _text(heading: str, lines: Iterator[str] | Sequence[str]) -> Section:
    return Section(heading, tuple(lines), "server", "text")


def _marked(section: Section, indent: str) -> Iterator[str]:
    for text in section.lines:
        if section.form == "text":
            yield f"{indent}- " + text.replace("\n", f"\n{indent}  ")
        else:
            yield f"{indent}| {text}"


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
