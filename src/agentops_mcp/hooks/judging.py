"""Judging what a client is about to do, and noting how it went."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from agentops_mcp.factors.guardrails.rules import actions, packs
from agentops_mcp.factors.guardrails.rules.calls import HOLE
from agentops_mcp.factors.guardrails.rules.packs import Table
from agentops_mcp.factors.guardrails.rules.remedies import safer_than
from agentops_mcp.factors.guardrails.rules.verdicts import DECISIONS, Finding, Policy, Verdict
from agentops_mcp.hooks.tools import Action, Arguments, Json
from agentops_mcp.storage import policy_files
from agentops_mcp.storage.machine import Machine, Place, slashed
from agentops_mcp.storage.policy_kept import has_passes, read_exemptions

_MOST_REASONS = 3
_MOST_CHARS = 1_200
_MOST_NOTED_CHARS = 2_000
_MOST_NAME_CHARS = 100


def decision(
    wanted: list[Action], place: Place, environment: Mapping[str, str], *, cwd: str, headless: bool
) -> tuple[str, str]:
    """The strictest decision on some actions, and the reason for it; the reason of `allow` is empty.

    Raises:
        AgentOpsError: the policy can not be read, or an action is not what its kind needs.
    """
    loaded = policy_files.load(place, environment, _compiled)
    policy = packs.policy_of(loaded.data, version=loaded.version, headless=headless)
    world = Machine(place, environment)
    strictest, reason = DECISIONS[0], ""
    for kind, fields in wanted:
        verdict = _checked(kind, fields, policy, world, cwd=cwd, now=_now())
        if verdict.decision != "allow":
            verdict = _after_exemptions(verdict, place, headless=policy.headless)
        if verdict.decision != "allow" and _is_let_through(kind, fields, policy, world, place, cwd):
            continue
        if DECISIONS.index(verdict.decision) > DECISIONS.index(strictest):
            strictest, reason = verdict.decision, told(verdict)
    return strictest, reason


def _compiled(tables: Sequence[Table], person: Table | None, project: Table | None) -> Mapping[str, Json]:
    """What files come to that changed since they were last read: the only time that a hook is not quick."""
    from agentops_mcp.factors.guardrails.rules import trying

    return trying.compiled(tables, person, project, builtin=policy_files.builtin_names)


def _checked(kind: str, fields: Mapping[str, object], policy: Policy, world: Machine, *, cwd: str, now: str) -> Verdict:
    return actions.check(actions.checked(kind, fields), policy, world, slashed(cwd), now)


def _after_exemptions(verdict: Verdict, place: Place, *, headless: bool) -> Verdict:
    """What is left of a verdict after what people exempted."""
    kept = read_exemptions(place)
    if not kept:
        return verdict
    from datetime import UTC, datetime

    from agentops_mcp.factors.guardrails.rules.exemptions import exempt, from_kept

    live = [each for each in map(from_kept, kept) if each]
    return exempt(verdict, (), live, now=datetime.now(UTC), headless=headless).verdict


def _is_let_through(
    kind: str, fields: Mapping[str, object], policy: Policy, world: Machine, place: Place, cwd: str
) -> bool:
    """Whether a person let this very action pass, and the files it touches are as they were then; it does so once."""
    if not has_passes(place):
        return False
    from agentops_mcp.factors.guardrails.rules.passes import keys_for
    from agentops_mcp.storage.policy_kept import read_pass, take_pass

    for key in keys_for(actions.checked(kind, fields), world, cwd=slashed(cwd), policy=policy.version):
        document = read_pass(place, key)
        if document is not None and _holds(document, place) and take_pass(place, key):
            return True
    return False


def _holds(document: Mapping[str, Any], place: Place) -> bool:
    from agentops_mcp.storage.touched import of_the_guard, states

    try:
        files = {str(path): held for path, held in document["files"]}
        secret = [str(path) for path in document["secret"]]
        fresh = str(document["until"]) > _now()
    except (LookupError, TypeError, ValueError):
        return False
    return fresh and states(files, unread=of_the_guard(place), secret=secret) == files


def told(verdict: Verdict) -> str:
    """Why, what it would touch, the rule, and the safer way: one line for a model and a person."""
    parts: list[str] = []
    said: set[str] = set()
    for finding in verdict.findings:
        if finding.decision != "allow" and finding.rule.id not in said and len(said) < _MOST_REASONS:
            said.add(finding.rule.id)
            parts.append(_sentence(finding))
    return _plain(" ".join(parts) or "The guard's rules hold this back.")[:_MOST_CHARS]


def _sentence(finding: Finding) -> str:
    rule, effect = finding.rule, finding.effect
    reason = rule.reason.rstrip(". ")
    better = safer_than(finding)
    safer = f" Safer: {better}" if better else ""
    target = f"{effect.target[:200]}; " if effect.target else ""
    return f"{reason} ({target}rule {rule.id}).{safer}"


def _plain(text: str) -> str:
    """On one line, without what could deceive a reader."""
    return "".join(c if c.isprintable() else "…" if c == HOLE else " " for c in " ".join(text.split()))


def note(place: Place, *, client: str, session: str, tool: str, arguments: Arguments, ok: bool, error: str) -> None:
    """Leave a line about a call that has ended, without its secrets, for whoever opens the database next."""
    from agentops_mcp.core.redaction import redact, redact_json
    from agentops_mcp.storage.outcome_spool import leave

    leave(
        place.data_dir,
        {
            "at": _now(), "client": client, "session": session[:_MOST_NAME_CHARS], "tool": tool[:_MOST_NAME_CHARS],
            "arguments": redact_json({key: _cut(value) for key, value in arguments.items()}).document, "ok": ok,
            "error": redact(error[-_MOST_NOTED_CHARS:]).text,
        },
    )  # fmt: skip


def _cut(value: Json) -> Json:
    """An argument, with what makes it long left out: the beginning of a text tells one call from another."""
    if isinstance(value, str):
        return value[:_MOST_NOTED_CHARS]
    return value if value is None or isinstance(value, int | float) else _cut(json.dumps(value))


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
