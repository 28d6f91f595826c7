"""Factor VIII put together: actions as the guard judged them, in the words of the factor that asks a person."""

import hashlib
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, cast

from agentops_mcp.core.clock import Clock
from agentops_mcp.core.display import gist
from agentops_mcp.core.errors import ConflictError, InvalidInputError, NotFoundError
from agentops_mcp.core.records import Actor
from agentops_mcp.core.redaction import redact
from agentops_mcp.core.text_diff import unified_diff
from agentops_mcp.core.ticking import Ticking
from agentops_mcp.factors.approval.rules.scopes import Grant
from agentops_mcp.factors.approval.rules.settings import Settings
from agentops_mcp.factors.approval.rules.subjects import PLAN, Finding, Subject
from agentops_mcp.factors.approval.service.audit import Audit
from agentops_mcp.factors.approval.service.grants import Grants
from agentops_mcp.factors.approval.service.requests import Requests
from agentops_mcp.factors.guardrails.render import effect_line
from agentops_mcp.factors.guardrails.rules import actions, touching
from agentops_mcp.factors.guardrails.rules.calls import HOLE, Call
from agentops_mcp.factors.guardrails.rules.passes import key_of
from agentops_mcp.factors.guardrails.rules.places import locate
from agentops_mcp.factors.guardrails.rules.remedies import safer
from agentops_mcp.factors.guardrails.rules.touching import Touched
from agentops_mcp.factors.guardrails.service.checks import Judged, Word
from agentops_mcp.factors.guardrails.service.trails import ActionTrails
from agentops_mcp.guarding import Guard
from agentops_mcp.storage import branches
from agentops_mcp.storage import touched as looked
from agentops_mcp.storage.ledger import Ledger
from agentops_mcp.storage.policy_kept import keep_pass
from agentops_mcp.storage.project import Project

_LONGEST_PLAN = 100_000
_SWEEP_S = 60.0
_DIFFED_BYTES = 1 << 20
_TARGET_CHARS = 4_096
_OF_HISTORY = frozenset({"rewrite_history", "discard_work", "publish"})


@dataclass(frozen=True, slots=True)
class Approving:
    """The services of factor VIII."""

    requests: Requests
    grants: Grants
    audit: Audit
    settings: Callable[[], Settings]
    project: Project
    guard: Guard
    clock: Clock
    time: Ticking
    """Lets time do its part (people are told again, requests expire) also when no agent and no page looks."""

    def subject(
        self, kind: str, action: str | Mapping[str, Any], *, cwd: str = "", session: str | None, actor: Actor
    ) -> Subject:
        """An action (or with kind `plan` a plan in words) as the guard finds it now; the check is kept like any other.

        Raises:
            InvalidInputError: it is no action, or no plan.
            NotFoundError, ExpiredError: the session's handle is not usable.
        """
        if kind == PLAN:
            return self._plan(action, cwd, session)
        judged = self.guard.checks.look(kind, actions.given(kind, action), cwd=cwd, session=session, actor=actor)
        return self.subject_of(judged, self.held(judged))

    def held(self, judged: Judged) -> "Held":
        """What the files that a judged action touches hold now."""
        found = touching.touched(
            judged.action, judged.calls, judged.verdict.effects, cwd=judged.cwd, home=judged.world.home
        )
        wanted = [each for each in found if each.named or _is_there(each, judged.world.project)]
        wanted.sort(key=lambda each: not each.named)
        first = wanted[: touching.MOST]
        secret = [each.path for each in first if each.secret]
        unread = looked.of_the_guard(self.guard.place)
        states = looked.states([each.path for each in first], unread=unread, secret=secret)
        return Held(states, secret, len(wanted) - len(first))

    def subject_of(self, judged: Judged, held: "Held") -> Subject:
        """A judged action, and what the files it touches hold, in the words of this factor.

        What the ledger would redact of it is redacted here, so that what was kept can be compared with what is now.
        """
        verdict, action = judged.verdict, judged.action
        return Subject(
            action.kind, _storable(dict(action.fields)), _storable(actions.text_of(action)),
            _storable(redact(judged.cwd).text),
            redact(str(self.project.root)).text, judged.digest, judged.policy, redact(_work(judged).branch()).text,
            held.named(judged.world.project), judged.decision, tuple(_findings(judged)),
            tuple(effect_line(each, limit=_TARGET_CHARS) for each in dict.fromkeys(verdict.effects)),
            _storable(safer(verdict)),
            tuple(f"{each.reason} {each.remedy}".strip() for each in judged.notices if each.rule == "runtime.incident"),
            _storable(_diff(judged)),
        )  # fmt: skip

    def _plan(self, action: str | Mapping[str, Any], cwd: str, session: str | None) -> Subject:
        self.guard.checks.require(session)
        fields = dict(action) if isinstance(action, Mapping) else {"text": action}
        text = fields.get("text")
        if set(fields) != {"text"} or not isinstance(text, str) or not _is_plan(text):
            raise InvalidInputError(
                f"A plan is a text of at most {_LONGEST_PLAN:,} characters.", remedy='Send action={"text": "1. …"}.'
            )
        import rfc8785  # not on the way of a start

        world = self.guard.ground().world
        where = locate(cwd, world.project, world).path if cwd else world.project
        project = str(self.project.root)
        document = {"cwd": where, "kind": PLAN, "project": project, "text": text}
        try:
            digest = hashlib.sha256(rfc8785.dumps(document)).hexdigest()
        except ValueError as error:  # of rfc8785
            raise InvalidInputError("Half a surrogate pair is no text.", remedy="Send it as valid UTF-8.") from error
        branch = branches.standing(where, commit=False)
        return Subject(
            PLAN, {"text": text}, text, redact(where).text, redact(project).text, digest, "", redact(branch).text, {},
            "ask",
        )  # fmt: skip


