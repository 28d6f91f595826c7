"""A pattern as a value: its fields brought into one form, its name, its limits, and its body in the ledger."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal, get_args

from agentops_mcp.core.display import gist, visible
from agentops_mcp.core.errors import IntegrityError, InvalidInputError
from agentops_mcp.core.ids import is_id
from agentops_mcp.core.records import Json
from agentops_mcp.factors.mining.rules.fences import closed

Kind = Literal["pattern", "anti-pattern"]
RelationKind = Literal["uses", "alternative-to", "combines-with", "supersedes"]
Status = Literal["active", "deprecated"]

KINDS: tuple[Kind, ...] = get_args(Kind)
RELATION_KINDS: tuple[RelationKind, ...] = get_args(RelationKind)
STATUSES: tuple[Status, ...] = get_args(Status)
CATEGORIES = (
    "context", "resume", "validation", "approval", "routing", "guardrails", "metrics", "tracking", "workflow",
    "learning", "interaction", "domain",
)  # fmt: skip
"""What part of operating agents a pattern is about; `domain` is for what is particular to a field of work."""

LINES = ("title", "reason")
"""The fields that are one line of text."""
TEXTS = ("problem", "context", "solution", "implementation")
"""The fields that are Markdown of any number of lines."""
LISTS = ("forces", "benefits", "tradeoffs", "risks", "known_uses")
"""The fields that are lists of one-line texts."""

LIMIT_CHARS = {
    "title": 120, "reason": 400, "problem": 2_000, "context": 2_000, "solution": 4_000, "implementation": 8_000
}  # fmt: skip
"""The most characters of each text."""
LIMIT_ITEMS = dict.fromkeys(LISTS, 20) | {"related": 30, "tags": 20, "evidence": 50}
"""The most items of each list."""
ITEM_CHARS = 400
"""The most characters of an item of a list."""
MOST_CHARS = 12_000
"""The most characters of all fields together: about 3,000 tokens, as much as a reader's budget can spare for one."""


@dataclass(frozen=True, slots=True)
class Relation:
    """How a pattern stands to the one of this name.

    Raises:
        InvalidInputError: there is no such relation, or no pattern can have this name.
    """

    kind: RelationKind
    name: str

    def __post_init__(self) -> None:
        if self.kind not in RELATION_KINDS:
            raise InvalidInputError(f"{_quoted(self.kind)} is no relation.", remedy=_one_of(RELATION_KINDS))
        _check_name(self.name)


@dataclass(frozen=True, slots=True)
class Pattern:
    r"""What recurs, and what to do about it; `name` is the stem of its file and the name of its stream.

    Text is brought into one form on construction, so that a file can hold it without loss: line ends are \n, no line
    ends in white space, no text begins or ends with an empty line, a code fence left open is closed, titles and items
    are on one line, blank or repeated items are dropped, and what is hidden is shown as `\uXXXX`.
    Lengths are not limited here but by `check_limits`: a secret replaced on its way to the ledger may lengthen a text.

    Raises:
        InvalidInputError: a field is not what it must be.
    """

    name: str
    title: str
    kind: Kind
    category: str
    problem: str = ""
    context: str = ""
    solution: str = ""
    forces: tuple[str, ...] = ()
    implementation: str = ""
    benefits: tuple[str, ...] = ()
    tradeoffs: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    known_uses: tuple[str, ...] = ()
    related: tuple[Relation, ...] = ()
    tags: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    status: Status = "active"
    reason: str = ""
    successor: str = ""

    def __post_init__(self) -> None:
        for fields, normal in ((LINES, _one_line), (TEXTS, _text), (LISTS, _items)):
            self._bring(fields, normal)
        self._bring(("tags",), lambda tags: tuple(sorted({normal_tag(each) for each in tags})))
        self._bring(("evidence",), lambda records: tuple(dict.fromkeys(normal_evidence(each) for each in records)))
        self._bring(("related",), lambda relations: tuple(dict.fromkeys(relations)))
        _check_name(self.name)
        _check_choices(self)
        _check_status(self)

    def _bring(self, fields: Iterable[str], normal: Callable[[Any], object]) -> None:
        for field in fields:
            object.__setattr__(self, field, normal(getattr(self, field)))


