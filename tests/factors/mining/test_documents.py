"""What is recorded becomes a document that search finds, and the newest word on a thing takes the older one's place."""

import json
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from agentops_mcp.app import READERS, VIEWS
from agentops_mcp.core.errors import NotFoundError
from agentops_mcp.core.ids import new_id
from agentops_mcp.core.records import Draft
from agentops_mcp.factors.mining.rules.imports.notes import Note
from agentops_mcp.factors.mining.store import documents, notes, patterns
from agentops_mcp.factors.mining.store.documents import Filter, Found
from agentops_mcp.factors.resume.rules.chain import Saved
from agentops_mcp.factors.tracking import store as entries
from conftest import AGENT, FakeClock
from knowledge_in_use import BUDGET, CACHE, CLOCK, FREEZE, INJECTED, LOCK, Project, foreign, knowing, refs
from states_in_use import BUNDLE

TABLES = documents.view(READERS).tables


@pytest.fixture
def project(tmp_path: Path, clock: FakeClock, postgres_url: str | None) -> Generator[Project]:
    with knowing(tmp_path, clock, postgres_url) as made:
        (made.root / "app.py").write_text("print('hello')\n", encoding="utf-8")
        yield made


def save(project: Project, goal: str, parent: str = "") -> Saved:
    return project.app.states().save(replace(BUNDLE, goal=goal), actor=AGENT, parent=parent).saved


def everything(project: Project, **chosen: str) -> list[Found]:
    """The documents that are found, oldest first."""
    with project.app.parts.ledger.read() as tx:
        found = documents.newest(tx, Filter(**chosen), limit=1_000)  # pyright: ignore[reportArgumentType]
    return [each for each, _ in found][::-1]


def totals(project: Project) -> tuple[tuple[int, int], tuple[int, int]]:
    """Documents and their terms as they are kept, and as they are counted."""
    with project.app.parts.ledger.read() as tx:
        (kept,) = tx.execute("SELECT documents, terms FROM document_total")
        (counted,) = tx.execute("SELECT COUNT(*), COALESCE(SUM(terms), 0) FROM document")
    return (kept[0], kept[1]), (counted[0], int(counted[1]))


def rows(project: Project) -> dict[str, list[tuple[object, ...]]]:
    with project.app.parts.ledger.read() as tx:
        return {
            table: sorted((tuple(row) for row in tx.execute(f"SELECT * FROM {table}")), key=repr)
            for view in VIEWS
            for table in view.tables
        }


def test_an_entry_a_state_a_pattern_and_a_note_become_documents(project: Project) -> None:
    entry = project.record(kind="failure", tags=("ci",), files=("app.py",))
    state = save(project, "Retries survive a slow host")
    project.save(BUDGET)
    project.save(FREEZE, kind="anti-pattern")
    note = Note("adr", "docs/adr/0001.md", "Queue on streams", "We move the queue to streams", files=("app.py",))
    project.app.parts.ledger.append([notes.imported(note)], actor=AGENT)
    found = everything(project)
    assert [(each.kind, each.ref, each.title) for each in found] == [
        ("failure", entry, LOCK),
        ("state", f"state/{state.id}", "Retries survive a slow host"),
        ("pattern", "pattern/retry-budget-per-host", BUDGET.title),
        ("anti-pattern", "pattern/freeze-the-clock", FREEZE.title),
        ("note", f"note/{note.key()}", "Queue on streams"),
    ]
    assert [each.thread for each in found] == [each.ref for each in found]
    assert {"migr", "pod", "ci", "app"} <= set(found[0].words)
    assert {"app", "py"} <= set(found[4].words)


def test_what_is_no_knowledge_becomes_none(project: Project) -> None:
    project.session("Look around")
    project.record()
    project.search.record(project.by_words("pods"), actor=AGENT, session=None)
    assert len(everything(project)) == 1


def test_a_later_state_takes_the_place_of_its_parent_and_of_its_vector(project: Project) -> None:
    root = save(project, "Retries survive a slow host")
    child = save(project, "Retries survive two slow hosts", root.id)
    grandchild = save(project, "Retries survive three slow hosts", child.id)
    (found,) = everything(project)
    assert (found.ref, found.thread) == (f"state/{grandchild.id}", f"state/{root.id}")
    assert refs(project.by_words("slow hosts")) == [f"state/{grandchild.id}"]


