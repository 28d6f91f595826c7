"""Which of the project's own records apply to a task."""

from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.factors.context.rules.memory import Remembered, applying
from agentops_mcp.factors.context.rules.tasks import telling_stems

WORDS = st.lists(st.sampled_from("retry retries budget cache session fix the token lease".split()), max_size=6)
RECORDS = st.lists(WORDS.map(" ".join), max_size=6)


def record(text: str, id_: str = "") -> Remembered:
    return Remembered(id_ or text, "decision", text[:20], text, ("src/a.py",))


def texts(task: str, *records: str) -> list[str]:
    return [each.text for each in applying(task, [record(text) for text in records])]


def test_a_record_that_shares_telling_words_applies_the_likeliest_first() -> None:
    assert texts(
        "Limit retries with a budget for each host",
        "The page has one stylesheet.",
        "Retries of a host have one budget.",
        "A budget of tokens is checked; retries are counted.",
    ) == ["Retries of a host have one budget.", "A budget of tokens is checked; retries are counted."]


def test_one_shared_word_is_chance() -> None:
    assert texts("Limit the retries", "Retries are counted.") == []


def test_words_of_every_task_do_not_count_as_shared() -> None:
    assert texts("Fix the tests and update the docs", "Fix the tests and update the docs") == []


def test_two_words_lost_in_a_long_record_are_too_little() -> None:
    long = "budget retries " + " ".join(f"other{chr(97 + i)}{chr(97 + j)}" for i in range(20) for j in range(10))
    assert texts("Limit retries with a budget for a host of the network", long) == []


def test_few_records_are_named_though_many_apply() -> None:
    found = applying("budget of retries", [record("retries have a budget", str(number)) for number in range(9)])
    assert [each.id for each in found] == ["0", "1", "2"]


def test_without_records_or_words_nothing_applies() -> None:
    assert applying("budget of retries", []) == []
    assert texts("", "budget of retries") == texts("budget of retries", "") == []


@given(WORDS.map(" ".join), RECORDS)
def test_what_applies_is_among_the_records_each_once(task: str, records: list[str]) -> None:
    known = [record(text, str(number)) for number, text in enumerate(records)]
    found = applying(task, known)
    assert len(found) <= 3
    assert len({each.id for each in found}) == len(found)
    assert all(each in known for each in found)


@given(WORDS.map(" ".join), RECORDS)
def test_a_record_that_says_the_task_itself_comes_first(task: str, records: list[str]) -> None:
    found = applying(task, [*map(record, records), record(task)])
    assert not found or telling_stems(found[0].text) == telling_stems(task)