# Names

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,58}[a-z0-9]")
_NAME_CHARS = 60
# Windows opens the device instead of a file of this name, whatever its ending.
_DEVICE = re.compile(r"con|prn|aux|nul|(?:com|lpt)[0-9]")


def is_name(text: str) -> bool:
    """Whether a pattern can have this name: 3 to 60 of a-z, 0-9 and inner hyphens, and a file on every system."""
    return bool(_NAME.fullmatch(text)) and not _DEVICE.fullmatch(text)


def slug(title: str) -> str:
    """A name for a pattern of this title, the same each time; letters ASCII cannot say are told apart by a hash."""
    plain = [each for each in unicodedata.normalize("NFKD", title.casefold()) if not unicodedata.combining(each)]
    words = re.findall("[a-z0-9]+", "".join(plain))
    if any(each.isalnum() and not each.isascii() for each in plain) or not words:
        words.append(blake2b(title.encode(errors="surrogatepass"), digest_size=4).hexdigest())
        words = [*_that_fit(words[:-1], _NAME_CHARS - 9), words[-1]]
    name = "-".join(_that_fit(words, _NAME_CHARS))
    return name if is_name(name) else f"{name}-pattern"


def _that_fit(words: list[str], chars: int) -> list[str]:
    """The first words that fit when they are joined by hyphens; of a first one that is too long, its beginning."""
    while len(words) > 1 and len("-".join(words)) > chars:
        words = words[:-1]
    return [word[:chars] for word in words]


def _check_name(name: str) -> None:
    if not is_name(name):
        raise InvalidInputError(
            f"{_quoted(name)} is no name for a pattern.",
            remedy="Use 3 to 60 of a-z, 0-9 and hyphens, like 'retry-budget-per-host'; no device of Windows.",
        )


# Fields

_TAG = re.compile(r"[^\W_](?:[\w./-]{0,38}[^\W_])?")
_COMMIT = re.compile(r"[0-9a-f]{7,40}|[0-9a-f]{64}")
_ENTRY_URI = "agentops://entry/"


def normal_tag(tag: str) -> str:
    """A tag in lower case, with hyphens for spaces.

    Raises:
        InvalidInputError: it is not a short word.
    """
    normal = "-".join(tag.strip().lstrip("#").split()).casefold()
    if not _TAG.fullmatch(normal):
        raise InvalidInputError(
            f"{_quoted(tag)} is not a tag.",
            remedy="Use up to 40 letters, digits and . _ / - inside, like 'ci/cache'.",
        )
    return normal


def normal_evidence(record: str) -> str:
    """The id of a record or of a commit, without the address it may be written as.

    Raises:
        InvalidInputError: it is neither.
    """
    normal = record.strip().casefold().removeprefix(_ENTRY_URI)
    if not is_id(normal) and not _COMMIT.fullmatch(normal):
        raise InvalidInputError(
            f"{_quoted(record)} is no evidence.",
            remedy=f"Cite a record's id, {_ENTRY_URI}ID, or at least 7 digits of a commit's id; other uses are told "
            "in known_uses.",
        )
    return normal


def _one_line(text: str) -> str:
    return visible(" ".join(text.split()))


def _text(text: str) -> str:
    lines = visible(text.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
    return closed("\n".join(line.rstrip() for line in lines).strip("\n"))


def _items(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line for text in texts if (line := _one_line(text))))


def _check_choices(pattern: Pattern) -> None:
    if not pattern.title:
        raise InvalidInputError("title is missing.", remedy="Say in one line what to do, or what not to do.")
    choices = {"kind": KINDS, "category": CATEGORIES, "status": STATUSES}
    for field, allowed in choices.items():
        given = getattr(pattern, field)
        if given not in allowed:
            raise InvalidInputError(f"{field} cannot be {_quoted(given)}.", remedy=_one_of(allowed))
    if any(relation.name == pattern.name for relation in pattern.related):
        raise InvalidInputError(f"{pattern.name} is related to itself.", remedy="Leave that relation out.")