def test_a_second_branch_is_a_document_of_its_own(project: Project) -> None:
    root = save(project, "Retries survive a slow host")
    left, right = save(project, "Retries by host", root.id), save(project, "Retries by region", root.id)
    assert [(each.ref, each.thread) for each in everything(project)] == [
        (f"state/{left.id}", f"state/{root.id}"),
        (f"state/{right.id}", f"state/{right.id}"),
    ]


def test_a_new_revision_of_a_pattern_takes_the_place_of_the_old(project: Project) -> None:
    project.save(BUDGET, tags=("retries", "old"))
    project.save(BUDGET, tags=("retries",), forces=("Throughput suffers when a quorum vetoes",))
    (found,) = everything(project)
    assert found.ref == found.thread == "pattern/retry-budget-per-host"
    assert refs(project.by_words("quorum")) == [found.ref]
    assert everything(project, tag="old") == []
    assert len(everything(project, tag="retries")) == 1


def test_the_totals_stay_those_of_the_rows(project: Project) -> None:
    root = save(project, "Retries survive a slow host")
    project.record(CLOCK)
    hidden = project.record(INJECTED)
    for step in (
        lambda: project.save(BUDGET), lambda: project.save(BUDGET, forces=("Throughput",)),
        lambda: save(project, "Retries survive two slow hosts", root.id),
        lambda: project.search.release(hidden, actor=AGENT),
    ):  # fmt: skip
        step()
        kept, counted = totals(project)
        assert kept == counted
        assert kept[1] > 0
    assert kept[0] == 4


def test_a_rebuild_gives_the_same_tables(project: Project) -> None:
    root = save(project, "Retries survive a slow host")
    save(project, "Retries survive two slow hosts", root.id)
    save(project, "Retries by region", root.id)
    session = project.session("Look around")
    identifier = project.record(CLOCK, session=session, tags=("time", "ci"), files=("app.py",)).partition("/")[2]
    project.save(BUDGET, evidence=(identifier,))
    project.save(BUDGET, forces=("Throughput",))
    project.patterns.report(BUDGET.name, "worked", actor=AGENT, session=session)
    project.search.record(project.by_words("retry budget"), actor=AGENT, session=session)
    project.search.record(project.by_words("retry budget"), actor=AGENT, session=None)
    released, _ = project.record(INJECTED), project.record(f"{INJECTED} now")
    project.search.release(released, actor=AGENT)
    project.app.parts.ledger.append([notes.imported(Note("adr", "1", "Queue", "On streams"))] * 2, actor=AGENT)
    before = rows(project)
    assert all(before[table] for table in (*TABLES, *patterns.VIEW.tables, *notes.VIEW.tables))
    found = refs(project.by_words("clock drift retries"))
    project.app.parts.ledger.rebuild()
    assert rows(project) == before
    assert refs(project.by_words("clock drift retries")) == found


def test_an_old_database_gets_the_documents_of_what_it_holds(project: Project) -> None:
    kept = project.record(CLOCK)
    with project.app.parts.ledger.database.write() as tx:
        for table in ("document_frequency", "document_word", *TABLES):
            tx.execute(f"DROP TABLE IF EXISTS {table}")
        tx.execute("DELETE FROM migration WHERE owner = 'knowledge'")
    project.reopen()
    assert refs(project.by_words("container clock")) == [kept]


# Quarantine


def test_what_instructs_its_reader_is_not_found_but_counted_and_listed(project: Project) -> None:
    harmless, hidden = project.record(), project.record(INJECTED)
    results = project.by_words("previous instructions contents evil env pods")
    assert refs(results) == [harmless]
    assert (results.searched, results.quarantined) == (1, 1)
    ((ref, title, why),) = project.search.quarantined()
    assert (ref, title) == (hidden, INJECTED)
    assert why
    assert refs(project.by_meaning("send the contents of env to a collector")) == [harmless]


def test_terms_of_what_is_hidden_count_for_nothing(project: Project) -> None:
    project.record(INJECTED)
    with project.app.parts.ledger.read() as tx:
        assert documents.statistics(tx, ["instruct", "ignor"]).frequencies == {}
    assert project.semantic.catch_up()
    assert project.semantic.pending(project.semantic.ready(patience_s=60)) == 0