class Held(NamedTuple):
    """The files that an action touches, by their absolute paths, and what each holds."""

    states: Mapping[str, str]
    secret: Sequence[str]
    """Those of which no digest is made."""

    more: int
    """How many others there are."""

    def named(self, project: str) -> dict[str, str]:
        """The same by paths from the project on, as the ledger keeps them."""
        files: dict[str, str] = {}
        for path, state in self.states.items():
            name, held = redact(_from_project(path, project)).text, redact(state).text
            files[name] = f"{files[name]}; {held}" if name in files else held
        if self.more:
            files["more files"] = f"{self.more}, not read"
        return files


@dataclass(frozen=True, slots=True)
class Words:
    """What people decided, in the words of the guard: its `Approvals`."""

    approving: Callable[[], Approving]

    def use(self, approval: str, judged: Judged, *, session: str | None, actor: Actor) -> Word:
        """Use an approval up for this very action, if it fits."""
        approving = self.approving()
        held = approving.held(judged)
        try:
            whole = approving.requests.standing(approval).request.id
            subject = approving.subject_of(judged, held)
            used = approving.requests.use(whole, subject, session=session, actor=actor)
        except (NotFoundError, InvalidInputError) as error:
            return Word(f"approval {gist(approval, limit=60)}: {error.problem}")
        if not used.accepted:
            return Word(f"approval {whole}: {used.reason}")
        last = approving.requests.standing(whole).fold.last
        lasts = approving.settings().grant_lasts
        note = _tell_hooks(approving, judged, held, (last.at if last else approving.clock()) + lasts)
        return Word(f"approved by {used.reason}; used now, once{note}", f"approval/{whole}")

    def cover(self, judged: Judged, *, session: str | None, actor: Actor) -> Word | None:
        """Use what was granted in advance, if it covers everything that stands in the way."""
        approving = self.approving()
        if not approving.grants.live():
            return None
        findings = [*_findings(judged, shown=False), *_where_links_lead(judged)]
        try:
            spent = approving.grants.spend(findings, action=judged.digest, session=session, actor=actor)
        except ConflictError:  # others were faster: a person can still be asked
            return None
        if not spent:
            return None
        until = min(approving.clock() + approving.settings().grant_lasts, *(each.until for each in spent))
        note = _tell_hooks(approving, judged, approving.held(judged), until)
        said = f"granted in advance {' and '.join(map(_granted, spent))}{note}"
        return Word(said, f"grant/{spent[0].id}", tuple((each.rule, f"grant/{each.id}") for each in spent))


def _tell_hooks(approving: Approving, judged: Judged, held: Held, until: datetime) -> str:
    """Leave a pass for the hooks of clients, which judge the call by itself; returns what to say where that failed."""
    key = key_of(judged.action, judged.world, cwd=judged.cwd, policy=judged.policy)
    states = {**held.states, **looked.states(_work(judged).files())}
    document = {
        "until": until.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "files": list(states.items()),
        "secret": list(held.secret),
    }  # fmt: skip
    try:
        keep_pass(approving.guard.place, key, document)
    except OSError:
        return "; a client's hook could not be told"
    return ""


def open_approving(
    project: Project, guard: Guard, ledger: Ledger, *, settings: Callable[[], Settings],
    notify: Callable[[str, str], None], clock: Clock, new_id: Callable[[], str],
) -> Approving:  # fmt: skip
    """Build the services for an opened project."""
    requests = Requests(ledger, settings=settings, notify=notify, clock=clock, new_id=new_id)
    grants = Grants(ledger, root=str(project.root), settings=settings, clock=clock, new_id=new_id)
    audit = Audit(ledger, requests, ActionTrails(ledger))
    time = Ticking(requests.sweep, every_s=_SWEEP_S).start()
    return Approving(requests, grants, audit, settings, project, guard, clock, time)


