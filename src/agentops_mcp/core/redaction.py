"""Secrets become `[redacted:<kind>]` before anything is stored.

Found by their prefix (the table in secret_tokens), by their surroundings (secret_rules) or by being assigned to a
telling name (secret_names). Time grows with the text, never faster. Standard library only, nothing heavy in it, and
patterns are compiled at first use: light client hooks use this too.
"""

import re
from collections.abc import Callable, Container, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple, cast

from agentops_mcp.core.secret_names import NAME_ANCHORS, assigned, assigned_kind, login_before
from agentops_mcp.core.secret_rules import RULES, Span
from agentops_mcp.core.secret_tokens import KEY_CHARS, SHORTEST_CHARS, Token, tokens_by_start
from agentops_mcp.core.secret_values import MASK

# One look finds almost everything; another is needed only where a replaced secret had touched the next one.
_MAX_LOOKS = 4
_MARKER = r"\[redacted:[a-z0-9-]{1,40}\]"
_ASCII_CAPITALS = "[A-Z]+"
_RUN = "[A-Za-z0-9]+"
_LOGIN_ANCHORS = ("@tcp(", "@unix(")

# Patterns stop at a cap that keeps them fast; a secret this long may have reached it, and goes on to its end.
_NEAR_CAP_CHARS = 90
_REST = r"(?a)(?<=[\w+/=-])(?<!-----)[\w.~+/=!#$%^*?-]{1,65536}"


class Secret(NamedTuple):
    """A secret in a text: where it starts and ends, in characters, and its kind."""

    start: int
    end: int
    kind: str


class Redacted(NamedTuple):
    """A text without its secrets; `found` names their kinds, each once, sorted."""

    text: str
    found: tuple[str, ...]


class RedactedDocument(NamedTuple):
    """A JSON document without its secrets; `found` names their kinds, each once, sorted."""

    document: Any
    found: tuple[str, ...]


def find_secrets(text: str) -> tuple[Secret, ...]:
    """The secrets in `text` from left to right, none inside another; markers of removed secrets are none."""
    return tuple(_merged(_spans(_masked(text))))


def redact(text: str) -> Redacted:
    """Replace each secret in `text` by a marker. Markers already there stay; doing it again changes nothing."""
    found: set[str] = set()
    for _ in range(_MAX_LOOKS):
        spans = _merged(_spans(_masked(text)))
        if not spans:
            break
        found.update(kind for _, _, kind in spans)
        text = _replaced(text, spans)
    return Redacted(text, tuple(sorted(found)))


def redact_json(document: Any) -> RedactedDocument:
    """Redact every string and key of a JSON document; a string under a telling key is judged by that key too.

    Raises:
        RecursionError: it is nested deeper than the interpreter can follow.
    """
    found: set[str] = set()
    return RedactedDocument(_redacted_node(document, "", found), tuple(sorted(found)))


def _redacted_node(node: Any, key: str, found: set[str]) -> Any:
    match node:
        case str():
            kind = assigned_kind(key, _masked(node), bare=False)
            redacted = Redacted(_marker(kind), (kind,)) if kind else redact(node)
            found.update(redacted.found)
            return redacted.text
        case dict():
            return _redacted_object(cast("dict[str, Any]", node), found)
        case list() | tuple():
            return [_redacted_node(item, key, found) for item in cast("list[Any]", node)]
        case _:
            return node


def _redacted_object(node: dict[str, Any], found: set[str]) -> dict[str, Any]:
    clean: dict[str, Any] = {}
    for key, value in node.items():
        redacted = _redacted_key(key)
        found.update(redacted.found)
        name, copies = redacted.text, 1
        while name in clean:  # two keys became the same marker, and no value may be lost
            copies += 1
            name = f"{redacted.text} {copies}"
        clean[name] = _redacted_node(value, key, found)
    return clean


@lru_cache(maxsize=256)  # documents of one kind have the same keys
def _redacted_key(key: str) -> Redacted:
    return redact(key)


