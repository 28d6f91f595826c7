"""What a task asks for: its telling words in every form, the identifiers it names, and what it quotes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.core.words import stem
from agentops_mcp.factors.context.rules.tasks import folded, read_task, stems_of, telling_stems
from agentops_mcp.factors.context.rules.terms import hash_of


def weights(task: str) -> dict[str, float]:
    return {term.text: term.weight for term in read_task(task).terms if not term.is_identifier}


def code_words(task: str) -> set[str]:
    return {term.text for term in read_task(task).terms if term.is_code and not term.is_identifier}


def test_a_task_is_its_telling_words_and_the_pairs_that_may_be_one_name() -> None:
    query = read_task("Fix the batch size of the sampler")
    assert list(query.stems) == ["batch", "siz", "sampl"]
    assert list(query.identifiers) == ["batchsize"]
    assert query.identifiers["batchsize"].hashes == (hash_of("batch_size"),)


def test_words_of_every_task_say_nothing() -> None:
    assert read_task("Fix this: it should work, add tests and update the docs").terms == ()
    assert read_task("").terms == ()
    assert read_task(" \n ").terms == ()


@pytest.mark.parametrize("word", ["parse", "parses", "parsed", "parsing", "parser", "parsers"])
def test_a_word_is_looked_for_in_all_its_forms(word: str) -> None:
    (term,) = read_task(word).terms
    assert {hash_of(form) for form in ("parse", "parses", "parsed", "parsing", "parser", word)} <= set(term.hashes)


@pytest.mark.parametrize(
    "family",
    [
        ["serialize", "serializer", "serialization", "serializing", "serialized"],
        ["stop", "stops", "stopping", "stopped"],
        ["query", "queries"],
        ["install", "installs", "installing", "installation"],
        ["manual", "manually"],
        ["class", "classes"],
        ["process", "processes", "processed", "processing", "processor"],
    ],
)
def test_words_of_one_family_have_one_stem(family: list[str]) -> None:
    assert len({stem(word) for word in family}) == 1


@pytest.mark.parametrize("word", ["", "a", "es", "is", "bus", "red", "call", "gloss", "buzz"])
def test_a_short_word_and_a_double_that_belongs_there_are_left_as_they_are(word: str) -> None:
    assert stem(word) == word


@pytest.mark.parametrize("written", ["`retry`", '"retry"', "'retry'", "client.retry", "retry()", "x `retry` y"])
def test_a_word_in_quotes_after_a_dot_or_called_is_code(written: str) -> None:
    assert stem("retry") in code_words(written)


def test_a_word_in_plain_text_is_not_code() -> None:
    assert code_words("retry the request") == set()


def test_an_identifier_is_looked_for_whole_and_in_parts() -> None:
    query = read_task("getHTTPHeader loses a value")
    named = query.identifiers["gethttpheader"]
    assert (named.hashes, named.is_code) == ((hash_of("get_http_header"),), True)
    assert {"http", "head"} <= code_words("getHTTPHeader loses a value")
    assert "get" not in query.stems


def test_the_first_line_counts_more_than_the_rest() -> None:
    found = weights("Limit the cache\n\nThe eviction of the cache is slow.")
    assert found["cach"] == found["limit"] > found["evict"] == found["slow"]


def test_a_word_written_twice_is_one_term_with_the_best_of_both() -> None:
    once = read_task("Retries hang\nSee `retry` and retried.")
    (term,) = [term for term in once.terms if term.text == stem("retries")]
    assert term.weight == weights("Retries")[stem("retries")]
    assert term.is_code
    assert {hash_of("retries"), hash_of("retry"), hash_of("retried")} <= set(term.hashes)
    assert len(term.hashes) == len(set(term.hashes))


def test_a_name_that_is_written_out_is_code_though_its_words_are_neighbours_too() -> None:
    query = read_task("batch_size: the batch size")
    assert query.identifiers["batchsize"].is_code
    assert not read_task("the batch size").identifiers["batchsize"].is_code


def test_a_task_of_any_length_has_few_terms_the_first_before_the_last() -> None:
    query = read_task("alpha beta\n" + " ".join(f"word{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(600)))
    assert len(query.terms) <= 200
    assert [term.text for term in query.terms][:2] == [stem("alpha"), stem("beta")]
    assert read_task("the " * 20_000 + "telling").terms == ()


def test_what_is_quoted_is_looked_for_letter_by_letter() -> None:
    assert read_task('The error "no such file" in `a b c` and \'x y\' again "no such file"').quotes == (
        "no such file",
        "a b c",
        "x y",
    )


def test_what_only_code_is_written_with_is_quoted_too() -> None:
    assert read_task("Pass --dry-run (and key=value) as text/html, see https://example.com/a-b.").quotes == (
        "--dry-run",
        "key=value",
        "value",
        "text/html",
    )


@pytest.mark.parametrize("task", ["don't say it's", "a `b` c", "`    ` is no text", "'  x  ' is one letter", "a-b"])
def test_an_apostrophe_a_letter_and_spaces_are_no_quotation(task: str) -> None:
    assert read_task(task).quotes == ()


def test_telling_stems_are_the_words_that_say_something() -> None:
    assert telling_stems("Fix the parsing of maxRetries in an URL") == {stem("parsing"), "max", "retr", "url"}
    assert telling_stems("fix it") == frozenset()


def test_a_name_is_compared_by_the_stems_of_its_parts_and_folded_whole() -> None:
    assert stems_of("parse_aHeaders_parse") == (stem("parse"), stem("headers"))
    assert folded("get_JSON") == folded("getJson") == "getjson"
    assert (stems_of("_"), folded("_")) == ((), "")


@given(st.text(max_size=300))
def test_any_text_is_a_task_without_two_terms_of_one_name(task: str) -> None:
    query = read_task(task)
    keys = [(term.text, term.is_identifier) for term in query.terms]
    assert len(keys) == len(set(keys))
    assert all(term.hashes and 0 < term.weight <= 1 for term in query.terms)
    assert len(query.stems) + len(query.identifiers) == len(keys)
    assert all(quote == quote.strip() and len(quote) > 2 for quote in query.quotes)
