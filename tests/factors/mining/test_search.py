"""What was recorded is found by words and by meaning, among what passes the filter; evidence orders near-equals."""

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.factors.mining.rules.imports.notes import Note
from agentops_mcp.factors.mining.service.ranking import CANDIDATES
from agentops_mcp.factors.mining.store import documents, notes
from agentops_mcp.factors.mining.store.patterns import Outcome
from conftest import AGENT, FakeClock
from knowledge_in_use import BUDGET, CACHE, CLOCK, FREEZE, LOCK, Project, knowing, refs


@pytest.fixture
def project(tmp_path: Path, clock: FakeClock, postgres_url: str | None) -> Generator[Project]:
    with knowing(tmp_path, clock, postgres_url) as made:
        yield made


def fill(project: Project, count: int, text: str) -> None:
    """Import so many notes that all say this, and a number."""
    made = [notes.imported(Note("notes", f"{n}.md", f"{text} ({n})", text)) for n in range(count)]
    project.app.parts.ledger.append(made, actor=AGENT)


def test_other_words_for_the_same_are_found_by_meaning(project: Project) -> None:
    lock, clock, cache = (project.record(each) for each in (LOCK, CLOCK, CACHE))
    assert refs(project.by_meaning("database upgrade blocked by a hanging process"))[0] == lock
    assert refs(project.by_meaning("unstable timing in the suite"))[0] == clock
    assert refs(project.by_meaning("reading YAML makes every call slow"))[0] == cache


def test_an_exact_name_is_found_first_whatever_it_means(project: Project) -> None:
    named = project.record("psycopg raised SQLSTATE 40P01 once the pool was full")
    for text in (LOCK, CLOCK, "Deadlocks of the database end when the shorter transaction is repeated"):
        project.record(text)
    assert refs(project.by_meaning("40P01"))[0] == named
    assert project.by_meaning("40P01").hits[0].shared == ("40P01",)


def test_words_find_what_has_no_vector_yet(project: Project) -> None:
    project.record(CLOCK)
    project.by_meaning("clock")
    late = project.record(LOCK)
    results = project.search.search(documents.Request("stale pods"), patience_s=60)
    assert results.hits[0].document.ref == late
    assert results.hits[0].cosine is None
    assert results.pending == 1
    assert project.by_meaning("stale pods").pending == 0


def test_without_patience_words_alone_answer_and_this_is_said(project: Project) -> None:
    kept = project.record()
    results = project.by_words("pods")
    assert refs(results) == [kept]
    assert results.lexical_only == "as was asked"
    assert results.hits[0].cosine is None
    assert results.hits[0].shared == ("pods",)


@pytest.mark.parametrize("text", ["", "  \n", "\u3000"])
def test_an_empty_query_is_refused(project: Project, text: str) -> None:
    with pytest.raises(InvalidInputError, match="The query is empty") as raised:
        project.by_words(text)
    assert raised.value.remedy


# Every script; operators of both full texts; letters younger than either; text that folds to something else.
ODD = [
    '" OR NEAR(', '"unbalanced', "* AND NOT :", "col:x", "^x", "{a b}: c", "a | b & !c <-> d", "'; DROP TABLE document",
    "%s ? :x $1", "\\", "'", "()", "🦀👩\u200d👧", "🦀", "Ελληνικά ς", "العربية", "עברית", "हिन्दी में", "ภาษาไทย",
    "한국어",
    "𞤀𞤣𞤤𞤢𞤥", "İstanbul ﬁ ß", "a\u0301\u0302\u0303", "\ud800", "\u202e\u200b\ufeff", "x" * 100_000, "word " * 20_000,
    "a_" * 5_000, "🦀" * 100_000, "\n".join(map(str, range(5_000))),
]  # fmt: skip


def test_any_text_is_a_query(project: Project) -> None:
    kept = project.record(f"Kept beside it: {LOCK}")
    for text in ODD:
        for results in (project.by_words(text), project.by_meaning(text)):
            assert set(refs(results)) <= {kept}, ascii(text[:40])
            assert results.searched == 1


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("テストが失敗したら時計を止める方法", "時計を止める"),
        ("Часы в контейнере отстают от настоящих", "часы контейнере"),
        ("المهلة لكل مضيف على حدة", "المهلة"),
        ("เวลาในคอนเทนเนอร์คลาดเคลื่อน", "คอนเทนเนอร์"),
        ("컨테이너의 시계가 어긋난다", "시계"),
        ("Ώρα του κοντέινερ αποκλίνει ΣΥΧΝΑ", "συχνα"),
    ],
)
def test_other_scripts_are_found_by_their_words(project: Project, text: str, query: str) -> None:
    project.record()
    kept = project.record(text)
    assert refs(project.by_words(query)) == [kept]


