"""A load as a person or a program looks at it: as JSON, what spoke for each piece, and where the budget went."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from agentops_mcp.factors.context.rules.requests import Request

if TYPE_CHECKING:
    from agentops_mcp.factors.context.service.contexts import Loaded

WHAT_THE_NUMBERS_ARE = (
    "share: of the value expected of all lines looked into. Signed: what each reason says for the best line of a "
    "piece, as a difference of log expected share against an average line."
)
"""How to read what `explained` gives."""

_MEMORY = "this project's memory"
_AROUND = "task, left out, cost"


def document_of(request: Request, loaded: "Loaded", commit: str | None, *, explain: bool) -> dict[str, Any]:
    """A load for programs; `commit` is what was read, and with `explain` each piece has what spoke for it."""
    spoke = {item: (share, reasons) for item, share, reasons in _reasons(loaded)} if explain else {}
    items: list[dict[str, Any]] = []
    for item, size in zip(loaded.items, loaded.item_tokens, strict=True):
        parts = {part: getattr(item, part) for part in ("id", "path", "start", "end", "level", "reason", "title")}
        items.append({**parts, "tokens": size})
        if item.id in spoke:
            share, reasons = spoke[item.id]
            items[-1] |= {"share": round(share, 4), "reasons": {name: round(by, 3) for name, by in reasons.items()}}
    return {
        "task": request.task, "commit": commit, "budget_tokens": request.budget_tokens, "tokens": loaded.tokens,
        "items": items, "left_out": _left_out(loaded), "text": loaded.text,
    }  # fmt: skip


def _left_out(loaded: "Loaded") -> dict[str, Any]:
    """Files that match too, best first; files passed over, by why; and how many were too many to search."""
    if loaded.ranked is None:
        return {}
    files, indexed = loaded.ranked.files, loaded.ranked.indexed
    sent = {item.path for item in loaded.items}
    matching = [indexed.files[number].path for number in files.chosen if files.score[number] > 0]
    return {
        "files": [each for each in matching if each not in sent], "passed_over": dict(indexed.passed_over),
        "not_searched": indexed.pending + indexed.beyond,
    }  # fmt: skip


def _reasons(loaded: "Loaded") -> Iterator[tuple[str, float, dict[str, float]]]:
    """For each piece its id, its share of all value, and what each reason says for its best line."""
    ranked, packed = loaded.ranked, loaded.packed
    if ranked is None or packed is None:
        return
    whole = float(packed.values.sum()) or 1.0
    numbers = {file.path: number for number, file in enumerate(ranked.indexed.files)}
    for item in loaded.items:
        if item.path:
            first = ranked.layout.starts[numbers[item.path]] + item.start - 1
            values = packed.values[first : first + item.end - item.start + 1]
            peak = first + int(values.argmax())
            yield item.id, float(values.sum()) / whole, {name: float(by[peak]) for name, by in packed.reasons.items()}


def explained(loaded: "Loaded") -> Iterator[tuple[str, ...]]:
    """A table of the pieces: what each cost, what it is worth, and what spoke for it."""
    names = list(loaded.packed.reasons) if loaded.packed else []
    yield "tokens", " share", "level  ", *(f"{name:>7}" for name in names), "piece"
    known = {item.id: (item, size) for item, size in zip(loaded.items, loaded.item_tokens, strict=True)}
    spent, worth = 0, 0.0
    for identifier, share, reasons in _reasons(loaded):
        item, size = known[identifier]
        spent, worth = spent + size, worth + share
        numbers = (f"{round(reasons[name], 1) + 0.0:+7.1f}" for name in names)  # never -0.0
        lines = f"{item.start}-{item.end}" if item.end > item.start else f"{item.start}"
        yield f"{size:>6,}", f"{share:>6.1%}", item.level, *numbers, f"{item.path}:{lines} {item.title}".rstrip()
    yield f"{spent:>6,}", f"{worth:>6.1%}", "all", *("" for _ in names), ""


def tree_of(loaded: "Loaded", budget_tokens: int) -> Iterator[str]:
    """Where the budget went: folders and files, the biggest first."""
    files: dict[tuple[str, ...], int] = {}
    for item, size in zip(loaded.items, loaded.item_tokens, strict=True):
        parts = tuple(item.path.split("/")) if item.path else (_MEMORY,)
        files[parts] = files.get(parts, 0) + size
    sent = sum(files.values())
    rows = [(budget_tokens, "budget"), *_branches(files, 1)]
    rows += [(loaded.tokens - sent, f"  {_AROUND}"), (budget_tokens - loaded.tokens, "  unused")]
    for size, name in rows:
        yield f"{size:>7,}  {size / budget_tokens:>6.1%}  {name}"


def _branches(files: Mapping[tuple[str, ...], int], depth: int) -> Iterator[tuple[int, str]]:
    """The tokens of each folder and file with its indented name."""
    groups: dict[str, dict[tuple[str, ...], int]] = {}
    for parts, size in files.items():
        groups.setdefault(parts[0], {})[parts[1:]] = size
    for group in sorted(groups.items(), key=lambda each: (-sum(each[1].values()), each[0])):
        name, inside = _joined(*group)
        is_file = () in inside
        yield sum(inside.values()), f"{'  ' * depth}{name}{'' if is_file else '/'}"
        if not is_file:
            yield from _branches(inside, depth + 1)


def _joined(name: str, inside: dict[tuple[str, ...], int]) -> tuple[str, dict[tuple[str, ...], int]]:
    """A folder, in one line with its only member, and that one's, as far down as it goes."""
    while () not in inside and len({parts[0] for parts in inside}) == 1:
        name = f"{name}/{next(iter(inside))[0]}"
        inside = {parts[1:]: size for parts, size in inside.items()}
    return name, inside
