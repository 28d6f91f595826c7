"""What past commits say about a task: where such changes were made, and what changes together."""

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.factors.context.rules.history import PastChanges
from agentops_mcp.factors.context.rules.tasks import telling_stems
from past_commits import Commit, Touched


def commit(message: str, *paths: str, more: int = 0) -> Commit:
    return Commit(message, tuple(map(Touched, paths)), more)


def likeness(past: PastChanges, task: str) -> Mapping[str, float]:
    return past.similar(sorted(telling_stems(task))).files


OTHERS = [commit(f"Something {word}", f"{word}.py") for word in "alpha beta gamma delta epsilon zeta".split()]
HISTORY = [
    commit("Release 1.2", "CHANGES"),
    commit("Limit the retries of a request", "retry.py", "client.py"),
    commit("Draw the logo anew", "logo.svg"),
    commit("Count retries", "retry.py", "metrics.py"),
    *OTHERS,
]


def test_a_commit_whose_message_shares_words_with_a_task_says_where_to_look() -> None:
    found = likeness(PastChanges(HISTORY), "Retries have no limit")
    assert set(found) == {"retry.py", "client.py", "metrics.py"}
    assert found["retry.py"] > found["client.py"] > found["metrics.py"] > 0


def test_the_most_similar_commit_is_named_for_each_file() -> None:
    found = PastChanges(HISTORY).similar(sorted(telling_stems("limit retries")))
    assert [number for number, weight in enumerate(found.weights.tolist()) if weight] == [1, 3]


def test_a_word_that_few_messages_have_tells_more() -> None:
    past = PastChanges(HISTORY)
    (something,) = telling_stems("something")
    (draw,) = telling_stems("draw")
    assert past.idf("unheard") > past.idf(draw) > past.idf(something)


def test_of_two_commits_alike_the_newer_says_more() -> None:
    past = PastChanges([commit("Limit retries", "new.py"), *OTHERS, commit("Limit retries", "old.py")])
    found = likeness(past, "limit retries")
    assert found["new.py"] > found["old.py"] > 0


def test_a_commit_of_few_files_says_more_about_each() -> None:
    found = likeness(
        PastChanges([commit("Limit retries", "a.py", "b.py", "c.py"), commit("Limit retries", "one.py"), *OTHERS]),
        "limit retries",
    )
    assert found["one.py"] > found["a.py"]


def test_a_message_without_a_shared_word_says_nothing() -> None:
    assert likeness(PastChanges(HISTORY), "Translate the manual") == {}
    assert likeness(PastChanges(HISTORY), "") == {}


def test_what_changed_in_one_commit_changes_together() -> None:
    found = PastChanges(HISTORY).with_files({"client.py": 1.0, "unknown.py": 1.0})
    assert set(found) == {"retry.py", "client.py"}
    assert PastChanges(HISTORY).with_files({"unknown.py": 1.0}) == {}
    assert PastChanges(HISTORY).with_files({}) == {}


def test_what_changes_together_with_more_of_the_files_counts_more() -> None:
    found = PastChanges(
        [commit("x", "a.py", "b.py", "both.py"), commit("y", "a.py", "c.py", "one.py"), *OTHERS]
    ).with_files({"a.py": 1.0, "b.py": 1.0})
    assert found["both.py"] > found["one.py"] > 0


def test_places_are_known_by_the_names_beside_the_changes() -> None:
    past = PastChanges(
        [
            Commit(
                "Limit retries", (Touched("a.py", ("    def retry(self)", "class Client:")), Touched("b.py", ("fn x",)))
            ),
            Commit("Draw the logo", (Touched("a.py", ("def draw()",)),)),
            *OTHERS,
        ]
    )
    assert {("a.py", "retry"), ("a.py", "Client"), ("b.py", "x")} <= set(past.with_places([("a.py", "retry")]))
    assert ("a.py", "draw") not in past.with_places([("a.py", "retry"), ("no.py", "retry")])
    assert set(past.similar(["draw"]).places) == {("a.py", "draw")}
    assert past.place_touches.keys() >= {("a.py", "retry"), ("a.py", "draw")}


def test_what_is_changed_often_and_lately_is_told_from_what_is_not() -> None:
    past = PastChanges([commit("x", "often.py"), commit("y", "often.py", "once.py"), *OTHERS, commit("z", "old.py")])
    assert past.touches["often.py"] > past.touches["once.py"] > past.touches["old.py"] > 0
    assert (past.last_touch["often.py"], past.last_touch["once.py"], past.last_touch["old.py"]) == (0, 1, 8)


