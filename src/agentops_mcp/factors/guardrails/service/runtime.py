"""Steps of factor XI while work goes on: calls are kept, spirals and breakers seen, budgets charged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from agentops_mcp.core.clock import Clock
from agentops_mcp.core.display import gist
from agentops_mcp.core.errors import ConflictError
from agentops_mcp.core.records import Actor
from agentops_mcp.core.redaction import redact
from agentops_mcp.factors.guardrails.rules import breakers, budgets, spirals
from agentops_mcp.factors.guardrails.rules.breakers import Standing
from agentops_mcp.factors.guardrails.rules.budgets import Amounts, Limits
from agentops_mcp.factors.guardrails.rules.notices import Notice
from agentops_mcp.factors.guardrails.rules.signatures import Signature, signature
from agentops_mcp.factors.guardrails.rules.spirals import Spiral
from agentops_mcp.factors.guardrails.service.spooled import Spooled, read_rows
from agentops_mcp.factors.guardrails.store import calls, charges
from agentops_mcp.factors.guardrails.store.calls import Call
from agentops_mcp.storage.ledger import Ledger

_ERROR_CHARS = 200
_LOOKED_AT = 200
_MOST_LINES = 500
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Recorded:
    """A kept call, and what stands after it: spirals, and a breaker that is not closed."""

    id: str
    notices: tuple[Notice, ...]


@dataclass(frozen=True, slots=True)
class Spool:
    """What became of reports from elsewhere: kept now, kept before, or not readable."""

    kept: int
    known: int
    unreadable: int


class Runtime:
    """What recent calls and what was used say about the next one."""

    def __init__(self, ledger: Ledger, *, project: str, home: str, limits: Limits, clock: Clock) -> None:
        self._ledger = ledger
        self._project = project
        self._home = home
        self._limits = limits
        self._clock = clock

    def signature(self, tool: str, arguments: object) -> Signature:
        """The signature of a call in this project."""
        return signature(tool, arguments, project=self._project, home=self._home)

    def before(
        self, tool: str, arguments: object, *, session: str | None, actor: Actor, probing: bool = True
    ) -> tuple[Notice, ...]:
        """What the run says about an action before it happens.

        Where a breaker admits a probe, this call takes it, and `probing` says whether it may: not for an action that
        is denied already, whose probe would never report.
        """
        found = self.signature(tool, arguments)
        notices = spirals.notices(self.spirals(session, found.digest), found.digest)
        if target := breakers.target_of(tool, arguments):
            notices += self._about_target(target, session, actor, probing)
        return (*notices, *self.about_budgets(session))

    def spirals(self, session: str | None, digest: str) -> list[Spiral]:
        """The spirals that stand: of a session, and of one call in every session."""
        now = self._clock()
        since = (now - 2 * spirals.WINDOW).isoformat(timespec="microseconds")
        with self._ledger.read() as tx:
            of_session = calls.of_session(tx, session, limit=_LOOKED_AT)
            equal = calls.of_signature(tx, digest, since=since, limit=_LOOKED_AT)
        # Of the session's calls all are looked at, as a success of another call ends a spiral too.
        together = sorted({*of_session, *equal}, key=lambda call: (call.at, call.n))
        wanted = dict.fromkeys([digest, *(call.signature for call in of_session if not call.ok)])
        found = [spirals.identical(together, each, now=now) for each in wanted]
        return [each for each in (spirals.consecutive(of_session, now=now), *found) if each]

    def standing(self, target: str) -> Standing:
        """How the breaker of a target (`host:…`, `service:…`, `tool:…`) stands."""
        with self._ledger.read() as tx:
            return breakers.standing(calls.breaker(tx, target), now=self._clock())

    def about_budgets(self, session: str | None) -> list[Notice]:
        """What the budgets say about the next action."""
        if not self._limits.any:
            return []
        start = (self._clock() - timedelta(days=self._limits.project_days)).isoformat(timespec="microseconds")
        with self._ledger.read() as tx:
            of_session = None
            if session:
                of_session = charges.of_session(tx, session).after(calls=calls.any_of_session(tx, session))
            of_project = charges.since(tx, start).after(calls=calls.any_since(tx, start))
        return [
            *budgets.notices("session", of_session, self._limits.session, self._limits.over),
            *budgets.notices("project", of_project, self._limits.project, self._limits.over),
        ]

    def record_signed(
        self, signed: Signature, *, ok: bool, error: str, target: str, session: str | None, actor: Actor
    ) -> Recorded:
        """Keep how a call went of which the signature is known."""
        at = self._clock().isoformat(timespec="microseconds")
        call = Call(at, signed.tool, signed.digest, signed.shown, ok, error_gist(error), target, session)
        (written,) = self._ledger.append([calls.called(call)], actor=actor)
        return Recorded(written.event.id, tuple(self._after(call)))

    def record_calls(self, rows: Sequence[Mapping[str, Any]], *, actor: Actor) -> Spool:
        """Keep reports of a client's hook: `{at, session, client, tool, arguments, ok, error}` each.

        A report that was kept before is not kept again, whoever brings it; so a spool that was read by a process that
        then died is read once more without harm.
        """
        read, unreadable = read_rows(rows, now=self._clock())
        made = [self._spooled(each) for each in read]
        made = list({call.once: call for call in made}.values())
        for _ in range(_TRIES):
            last = self._ledger.last_in(calls.STREAM)
            with self._ledger.read() as tx:
                known = calls.known_once(tx, [call.once for call in made])
            drafts = [calls.called(call) for call in made if call.once not in known]
            if not drafts:
                break
            try:
                self._ledger.append(drafts, actor=actor, expected={calls.STREAM: last})
            except ConflictError:  # another call was kept meanwhile, perhaps one of these
                continue
            return Spool(len(drafts), len(read) - len(drafts), unreadable)
        else:
            raise ConflictError("Too many calls are being recorded at once.", remedy="Call again in a moment.")
        return Spool(0, len(read), unreadable)

    def charge(self, amounts: Amounts, *, session: str | None, actor: Actor, total: bool = False) -> tuple[Notice, ...]:
        """Charge what was used, or with `total` say what the session used in all; returns what the budgets say now.

        Raises:
            InvalidInputError: an amount is negative or too large.
        """
        budgets.check_charge(amounts)
        self._ledger.append([charges.charged(amounts, session=session, total=total)], actor=actor)
        return tuple(self.about_budgets(session))

    def _after(self, call: Call) -> list[Notice]:
        notices = spirals.notices(self.spirals(call.session, call.signature), call.signature)
        if call.target:
            with self._ledger.read() as tx:
                known = calls.breaker(tx, call.target)
            notice = breakers.notice(call.target, breakers.standing(known, now=self._clock()), known.failures)
            notices += [notice] if notice else []
        return notices

    def _about_target(self, target: str, session: str | None, actor: Actor, probing: bool) -> list[Notice]:
        """The breaker's word; where it admits a probe, the one who moves the target's stream has it."""
        stream = calls.probe_stream(target)
        for _ in range(_TRIES):
            last = self._ledger.last_in(stream)
            with self._ledger.read() as tx:
                known = calls.breaker(tx, target)
            standing = breakers.standing(known, now=self._clock())
            if standing.state != "half_open" or not probing or self._probes(target, stream, last, session, actor):
                notice = breakers.notice(target, standing, known.failures)
                return [notice] if notice else []
        notice = breakers.notice(target, Standing("probing", 1), breakers.FAILURES)
        return [notice] if notice else []

    def _probes(self, target: str, stream: str, last: str | None, session: str | None, actor: Actor) -> bool:
        """Whether the probe is this caller's: nobody moved the target's stream since it was read."""
        try:
            self._ledger.append([calls.probed(target, session=session)], actor=actor, expected={stream: last})
        except ConflictError:
            return False
        return True

    def _spooled(self, row: Spooled) -> Call:
        found = self.signature(row.tool, row.arguments)
        return Call(
            row.at, found.tool, found.digest, found.shown, row.ok, error_gist(row.error),
            breakers.target_of(row.tool, row.arguments), row.session, row.once,
        )  # fmt: skip


def error_gist(error: str) -> str:
    """The line of an error that says most, without secrets: the last that speaks of one, else the last."""
    lines = [line for line in error.splitlines()[-_MOST_LINES:] if line.strip()]
    telling = [line for line in lines if any(word in line.lower() for word in ("error", "failed", "denied", "not "))]
    return gist(redact((telling or lines or [""])[-1][:2_000]).text, limit=_ERROR_CHARS)
