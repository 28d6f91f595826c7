"""A state is saved, found again, merged with what it continues, and every claim looked up again."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentops_mcp.core.errors import (
    AgentOpsError,
    ExpiredError,
    IntegrityError,
    InvalidInputError,
    NewerSchemaError,
    NotFoundError,
)
from agentops_mcp.core.ids import new_id
from agentops_mcp.core.records import GENESIS, Draft, Event, seal
from agentops_mcp.factors.resume.rules.brief import SESSION_LIFETIME
from agentops_mcp.factors.resume.rules.bundle import Parameter
from agentops_mcp.factors.resume.store import states as store
from agentops_mcp.storage.ledger import Ledger
from conftest import AGENT, FakeClock, LedgerFactory, git
from states_in_use import VIEWS, Resume, resume_of


@pytest.fixture
def ledger(open_ledger: LedgerFactory) -> Ledger:
    return open_ledger(*VIEWS)


@pytest.fixture
def resume(ledger: Ledger, repository: Path, clock: FakeClock) -> Resume:
    return resume_of(ledger, repository, clock)


def test_the_server_adds_what_an_agent_might_get_wrong(resume: Resume, repository: Path) -> None:
    (repository / "notes.txt").write_text("x", encoding="utf-8")
    saved = resume.save(findings=("app.py prints hello",))
    head = git(repository, "rev-parse", "HEAD")
    assert (saved.place.branch, saved.place.head, saved.place.operation) == ("main", head, None)
    assert saved.files == {"app.py": git(repository, "rev-parse", "HEAD:app.py")}
    assert [(file.path, file.status) for file in saved.kept.files] == [("notes.txt", "untracked")]
    assert git(repository, "show", f"{saved.kept.commit}:notes.txt") == "x"
    assert resume.states.load(saved.id) == saved


def test_a_second_process_finds_it_whole(resume: Resume, open_ledger: LedgerFactory, repository: Path) -> None:
    saved = resume.save()
    again = resume_of(open_ledger(*VIEWS), repository, FakeClock())
    assert again.states.recall(saved.id) == resume.states.recall(saved.id)


def test_an_unchanged_tree_is_kept_once(resume: Resume, repository: Path) -> None:
    (repository / "notes.txt").write_text("x", encoding="utf-8")
    first = resume.save()
    second = resume.save(parent=first.id)
    assert second.kept.commit == first.kept.commit
    (repository / "notes.txt").write_text("y", encoding="utf-8")
    assert resume.save(parent=second.id).kept.commit != first.kept.commit


def test_a_chain_is_merged_and_each_claim_judged_by_the_save_that_made_it(resume: Resume, repository: Path) -> None:
    first = resume.save(findings=("app.py says hello",), parameters=(Parameter("A", "1"), Parameter("B", "2")))
    (repository / "app.py").write_text("print('changed')\n", encoding="utf-8")
    second = resume.save(parent=first.id, did="Changed app.py.", parameters=(Parameter("b", "3"),), key_files=())
    resumed = resume.states.recall("")
    assert resumed.id == second.id
    assert [(claim.text, str(claim.check)) for claim in resumed.findings] == [
        ("app.py says hello", "STALE: app.py changed")
    ]
    assert resumed.did is not None
    assert str(resumed.did.check) == "FRESH"
    assert [claim.text for claim in resumed.parameters] == ["b = 3", "A = 1"]
    assert [each.id for each in resumed.older] == [first.id]
    assert str(resumed.key_files[0].check) == "STALE: app.py changed"
    for _ in range(2):  # reading refreshes nothing
        assert resume.states.recall(second.id) == resumed
    third = resume.save(parent=second.id, findings=("app.py says hello",))
    assert str(resume.states.recall(third.id).findings[0].check) == "FRESH"


def test_two_saves_on_one_parent_are_branches_that_are_shown(resume: Resume) -> None:
    root = resume.save()
    left = resume.save(parent=root.id)
    right, findings = resume.saved(parent=root.id)
    assert f"a branch: {root.id} is also continued by {left.id}" in findings
    assert resume.states.recall(left.id).siblings == (right.id,)
    assert set(resume.states.recall(root.id).children) == {left.id, right.id}
    tips = {node.id: node.is_tip for node in resume.states.newest(10)}
    assert tips == {right.id: True, left.id: True, root.id: False}


def test_racing_saves_on_one_parent_all_succeed(
    resume: Resume, open_ledger: LedgerFactory, repository: Path, clock: FakeClock
) -> None:
    root = resume.save()
    processes = [resume_of(open_ledger(*VIEWS), repository, clock) for _ in range(4)]
    with ThreadPoolExecutor() as pool:
        calls = [pool.submit(process.save, parent=root.id) for process in processes]
    saved = {call.result().id for call in calls}
    assert len(saved) == 4
    assert {node.parent for node in resume.states.newest(10) if node.id in saved} == {root.id}


@pytest.mark.parametrize(
    ("query", "goal"),
    [
        ("slow host", "Retries survive a slow host"),
        ("survive retries", "Retries survive a slow host"),
        ("load_config", "Speed up parsing in load_config"),
        ("config parsing", "Speed up parsing in load_config"),
        ("重试", "重试预算移到主机上"),
    ],
)
def test_a_state_is_found_by_the_words_of_its_goal(resume: Resume, query: str, goal: str) -> None:
    for each in ("Retries survive a slow host", "Speed up parsing in load_config", "重试预算移到主机上"):
        resume.save(goal=each)
    assert resume.states.recall(query).goal == goal


def test_the_tip_of_the_goal_is_found_unfinished_ones_first(resume: Resume) -> None:
    root = resume.save()
    open_tip = resume.save(parent=root.id)
    resume.save(parent=root.id, phase="done")
    assert resume.states.recall("slow host").id == open_tip.id


def test_the_newest_unfinished_state_is_one_that_nothing_continues(resume: Resume) -> None:
    unfinished = resume.save(goal="Migrate the queue to streams")
    first = resume.save()
    resume.save(parent=first.id, phase="done")
    assert resume.states.recall("").id == unfinished.id


def test_a_state_is_found_by_the_beginning_of_its_id(resume: Resume) -> None:
    saved = resume.save()
    assert resume.states.recall(saved.id[:20]).id == saved.id


def test_an_ambiguous_beginning_is_refused(resume: Resume) -> None:
    first, second = resume.save(), resume.save()
    common = next(n for n in range(36) if first.id[n] != second.id[n])
    with pytest.raises(InvalidInputError, match="Several states begin with"):
        resume.states.load(first.id[: max(8, common)])


def test_a_value_is_looked_for_where_it_was_cited(resume: Resume, repository: Path) -> None:
    (repository / "conf.ini").write_text("ratio = 0.1\nlimit = 5\n", encoding="utf-8")
    saved, findings = resume.saved(
        parameters=(Parameter("ratio", "0.1", "conf.ini"), Parameter("limit", "5", "conf.ini"),
                    Parameter("gone", "77", "conf.ini"))
    )  # fmt: skip
    assert "value not found in its file: gone" in findings
    (repository / "conf.ini").write_text("ratio = 0.25\nlimit = 5\n", encoding="utf-8")
    assert [str(claim.check) for claim in resume.states.recall(saved.id).parameters] == [
        "STALE: the value of ratio is no longer in conf.ini",
        "FRESH",
        "UNVERIFIABLE: gone was not found in conf.ini when it was saved",
    ]


def test_a_secret_is_replaced_and_said(resume: Resume) -> None:
    saved, findings = resume.saved(findings=("the key is ghp_" + "A1b2" * 9,))
    assert "A1b2A1b2" not in json.dumps(store.body_of(saved))
    assert any(finding.startswith("replaced a secret by a marker: ") for finding in findings)


def test_outside_git_files_are_still_checked(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> None:
    place = tmp_path / "plain"
    place.mkdir()
    (place / "app.py").write_text("x", encoding="utf-8")
    resume = resume_of(ledger, place, clock)
    saved = resume.save()
    assert resume.states.recall("").head is None
    (place / "app.py").write_text("y", encoding="utf-8")
    assert str(resume.states.recall(saved.id).key_files[0].check) == "STALE: app.py changed"


def test_a_save_in_a_mission_s_name_renews_its_lease(resume: Resume, clock: FakeClock) -> None:
    handle = resume.sessions.start("Ship the release", actor=AGENT).handle
    mission = resume.missions.open("Ship version 4 of the queue", [], session=handle, actor=AGENT)
    assert mission.lease is not None
    clock.now = clock.now.replace(minute=25)
    saved = resume.save(handle)
    assert saved.mission == mission.mission.id
    renewed = resume.missions.read(mission.mission.id).lease
    assert renewed is not None
    assert renewed.until > mission.lease.until


def foreign(resume: Resume, *, body: dict[str, Any] | None = None, identifier: str = "", **changes: Any) -> Event:
    """A state as another clone would bring it, its body changed by hand, its hash right."""
    saved = replace(resume.states.load(resume.save().id), **changes)
    draft = Draft("state/x", store.SAVED, {**store.body_of(saved), **(body or {})})
    return seal(
        draft, event_id=identifier or new_id(), origin=new_id(), n=1, at="2026-11-22T12:00:00.000000+00:00",
        actor=AGENT, prev=GENESIS,
    )  # fmt: skip


def a_circle(resume: Resume) -> str:
    one, two = new_id(), new_id()
    events = [foreign(resume, parent=two, identifier=one), foreign(resume, parent=one, identifier=two)]
    resume.ledger.merge(events)
    return one


def its_own_parent(resume: Resume) -> str:
    own = new_id()
    resume.ledger.merge([foreign(resume, parent=own, identifier=own)])
    return own


def a_newer_one(resume: Resume) -> str:
    event = foreign(resume, body={"format": 2})
    resume.ledger.merge([event])
    return event.id


def one_without_a_goal(resume: Resume) -> str:
    event = foreign(resume, body={"goal": None})
    resume.ledger.merge([event])
    return event.id


def one_of_another_shape(resume: Resume) -> str:
    event = foreign(resume, body={"decisions": {"a": 1}, "files": []})
    resume.ledger.merge([event])
    return event.id


def a_damaged_one(resume: Resume) -> str:
    saved = resume.save()
    with resume.ledger.database.write() as tx:
        tx.execute("UPDATE event SET body = replace(body, 'slow', 'fast') WHERE id = ?", [saved.id])
    return saved.id


def an_entry(resume: Resume) -> str:
    (written,) = resume.ledger.append([Draft("entry/x", "entry.recorded", {"a": "b"})], actor=AGENT)
    return written.event.id


BAD_STATES: list[tuple[str, Callable[[Resume], str], type[AgentOpsError], str]] = [
    ("cyclic parents", a_circle, IntegrityError, "form a circle"),
    ("its own parent", its_own_parent, IntegrityError, "form a circle"),
    ("a newer version", a_newer_one, NewerSchemaError, r"newer version \(format 2; this one reads 1\). Update"),
    ("a corrupted body", a_damaged_one, IntegrityError, "does not match its hash"),
    ("no goal", one_without_a_goal, IntegrityError, "its body is not that of a state"),
    ("another shape", one_of_another_shape, IntegrityError, "its body is not that of a state"),
    ("an id of another kind", an_entry, NotFoundError, "is not a state but entry.recorded"),
    ("an unknown id", lambda _: new_id(), NotFoundError, "This project has no record"),
]


@pytest.mark.parametrize(("make", "error", "text"), [row[1:] for row in BAD_STATES], ids=[row[0] for row in BAD_STATES])
def test_a_bad_state_is_a_clear_error_and_everything_else_stays_readable(
    resume: Resume, make: Callable[[Resume], str], error: type[AgentOpsError], text: str
) -> None:
    good = resume.save(goal="Something that stays readable")
    bad = make(resume)
    with pytest.raises(error, match=text) as caught:
        resume.states.recall(bad)
    assert caught.value.remedy
    assert resume.states.recall(good.id).id == good.id
    assert resume.states.recall("stays readable").id == good.id
    assert good.id in [node.id for node in resume.states.newest(20)]
    assert resume.sessions.start("Look around", actor=AGENT).handle


BAD_SAVES: list[tuple[str, dict[str, Any], type[AgentOpsError], str]] = [
    ("no decisions", {"decisions": ()}, InvalidInputError, "decisions is missing"),
    ("no parameters", {"parameters": ()}, InvalidInputError, "parameters is missing"),
    ("no next steps", {"next_steps": ()}, InvalidInputError, "next_steps is missing"),
    ("a vague step", {"next_steps": ("continue",)}, InvalidInputError, "too vague"),
    ("too long", {"findings": tuple(f"finding {n} of many" for n in range(900))}, InvalidInputError, "too many"),
    ("a file elsewhere", {"key_files": ("../outside",)}, InvalidInputError, "outside the project"),
    ("an unknown parent", {"parent": new_id()}, NotFoundError, "This project has no record"),
    ("nonsense for a parent", {"parent": "' OR 1=1 --"}, NotFoundError, "This project has no record"),
    ("an unknown mission", {"mission": new_id()}, NotFoundError, "No mission"),
    ("an unknown session", {"session": new_id()}, NotFoundError, "start_session"),
]


@pytest.mark.parametrize(
    ("changes", "error", "text"), [row[1:] for row in BAD_SAVES], ids=[row[0] for row in BAD_SAVES]
)
def test_a_bad_save_is_a_clear_error_and_nothing_is_written(
    resume: Resume, changes: dict[str, Any], error: type[AgentOpsError], text: str
) -> None:
    with pytest.raises(error, match=text):
        resume.save(**changes)
    assert list(resume.ledger.events()) == []


def test_an_expired_session_saves_nothing(resume: Resume, clock: FakeClock) -> None:
    handle = resume.sessions.start("Ship the release", actor=AGENT).handle
    clock.advance(SESSION_LIFETIME)
    with pytest.raises(ExpiredError, match="start_session"):
        resume.save(handle)


@pytest.mark.parametrize("query", ["", "nothing like it"])
def test_where_nothing_fits_the_error_says_what_to_call(resume: Resume, query: str) -> None:
    with pytest.raises(NotFoundError, match=r"save_state|agentops://states"):
        resume.states.recall(query)


def test_a_damaged_parent_is_noted_and_the_rest_is_shown(resume: Resume) -> None:
    parent = a_damaged_one(resume)
    event = foreign(resume, parent=parent)
    resume.ledger.merge([event])
    resumed = resume.states.recall(event.id)
    (note,) = resumed.notes
    assert note.startswith(f"what it continues cannot be read: State {parent} does not match its hash")
    assert resumed.decisions


def test_a_long_chain_is_merged_up_to_a_limit_that_is_said(resume: Resume) -> None:
    saved = resume.save()
    for _ in range(32):
        saved = resume.save(parent=saved.id)
    resumed = resume.states.recall(saved.id)
    assert len(resumed.older) == 30
    assert resumed.notes[0].startswith("older states are not merged; the next is ")


def rows(ledger: Ledger) -> list[list[tuple[object, ...]]]:
    with ledger.read() as tx:
        return [tx.execute(f"SELECT * FROM {table} ORDER BY 1, 2") for view in VIEWS for table in view.tables]


def test_rebuilding_gives_the_same_rows(resume: Resume) -> None:
    root = resume.save()
    resume.save(parent=root.id, goal="Another goal of the same tree", phase="done")
    resume.save(parent=root.id)
    a_circle(resume)
    before = rows(resume.ledger)
    resume.ledger.rebuild()
    assert rows(resume.ledger) == before


def test_a_parent_that_arrives_after_its_child_is_no_tip(resume: Resume) -> None:
    parent = new_id()
    resume.ledger.merge([foreign(resume, parent=parent)])
    resume.ledger.merge([foreign(resume, identifier=parent)])
    assert {node.id: node.is_tip for node in resume.states.newest(10)}[parent] is False


def test_where_git_does_not_work_a_state_is_saved_and_its_files_are_still_compared(
    ledger: Ledger, repository: Path, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    resume = resume_of(ledger, repository, clock)
    saved, findings = resume.saved(findings=("since 0123456789ab it says hello",))
    assert [finding for finding in findings if finding.startswith("commits were not looked up, as git could not say")]
    assert [finding for finding in findings if finding.startswith("uncommitted work was not kept: git was not found.")]
    assert str(resume.states.recall(saved.id).key_files[0].check) == "FRESH"
    (repository / "app.py").write_text("print('changed')\n", encoding="utf-8")
    resumed = resume.states.recall(saved.id)
    assert str(resumed.key_files[0].check) == "STALE: app.py changed"
    assert resume.sessions.start("Retries survive a slow host", actor=AGENT).brief
