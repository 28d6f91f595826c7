"""Secrets known by the name they are assigned to: a telling name, a sign, and a value that looks drawn at random.

In code, JSON, YAML, XML, environment files, command lines, connection strings and headers alike.
"""

import functools
import re
from itertools import pairwise

from agentops_mcp.core.secret_rules import Span
from agentops_mcp.core.secret_values import MASK, SAMPLE_CHARS, entropy, is_password, is_plausible, is_sample

NAME_ANCHORS = ("pass", "pwd", "secret", "token", "credential", "key")
"""In lower case; every telling name has one of them."""

_NAME_CHARS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-. "
_NAME_WINDOW_CHARS = 32
_LOGIN_CHARS = 160

# `pass` alone is a statement, a verdict of a test and half of a compass: it needs to be somebody's.
_CHOSEN_NAME = (
    r"passw(?:or)?d|passphrase|passcode|pwd"
    r"|(?:db|database|user|root|admin|mail|smtp|imap|ftp|ssh|ldap|sql|mongo|redis|pg|auth|login|proxy|vault|key|store"
    r"|cert|my|sudo|jenkins|rabbitmq)[_.-]?pass$|[_-]pass$"
)
_SECRET_NAME = (
    r"(?:" + _CHOSEN_NAME + r"|secret|token|credential|authorization"
    r"|(?:api|app|access|private|secret|auth|encryption|decryption|signing|signature|master|account|client|shared"
    r"|service|storage|admin|license|webhook|subscription|functions?|host|server|session|hmac|cipher|aes|crypto|consumer"
    r"|deploy|write|ingest(?:ion)?|integration|tenant|root|jwt|cookie|security|developer|dev)[ _.-]?key)s?"
    r"(?:[ _.-]?(?:key|base|value|val|str|string|text|raw|plain|b64|base64|hex|prod|production|dev|staging|test|live"
    r"|default|old|new|current|v?\d{1,3})){0,3}$"
)
# Tokens that are no secret: positions in a list, pieces of text, and those a page hands to anybody.
_OPEN_NAME = (
    r"(?:csrf|xsrf|page|next|prev|previous|continuation|cursor|sync|cancel|cancellation|public|publishable"
    r"|public[ _.-]?key|max|min|num|total|special|pad|eos|bos|unk|mask|stop)[ _.-]?(?:token|key|secret)s?$"
)
_ASSIGNMENT = (
    r"(?a)(?P<name>[\w.-]{1,64}+)\\{0,3}[\"'`]?\]?"
    r"(?:(?:\s?:\s?(?:str|string|String|SecretStr|bytes)\b|\s(?:str|string)\b)?"
    r"[ \t]{0,8}(?P<sign>:=|=>|={1,3}|:|>|,|\()\s{0,8}+|(?P<gap>[ \t]{1,2}))"
    r"(?:[bBrRuUfF]{0,2}\\{0,3}[\"'`](?P<quoted>(?:[^\s\"'`\\]|\\[^\s\"'`]){6,96}+)"
    r"|(?P<bare>[^\s\"'`,;&|<>(){}\[\]\\=][^\s\"'`,;&|<>(){}\[\]\\]{5,95}+)(?![(\[{]))"
)
_FLAG = r"(?<!\S)--?[\w.-]*$"
_REFERENCE = r"[A-Za-z_]+\d{0,2}|[A-Za-z_$]\w*(?:(?:\.|->|::|\?\.)[A-Za-z_]\w*){1,8}"
_NOT_A_VALUE = r"(?i:\w{1,12}://|(?:\.{0,2}|~)/[\w.-]+/|[A-Z]:\\|sha\d{1,3}[-:]|arn:|projects/)"
_LETTER, _DIGITS, _SPACE = r"[^\W\d_]", "[0-9]+", r"\s"
_SEPARATORS = r"[-_./:@]+"
_WORD = r"[A-Za-z]*\d{0,4}|v?\d{1,8}"
_UUID = r"(?i:[0-9a-f]{8}-[0-9a-f]{4}-(?P<version>[0-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12})"


def assigned_kind(name: str, value: str, *, bare: bool) -> str | None:
    """The kind of secret `value` is, being assigned to `name`; None if it is none. `bare`: written without quotes."""
    name = name.lower()
    if not _pattern(_SECRET_NAME).search(name) or _pattern(_OPEN_NAME).search(name):
        return None
    value = value[:SAMPLE_CHARS].replace(MASK, "")
    if _pattern(_CHOSEN_NAME).search(name):
        kind, is_secret = "password", _is_strong_password(value)
    else:
        kind, is_secret = "secret", _is_random_value(value)
    if not is_secret or _pattern(_NOT_A_VALUE).match(value) or not is_plausible(value) or is_sample(value):
        return None
    return None if bare and _pattern(_REFERENCE).fullmatch(value) else kind


def assigned(text: str, at: int) -> Span | None:
    """The secret assigned to the name that the anchor at `at` is part of."""
    found = _pattern(_ASSIGNMENT).match(text, at)
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


def login_before(text: str, at: int) -> Span | None:
    """The password in `user:password@tcp(host)`, as drivers written in Go take it; `at` is where the `@` stands."""
    head = text[max(at - _LOGIN_CHARS, 0) : at]
    login = head[max(head.rfind(end) for end in " \t\n\"'`=/") + 1 :]
    user, _, password = login.partition(":")
    if len(login) == _LOGIN_CHARS or not user or not is_password(password):
        return None
    return at - len(password), at, "url-password"


def _is_assignment(found: re.Match[str], before: str, name: str, *, bare: bool) -> bool:
    match found["sign"]:
        case None:  # `--password value`: only a flag takes its value after a space
            return bool(_pattern(_FLAG).search(name))
        case ",":  # `define("PASSWORD", "value")`, not a list of names
            return not bare and before.endswith(('("', "('", "(`"))
        case "(":  # `setPassword("value")`
            return not bare
        case _:  # without quotes, what stands on the next line is something else
            return not bare or "\n" not in found.string[found.end("sign") : found.start("bare")]


def _is_strong_password(value: str) -> bool:
    letters = len(_pattern(_LETTER).findall(value))
    return len(value) >= 8 and 0 < letters < len(value) and not _pattern(_SPACE).search(value) and not _is_wordy(value)


def _is_random_value(value: str) -> bool:
    if len(value) < 16:
        return False
    if uuid := _pattern(_UUID).fullmatch(value):
        return uuid["version"] == "4"  # the other versions are made from time or names: ids
    digits = _pattern(_DIGITS).findall(value)
    return (
        ((len(digits) > 1 and sum(map(len, digits)) >= 3) or (bool(digits) and _class_changes(value) > 0.45))
        and len(_pattern(_LETTER).findall(value)) >= 3
        and entropy(value) >= 3.0
        and not _pattern(_SPACE).search(value)
        and not _is_wordy(value)
    )


def _class_changes(value: str) -> float:
    """How often neighbours differ in kind (lower, upper, other): 0.6 in random base64, 0.3 in camelCase."""
    kinds = ["l" if c.islower() else "u" if c.isupper() else "o" for c in value]
    return sum(a != b for a, b in pairwise(kinds)) / len(kinds)


def _is_wordy(value: str) -> bool:
    """Whether this is words and short numbers joined by separators: a name, a path, a version, a date."""
    parts = _pattern(_SEPARATORS).split(value)
    return len(parts) > 1 and all(map(_pattern(_WORD).fullmatch, parts))


@functools.cache
def _pattern(pattern: str) -> re.Pattern[str]:
    # At first use: a light hook has no time to compile what it does not need.
    return re.compile(pattern)
