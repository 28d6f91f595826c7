"""Texts of one meaning are grouped, in narrow and in mixed libraries, and strangers are left alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from agentops_mcp.factors.mining.rules.clusters import FEWEST_FOR_LEARNING, MOST_TEXTS, Group, cluster

DIMENSIONS = 64
_ALONE = -1


def unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def library(
    groups: int, size: int, strangers: int, *, common: float = 0.0, noise: float = 0.5
) -> tuple[list[str], NDArray[np.float32], list[int]]:
    """Texts without a word in common, their vectors, and the group each was made for.

    `common` is the part of each vector that all share: high in a library about a single thing.
    """
    rng = np.random.default_rng(7)
    labels = [at for at in range(groups) for _ in range(size)] + [_ALONE] * strangers
    centres = unit(rng.standard_normal((groups, DIMENSIONS)))
    alone = iter(unit(rng.standard_normal((max(1, strangers), DIMENSIONS))))
    shared = unit(rng.standard_normal((1, DIMENSIONS)))[0]
    rows = np.array([centres[label] if label != _ALONE else next(alone) for label in labels])
    rows = rows + noise * unit(rng.standard_normal(rows.shape)) + common * shared
    order = rng.permutation(len(labels))
    return [f"text{at}" for at in order], unit(rows[order]), [labels[at] for at in order]


def members(found: list[Group]) -> set[frozenset[int]]:
    return {frozenset(group.members) for group in found}


def planted(labels: list[int]) -> set[frozenset[int]]:
    return {frozenset(at for at, each in enumerate(labels) if each == label) for label in set(labels) - {_ALONE}}


@pytest.mark.parametrize(
    ("groups", "size", "strangers", "common"),
    [(1, 3, 0, 0.0), (2, 3, 6, 0.0), (20, 4, 60, 0.0), (20, 4, 60, 1.5), (40, 5, 100, 0.0), (40, 5, 100, 1.5)],
)
def test_groups_are_found_in_small_and_large_narrow_and_mixed_libraries(
    groups: int, size: int, strangers: int, common: float
) -> None:
    texts, vectors, labels = library(groups, size, strangers, common=common)
    found, wanted = members(cluster(texts, vectors)), planted(labels)
    assert len(found & wanted) >= 0.9 * len(wanted)
    assert len(found & wanted) >= 0.75 * len(found)


def test_strangers_are_left_alone_where_every_text_resembles_every_other() -> None:
    texts, vectors, labels = library(20, 4, 100, common=1.5)
    assert np.quantile(vectors @ vectors.T, 0.1) > 0.5
    taken = {at for group in cluster(texts, vectors) for at in group.members}
    strangers = {at for at, label in enumerate(labels) if label == _ALONE}
    assert len(taken & strangers) <= 0.1 * len(strangers)


def test_directions_in_which_texts_of_one_meaning_differ_count_less() -> None:
    texts, vectors, labels = library(40, 4, 60, noise=0.1)
    wording = np.random.default_rng(3).standard_normal((len(texts), 3))
    blurred = unit(np.hstack([vectors, 0.45 * wording]))
    assert len(members(cluster(texts, blurred)) & planted(labels)) >= 0.8 * 40


@pytest.mark.parametrize("strangers", [0, 100])
def test_the_same_texts_give_the_same_groups(strangers: int) -> None:
    texts, vectors, _ = library(10, 3, strangers)
    assert cluster(texts, vectors) == cluster(texts, vectors.copy())


def test_where_nothing_recurs_nothing_is_found() -> None:
    texts, vectors, _ = library(0, 0, 200)
    assert cluster(texts, vectors) == []


def test_vectors_that_were_given_stay_as_they_are() -> None:
    texts, vectors, _ = library(20, 4, 60)
    before = vectors.copy()
    cluster(texts, vectors)
    assert np.array_equal(vectors, before)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_texts_than_a_group_needs_give_none(n: int) -> None:
    assert cluster(["same words here"] * n, None) == []
    assert cluster([f"text{at}" for at in range(n)], np.full((n, 4), 0.5, np.float32)) == []


def test_a_text_that_occurs_three_times_is_a_group_whatever_its_case_and_spaces() -> None:
    texts, vectors, _ = library(0, 0, 20)
    texts += ["Tests hang", "tests  hang", "TESTS HANG\n"]
    found = cluster(texts, np.vstack([vectors, vectors[:1], vectors[:1], vectors[:1]]))
    assert frozenset({20, 21, 22}) <= max(members(found), key=len)


@pytest.mark.parametrize(("min_size", "sizes"), [(2, [4, 3, 2]), (3, [4, 3]), (4, [4]), (5, [])])
def test_smaller_groups_than_asked_for_are_not_reported_and_larger_ones_come_first(
    min_size: int, sizes: list[int]
) -> None:
    directions = [0, 0, 0, 0, 1, 1, 1, 2, 2, 3]
    vectors = np.eye(4, dtype=np.float32)[directions]
    found = cluster([f"text{at}" for at in range(10)], vectors, min_size=min_size)
    assert [len(group.members) for group in found] == sizes


def test_the_most_typical_member_comes_first() -> None:
    vectors = unit(np.array([[1, 0.4, 0], [1, -0.4, 0], [1, 0, 0], [0, 0, 1]], np.float64))
    (group,) = cluster(["alpha", "beta", "gamma", "delta"], vectors)
    assert group.members == (2, 0, 1)


def test_cohesion_is_the_mean_cosine_of_two_members() -> None:
    vectors = unit(np.array([[1, 0], [1, 0], [0.6, 0.8]], np.float64))
    (group,) = cluster(["alpha", "beta", "gamma"], vectors)
    assert group.cohesion == pytest.approx((1 + 0.6 + 0.6) / 3, abs=1e-6)


@pytest.mark.parametrize("strangers", [5, 80])
def test_texts_without_vectors_are_grouped_by_their_words(strangers: int) -> None:
    texts = ["the lock of the ledger timed out", "ledger lock timed out again", "lock timed out: ledger"]
    texts += [f"nothing{at} alike{at} here{at}" for at in range(strangers)]
    assert members(cluster(texts, None)) == {frozenset({0, 1, 2})}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n", [FEWEST_FOR_LEARNING - 1, FEWEST_FOR_LEARNING, 200])
@pytest.mark.parametrize("value", [0.0, 0.1])
@pytest.mark.parametrize("text", ["", "word {}", "word{}"])
def test_vectors_that_say_nothing_do_no_harm(n: int, value: float, text: str) -> None:
    found = cluster([text.format(at) for at in range(n)], np.full((n, 8), value, np.float32))
    assert sum(len(group.members) for group in found) <= n


@pytest.mark.filterwarnings("error")
def test_many_equal_vectors_do_not_swallow_the_others() -> None:
    _, vectors, _ = library(0, 0, 40)
    vectors = np.vstack([vectors, np.repeat(vectors[:1], 160, axis=0)])
    found = cluster([f"text{at}" for at in range(200)], vectors)
    assert max(len(group.members) for group in found) <= 170


@pytest.mark.parametrize(
    "vectors",
    [np.ones((2, 4), np.float32), np.ones(3, np.float32), np.full((3, 4), np.nan, np.float32)],
    ids=["too few", "flat", "not numbers"],
)
def test_vectors_that_do_not_fit_the_texts_are_refused(vectors: NDArray[np.float32]) -> None:
    with pytest.raises(ValueError, match="not one row of numbers for each of 3 texts"):
        cluster(["a", "b", "c"], vectors)


def test_more_texts_than_fit_in_memory_are_refused() -> None:
    with pytest.raises(ValueError, match=f"{MOST_TEXTS + 1} texts"):
        cluster(["a"] * (MOST_TEXTS + 1), None)


@given(st.lists(st.text(max_size=30), max_size=60), st.booleans(), st.integers(0, 5))
def test_groups_are_disjoint_and_large_enough_for_any_texts(texts: list[str], means: bool, min_size: int) -> None:
    vectors = np.random.default_rng(1).standard_normal((len(texts), 8)).astype(np.float32) if means else None
    found = cluster(texts, vectors, min_size=min_size)
    taken = [at for group in found for at in group.members]
    assert len(taken) == len(set(taken))
    assert set(taken) <= set(range(len(texts)))
    assert all(len(group.members) >= max(2, min_size) and 0 <= group.cohesion <= 1 for group in found)
