"""Full text finds candidates on either database, among the documents that pass the filter."""

from collections.abc import Sequence

import pytest

from agentops_mcp.factors.mining.rules.imports.notes import Note
from agentops_mcp.factors.mining.rules.terms import terms
from agentops_mcp.factors.mining.store import documents, notes
from agentops_mcp.factors.mining.store.documents import Filter
from agentops_mcp.storage.ledger import Ledger
from conftest import AGENT, LedgerFactory

VIEW = documents.view({notes.IMPORTED: notes.document})

TEXTS = {
    "lock": "The migration waits for a lock that a stuck pod holds",
    "retry": "Retry with jitter; see retry_policy in HttpClient and src/net/retry.py",
    "clock": "Freeze the clock in tests that depend on time",
    "error": "psycopg raises SQLSTATE 40P01 when it finds a deadlock",
    "japanese": "テストが失敗したら時計を止める",
}


@pytest.fixture
def ledger(open_ledger: LedgerFactory) -> Ledger:
    opened = open_ledger(VIEW)
    rows = [Note("test", origin, origin, text, tags=(f"tag-{origin}",)) for origin, text in TEXTS.items()]
    opened.append([notes.imported(row) for row in rows], actor=AGENT)
    return opened


def found(ledger: Ledger, query: str, chosen: Filter = Filter()) -> Sequence[str]:  # noqa: B008 - it is frozen
    with ledger.read() as tx:
        words = list(dict.fromkeys(terms(query)))
        statistics = documents.statistics(tx, words)
        weights = {word: statistics.idf(word) for word in words if statistics.frequencies.get(word)}
        numbers = documents.candidates(tx, weights, chosen, limit=10)
        by_number = {each.seq: each.title for each in documents.by_number(tx, numbers)}
    return [by_number[number] for number in numbers]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("stuck migrations", "lock"),
        ("retryPolicy", "retry"),
        ("http client", "retry"),
        ("net/retry.py", "retry"),
        ("40p01", "error"),
        ("freezing clocks", "clock"),
        ("時計", "japanese"),
    ],
)
def test_a_document_is_found_by_any_form_of_its_words(ledger: Ledger, query: str, first: str) -> None:
    assert found(ledger, query)[0] == first


@pytest.mark.parametrize(
    "query", ['" OR NEAR(', "* AND NOT :", "'; DROP TABLE document; --", "🦀", "a | b & !c", "%s ?"]
)
def test_syntax_of_full_text_is_only_text(ledger: Ledger, query: str) -> None:
    assert found(ledger, query) == []


def test_how_often_a_term_stands_is_counted_in_documents(ledger: Ledger) -> None:
    with ledger.read() as tx:
        statistics = documents.statistics(tx, ["retri", "retry", "test", "time", "nowhere"])
    assert statistics.documents == len(TEXTS)
    assert "nowhere" not in statistics.frequencies
    assert statistics.frequencies["test"] == 1


def test_only_what_passes_the_filter_is_a_candidate(ledger: Ledger) -> None:
    query = "clock retry lock"
    assert set(found(ledger, query)) == {"clock", "retry", "lock"}
    assert found(ledger, query, Filter(tag="tag-retry")) == ["retry"]
    assert found(ledger, query, Filter(kinds=("failure",))) == []
    assert found(ledger, query, Filter(refs=())) == []
    assert found(ledger, query, Filter(since="9999")) == []


def test_a_new_text_of_a_note_takes_the_place_of_the_old(ledger: Ledger) -> None:
    changed = Note("test", "lock", "lock", "The vacuum blocks the index", tags=())
    ledger.append([notes.imported(changed)], actor=AGENT)
    assert found(ledger, "stuck pod migration") == []
    assert found(ledger, "vacuum") == ["lock"]
    assert found(ledger, "vacuum", Filter(tag="tag-lock")) == []
    with ledger.read() as tx:
        assert documents.count(tx) == (len(TEXTS), 0)


def test_a_rebuild_gives_the_same_tables(ledger: Ledger) -> None:
    def tables() -> list[list[tuple[object, ...]]]:
        with ledger.read() as tx:
            return [tx.execute(f"SELECT * FROM {table} ORDER BY 1, 2") for table in VIEW.tables[:4]]

    before = tables()
    ledger.rebuild()
    assert tables() == before
    assert found(ledger, "freezing clocks") == ["clock"]
