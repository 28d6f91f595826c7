"""What a decision is about: an action as the server found it, and what binds a decision to it."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

PLAN = "plan"
"""The kind of a subject that is no action: a plan in words, of which an approval is read and not used up."""

SEVERITIES = ("low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that stands in the way of an action, and the effect that it is about."""

    rule: str
    decision: str
    """`ask` or `deny`."""

    severity: str
    reason: str
    effect: str = ""
    """The kind of the effect; empty where a rule of the run speaks (spirals, breakers, budgets)."""

    target: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """An action (or a plan), and everything a decision about it depends on. All of it is the server's own finding."""

    kind: str
    fields: Mapping[str, Any]
    text: str
    """The whole action in one text, for people."""

    cwd: str
    project: str
    action: str
    """The digest of the action by which check_action and report_outcome name it."""

    policy: str
    """The version of the guard's policy."""

    branch: str
    """The branch that is checked out; for an action on history also the commit."""

    files: Mapping[str, str]
    """Every file the action touches, and a digest of what it held."""

    decision: str
    """What the guard said: `allow`, `ask` or `deny`."""

    findings: tuple[Finding, ...] = ()
    effects: tuple[str, ...] = ()
    """Every effect in a line of its own."""

    safer: str = ""
    past: tuple[str, ...] = ()
    """Incidents that look like it, in words."""

    diff: str = ""
    """What would change in files, as a unified diff, where that is known."""

    @property
    def severity(self) -> str:
        """The worst of what was found; `low` when nothing was."""
        return max((each.severity for each in self.findings), key=SEVERITIES.index, default=SEVERITIES[0])


def binding(subject: Subject, *, requester: str, session: str | None) -> str:
    """SHA-256 in hex over what an approval is bound to (RFC 8785 JSON), and nothing an agent says about it."""
    import rfc8785  # not on the way of a start

    document = {
        "action": subject.action, "branch": subject.branch, "cwd": subject.cwd, "files": dict(subject.files),
        "kind": subject.kind, "policy": subject.policy, "project": subject.project, "requester": requester,
        "session": session or "",
    }  # fmt: skip
    return hashlib.sha256(rfc8785.dumps(document)).hexdigest()


def changes(shown: Subject, now: Subject) -> list[str]:
    """What is not as it was when it was shown, in words; empty when an approval still fits."""
    found: list[str] = []
    if shown.project != now.project:
        return ["it is another project"]
    if shown.policy != now.policy:  # which is in the action's digest, too
        found.append("the guard's policy changed")
    elif (shown.kind, shown.action, shown.cwd) != (now.kind, now.action, now.cwd):
        found.append("the action is not the one that was shown")
    if shown.branch != now.branch:
        found.append(f"the branch changed from {shown.branch or 'none'} to {now.branch or 'none'}")
    if shown.action == now.action:
        known = shown.files.keys() | now.files.keys()
        if changed := sorted(path for path in known if shown.files.get(path) != now.files.get(path)):
            found.append(f"{changed[0]} changed" + (f", and {len(changed) - 1} more files" if changed[1:] else ""))
        seen = {(each.rule, each.decision) for each in shown.findings} | {
            (each.rule, "ask") for each in shown.findings if each.decision == "deny"
        }
        new = [each.rule for each in now.findings if (each.rule, each.decision) not in seen]
        found += [f"{rule} stands in the way now" for rule in dict.fromkeys(new)]
    return found


def to_body(subject: Subject) -> dict[str, Any]:
    """A subject as an event keeps it."""
    body = asdict(subject)
    body["files"] = [list(each) for each in subject.files.items()]  # a path as a key may look like a secret's name
    return body


def of_body(body: Mapping[str, Any]) -> Subject:
    """A subject from an event.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: it is none.
    """
    texts = {name: _text(body[name]) for name in _TEXTS}
    return Subject(
        fields={**body["fields"]}, files={_text(path): _text(held) for path, held in body["files"]},
        findings=tuple(map(_finding, body["findings"])), effects=tuple(map(_text, body["effects"])),
        past=tuple(map(_text, body["past"])), **texts,
    )  # fmt: skip


_TEXTS = ("kind", "text", "cwd", "project", "action", "policy", "branch", "decision", "safer", "diff")


def _finding(body: Mapping[str, Any]) -> Finding:
    found = Finding(**{key: _text(value) for key, value in body.items()})
    if found.severity not in SEVERITIES:
        raise ValueError("a severity is not known")
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text was expected")
    return value