def test_a_sweeping_commit_does_not_count() -> None:
    many = [f"{number}.py" for number in range(60)]
    for sweep in (commit("Limit retries", *many), commit("Limit retries", "0.py", "1.py", more=60)):
        past = PastChanges([sweep, *OTHERS])
        similar = past.similar(sorted(telling_stems("limit retries")))
        assert (similar.files, similar.places, sum(similar.weights)) == ({}, {}, 0.0)
        assert past.with_files({"0.py": 1.0}) == {}
        assert past.with_places([("0.py", "x")]) == {}
        assert "0.py" not in past.touches
        assert past.line_weights.tolist()[0] == 0.0


def test_without_commits_nothing_is_said() -> None:
    past = PastChanges([])
    similar = past.similar(["retr"])
    assert (similar.files, similar.places, similar.weights.tolist()) == ({}, {}, [])
    assert (past.with_files({"a.py": 1.0}), past.with_places([("a.py", "x")])) == ({}, {})
    assert (past.touches, past.place_touches, past.last_touch, past.line_weights.tolist()) == ({}, {}, {}, [])
    assert past.changed_lines("a.py", 3).commits.tolist() == []


def test_commits_without_files_or_words_say_nothing() -> None:
    past = PastChanges([Commit("", ()), commit("fix it", "a.py")])
    assert (likeness(past, "retries"), past.with_files({"b.py": 1.0})) == ({}, {})


def lines_changed(commits: Sequence[Commit], path: str, count: int) -> list[tuple[int, int, int]]:
    changed = PastChanges(commits).changed_lines(path, count)
    return list(zip(changed.commits.tolist(), changed.firsts.tolist(), changed.lasts.tolist(), strict=True))


def test_lines_that_were_changed_are_known_where_they_are_today() -> None:
    newest = Commit("Two lines above", (Touched("a.py", (), ((0, 0, 1, 2),)), Touched("b.py")))
    before = Commit("Line 5 as it was then", (Touched("a.py", (), ((5, 1, 5, 1),)),))
    assert lines_changed([newest, before], "a.py", 20) == [(0, 0, 1), (1, 6, 6)]
    assert lines_changed([newest, before], "b.py", 20) == []
    past = PastChanges([newest, before])
    assert past.changed_lines("a.py", 20) is past.changed_lines("a.py", 20)


def test_changes_from_before_one_that_is_not_known_whole_are_left_out() -> None:
    changed = ((5, 1, 5, 1),)
    commits = [
        Commit("x", (Touched("a.py", (), changed),)),
        Commit("y", (Touched("a.py", (), changed, is_whole=False),)),
        Commit("z", (Touched("a.py", (), changed),)),
    ]
    assert lines_changed(commits, "a.py", 20) == [(0, 4, 4)]


def test_a_place_rewritten_as_a_whole_says_nothing_of_its_lines() -> None:
    rewritten = Commit("x", (Touched("a.py", (), ((1, 0, 1, 200), (300, 1, 500, 1))),))
    assert lines_changed([rewritten], "a.py", 600) == [(0, 499, 499)]


def test_changes_that_are_not_those_of_the_file_are_left_out() -> None:
    backwards = Commit("x", (Touched("a.py", (), ((9, 1, 9, 1), (2, 1, 2, 1))),))
    beyond = Commit("y", (Touched("a.py", (), ((90, 3, 90, 3),)),))
    assert lines_changed([backwards], "a.py", 20) == [(0, 8, 8)]
    assert all(0 <= first <= last <= 3 for _, first, last in lines_changed([backwards, beyond], "a.py", 3))


WORD = st.sampled_from("retry limit draw logo fix the".split())
FILES = st.sets(st.sampled_from(["a.py", "b.py", "c.py"]))


@st.composite
def some_commit(draw: st.DrawFn) -> Commit:
    message = " ".join(draw(st.lists(WORD, max_size=4)))
    return commit(message, *sorted(draw(FILES)), more=draw(st.sampled_from([0, 0, 100])))


@given(st.lists(some_commit(), max_size=8), st.lists(WORD, max_size=4, unique=True))
def test_a_file_is_named_only_for_commits_that_touched_it(commits: list[Commit], words: list[str]) -> None:
    past = PastChanges(commits)
    stems = telling_stems(" ".join(words))
    found = past.similar(sorted(stems))
    expected = {
        file.path for each in commits if not each.more and stems & telling_stems(each.message) for file in each.files
    }
    assert set(found.files) == expected
    together = {
        file.path
        for each in commits
        if not each.more and "a.py" in {file.path for file in each.files}
        for file in each.files
    }
    assert set(past.with_files({"a.py": 1.0})) == together