def _check_status(pattern: Pattern) -> None:
    if pattern.status == "active" and (pattern.reason or pattern.successor):
        raise InvalidInputError(
            "Only a deprecated pattern has a reason and a successor.",
            remedy="Set status to deprecated, or leave both out.",
        )
    if pattern.status == "deprecated" and not (pattern.reason or pattern.successor):
        raise InvalidInputError(
            "A deprecated pattern needs a reason or a successor.",
            remedy="Say in reason why nobody should follow it, or name in successor the pattern to follow instead.",
        )
    if pattern.successor:
        _check_name(pattern.successor)
    if pattern.successor == pattern.name:
        raise InvalidInputError(f"{pattern.name} cannot succeed itself.", remedy="Name another pattern.")


def _quoted(text: str) -> str:
    return repr(gist(text, limit=60))


def _one_of(choices: Iterable[str]) -> str:
    return f"Use one of: {', '.join(choices)}."


# Limits


def check_limits(pattern: Pattern) -> None:
    """Refuse a pattern that is too long to be worth its place in a reader's context.

    Raises:
        InvalidInputError: a field or the whole is over its limit, which is said.
    """
    for field, limit in LIMIT_CHARS.items():
        _within(field, len(getattr(pattern, field)), limit, "characters")
    for field, limit in LIMIT_ITEMS.items():
        _within(field, len(getattr(pattern, field)), limit, "items")
    for field in LISTS:
        _within(f"an item of {field}", max(map(len, getattr(pattern, field)), default=0), ITEM_CHARS, "characters")
    _within("all fields together", sum(map(len, _all_texts(pattern))), MOST_CHARS, "characters")


def _within(what: str, size: int, limit: int, unit: str) -> None:
    if size > limit:
        raise InvalidInputError(
            f"{what}: {size:,} {unit}, {size - limit:,} too many.",
            remedy=f"Keep it to {limit:,}; what is particular to one case belongs in the entry that is cited.",
        )


def _all_texts(pattern: Pattern) -> Iterable[str]:
    yield from (getattr(pattern, field) for field in (*LINES, *TEXTS, "successor"))
    for field in (*LISTS, "tags", "evidence"):
        yield from getattr(pattern, field)
    yield from (f"{relation.kind}{relation.name}" for relation in pattern.related)


def text_of(pattern: Pattern) -> str:
    """What a pattern says below its title, most telling first: an embedder reads only the beginning of a text."""
    parts = [pattern.problem, pattern.context, pattern.solution, *pattern.forces, pattern.implementation]
    parts += [*pattern.benefits, *pattern.tradeoffs, *pattern.risks, *pattern.known_uses]
    return "\n".join(part for part in parts if part)


# The ledger

_STRINGS = ("name", *LINES, *TEXTS, "kind", "category", "status", "successor")
_STRING_LISTS = (*LISTS, "tags", "evidence")


def to_body(pattern: Pattern) -> dict[str, Any]:
    """A pattern as the body of an event: strings and lists."""
    body: dict[str, Any] = {field: getattr(pattern, field) for field in _STRINGS}
    body |= {field: list(getattr(pattern, field)) for field in _STRING_LISTS}
    return body | {"related": [{"kind": relation.kind, "name": relation.name} for relation in pattern.related]}


def from_body(body: Json) -> Pattern:
    """The pattern in the body of an event; what else the body holds is left to its reader.

    Raises:
        IntegrityError: it is not that of a pattern; it came from elsewhere.
    """
    try:
        return _read(body)
    except (KeyError, TypeError, InvalidInputError) as error:
        raise IntegrityError(
            "This record is not a readable pattern.",
            remedy="`agentops-mcp show` prints it as it is; ask whoever made it which version wrote it.",
        ) from error


def _read(body: Json) -> Pattern:
    fields: dict[str, Any] = {field: _string(body[field]) for field in _STRINGS}
    fields |= {field: tuple(_string(each) for each in _list(body[field])) for field in _STRING_LISTS}
    related = [(_string(each["kind"]), _string(each["name"])) for each in _list(body["related"])]
    kinds: dict[str, RelationKind] = {kind: kind for kind in RELATION_KINDS}
    return Pattern(**fields, related=tuple(Relation(kinds[kind], name) for kind, name in related))


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a field of a pattern is text")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("a field of a pattern is a list")
    return value  # pyright: ignore[reportUnknownVariableType]
