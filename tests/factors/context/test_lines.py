"""Which lines a task is about: what its signals say of a line, and what the model makes of them.

Names of signals and weights are fitted; what is tested is which of two lines a signal tells from the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentops_mcp.factors.context.rules import model
from agentops_mcp.factors.context.rules.corpus import Corpus, Floats, match
from agentops_mcp.factors.context.rules.facts import read_facts
from agentops_mcp.factors.context.rules.files import Names, file_signals
from agentops_mcp.factors.context.rules.history import PastChanges
from agentops_mcp.factors.context.rules.layout import Layout, shape_of
from agentops_mcp.factors.context.rules.lines import Signals, line_signals
from agentops_mcp.factors.context.rules.quotes import find_quotes
from agentops_mcp.factors.context.rules.tasks import read_task
from agentops_mcp.factors.context.rules.units.cut import cut
from agentops_mcp.factors.context.rules.weights import INTERCEPT, WEIGHTS
from past_commits import Commit, Touched

RETRY = """\
import time

LIMIT = 3

def wait_for_quota(seconds):
    time.sleep(seconds)

class Retrier:
    def run_call(self, call):
        # retries with a budget
        wait_for_quota(1)
        return call()

    def stop(self):
        pass
"""
CLIENT = """\
from retry import Retrier

def fetch(url):
    return Retrier().run_call(url)

def unrelated():
    return 0
"""
TESTS = """\
def test_a_budget_of_retries():
    Retrier().run_call(None)