# Filters


@pytest.fixture
def mixed(project: Project) -> dict[str, str]:
    """Records of several kinds that all speak of pods, by a name."""
    made = {"old": project.record("Old pods hold locks", tags=("k8s",), files=("ops/pods.yaml",))}
    project.clock.advance(timedelta(days=10))
    made["failure"] = project.record("Pods failed to start", kind="failure", tags=("k8s", "ci"), files=("ops/run.py",))
    made["decision"] = project.record("Pods restart nightly", kind="decision", files=("opsx/pods.yaml",))
    made["pattern"] = "pattern/retry-budget-per-host"
    project.save(BUDGET, forces=("Pods come and go",), tags=("k8s",))
    made["anti-pattern"] = "pattern/freeze-the-clock"
    project.save(FREEZE, kind="anti-pattern", forces=("Pods drift",))
    return made


FILTERS: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {"old", "failure", "decision", "pattern", "anti-pattern"}),
    ({"kinds": ("failure",)}, {"failure"}),
    ({"kinds": ("failure", "anti-pattern", "state")}, {"failure", "anti-pattern"}),
    ({"kinds": ("note",)}, set()),
    ({"tag": "k8s"}, {"old", "failure", "pattern"}),
    ({"tag": "K8S"}, set()),
    ({"tag": "ci"}, {"failure"}),
    ({"path": "ops/pods.yaml"}, {"old"}),
    ({"path": "ops"}, {"old", "failure"}),
    ({"path": "ops/"}, {"old", "failure"}),
    ({"path": "op"}, set()),
    ({"path": "ops%"}, set()),
    ({"since": "2026-11-30T00:00:00.000000+00:00"}, {"failure", "decision", "pattern", "anti-pattern"}),
    ({"since": "9999"}, set()),
    ({"refs": ()}, set()),
    ({"stage": "prototype"}, {"pattern", "anti-pattern"}),
    ({"stage": "standard"}, set()),
    ({"stage": "prototype", "tag": "k8s"}, {"pattern"}),
    ({"kinds": ("failure", "learning"), "tag": "k8s", "path": "ops", "since": "2026-11-30"}, {"failure"}),
]


@pytest.mark.parametrize(("chosen", "expected"), FILTERS, ids=[repr(chosen) for chosen, _ in FILTERS])
def test_only_what_passes_the_filter_is_found(
    project: Project, mixed: dict[str, str], chosen: dict[str, Any], expected: set[str]
) -> None:
    wanted = {mixed[name] for name in expected}
    assert set(refs(project.by_words("pods", **chosen))) == wanted


@pytest.mark.parametrize(("chosen", "expected"), FILTERS[1::3], ids=[repr(chosen) for chosen, _ in FILTERS[1::3]])
def test_the_filter_holds_for_meaning_too(
    project: Project, mixed: dict[str, str], chosen: dict[str, Any], expected: set[str]
) -> None:
    wanted = {mixed[name] for name in expected}
    if wanted:
        assert set(refs(project.by_meaning("containers that go away", **chosen))) == wanted
    else:
        assert project.semantic.catch_up()
        stage, among = chosen.get("stage"), {key: value for key, value in chosen.items() if key != "stage"}
        request = documents.Request("pods", documents.Filter(**among), stage)
        assert project.search.search(request, patience_s=60).hits == ()


def test_k_hits_are_found_by_words_behind_thousands_that_rank_higher_and_do_not_pass(project: Project) -> None:
    wanted = {project.record(f"A lock was held longer than {n} minutes by somebody", kind="failure") for n in range(12)}
    fill(project, 2_500, "Lock held, lock waits, lock ends")
    assert not wanted & set(refs(project.by_words("held lock waits", k=50)))
    assert set(refs(project.by_words("held lock waits", k=12, kinds=("failure",)))) == wanted
    assert len(project.by_words("held lock waits", k=10, kinds=("failure",)).hits) == 10


