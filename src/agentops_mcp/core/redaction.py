"""Secrets become `[redacted:<kind>]` before anything is stored.

Found by shape (the table in secret_rules) or by being assigned to a telling name. Time grows with the text, never
faster. Standard library only: light client hooks use this too.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, cast

from agentops_mcp.core.secret_rules import MASK, RULES, SAMPLE_CHARS, Span, entropy, is_plausible

# One look finds almost everything; another is needed only where a replaced secret had touched the next one.
_MAX_LOOKS = 4
_MARKER = re.compile(r"\[redacted:[a-z0-9-]{1,40}\]")
_ASCII_CAPITALS = re.compile("[A-Z]+")

# Patterns stop at a cap that keeps them fast; a secret this long may have reached it, and goes on to its end.
_NEAR_CAP_CHARS = 90
_REST = re.compile(r"(?<=[\w+/=-])(?<!-----)[\w.~+/=!#$%^*?-]{1,65536}", re.ASCII)

_NAME_ANCHORS = ("passw", "passphrase", "passcode", "pwd", "secret", "token", "credential", "key")
_NAME_CHARS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-. "
_NAME_WINDOW_CHARS = 32
_PASSWORD_NAME = re.compile(r"passw(?:or)?d|passphrase|passcode|pwd")
_SECRET_NAME = re.compile(
    r"(?:passw(?:or)?d|passphrase|passcode|pwd|secret|token|credential|authorization"
    r"|(?:api|app|access|private|secret|auth|encryption|signing|master|account|client|shared|service|storage|admin"
    r"|license|webhook)[ _.-]?key)s?"
    r"(?:[ _.-]?(?:key|base|value|val|str|string|text|raw|plain|b64|base64|hex|prod|production|dev|staging|test|live"
    r"|default|old|new|current|v?\d{1,3})){0,3}$"
)
# Tokens that are no secret: positions in a list, pieces of text, and those a page hands to anybody.
_OPEN_NAME = re.compile(
    r"(?:csrf|xsrf|page|next|prev|previous|continuation|cursor|sync|cancel|cancellation|public|publishable"
    r"|max|min|num|total|special|pad|eos|bos|unk|mask|stop)[ _.-]?(?:token|key|secret)s?$"
)
_ASSIGNMENT = re.compile(
    r"(?P<name>[\w.-]{1,64}+)\\{0,3}[\"'`]?\]?"
    r"(?:(?:\s?:\s?(?:str|string|String|SecretStr|bytes)\b|\s(?:str|string)\b)?"
    r"[ \t]{0,8}(?P<sign>:=|=>|={1,3}|:|>|,|\()\s{0,8}+|(?P<gap>[ \t]{1,2}))"
    r"(?:[bBrRuUfF]{0,2}\\{0,3}[\"'`](?P<quoted>(?:[^\s\"'`\\]|\\[^\s\"'`]){6,96}+)"
    r"|(?P<bare>[^\s\"'`,;&|<>(){}\[\]\\=][^\s\"'`,;&|<>(){}\[\]\\]{5,95}+)(?![(\[{]))",
    re.ASCII,
)
_FLAG = re.compile(r"(?<!\S)--?[\w.-]*$")
_REFERENCE = re.compile(r"[A-Za-z_]+\d{0,2}|[A-Za-z_$]\w*(?:(?:\.|->|::|\?\.)[A-Za-z_]\w*){1,8}")
_NOT_A_VALUE = re.compile(
    r"\w{1,12}://|(?:\.{0,2}|~)/[\w.-]+/|[A-Za-z]:\\|sha\d{1,3}[-:]|arn:|projects/", re.IGNORECASE
)
_LETTER, _DIGITS, _SPACE = re.compile(r"[^\W\d_]"), re.compile("[0-9]+"), re.compile(r"\s")
_SEPARATORS = re.compile(r"[-_./:@]+")
_WORD = re.compile(r"[A-Za-z]*\d{0,4}|v?\d{1,8}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-(?P<version>[0-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without its secrets; `found` names their kinds, each once, sorted."""

    text: str
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RedactedDocument:
    """A JSON document without its secrets; `found` names their kinds, each once, sorted."""

    document: Any
    found: tuple[str, ...]


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


def assigned_kind(name: str, value: str, *, bare: bool) -> str | None:
    """The kind of secret `value` is, being assigned to `name`; None if it is none. `bare`: written without quotes."""
    name = name.lower()
    if not _SECRET_NAME.search(name) or _OPEN_NAME.search(name):
        return None
    value = value[:SAMPLE_CHARS].replace(MASK, "")
    if _PASSWORD_NAME.search(name):
        kind, is_secret = "password", _is_strong_password(value)
    else:
        kind, is_secret = "secret", _is_random_value(value)
    if not is_secret or _NOT_A_VALUE.match(value) or (bare and _REFERENCE.fullmatch(value)) or not is_plausible(value):
        return None
    return kind


