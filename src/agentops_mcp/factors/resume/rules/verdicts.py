"""Whether a claim still holds: FRESH, STALE or UNVERIFIABLE, from what became of the files and commits it cites."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from agentops_mcp.core.display import listed

Verdict = Literal["FRESH", "STALE", "UNVERIFIABLE"]

_REASONS_SHOWN = 2
_GRAVITY: dict[Verdict, int] = {"FRESH": 0, "UNVERIFIABLE": 1, "STALE": 2}


@dataclass(frozen=True, slots=True)
class Check:
    """A verdict, and why it is not FRESH."""

    verdict: Verdict
    reasons: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.reasons:
            return self.verdict
        more = len(self.reasons) - _REASONS_SHOWN
        return f"{self.verdict}: {'; '.join(self.reasons[:_REASONS_SHOWN])}{f'; {more} more' if more > 0 else ''}"


FRESH = Check("FRESH")


def stale(reason: str) -> Check:
    """A claim that no longer holds as it was made."""
    return Check("STALE", (reason,))


def unverifiable(reason: str) -> Check:
    """A claim that cannot be looked up here."""
    return Check("UNVERIFIABLE", (reason,))


def together(checks: Iterable[Check]) -> Check | None:
    """The gravest of several verdicts with every reason for it; None when there is nothing to judge."""
    found = list(checks)
    if not found:
        return None
    worst = max(found, key=lambda check: _GRAVITY[check.verdict]).verdict
    reasons = [reason for check in found if check.verdict == worst for reason in check.reasons]
    return Check(worst, tuple(dict.fromkeys(reasons)))


FileState = Literal[
    "same", "changed", "deleted", "renamed", "renamed and changed", "created", "still missing", "unreadable"
]


def judge_file(path: str, state: FileState, moved_to: str | None) -> Check:
    """What became of a cited file."""
    match state:
        case "same":
            return FRESH
        case "changed" | "deleted":
            return stale(f"{path} {state}")
        case "renamed":
            return stale(f"{path} renamed to {moved_to}, content unchanged")
        case "renamed and changed":
            return stale(f"{path} renamed to {moved_to} and changed")
        case "created":
            return stale(f"{path} did not exist, and does now")
        case "still missing":
            return unverifiable(f"{path} never existed")
        case "unreadable":
            return unverifiable(f"{path} cannot be read here")


CommitState = Literal["in history", "left behind", "unknown"]


def judge_commit(
    commit: str, then: CommitState, now: CommitState, *, branch: str | None = None, successor: str | None = None
) -> Check:
    """What became of a cited commit: whether it still is where it was, in or outside the history of HEAD."""
    short = commit[:12]
    if now == "unknown":
        return unverifiable(f"commit {short} is not in this clone")
    if now == then or now == "in history":
        return FRESH
    if branch:
        return stale(f"commit {short} is on {branch}, not in HEAD's history")
    return stale(f"commit {short} was rewritten" + (f" as {successor[:12]}" if successor else ""))


def judge_head(
    *, branch: str | None, head: str | None, now_branch: str | None, now_head: str | None, branch_exists: bool | None,
    known: bool, ahead: int, behind: int, touched: Sequence[str],
) -> Check:  # fmt: skip
    """What became of the branch and the commit that were checked out."""
    if head is not None and not known:
        return unverifiable(f"commit {head[:12]} of then is not in this clone")
    reasons: list[str] = []
    if branch != now_branch:
        place = f"branch {now_branch}" if now_branch else "a detached HEAD"
        reasons.append(f"now on {place}, then on {f'branch {branch}' if branch else 'a detached HEAD'}")
    if branch is not None and branch_exists is False:
        reasons.append(f"branch {branch} is gone")
    if head != now_head:
        reasons.append(_moved(ahead, behind, touched) if head else "the first commit was made since")
    return Check("STALE", tuple(reasons)) if reasons else FRESH


def _moved(ahead: int, behind: int, touched: Sequence[str]) -> str:
    parts = [f"HEAD moved by {ahead} commit{'s' * (ahead != 1)}"] if ahead else []
    if behind:
        parts.append(f"{behind} commit{'s' * (behind != 1)} of then {'is' if behind == 1 else 'are'} not in it")
    if touched:
        parts.append(f"touching key files {listed(touched)}")
    return ", ".join(parts)


Found = Literal["beside its name", "alone", "no"]


def judge_parameter(
    name: str, path: str, state: FileState, moved_to: str | None, *, then: Found, now: Found | None
) -> Check:
    """A value cited in a file: what counts is whether it is still there, whatever else changed in the file.

    `then` and `now` say how it was and is found; `now` is None when there is no text to look in.
    """
    if then == "no":
        return unverifiable(f"{name} was not found in {path} when it was saved")
    if state in ("changed", "renamed", "renamed and changed") and now is not None:
        place = moved_to or path
        if now == "no" or (now == "alone" and then == "beside its name"):
            return stale(f"the value of {name} is no longer in {place}")
        return stale(f"{path} renamed to {moved_to}, the value is still there") if moved_to else FRESH
    return judge_file(path, state, moved_to)


def find_value(text: str, name: str, value: str) -> Found:
    """How a file's text has a parameter's value, as a whole word: on a line with its name, elsewhere, or not."""
    whole = re.compile(rf"(?<![\w.]){re.escape(value)}(?!\w|\.\d)")
    word = re.split(r"[\s.:/]+", name)[-1].casefold()
    found = [line for line in ([text] if "\n" in value else text.splitlines()) if whole.search(line)]
    if any(word in line.casefold() for line in found):
        return "beside its name"
    return "alone" if found else "no"


# What may stand before a path from the root: nothing, or the way to the root, but not another folder of the project.
_TO_THE_ROOT = r"(?<![\w./@+-])(?:(?:\.|~|[A-Za-z]:)?/(?:[\w.@+-]+/)*)?"


def cites(text: str, path: str) -> bool:
    """Whether a claim's text names a file by its path from the project's root."""
    whole = _TO_THE_ROOT + re.escape(path) + r"(?![\w-]|\.\w)"
    return any(path in each and re.search(whole, each) for each in (text, text.replace("\\", "/")))


_SHORTEST_HEX = 7
_HEX = re.compile(rf"(?<!\w)[0-9a-f]{{{_SHORTEST_HEX},64}}(?!\w)")


def cites_commit(text: str, commit: str) -> bool:
    """Whether a claim's text names a commit, by any abbreviation git would take."""
    return commit[:_SHORTEST_HEX] in text and any(commit.startswith(word) for word in _HEX.findall(text))