def test_k_hits_are_found_by_meaning_behind_hundreds_that_rank_higher_and_do_not_pass(project: Project) -> None:
    wanted = {project.record(f"Somebody kept the schema busy for {n} minutes", kind="failure") for n in range(5)}
    fill(project, CANDIDATES + 20, "Database migrations wait")
    query = "upgrading tables blocks"
    assert not wanted & set(refs(project.by_meaning(query, k=50)))
    assert set(refs(project.by_meaning(query, k=5, kinds=("failure",)))) == wanted


@pytest.mark.parametrize(("k", "found"), [(1, 1), (3, 3), (50, 6), (10_000, 6)])
def test_no_more_than_k_are_given(project: Project, k: int, found: int) -> None:
    for n in range(6):
        project.record(f"Pod number {n} was stuck in region {n}")
    assert len(project.by_words("stuck pod", k=k).hits) == found


# Near-equals


def test_of_equal_records_the_newer_comes_first(project: Project) -> None:
    project.record("Pods are restarted after each release of north")
    project.clock.advance(timedelta(days=400))
    newer = project.record("Pods are restarted after each release of south")
    assert refs(project.by_words("restarted pods"))[0] == newer


def test_what_worked_comes_before_what_failed(project: Project) -> None:
    project.save(BUDGET, forces=("Quorum of lanes",))
    project.save(FREEZE, forces=("Quorum of lanes",))
    outcomes: dict[str, Outcome] = {BUDGET.name: "failed", FREEZE.name: "worked"}
    for name, outcome in outcomes.items():
        for n in range(3):
            project.patterns.report(name, outcome, actor=AGENT, session=project.session(f"Carry parcel {n}"))
    assert refs(project.by_words("quorum lanes")) == [f"pattern/{FREEZE.name}", f"pattern/{BUDGET.name}"]
    reputation = project.by_words("quorum lanes").hits[0].reputation
    assert reputation is not None
    assert (reputation.stage, reputation.worked, reputation.failed, reputation.evidence) == ("validated", 3, 0, 3)


def test_a_superseded_pattern_comes_behind_its_successor_and_points_to_it(project: Project) -> None:
    project.save(BUDGET)
    project.patterns.deprecate(BUDGET.name, reason="Hosts have budgets of their own now", actor=AGENT)
    project.save(BUDGET, name="budget-of-the-pool", title="Keep one retry budget for the pool")
    old, new = f"pattern/{BUDGET.name}", "pattern/budget-of-the-pool"
    project.patterns.deprecate(BUDGET.name, reason="superseded", successor="budget-of-the-pool", actor=AGENT)
    results = project.by_words("a slow host uses up every attempt")
    assert refs(results) == [new, old]
    reputation = results.hits[1].reputation
    assert reputation is not None
    assert (reputation.stage, reputation.successor) == ("deprecated", "budget-of-the-pool")
    assert refs(project.by_words("retry budget", stage="deprecated")) == [old]


def test_the_order_is_the_same_each_time(project: Project) -> None:
    for n in range(30):
        project.record(f"Pod {n} was stuck behind a lock")
    first = project.by_meaning("stuck pods", k=30)
    assert [project.by_meaning("stuck pods", k=30).hits for _ in range(2)] == [first.hits] * 2
    project.reopen()
    assert refs(project.by_meaning("stuck pods", k=30)) == refs(first)


# Across processes and projects


def test_another_process_finds_what_this_one_recorded(project: Project) -> None:
    kept = project.record()
    with project.opened() as other:
        (hit,) = other.search().search(documents.Request("stale pods"), patience_s=None).hits
    assert hit.document.ref == kept


def test_one_project_never_sees_another_s_knowledge(
    project: Project, tmp_path: Path, clock: FakeClock, postgres_url: str | None
) -> None:
    project.record()
    with knowing(tmp_path / "elsewhere", clock, postgres_url) as other:
        own = other.record("Stale pods are evicted by the scheduler")
        assert refs(other.by_meaning("stale pods and schema migrations")) == [own]


def test_which_patterns_were_shown_is_kept_and_the_query_is_not(project: Project) -> None:
    project.save(BUDGET)
    project.record("A slow host was retried")
    session = project.session()
    results = project.by_words("slow host xyzzy")
    project.search.record(results, actor=AGENT, session=session)
    (event,) = (event for event in project.app.parts.ledger.events() if event.kind == documents.SEARCHED)
    assert event.body == {"hits": 2, "patterns": [BUDGET.name], "lexical_only": True}
    assert (event.tracked, event.session) == (False, session)
    assert project.patterns.member(BUDGET.name).shown == 1
