"""Which files a task is about, and which are looked into."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.factors.context.rules.corpus import Corpus, Floats, Match, match
from agentops_mcp.factors.context.rules.facts import read_facts
from agentops_mcp.factors.context.rules.files import (
    LOOKED_AT,
    FileSignals,
    Names,
    file_signals,
    leading_test_chunks,
    ranks,
    scaled,
)
from agentops_mcp.factors.context.rules.history import PastChanges
from agentops_mcp.factors.context.rules.tasks import Query, read_task
from past_commits import Commit, Touched

PROJECT = {
    "README.md": "Retries are limited by a budget.\n",
    "src/budget.py": "class Budget:\n    retries = 3\n",
    "src/client.py": "import retry\n\ndef get_json(url):\n    return retry.get(url)\n",
    "src/logo.py": "def draw():\n    pass\n",
    "src/retry.py": "def retry(call, budget):\n    '''Retries with a budget.'''\n    return call()\n",
    "tests/test_logo.py": "def test_draw():\n    draw()\n",
    "tests/test_retry.py": "def test_retry_has_a_budget():\n    retry(None, budget=1)\n",
}


@dataclass(frozen=True)
class Asked:
    """A task's files."""

    paths: tuple[str, ...]
    corpus: Corpus
    signals: FileSignals

    def by_path(self, values: Floats) -> dict[str, float]:
        return dict(zip(self.paths, values.tolist(), strict=True))

    @property
    def order(self) -> list[str]:
        return [self.paths[number] for number in self.signals.chosen]


def asked_of(query: Query, texts: Mapping[str, str]) -> tuple[Corpus, list[Match], Names]:
    corpus = Corpus(list(texts), list(read_facts([text.encode() for text in texts.values()])))
    matches = match(corpus, query)
    return corpus, matches, Names(query, matches)


def ask(
    task: str, texts: Mapping[str, str] = PROJECT, *, commits: Sequence[Commit] = (), favoured: Sequence[str] = ()
) -> Asked:
    query = read_task(task)
    corpus, matches, names = asked_of(query, texts)
    is_favoured = np.array([path in favoured for path in texts], np.bool_)
    signals = file_signals(corpus, query, matches, names, PastChanges(commits), favoured=is_favoured)
    return Asked(tuple(texts), corpus, signals)


def commit(message: str, *paths: str) -> Commit:
    return Commit(message, tuple(map(Touched, paths)))


def test_the_file_that_has_the_words_of_the_task_and_its_name_comes_first() -> None:
    assert ask("Give retries a budget").order[:2] == ["src/retry.py", "src/budget.py"]
    assert ask("Draw the logo anew").order[0] == "src/logo.py"


def test_a_file_without_a_word_of_the_task_says_nothing() -> None:
    asked = ask("Give retries a budget")
    assert asked.by_path(asked.signals.bm25)["src/logo.py"] == 0
    assert max(asked.signals.bm25) == 1
    assert asked.by_path(asked.signals.score)["src/logo.py"] == 0


def test_source_comes_before_tests_and_documents() -> None:
    text = "retry with a budget\n"
    assert ask("retry budget", {"README.md": text, "lib.py": text, "tests/lib.py": text}).order[0] == "lib.py"


def test_what_the_caller_favours_comes_first() -> None:
    assert ask("Give retries a budget", favoured=["src/logo.py"]).order[0] == "src/logo.py"


def test_where_commits_with_such_a_message_were_made_counts() -> None:
    commits = [commit("Limit retries to a budget", "src/logo.py"), commit("Draw the logo", "src/client.py")]
    asked = ask("Limit the budget of retries", commits=commits)
    without = ask("Limit the budget of retries")
    logo = "src/logo.py"
    assert asked.by_path(asked.signals.similar_commits)[logo] == 1
    assert asked.by_path(asked.signals.score)[logo] > without.by_path(without.signals.score)[logo]
    last = asked.by_path(asked.signals.last_touch)
    assert last[logo] < last["src/client.py"] < last["src/budget.py"]


def test_what_changed_together_with_the_leading_files_is_named() -> None:
    commits = [commit("x", "src/retry.py", "src/logo.py"), commit("y", "src/client.py", "README.md")]
    together = ask("Give `retry` a budget in retry.py", {**PROJECT, "z.py": "pass\n"}, commits=commits)
    assert together.by_path(together.signals.together)["src/logo.py"] > 0
    assert together.by_path(together.signals.together)["z.py"] == 0
    assert ask("Give retries a budget").signals.together.tolist() == [0.0] * len(PROJECT)


def test_a_file_whose_own_tests_match_is_told_by_its_name() -> None:
    asked = ask("The test that retry has a budget")
    tested = asked.by_path(asked.signals.tested)
    assert tested["src/retry.py"] > 0
    assert tested["src/logo.py"] == tested["tests/test_retry.py"] == 0


def test_the_leading_chunks_of_tests_are_of_tests_that_match() -> None:
    asked = ask("Give retries a budget")
    found = leading_test_chunks(asked.corpus, asked.signals.chunk_scores)
    assert [asked.paths[asked.corpus.chunk_files[chunk]] for chunk in found] == ["tests/test_retry.py"]


def test_a_file_with_several_good_places_is_told_from_one_with_one() -> None:
    spread = ("retry\n" + "pass\n" * 30) * 5
    asked = ask("retry", {"many.py": spread, "once.py": "retry\n" + "pass\n" * 30})
    several = asked.by_path(asked.signals.best_chunks)
    assert several["many.py"] > several["once.py"] > 0


def test_of_many_files_only_some_are_looked_into() -> None:
    asked = ask("retry", {f"{number:03}.py": "retry\n" for number in range(LOOKED_AT + 9)})
    assert asked.signals.chosen == tuple(range(LOOKED_AT))


@pytest.mark.parametrize("task", ["", "retry"])
def test_without_files_or_lines_no_file_is_of_note(task: str) -> None:
    assert ask(task, {}).signals.chosen == ()
    assert ask(task, {"a.py": "", "b.py": ""}).signals.score.tolist() == [0.0, 0.0]
    assert ask(task, {"/.a": "x\n", "": ""}).order == ["/.a", ""]


def names_for(task: str) -> Names:
    return asked_of(read_task(task), PROJECT)[2]


def test_a_name_that_shares_words_with_the_task_matches_the_more_it_shares() -> None:
    names = names_for("Give retries a budget")
    shares = [names.match(name).words for name in ("retry_budget", "Budget", "budget_of_house", "logo", "_")]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > shares[1] > shares[2] > shares[3] == shares[4] == 0
    assert names.match("Budget") is names.match("Budget")


def test_a_name_that_the_task_writes_out_matches_literally() -> None:
    names = names_for("get_json() is slow, the read cache too, see `draw`")
    written, joined, word, other = (
        names.match(name).literal for name in ("Client.getJson", "read_cache", "draw", "slow")
    )
    assert written > joined > 0
    assert word > other == 0


@given(st.lists(st.floats(0, 100), max_size=12))
def test_shares_are_of_the_greatest_and_ranks_begin_with_it(values: list[float]) -> None:
    given_ = np.array(values, np.float64)
    shares, order = scaled(given_), ranks(given_)
    assert all(0 <= share <= 1 for share in shares.tolist())
    assert sorted(np.expm1(order).round().tolist()) == list(range(len(values)))
    if max(values, default=0.0) > 0:
        assert max(shares) == 1
        assert values[int(np.argmin(order))] == max(values)