"""
PROJECT = {"client.py": CLIENT, "empty.py": "", "retry.py": RETRY, "tests/test_retry.py": TESTS}


@dataclass(frozen=True)
class Ranked:
    """The lines of a project with their signals for a task."""

    paths: tuple[str, ...]
    layout: Layout
    signals: Signals

    def row(self, path: str, line: int) -> int:
        return self.layout.starts[self.paths.index(path)] + line - 1

    def at(self, signal: str, *lines: int, path: str = "retry.py") -> list[float]:
        """What a signal says of lines that count from 1."""
        return [float(self.signals[signal][self.row(path, line)]) for line in lines]

    def expected(self) -> Floats:
        return model.weigh(self.signals, WEIGHTS, INTERCEPT).expected


def rank(task: str, texts: Mapping[str, str] = PROJECT, *, commits: Sequence[Commit] = ()) -> Ranked:
    paths = tuple(texts)
    contents = [text.encode() for text in texts.values()]
    facts = dict(enumerate(read_facts(contents)))
    corpus = Corpus(paths, list(facts.values()))
    query = read_task(task)
    matches = match(corpus, query)
    names, past = Names(query, matches), PastChanges(commits)
    files = file_signals(corpus, query, matches, names, past, favoured=np.zeros(len(paths), np.bool_))
    units = {number: cut(paths[number], contents[number]) for number in files.chosen}
    shapes = {each: shape_of(units[each], facts[each]) for each in files.chosen}
    layout = Layout(corpus, files.chosen, facts, shapes)
    quoted = find_quotes(query.quotes, dict(enumerate(contents)), facts)
    return Ranked(paths, layout, line_signals(corpus, layout, files, matches, names, past, facts, quoted))


def test_every_signal_has_a_finite_number_for_every_line() -> None:
    ranked = rank("Give retries a budget, see `run_call`")
    assert {len(each) for each in ranked.signals.values()} == {ranked.layout.row_count}
    assert all(np.isfinite(each).all() for each in ranked.signals.values())
    assert set(model.REASONS) >= {model.reason_of(name) for name in WEIGHTS} - {"place"}


def test_a_line_that_names_the_identifier_of_the_task_is_told_from_one_that_does_not() -> None:
    ranked = rank("run_call waits too long")
    named, in_part, other = ranked.at("line_identifiers", 9, 12, 14)
    assert named > in_part == other == 0
    assert ranked.at("line_terms", 12)[0] > 0
    assert ranked.at("line_terms", 9)[0] > ranked.at("line_terms", 14)[0]
    worth = ranked.expected()
    assert worth[ranked.row("retry.py", 9)] > worth[ranked.row("retry.py", 14)]
    assert worth[ranked.row("client.py", 4)] > worth[ranked.row("client.py", 7)]


def test_a_line_near_the_words_of_the_task_is_told_from_one_far_from_them() -> None:
    ranked = rank("Retries with a budget")
    on, beside, far = ranked.at("line_near_terms", 10, 11, 15)
    assert on > beside > far


def test_nearness_ends_where_the_file_ends() -> None:
    ranked = rank("budget", {"a.py": "x = 1\ny = 2\n", "b.py": "budget = 1\n"})
    assert ranked.at("line_near_terms", 1, 2, path="a.py") == [0, 0]


def test_a_unit_whose_name_is_in_the_task_is_told_from_its_neighbours() -> None:
    ranked = rank("The retrier stops too late: `stop`")
    named, outside = ranked.at("unit_name", 14, 3)
    assert named > outside == 0
    assert ranked.at("unit_literal_name", 14)[0] > ranked.at("unit_literal_name", 5)[0]
    assert ranked.at("unit_parent_name", 14)[0] > ranked.at("unit_parent_name", 5)[0]


def test_what_the_best_places_name_is_related() -> None:
    ranked = rank("Retries with a budget")
    assert ranked.at("unit_named_nearby", 5)[0] > 0
    assert ranked.at("line_calls", 4, path="client.py")[0] > 0
    assert ranked.at("line_calls", 7, path="client.py")[0] == 0


def test_lines_that_share_a_rare_term_with_the_best_places_are_related() -> None:
    many = {f"other{number}.py": "pass\n" * 3 for number in range(30)}
    texts = {"a.py": "def budget():\n    quota_of()\n", "b.py": "x = 1\nquota_of = 2\n", **many}
    other, related = rank("budget", texts).at("line_related", 1, 2, path="b.py")
    assert related > other == 0


def test_what_tests_of_the_task_name_is_told() -> None:
    ranked = rank("A budget of retries")
    called, other = ranked.at("unit_tested", 9, 14)
    assert called > other


def test_a_text_that_the_task_quotes_is_found_letter_by_letter() -> None:
    ranked = rank('The comment "retries with a budget" is wrong')
    quoted, other = ranked.at("line_quoted", 10, 9)
    assert quoted == 1
    assert other == 0


def test_where_commits_with_such_a_message_changed_lines_counts() -> None:
    commits = [
        Commit("Limit the budget of retries", (Touched("retry.py", ("def stop(self):",), ((15, 1, 15, 1),)),)),
        Commit("Draw the logo", (Touched("client.py", (), ((7, 1, 7, 1),)), Touched("gone.py", (), ((1, 1, 1, 1),)))),
    ]
    ranked = rank("A budget for retries", commits=commits)
    changed, other = ranked.at("line_touches", 15, 3)
    assert changed > other == 0
    assert ranked.at("line_similar_commits", 15, 3) == [1, 0]
    assert ranked.at("line_similar_commits", 7, path="client.py") == [0]
    stop, elsewhere = ranked.at("unit_similar_commits", 15, 5)
    assert stop > elsewhere
    assert ranked.at("unit_touches", 15)[0] > 0


def test_a_unit_that_changes_together_with_the_leading_ones_is_told() -> None:
    together = Touched("retry.py", ("def run_call(self, call):", "def wait_for_quota(seconds):"))
    ranked = rank("retries with a budget", commits=[Commit("x", (together,))])
    waits, stops = ranked.at("unit_changed_together", 5, 14)
    assert waits > stops == 0


def test_where_a_line_stands_is_known() -> None:
    ranked = rank("Retries with a budget")
    assert ranked.at("is_import", 1, 2, 3) == [1, 0, 0]
    assert ranked.at("is_blank", 1, 2, 3) == [0, 1, 0]
    assert ranked.at("is_comment", 9, 10) == [0, 1]
    assert ranked.at("is_first_line", 1, 2) == [1, 0]
    assert ranked.at("is_signature", 9, 11, 3) == [1, 0, 0]
    assert ranked.at("indent", 8, 9, 10) == [0, 4, 8]


@pytest.mark.parametrize("texts", [{"a.py": ""}, {"a.py": "\n"}, {"a.py": "x\n"}, {"tests/a.py": "retry\n"}])
@pytest.mark.parametrize("task", ["", "retry", "`no_such_thing`"])
def test_the_smallest_projects_and_tasks_have_signals_too(task: str, texts: dict[str, str]) -> None:
    ranked = rank(task, texts)
    assert {len(each) for each in ranked.signals.values()} == {sum(text.count("\n") for text in texts.values())}
    assert len(ranked.expected()) == ranked.layout.row_count


def test_a_project_without_files_has_no_lines() -> None:
    ranked = rank("retry", {})
    assert (ranked.layout.row_count, ranked.expected().tolist()) == (0, [])


TEXT = st.lists(
    st.sampled_from(["def retry():", "    budget()", "class Budget:", "    def get(self):", "", "# retry", "import x"]),
    max_size=40,
).map(lambda lines: "".join(f"{line}\n" for line in lines))
TASKS = st.lists(st.sampled_from("retry budget `get` missing Budget.get the".split()), max_size=4).map(" ".join)


@given(TASKS, st.dictionaries(st.sampled_from(["a.py", "b/c.py", "tests/test_a.py", "README.md"]), TEXT, min_size=1))
@settings(deadline=None, max_examples=50)
def test_any_project_has_finite_signals_and_values_above_nothing(task: str, texts: dict[str, str]) -> None:
    ranked = rank(task, dict(sorted(texts.items())))
    assert all(np.isfinite(each).all() for each in ranked.signals.values())
    assert (ranked.expected() > 0).all()


def signals(**columns: Sequence[float]) -> Signals:
    return {name: np.array(values, np.float32) for name, values in columns.items()}


SOME = signals(unit_bm25=[0.0, 1.0], file_rank=[2.0, 3.0])


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("file_rank", [2.0, 3.0]),
        ("has unit_bm25", [0.0, 1.0]),
        ("log1p file_rank", [np.log(3.0), np.log(4.0)]),
        ("file_rank * unit_bm25", [0.0, 3.0]),
        ("has unit_bm25 * file_rank * file_rank", [0.0, 9.0]),
    ],
)
def test_a_column_is_a_signal_its_logarithm_or_a_product(name: str, column: list[float]) -> None:
    assert model.column(SOME, name).tolist() == pytest.approx(column)


def test_the_logarithm_of_nothing_is_a_number() -> None:
    nothing, much = model.column(SOME, "log unit_bm25").tolist()
    assert -10 < nothing < much


def test_an_unknown_signal_is_an_error() -> None:
    with pytest.raises(KeyError, match="no_such"):
        model.column(SOME, "log no_such")


def test_a_weight_makes_lines_with_the_signal_more_likely_or_less() -> None:
    low, high = model.weigh(SOME, {"unit_bm25": 1.0}, -1.0).expected.tolist()
    assert (low, high) == pytest.approx((np.exp(-1.0), 1.0))
    assert model.weigh(SOME, {"log unit_bm25": -1.0}, 0.0).expected[0] > model.weigh(SOME, {}, 0.0).expected[0]


def test_no_sum_is_too_large_to_be_a_number() -> None:
    assert np.isfinite(model.weigh(SOME, {"file_rank": 1e6}, 0.0).expected).all()
    assert (model.weigh(SOME, {"file_rank": -1e6}, 0.0).expected > 0).all()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("unit_name", "name"),
        ("log file_path * file_rank", "name"),
        ("has unit_touches", "history"),
        ("line_calls", "related"),
        ("file_tested", "tests"),
        ("line_terms", "words"),
        ("file_bm25", "words"),
        ("indent", "place"),
        ("is_code * line_terms", "place"),
    ],
)
def test_a_column_says_why_a_line_is_chosen(name: str, reason: str) -> None:
    assert model.reason_of(name) == reason


def test_a_reason_says_more_for_a_line_the_more_its_signals_are_above_the_average() -> None:
    some = signals(unit_name=[0.0, 1.0], line_terms=[2.0, 2.0], indent=[8.0, 0.0])
    found = model.weigh(some, {"unit_name": 2.0, "line_terms": 5.0, "indent": 1.0}, 0.0).reasons
    assert set(found) == set(model.REASONS)
    assert found["name"][1] > found["name"][0]
    assert found["words"].tolist() == [0.0, 0.0]
    assert "place" not in found
