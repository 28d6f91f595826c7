"""`search --batch` and `mine --batch`: many texts, a JSON object a line in and out, so that anyone can measure them.

The same steps answer the tools. A corpus is kept in a scratch project of its own for as long as the command runs.
"""

import json
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

from agentops_mcp.cli.lines import lines_of
from agentops_mcp.cli.opening import reading
from agentops_mcp.cli.output import EXIT_FOUND, visible_json
from agentops_mcp.cli.scratch import scratch_knowledge
from agentops_mcp.cli.vectors import catch_up, tell
from agentops_mcp.core.errors import AgentOpsError, ConfigError, InvalidInputError
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.mining.rules.imports.notes import Note
from agentops_mcp.factors.mining.store import documents, notes
from agentops_mcp.factors.mining.store.documents import Request
from agentops_mcp.storage.ledger import Ledger
from agentops_mcp.storage.project import current_user

if TYPE_CHECKING:
    from agentops_mcp.factors.mining.service.search import Search

_AT_ONCE = 500
_SOURCE = "corpus"


@dataclass(frozen=True, slots=True)
class _Row:
    """One line: its text, or why it has none."""

    number: int
    id: Any
    text: str
    problem: str = ""

    @property
    def error(self) -> str:
        """The problem and its place."""
        return f"line {self.number}: {self.problem}"


def search_batch(queries: Path, corpus: Path | None, *, project: Path | None, k: int, lexical: bool) -> int:
    """Answer every query, in order and as soon as it can be; returns the exit code.

    Raises:
        ConfigError: a file cannot be read.
    """
    if corpus is not None and str(queries) == str(corpus) == "-":
        raise ConfigError("Standard input cannot be both files.", remedy="Give one of them by its name.")
    with lines_of(queries) as asked:
        if corpus is None:
            with reading(project) as app:
                if not lexical:
                    catch_up(app.knowledge().semantic, timeout_s=math.inf)
                return _answer_all(app.search(), asked, None, k=k, lexical=lexical)
        with scratch_knowledge() as (ledger, knowledge):
            names, is_whole = _import(corpus, ledger)
            if not lexical:
                catch_up(knowledge.semantic, timeout_s=math.inf)
            code = _answer_all(knowledge.search, asked, names, k=k, lexical=lexical)
    return code if is_whole else EXIT_FOUND


def mine_batch(file: Path, *, least: int) -> int:
    """Say of every text which group it belongs to, in order; returns the exit code.

    Raises:
        ConfigError: the file cannot be read.
        InvalidInputError: it has more texts than are compared at once.
    """
    with lines_of(file) as lines:
        rows = list(_rows(lines))
    # A text that says nothing is like every other one that does.
    texts = {at: row.text for at, row in enumerate(rows) if row.text.strip()}
    tell(f"Comparing {len(texts):,} texts…")
    groups, reason = _groups(list(texts.values()), least)
    places = list(texts)
    cluster_of = {places[at]: number for number, group in enumerate(groups, start=1) for at in group}
    for at, row in enumerate(rows):
        answer = {"error": row.error} if row.problem else {"cluster": cluster_of.get(at)}
        _print({"id": row.id, **answer, **({"lexical_only": reason} if reason else {})})
    return EXIT_FOUND if any(row.problem for row in rows) else 0


def _groups(texts: Sequence[str], least: int) -> tuple[Sequence[Sequence[int]], str]:
    with scratch_knowledge() as (_, knowledge):
        from agentops_mcp.factors.mining.rules.clusters import MOST_TEXTS  # NumPy, which mining has loaded already

        if len(texts) > MOST_TEXTS:
            raise InvalidInputError(
                f"The file has {len(texts):,} texts; {MOST_TEXTS:,} are compared at once.", remedy="Split it."
            )
        return knowledge.mining.cluster(texts, min_size=least)


def _import(corpus: Path, ledger: Ledger) -> tuple[Mapping[str, Any], bool]:
    """Keep every document as an imported note whose searchable text is the row's, and say which ref is which id.

    What looks like an instruction is released: a measurement ranks all there is.
    """
    actor = Actor(client="agentops-mcp search --batch", user=current_user(), via="cli")
    names: dict[str, Any] = {}
    is_whole = True
    batch: list[Note] = []
    with lines_of(corpus) as lines:
        for place, row in enumerate(_unique(_rows(lines))):
            if row.problem:
                is_whole = False
                typer.echo(f"corpus, {row.error}", err=True)
                continue
            batch.append(Note(source=_SOURCE, origin=str(place), title="", text=row.text))
            names[f"note/{batch[-1].key()}"] = row.id
            if len(batch) == _AT_ONCE:
                ledger.append([notes.imported(note) for note in batch], actor=actor)
                batch.clear()
    ledger.append([notes.imported(note) for note in batch], actor=actor)
    with ledger.read() as tx:
        hidden = documents.quarantined(tx, limit=len(names))
    ledger.append([documents.release(ref) for ref, _, _ in hidden], actor=actor)
    return names, is_whole


def _answer_all(
    search: "Search", asked: Iterable[bytes], names: Mapping[str, Any] | None, *, k: int, lexical: bool
) -> int:
    has_failed = False
    for row in _rows(asked):
        answer = _answer(search, row, k=k, lexical=lexical)
        has_failed |= "error" in answer
        if names is not None and "ranked" in answer:
            answer["ranked"] = [names[ref] for ref in answer["ranked"]]
        _print({"query": row.id, **answer})
    return EXIT_FOUND if has_failed else 0


def _answer(search: "Search", row: _Row, *, k: int, lexical: bool) -> dict[str, Any]:
    if row.problem:
        return {"error": row.error}
    begun = time.perf_counter()
    try:
        request = Request(row.text, k=k)
        results = search.search(request, patience_s=None) if lexical else search.search(request)
    except AgentOpsError as error:
        return {"error": f"line {row.number}: {error}"}
    seconds = time.perf_counter() - begun
    answer = {"ranked": [hit.document.ref for hit in results.hits], "seconds": round(seconds, 4)}
    return {**answer, "lexical_only": results.lexical_only} if results.lexical_only else answer


def _unique(rows: Iterable[_Row]) -> Iterator[_Row]:
    seen: set[Any] = set()
    for row in rows:
        if not row.problem and row.id in seen:
            yield _Row(row.number, row.id, "", f"The id {json.dumps(row.id)} is there twice.")
        else:
            yield row
        if not row.problem:
            seen.add(row.id)


def _rows(lines: Iterable[bytes]) -> Iterator[_Row]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _row(number, line)


def _row(number: int, line: bytes) -> _Row:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return _Row(number, None, "", "It is not a JSON object. Write one object a line, in UTF-8.")
    fields = cast("dict[str, Any]", found)
    name, text = fields.get("id"), fields.get("text")
    if not isinstance(name, str | int):
        return _Row(number, None, "", "id is neither a text nor a whole number.")
    if not isinstance(text, str):
        return _Row(number, name, "", "text is not a text.")
    try:
        text.encode()
    except UnicodeEncodeError:
        return _Row(number, name, "", "text has half a surrogate pair, which is not Unicode.")
    return _Row(number, name, text)


def _print(answer: Mapping[str, Any]) -> None:
    typer.echo(visible_json(json.dumps(answer)))  # which also flushes
