"""Full text in the database: SQLite's FTS5 or PostgreSQL's text search, over terms that are already cut.

Both only find candidates; their order comes from `rules.fusion`, so that it is the same on either.
"""

from collections.abc import Mapping, Sequence

from agentops_mcp.storage.database import Dialect, Transaction, Value

_VECTOR = "array_to_tsvector(string_to_array(words, ' '))"

TABLES: Mapping[Dialect, tuple[str, ...]] = {
    "sqlite": (
        # The terms stand in the table `document` already: the index keeps none of its own.
        """
        CREATE VIRTUAL TABLE document_word USING fts5
        (words, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')
        """,
        "CREATE VIRTUAL TABLE document_frequency USING fts5vocab ('document_word', 'row')",
    ),
    "postgresql": (f"CREATE INDEX document_by_word ON document USING GIN ({_VECTOR})",),
}

# A term that stands in more documents than this is as good as in all of them.
_MOST_COUNTED = 20_000
_AT_ONCE = 200


def insert(tx: Transaction, seq: int, words: str) -> None:
    """Index a document's terms."""
    if tx.dialect == "sqlite":
        tx.execute("INSERT INTO document_word (rowid, words) VALUES (?, ?)", [seq, words])


def delete(tx: Transaction, seq: int) -> None:
    """Forget a document's terms."""
    if tx.dialect == "sqlite":
        tx.execute("DELETE FROM document_word WHERE rowid = ?", [seq])


def frequencies(tx: Transaction, terms: Sequence[str]) -> dict[str, int]:
    """In how many documents each of these terms stands; those that stand in none are left out."""
    wanted = list(dict.fromkeys(terms))
    if tx.dialect == "postgresql":
        counted = f"SELECT 1 FROM document WHERE {_VECTOR} @@ CAST(? AS tsquery) LIMIT {_MOST_COUNTED}"
        counts = {term: tx.execute(f"SELECT COUNT(*) FROM ({counted}) AS counted", [term])[0][0] for term in wanted}
        return {term: count for term, count in counts.items() if count}
    found: dict[str, int] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        marks = ", ".join("?" for _ in part)
        found |= dict(tx.execute(f"SELECT term, doc FROM document_frequency WHERE term IN ({marks})", part))
    return found


def candidates(
    tx: Transaction, weights: Mapping[str, float], *, within: str, parameters: Sequence[Value], limit: int
) -> list[int]:
    """The numbers of the `limit` documents that say the most of these terms, among those of the condition `within`.

    `weights` are the terms' IDF; FTS5 has its own.
    """
    if not weights:
        return []
    if tx.dialect == "sqlite":
        # The plus keeps SQLite from asking the index once for each row of the filter.
        condition = f"AND +rowid IN (SELECT seq FROM document WHERE {within})" if within else ""
        rows = tx.execute(
            f"SELECT rowid FROM document_word WHERE document_word MATCH ? {condition} ORDER BY rank LIMIT ?",
            [" OR ".join(f'"{term}"' for term in weights), *parameters, limit],
        )
    else:
        each = f"CASE WHEN {_VECTOR} @@ CAST(? AS tsquery) THEN CAST(? AS bigint) ELSE 0 END"
        score = " + ".join(each for _ in weights)
        scored = [value for term, idf in weights.items() for value in (term, round(idf * 1000))]
        rows = tx.execute(
            f"SELECT seq FROM document WHERE {_VECTOR} @@ CAST(? AS tsquery) {'AND ' + within if within else ''} "
            f"ORDER BY {score} DESC, seq DESC LIMIT ?",
            [" | ".join(weights), *parameters, *scored, limit],
        )
    return [seq for (seq,) in rows]