def _is_strong_password(value: str) -> bool:
    letters = len(_LETTER.findall(value))
    return len(value) >= 8 and 0 < letters < len(value) and not _SPACE.search(value) and not _is_wordy(value)


def _is_random_value(value: str) -> bool:
    if len(value) < 16:
        return False
    if uuid := _UUID.fullmatch(value):
        return uuid["version"] == "4"  # the other versions are made from time or names: ids
    digits = _DIGITS.findall(value)
    return (
        ((len(digits) > 1 and sum(map(len, digits)) >= 3) or (bool(digits) and _class_changes(value) > 0.45))
        and len(_LETTER.findall(value)) >= 3
        and entropy(value) >= 3.0
        and not _SPACE.search(value)
        and not _is_wordy(value)
    )


def _class_changes(value: str) -> float:
    """How often neighbours differ in kind (lower, upper, other): 0.6 in random base64, 0.3 in camelCase."""
    kinds = ["l" if c.islower() else "u" if c.isupper() else "o" for c in value]
    return sum(a != b for a, b in pairwise(kinds)) / len(kinds)


def _is_wordy(value: str) -> bool:
    """Whether this is words and short numbers joined by separators: a name, a path, a version, a date."""
    parts = _SEPARATORS.split(value)
    return len(parts) > 1 and all(map(_WORD.fullmatch, parts))


def _masked(text: str) -> str:
    if "[redacted:" not in text:
        return text
    return _MARKER.sub(lambda marker: MASK * len(marker[0]), text)


def _lowered(text: str) -> str:
    """Lower-case, with every character where it was."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return _ASCII_CAPITALS.sub(lambda run: run[0].lower(), text)


def _spans(text: str) -> Iterator[Span]:
    """What to replace in a masked text, rule by rule. May overlap."""
    lowered = _lowered(text)
    for rule in RULES:
        haystack = lowered if rule.folded else text
        for anchor in rule.anchors:
            if anchor in haystack:
                yield from _at_anchors(haystack, anchor, text, rule.match)
    for anchor in _NAME_ANCHORS:
        yield from _at_anchors(lowered, anchor, text, _assigned)


def _at_anchors(haystack: str, anchor: str, text: str, match: Callable[[str, int], Span | None]) -> Iterator[Span]:
    """Every match at the anchor, from left to right, none inside another."""
    at = haystack.find(anchor)
    while at >= 0:
        resume = at + len(anchor)
        if span := match(text, at):
            start, end, kind = span
            if end - start > _NEAR_CAP_CHARS and (rest := _REST.match(text, end)):
                end = rest.end()
            if text[end - 1] == "." and not text[end : end + 1].strip():
                end -= 1  # the end of a sentence, not of a secret
            yield start, end, kind
            resume = max(resume, end)
        at = haystack.find(anchor, resume)


def _assigned(text: str, at: int) -> Span | None:
    """The secret assigned to the name that the anchor at `at` is part of."""
    found = _ASSIGNMENT.match(text, at)
    if not found:
        return None
    head = text[max(at - _NAME_WINDOW_CHARS, 0) : at]
    before = head.rstrip(_NAME_CHARS)
    name = head[len(before) :] + found["name"]
    form = "bare" if found["quoted"] is None else "quoted"
    if not _is_assignment(found, before, name, bare=form == "bare"):
        return None
    kind = assigned_kind(name, found[form], bare=form == "bare")
    return (*found.span(form), kind) if kind else None


def _is_assignment(found: re.Match[str], before: str, name: str, *, bare: bool) -> bool:
    match found["sign"]:
        case None:  # `--password value`: only a flag takes its value after a space
            return bool(_FLAG.search(name))
        case ",":  # `define("PASSWORD", "value")`, not a list of names
            return not bare and before.endswith(('("', "('", "(`"))
        case "(":  # `setPassword("value")`
            return not bare
        case _:  # without quotes, what stands on the next line is something else
            return not bare or "\n" not in found.string[found.end("sign") : found.start("bare")]


def _merged(spans: Iterator[Span]) -> list[Span]:
    """The spans from left to right, overlapping ones as one, whose kind is that of the earliest rule."""
    merged: list[Span] = []
    first_order = 0
    for start, end, order, kind in sorted((start, end, order, kind) for order, (start, end, kind) in enumerate(spans)):
        if merged and start < merged[-1][1]:
            known = merged[-1]
            merged[-1] = known[0], max(end, known[1]), kind if order < first_order else known[2]
            first_order = min(order, first_order)
        else:
            merged.append((start, end, kind))
            first_order = order
    return merged


def _replaced(text: str, spans: list[Span]) -> str:
    pieces: list[str] = []
    done = 0
    for start, end, kind in spans:
        pieces += text[done:start], _marker(kind)
        done = end
    return "".join([*pieces, text[done:]])


def _marker(kind: str) -> str:
    return f"[redacted:{kind}]"