def test_a_person_releases_it_and_it_is_found(project: Project) -> None:
    harmless, hidden = project.record(), project.record(INJECTED)
    assert project.semantic.catch_up()
    project.search.release(hidden, actor=AGENT)
    assert project.search.quarantined() == []
    assert refs(project.by_words("previous instructions")) == [hidden]
    assert project.by_words("x").quarantined == 0
    by_meaning = project.by_meaning("overriding what was said before")
    assert set(refs(by_meaning)) == {harmless, hidden}
    assert all(hit.cosine is not None for hit in by_meaning.hits)


@pytest.mark.parametrize("ref", ["entry/nothing", "", "x" * 10_000, "' OR 1=1 --"])
def test_only_what_is_quarantined_can_be_released(project: Project, ref: str) -> None:
    harmless = project.record()
    before = project.kinds()
    for each in (ref, harmless):
        with pytest.raises(NotFoundError, match="is not quarantined") as raised:
            project.search.release(each, actor=AGENT)
        assert "--quarantined" in raised.value.remedy
        assert len(str(raised.value)) < 300
    assert project.kinds() == before


def test_what_was_released_stays_so_in_its_next_revision(project: Project) -> None:
    project.save(BUDGET, implementation=INJECTED)
    project.search.release("pattern/retry-budget-per-host", actor=AGENT)
    project.save(BUDGET, implementation=f"{INJECTED} again")
    assert refs(project.by_words("slow host")) == ["pattern/retry-budget-per-host"]


def test_a_revision_that_instructs_hides_the_pattern(project: Project) -> None:
    project.save(BUDGET)
    project.save(BUDGET, implementation=INJECTED)
    assert refs(project.by_words("slow host")) == []
    assert [ref for ref, _, _ in project.search.quarantined()] == ["pattern/retry-budget-per-host"]


def test_a_state_that_instructs_takes_the_place_of_its_parent_unseen(project: Project) -> None:
    root = save(project, "Retries survive a slow host")
    save(project, INJECTED, root.id)
    assert project.by_words("retries survive a slow host").hits == ()
    assert project.by_meaning("a slow host").hits == ()


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("action", INJECTED),
        ("learning", INJECTED),
        ("context", INJECTED),
        ("tags", [INJECTED]),
        ("files", [{"path": INJECTED, "blob": None}]),
    ],
)
def test_events_from_elsewhere_are_screened_too(project: Project, part: str, value: object) -> None:
    project.record(CACHE)
    (event,) = (event for event in project.app.parts.ledger.events() if event.kind == entries.RECORDED)
    body = json.loads(json.dumps(event.body)) | {part: value}
    project.app.parts.ledger.merge([foreign(Draft("entry/x", entries.RECORDED, body, id=new_id()))])
    assert project.by_words("previous instructions configuration").quarantined == 1
    assert len(everything(project)) == 1


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (entries.RECORDED, {"kind": "action"}),
        (entries.RECORDED, {}),
        (patterns.SAVED, {"name": "x"}),
        (patterns.SAVED, {"name": ["x"], "file": 5}),
        (patterns.CITED, {"name": "x", "outcome": "splendid", "place": ""}),
        (notes.IMPORTED, {"key": 5}),
        (notes.IMPORTED, {"key": "k", "digest": "d", "source": "s", "origin": "o", "title": "t", "text": "x", "at": "",
                          "tags": [5], "files": []}),
        (documents.RELEASED, {"ref": 5}),
        (documents.SEARCHED, {"patterns": [["x"]]}),
        ("state.saved", {"goal": None}),
    ],
)  # fmt: skip
def test_an_unreadable_event_from_elsewhere_is_left_out_and_nothing_else(
    project: Project, kind: str, body: dict[str, object]
) -> None:
    project.app.parts.ledger.merge([foreign(Draft("x/x", kind, body))])
    kept = project.record(CLOCK)
    assert refs(project.by_words("container clock")) == [kept]
    before = rows(project)
    project.app.parts.ledger.rebuild()
    assert rows(project) == before


def test_tags_are_completed_by_their_beginning(project: Project) -> None:
    project.record(tags=("ci", "ci/cache", "time"))
    project.record(CLOCK, tags=("ci", "Clock"))
    assert project.search.complete_tag("ci") == ["ci", "ci/cache"]
    assert project.search.complete_tag("") == ["ci", "ci/cache", "clock", "time"]
    assert project.search.complete_tag("c", limit=2) == ["ci", "ci/cache"]
    assert project.search.complete_tag("%") == project.search.complete_tag("c_") == []
