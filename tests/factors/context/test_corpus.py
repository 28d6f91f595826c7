"""All files as one text: where each term stands, and how much a file's share of rare terms is worth."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.factors.context.rules.corpus import CHUNK_LINES, Bm25, Corpus, distinct, first_of_each, idf, match
from agentops_mcp.factors.context.rules.facts import FileFacts, read_facts
from agentops_mcp.factors.context.rules.tasks import read_task
from agentops_mcp.factors.context.rules.terms import hash_of

WORDS = ["get", "json", "retry", "cache"]
TERMS = [hash_of(word) for word in [*WORDS, "absent"]]
LINES = st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join)
FILES = st.lists(st.lists(LINES, max_size=60), max_size=5)


def corpus_of(texts: Mapping[str, str]) -> Corpus:
    return Corpus(list(texts), list(read_facts([text.encode() for text in texts.values()])))


def corpus_of_lines(files: Sequence[Sequence[str]]) -> Corpus:
    return corpus_of({f"{number}.py": "".join(f"{line}\n" for line in lines) for number, lines in enumerate(files)})


def found_on(corpus: Corpus, *words: str, most: int | None = None) -> list[int]:
    (lines,) = corpus.find([[hash_of(word) for word in words]], most=most)
    return lines.tolist()


def test_lines_count_through_all_files_and_lead_back_to_them() -> None:
    corpus = corpus_of({"a.py": "x\ny\n", "empty.py": "", "b.py": "z"})
    assert (corpus.line_counts.tolist(), corpus.first_lines.tolist()) == ([2, 0, 1], [0, 2, 2, 3])
    assert corpus.file_of(np.array([0, 1, 2])).tolist() == [0, 0, 2]
    assert corpus.kinds == ("source", "source", "source")


def test_a_file_is_compared_in_screens_of_lines() -> None:
    corpus = corpus_of_lines([["get"] * (CHUNK_LINES + 1), [], ["get"]])
    lines = np.array([0, CHUNK_LINES - 1, CHUNK_LINES, CHUNK_LINES + 1])
    assert corpus.chunk_of(lines, corpus.file_of(lines)).tolist() == [0, 0, 1, 2]
    assert corpus.chunk_files.tolist() == [0, 0, 2]
    assert [corpus.lines_of_chunk(chunk) for chunk in range(3)] == [
        (0, CHUNK_LINES - 1),
        (CHUNK_LINES, 2 * CHUNK_LINES - 1),
        (0, CHUNK_LINES - 1),
    ]


def test_a_term_is_found_in_any_of_its_forms_each_line_once() -> None:
    corpus = corpus_of({"a.py": "retry retry\nget\nretries retry\n", "b.py": "retries\n"})
    assert found_on(corpus, "retry", "retries") == [0, 2, 3]
    assert found_on(corpus, "absent") == found_on(corpus) == []


def test_a_term_that_stands_in_too_many_places_is_not_looked_up() -> None:
    corpus = corpus_of({"a.py": "get\nget\njson\n"})
    assert (found_on(corpus, "get", most=2), found_on(corpus, "get", most=1)) == ([0, 1], [])
    assert found_on(corpus, "get", "json", most=2) == []


def test_nothing_is_found_where_there_are_no_files() -> None:
    for corpus in (corpus_of({}), corpus_of({"a.py": "", "b.py": ""})):
        assert [lines.tolist() for lines in corpus.find([[1, 2], [], [3]])] == [[], [], []]
        assert [each.lines.tolist() for each in match(corpus, read_task("retry"))] == [[]]
        assert corpus.find([]) == []


@given(FILES, st.lists(st.lists(st.sampled_from(TERMS), max_size=3), max_size=4))
def test_terms_are_found_where_a_dictionary_has_them(files: list[list[str]], terms: list[list[int]]) -> None:
    known: dict[int, set[int]] = {}
    for number, line in enumerate(line for lines in files for line in lines):
        for word in line.split():
            known.setdefault(hash_of(word), set()).add(number)
    expected = [sorted(set[int]().union(*(known.get(each, ()) for each in hashes))) for hashes in terms]
    assert [lines.tolist() for lines in corpus_of_lines(files).find(terms)] == expected


@given(FILES)
def test_every_line_is_in_a_chunk_of_its_own_file(files: list[list[str]]) -> None:
    corpus = corpus_of_lines(files)
    lines = np.arange(sum(map(len, files)))
    owners = corpus.file_of(lines)
    chunks = corpus.chunk_of(lines, owners)
    assert owners.tolist() == [number for number, each in enumerate(files) for _ in each]
    assert corpus.chunk_files[chunks].tolist() == owners.tolist()
    for line, owner, chunk in zip(lines.tolist(), owners.tolist(), chunks.tolist(), strict=True):
        first, last = corpus.lines_of_chunk(chunk)
        assert first <= line - corpus.first_lines[owner] <= last


@given(st.lists(st.integers(0, 9), max_size=20).map(sorted))
def test_what_is_different_is_counted_once(ordered: list[int]) -> None:
    numbers = np.array(ordered, np.int64)
    assert numbers[first_of_each(numbers)].tolist() == sorted(set(ordered))
    assert distinct(numbers) == len(set(ordered))


def test_a_match_says_where_each_word_of_a_task_stands() -> None:
    corpus = corpus_of({"a.py": "get\n" * CHUNK_LINES + "retries\n", "b.py": "retry\n"})
    (found,) = match(corpus, read_task("Retry"))
    assert (found.lines.tolist(), found.files.tolist(), found.chunks.tolist()) == (
        [CHUNK_LINES, CHUNK_LINES + 1],
        [0, 1],
        [1, 2],
    )


def test_a_rare_word_and_one_written_as_code_are_worth_more() -> None:
    corpus = corpus_of({f"{number}.py": "cache\n" + ("retry\n" if number == 1 else "") for number in range(9)})
    worth = {each.term.text: each.worth for each in match(corpus, read_task("cache retry"))}
    as_code = {each.term.text: each.worth for each in match(corpus, read_task("cache `retry`"))}
    assert worth["retr"] > worth["cach"] > 0
    assert as_code["retr"] > worth["retr"]
    assert as_code["cach"] == worth["cach"]


def test_what_few_have_tells_more_than_what_many_have() -> None:
    values = [idf(having, 100) for having in range(101)]
    assert values == sorted(values, reverse=True)
    assert values[-1] > 0


def test_bm25_prefers_the_document_with_the_rare_term() -> None:
    facts: Sequence[FileFacts] = list(read_facts([b"cache\ncache\n", b"retry\ncache\n", *[b"cache\nget\n"] * 6]))
    corpus = Corpus([f"{number}.py" for number in range(8)], facts)
    scores = np.zeros(8)
    for each in match(corpus, read_task("retry cache")):
        scores += corpus.in_files.score(np.bincount(each.files, minlength=8), each.worth)
    assert int(np.argmax(scores)) == 1


def test_bm25_counts_a_term_more_the_oftener_it_stands_and_the_shorter_the_document() -> None:
    bm25 = Bm25(np.array([10, 10, 100, 10], np.int64))
    once, thrice, in_a_long_one, never = bm25.score(np.array([1, 3, 1, 0]), 2.0).tolist()
    assert in_a_long_one < once < thrice < 3 * once
    assert never == 0


@pytest.mark.parametrize("lengths", [[], [0, 0]])
def test_documents_without_a_line_have_no_score(lengths: list[int]) -> None:
    assert Bm25(np.array(lengths, np.int64)).score(np.zeros(len(lengths), np.int64), 1.0).tolist() == [0.0] * len(
        lengths
    )