def _masked(text: str) -> str:
    if "[redacted:" not in text:
        return text
    return _pattern(_MARKER).sub(lambda marker: MASK * len(marker[0]), text)


def _lowered(text: str) -> str:
    """Lower-case, with every character where it was."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return _pattern(_ASCII_CAPITALS).sub(lambda run: run[0].lower(), text)


def _spans(text: str) -> Iterator[Span]:
    """What to replace in a masked text, by prefix, by surroundings, by name. May overlap."""
    lowered = _lowered(text)
    yield from _tokens(text)
    for rule in RULES:
        haystack = lowered if rule.folded else text
        for anchor in rule.anchors:
            if anchor in haystack:
                yield from _at_anchors(haystack, anchor, text, rule.match)
    for anchor in _LOGIN_ANCHORS:
        yield from _at_anchors(text, anchor, text, login_before)
    for anchor in NAME_ANCHORS:
        yield from _at_anchors(lowered, anchor, text, assigned)


def _tokens(text: str) -> Iterator[Span]:
    """The secrets with a prefix of their own, looked for only in words that are long enough for one."""
    by_start = tokens_by_start()
    known: dict[Token, int] = {}
    for at in _edges(text, by_start):
        for prefix, token in by_start.get(text[at : at + KEY_CHARS], ()):
            if text.startswith(prefix, at) and at >= known.get(token, 0) and (end := token.end(text, at, prefix)):
                start, end, kind = _whole(text, at, end, token.kind)
                known[token] = end
                yield start, end, kind


def _edges(text: str, by_start: Container[str]) -> Iterator[int]:
    r"""Where a token may start: at a letter or digit behind something else, or behind an escape (`\n`, `%3D`)."""
    runs = _pattern(_RUN)
    end = 0
    for word in text.split():
        if len(word) < SHORTEST_CHARS:
            continue
        start = text.find(word, end)
        end = start + len(word)
        for run in runs.finditer(text, start, end):
            at = run.start()
            if text[at : at + KEY_CHARS] in by_start:
                yield at
            if at > start:
                match text[at - 1]:
                    case "\\" if text[at] in "nrt":
                        yield at + 1
                    case "%":
                        yield at + 2
                    case _:
                        pass


def _at_anchors(haystack: str, anchor: str, text: str, match: Callable[[str, int], Span | None]) -> Iterator[Span]:
    """Every match at the anchor, from left to right, none inside another."""
    at = haystack.find(anchor)
    while at >= 0:
        resume = at + len(anchor)
        if span := match(text, at):
            whole = _whole(text, *span)
            yield whole
            resume = max(resume, whole[1])
        at = haystack.find(anchor, resume)


def _whole(text: str, start: int, end: int, kind: str) -> Span:
    """A match to the end of the secret: beyond the cap of its pattern, and without the full stop of a sentence."""
    if end - start > _NEAR_CAP_CHARS and (rest := _pattern(_REST).match(text, end)):
        end = rest.end()
    if text[end - 1] == "." and not text[end : end + 1].strip():
        end -= 1
    return start, end, kind


def _merged(spans: Iterator[Span]) -> list[Secret]:
    """The spans from left to right, overlapping ones as one, whose kind is that of the earliest rule."""
    merged: list[Secret] = []
    first_order = 0
    for start, end, order, kind in sorted((start, end, order, kind) for order, (start, end, kind) in enumerate(spans)):
        if merged and start < merged[-1].end:
            known = merged[-1]
            merged[-1] = Secret(known.start, max(end, known.end), kind if order < first_order else known.kind)
            first_order = min(order, first_order)
        else:
            merged.append(Secret(start, end, kind))
            first_order = order
    return merged


def _replaced(text: str, spans: Sequence[Span]) -> str:
    pieces: list[str] = []
    done = 0
    for start, end, kind in spans:
        pieces += text[done:start], _marker(kind)
        done = end
    return "".join([*pieces, text[done:]])


def _marker(kind: str) -> str:
    return f"[redacted:{kind}]"


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
