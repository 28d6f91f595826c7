"""Commits that say more than which lines they changed."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from agentops_mcp.factors.mining.rules.imports.notes import Note
from agentops_mcp.factors.mining.rules.imports.texts import Parsed, clean, nothing, pieces, tags_of, title_of

SOURCE = "git"
MOST_FILES = 30
"""Of a commit; it is told by its first ones."""

_FEWEST_WORDS = 4
_MOST_SUBJECT = 500
_MERGE = re.compile(r"merge (?:branch|pull request|remote-tracking|tag|commit)\b", re.IGNORECASE)
_UNFINISHED = re.compile(r"(?:fixup|squash|amend)! |wip\b", re.IGNORECASE)
_BUMP = re.compile(
    r"(?:\w{1,20}(?:\([^)]{0,60}\))?!?: ?)?(?:"
    r"(?:auto-?)?(?:bump|upgrade|update) .{1,200}\b(?:from \S{1,60} to v?\d|to v?\d{1,6}\.\d)"
    r"|(?:bump|pin)\b.{0,60}\b(?:version|dependenc(?:y|ies)|deps|digest|lock ?file|action)"
    r"|(?:upgrade|update) (?:\w{1,20} ){0,2}(?:dependenc(?:y|ies)|deps|lock ?files?|requirements)$"
    r"|bump the .{1,100} group\b.{0,100} with \d+ updates?\b"
    r"|(?:bump \S{1,100}|.{0,40}\bpre-commit autoupdate.{0,20})$"
    r"|(?:(?:prepare |cut )?(?:release|version):? )?v?\d+(?:\.\d+){1,3}\S{0,20}$)",
    re.IGNORECASE,
)
_SPELLING = re.compile(r".{0,200}\b(?:typos?|misspelling|spelling)\b", re.IGNORECASE)
_REVERT = re.compile(r"revert\b|this reverts commit\b", re.IGNORECASE)
_CONVENTIONAL = re.compile(r"([a-z]{2,12})(?:\(([^()]{1,40})\))?!?: ")
_TYPES = frozenset("feat fix docs perf refactor test build ci chore style revert security".split())
_TRAILER = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,40}): \S")
_CHERRY_PICKED = re.compile(r"\(cherry picked from commit [0-9a-f]{7,64}\)")
# Who took part, and what only a review system reads: names and addresses of people, no knowledge.
_SILENT = frozenset(
    "signed-off-by co-authored-by reviewed-by acked-by tested-by reported-by suggested-by requested-by cc change-id "
    "reviewed-on git-svn-id differential-revision author committer".split()
)
_TELLING = re.compile(
    r"(?:fix(?:es|ed)?|close[sd]?|resolve[sd]?|reverts?|refs?|learning|lesson|context|solution|impact|decision|why|cause"
    r"|root-cause|breaking-change|regression|workaround|see-also)$"
)
_WORD = re.compile(r"[^\W\d_]{2,}")


def parse_commit(oid: str, at: int, message: str, files: Sequence[str]) -> Parsed:
    """What a commit says; nothing for a subject alone, a merge, or a change of versions.

    `at` is when it was committed, in seconds since 1970.
    """
    subject, _, rest = clean(message).strip().partition("\n")
    body, trailers = _split_trailers(rest.strip("\n"))
    if reason := _silence(subject[:_MOST_SUBJECT], body, trailers):
        return nothing(oid, reason)
    whole = "\n\n".join(filter(None, (_rest_of_title(subject), body, "\n".join(trailers))))
    texts = pieces(whole)
    note = Note(
        source=SOURCE, origin=oid, title=title_of(subject, oid), text="", tags=_tags(subject, rest),
        files=tuple(map(clean, files[:MOST_FILES])), at=_date(at),
    )  # fmt: skip
    return Parsed(tuple(_numbered(note, texts)))


def _numbered(note: Note, texts: Sequence[str]) -> list[Note]:
    return [
        Note(
            note.source, note.origin if number == 1 else f"{note.origin}#{number}", note.title, text, note.tags,
            note.files, note.at,
        )
        for number, text in enumerate(texts, start=1)
    ]  # fmt: skip


def _silence(subject: str, body: str, trailers: Sequence[str]) -> str:
    """Why a commit says nothing, or ""."""
    if _MERGE.match(subject):
        return "a merge"
    if _UNFINISHED.match(subject):
        return "unfinished work"
    if _BUMP.match(subject):
        return "a change of versions"
    if _SPELLING.match(subject):
        return "a matter of spelling"
    tells = any(_TELLING.match(line.partition(":")[0].casefold()) for line in trailers)
    if not tells and len(_WORD.findall(body)) < _FEWEST_WORDS:
        return "nothing but a subject"
    return ""


def _split_trailers(rest: str) -> tuple[str, list[str]]:
    """The body, and the trailers below it without the silent ones. A line that goes on with a trailer stays with it."""
    above, gap, last = rest.rpartition("\n\n")
    lines = [line for line in last.split("\n") if line.strip()]
    is_block = bool(lines) and all(
        _TRAILER.match(line) or line[0].isspace() or _CHERRY_PICKED.match(line) for line in lines
    )
    if not is_block or lines[0][0].isspace():
        return rest.strip("\n"), []
    kept: list[str] = []
    is_kept = False
    for line in lines:
        if not line[0].isspace():
            is_kept = not _CHERRY_PICKED.match(line) and line.partition(":")[0].casefold() not in _SILENT
        if is_kept:
            kept.append(line)
    return above.strip("\n") if gap else "", kept


def _rest_of_title(subject: str) -> str:
    """The whole first line when the title has to cut it."""
    return subject if len(subject) > len(title_of(subject)) else ""


def _tags(subject: str, rest: str) -> tuple[str, ...]:
    found = _CONVENTIONAL.match(subject)
    named = [found[1], found[2] or ""] if found and found[1] in _TYPES else []
    is_revert = _REVERT.match(subject) or "This reverts commit " in rest
    return tags_of([*named, *(["revert"] if is_revert else [])])


def _date(at: int) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return ""
