"""Words and meaning give one order, in which neither drowns the other."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.factors.mining.rules import fusion
from agentops_mcp.factors.mining.rules.fusion import (
    COVERAGE_WEIGHT,
    LEXICAL_WEIGHT,
    Lexical,
    Query,
    Statistics,
    adjust,
    belief,
    fuse,
    most_telling,
)

WORDS = st.lists(st.sampled_from("abcdefgh"), max_size=12)
SOME_WORDS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=12)


def statistics_of(documents: int, shares: dict[str, float]) -> Statistics:
    return Statistics(documents, documents * 5, {word: int(documents * share) for word, share in shares.items()})


STATISTICS = st.builds(
    statistics_of, st.integers(0, 10_000), st.fixed_dictionaries(dict.fromkeys("abcdefgh", st.floats(0, 1)))
)
LEXICAL = st.builds(Lexical, st.floats(0, 50), st.floats(0, 1), st.just(()))
ROWS = st.lists(st.tuples(LEXICAL, st.floats(-1, 1) | st.none()), max_size=10)

RARE = Statistics(1_000, 50_000, {"lock": 3, "migrat": 20, "test": 700})


# BM25 and coverage


@given(STATISTICS, st.sampled_from("abcdefgh"))
def test_a_term_is_never_worth_less_than_nothing(statistics: Statistics, term: str) -> None:
    assert 0 <= statistics.idf(term) < math.inf


def test_a_rarer_term_is_worth_more() -> None:
    worth = [RARE.idf(term) for term in ("nowhere", "lock", "migrat", "test")]
    assert worth == sorted(worth, reverse=True)
    assert len(set(worth)) == 4


def test_a_score_is_that_of_the_formula() -> None:
    query = Query(["lock", "test"], RARE)
    scored = query.score(["lock", "lock", "pod", "stuck"])
    idf = math.log(1 + (1_000 - 3 + 0.5) / (3 + 0.5))
    length = 1.2 * (1 - 0.75 + 0.75 * 4 / 50)
    assert scored.bm25 == pytest.approx(idf * 2 * 2.2 / (2 + length))
    assert scored.coverage == pytest.approx(idf / (idf + RARE.idf("test")))
    assert scored.shared == ("lock",)


@given(STATISTICS, SOME_WORDS, WORDS)
def test_coverage_is_a_share_and_whole_when_every_word_is_there(
    statistics: Statistics, words: list[str], document: list[str]
) -> None:
    query = Query(set(words), statistics)
    assert 0 <= query.score(document).coverage <= 1 + 1e-9
    whole = query.score([*document, *words])
    assert whole.coverage == pytest.approx(1) or not any(map(statistics.idf, words))


@given(STATISTICS, SOME_WORDS, WORDS)
def test_another_shared_word_never_lowers_a_document_of_the_same_length(
    statistics: Statistics, words: list[str], document: list[str]
) -> None:
    query = Query(set(words), statistics)
    scores = [query.score([*words[:n], *["other"] * (len(words) - n), *document]) for n in range(len(words) + 1)]
    for less, more in pairwise(scores):
        assert more.bm25 >= less.bm25 - 1e-9
        assert more.coverage >= less.coverage - 1e-9


def test_the_most_telling_shared_word_comes_first() -> None:
    assert Query(["test", "lock", "migrat"], RARE).score(["test", "migrat", "lock"]).shared == (
        "lock",
        "migrat",
        "test",
    )


def test_nothing_matches_in_nothing() -> None:
    assert Query([], Statistics(0, 0, {})).score([]) == Lexical(0, 0, ())


# Belief


@given(STATISTICS, WORDS, WORDS)
def test_belief_is_a_share(statistics: Statistics, query: list[str], best: list[str]) -> None:
    assert 0 <= belief(query, best, statistics) <= 1


@given(STATISTICS, SOME_WORDS)
def test_the_same_words_are_wholly_believed(statistics: Statistics, words: list[str]) -> None:
    assert belief(words, words, statistics) == 1 or not any(map(statistics.idf, words))


def test_one_stray_word_is_hardly_believed() -> None:
    query = ["lock", "migrat", "pod", "stuck", "test"]
    assert belief(query, ["test", "snapshot", "browser", "pixel"], RARE) < 0.1
    assert belief(query, ["lock", "migrat", "pod", "restart"], RARE) > 0.9


# Fusion


@given(ROWS, st.floats(0, 1), st.floats(-1, 1))
def test_all_telling_words_beat_none_at_equal_cosine(
    rows: list[tuple[Lexical, float | None]], believed: float, cosine: float
) -> None:
    best = max((row[0].bm25 for row in rows), default=1.0) + 1
    pair = [(Lexical(best, 1.0, ()), cosine), (Lexical(0.0, 0.0, ()), cosine)]
    lexical, cosines = zip(*pair, *rows, strict=True)
    with_all, without, *_ = fuse(lexical, cosines, believed=believed)
    assert with_all - without == pytest.approx(LEXICAL_WEIGHT * believed + COVERAGE_WEIGHT)


@given(ROWS, st.floats(0, 1))
def test_without_vectors_the_order_is_that_of_words(rows: list[tuple[Lexical, float | None]], believed: float) -> None:
    lexical = [row[0] for row in rows]
    scores = fuse(lexical, None, believed=believed)
    assert all(0 <= score <= LEXICAL_WEIGHT + COVERAGE_WEIGHT + 1e-9 for score in scores)
    assert scores == fuse(lexical, [None] * len(lexical), believed=0.3)
    for one, its in zip(lexical, scores, strict=True):
        for other, theirs in zip(lexical, scores, strict=True):
            if one.bm25 >= other.bm25 and one.coverage >= other.coverage:
                assert its >= theirs - 1e-9


@given(ROWS, LEXICAL, st.floats(0, 1), st.floats(-1, 0.9), st.floats(0.01, 0.1))
def test_a_nearer_meaning_never_lowers_a_candidate(
    rows: list[tuple[Lexical, float | None]], same: Lexical, believed: float, cosine: float, more: float
) -> None:
    lexical, cosines = zip((same, cosine), (same, cosine + more), *rows, strict=True)
    near, nearer, *_ = fuse(lexical, cosines, believed=believed)
    assert nearer - near == pytest.approx(more)


def test_a_candidate_whose_vector_is_not_there_is_like_the_middle_one() -> None:
    words = Lexical(1.0, 0.5, ())
    scores = fuse([words] * 4, [0.1, 0.5, 0.9, None], believed=1)
    assert scores[3] == scores[1]


def test_nothing_is_fused_into_nothing() -> None:
    assert fuse([], [], believed=1) == []
    assert fuse([], None, believed=0) == []


# Evidence, recency, standing


@given(st.floats(-1, 2), st.integers(0, 10**6), st.integers(0, 10**6), st.floats(-10, 10_000))
def test_evidence_and_age_move_a_score_by_hundredths(score: float, worked: int, failed: int, age_days: float) -> None:
    moved = adjust(score, worked=worked, failed=failed, age_days=age_days, deprecated=False) - score
    assert -0.04 - 1e-9 <= moved <= 0.06 + 1e-9


@given(st.integers(0, 1_000), st.integers(0, 1_000), st.floats(0, 1_000), st.floats(0, 1_000))
def test_what_worked_raises_and_what_failed_or_is_old_lowers(
    worked: int, failed: int, age: float, older: float
) -> None:
    def adjusted(worked: int, failed: int, age_days: float) -> float:
        return adjust(1.0, worked=worked, failed=failed, age_days=age_days, deprecated=False)

    base = adjusted(worked, failed, age)
    assert adjusted(worked + 1, failed, age) >= base
    assert adjusted(worked, failed + 1, age) <= base
    assert adjusted(worked, failed, age + older) <= base


def test_a_deprecated_pattern_stands_behind_what_is_nearly_as_near() -> None:
    active = adjust(0.5, worked=0, failed=2, age_days=1_000, deprecated=False)
    assert adjust(0.6, worked=100, failed=0, age_days=0, deprecated=True) < active + 0.1


# Which terms are looked up


def test_the_rarest_terms_are_looked_up_until_enough_documents_are_found() -> None:
    assert most_telling(["test", "lock", "migrat", "nowhere"], RARE, most_postings=100) == ["lock", "migrat"]
    assert most_telling(["test", "lock", "migrat"], RARE, most_postings=1_000) == ["lock", "migrat", "test"]


def test_a_single_frequent_term_is_looked_up_all_the_same() -> None:
    assert most_telling(["test"], RARE, most_postings=10) == ["test"]
    assert fusion.most_telling([], RARE, most_postings=10) == []