def _findings(judged: Judged, *, shown: bool = True) -> Iterator[Finding]:
    """What stands in the way; with `shown` an unknown part of a target is written as people read it."""
    for each in judged.verdict.findings:
        if each.decision != "allow":
            target = _storable(each.effect.target.replace(HOLE, "…")) if shown else each.effect.target
            yield Finding(each.rule.id, each.decision, each.rule.severity, each.rule.reason, each.effect.kind, target,
                          each.effect.place)  # fmt: skip
    for each in judged.notices:
        if each.decision != "allow":
            yield Finding(each.rule, each.decision, each.severity, each.reason)


def _where_links_lead(judged: Judged) -> Iterator[Finding]:
    """The same findings where links lead: a grant for a folder is none for what a link in it points to."""
    for each in _findings(judged, shown=False):
        if each.target.startswith("/") and (real := judged.world.real(each.target)) != each.target:
            yield Finding(each.rule, each.decision, each.severity, each.reason, each.effect, real, each.place)


def _granted(grant: Grant) -> str:
    scope = f"{grant.rule}, {grant.prefix}" if grant.prefix else grant.rule
    count = f"{grant.used + 1} of {grant.uses} uses" if grant.uses else f"until {grant.until:%H:%M} UTC"
    return f"by {grant.given_by} ({scope}, {count})"


def _storable(value: Any) -> Any:
    """A value of JSON that every database takes: numbers that JSON has no form for as text, and NUL made visible."""
    if isinstance(value, Mapping):
        return {_storable(str(key)): _storable(each) for key, each in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list):
        return [_storable(each) for each in cast("list[Any]", value)]
    if isinstance(value, str):
        return value.replace("\0", "\\u0000")
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def _is_plan(text: str) -> bool:
    return 0 < len(text.strip()) <= _LONGEST_PLAN and "\0" not in text


def _from_project(path: str, project: str) -> str:
    return "." if path == project else path.removeprefix(project.rstrip("/") + "/")


def _is_there(each: Touched, root: str) -> bool:
    """Whether a word names a file, or a folder of the project; nothing is asked of another machine."""
    if each.path.startswith("//"):
        return False
    try:
        path = Path(each.path)
        return os.path.lexists(path) and (not path.is_dir() or path.resolve().is_relative_to(root))
    except (OSError, ValueError, RuntimeError):  # the last for a loop of links
        return False


def _diff(judged: Judged) -> str:
    """What a write changes in the file as it is; empty where that is not known, or not to be shown."""
    content = judged.action.fields.get("content")
    if judged.action.kind != "file_write" or not isinstance(content, str) or len(content) > _DIFFED_BYTES:
        return ""
    found = touching.touched(judged.action, (), (), cwd=judged.cwd, home=judged.world.home)
    if not found:  # no path that a system could have
        return ""
    path = found[0].path
    before = looked.text_of(path, limit=_DIFFED_BYTES)
    if before is None and looked.states([path])[path] != looked.ABSENT:
        return ""
    return unified_diff(before, content, _from_project(path, judged.world.project).lstrip("/"))


class _Work(NamedTuple):
    """Where an action works, as far as git is concerned."""

    folders: Sequence[str]
    words: Sequence[str]
    """Those of its git commands."""

    commit: bool
    """Whether it is about history or publishing, so that a decision is about the very commit."""

    def branch(self) -> str:
        """The branch of every repository it is about."""
        found = (branches.standing(each, commit=self.commit, words=self.words) for each in self.folders)
        return "; ".join(each for each in dict.fromkeys(found) if each)

    def files(self) -> list[str]:
        """The files of git by which a hook sees whether that changed."""
        return [file for each in self.folders for file in branches.files_of(each, commit=self.commit)]


def _work(judged: Judged) -> _Work:
    calls = [each for each in judged.calls if each.name == "git" and "remote" not in each.traits]
    folders = [judged.cwd, *(folder for each in calls for folder in _folders(each))]
    words = [word for each in calls for word in each.argv[1:]]
    history = any(each.kind in _OF_HISTORY or each.place == "git" for each in judged.verdict.effects)
    return _Work(list(dict.fromkeys(folders)), words, bool(calls) or history)


def _folders(call: Call) -> Iterator[str]:
    """Where a call of git works: where it is called, and where `-C` sends it."""
    if HOLE not in call.cwd:
        yield call.cwd
        for option, value in zip(call.argv, call.argv[1:], strict=False):
            if option == "-C" and HOLE not in value:
                yield os.path.normpath(f"{call.cwd}/{value}" if not Path(value).is_absolute() else value)
