"""What a load says it cost, what it takes of the window, and what is remembered of it."""

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agentops_mcp.core import tokens
from agentops_mcp.core.errors import InvalidInputError, NotFoundError
from agentops_mcp.factors.resume.rules.bundle import Bundle, Decision, Parameter
from agentops_mcp.factors.tracking.rules import Entry
from conftest import AGENT, FakeClock
from contexts_in_use import TASK, Project, couriers, paths

BUDGETS = (200, 201, 230, 300, 420, 599, 600, 640, 900, 1_500, 2_500, 6_000, 200_000)
ENTRY = Entry(
    kind="decision",
    action="Give each host a retry budget",
    context="send_with_retry hammered a slow host",
    solution="RetryBudget counts what was spent",
    learning="A retry budget per request multiplies",
    files=("src/schedule.py",),
)
STATE = Bundle(
    goal="Retries survive a slow host",
    phase="implement",
    decisions=(Decision("budget per host", "one slow host used up every request"),),
    parameters=(Parameter("RATIO", "0.1"),),
    next_steps=("make test_budget pass in src/retry.py",),
    key_files=("src/retry.py",),
)


@pytest.fixture
def project(own_home: Path, tmp_path: Path, clock: FakeClock) -> Generator[Project]:
    with couriers(tmp_path, clock) as made:
        yield made


@pytest.fixture
def large(project: Project) -> Project:
    """With more to say about retries than most budgets hold."""
    for number in range(40):
        body = "".join(f"    attempt_{line} = budget.may_retry(host, {line})\n" for line in range(20))
        project.write(f"src/hosts/host{number}.py", f"def send_with_retry_to_{number}(host, budget):\n{body}")
    project.commit("Every host has its own retries")
    return project


def window_line(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("window: "))


@pytest.mark.parametrize("budget_tokens", BUDGETS)
def test_no_budget_is_exceeded_and_the_text_names_its_own_cost(large: Project, budget_tokens: int) -> None:
    loaded = large.load(budget_tokens=budget_tokens)  # which counts what was sent, and compares
    assert f"tokens: {loaded.tokens:,} of {budget_tokens:,} (o200k)" in loaded.text
    assert f"id: {loaded.id}" in loaded.text
    assert sum(loaded.item_tokens) <= loaded.tokens


def test_a_larger_budget_is_used(large: Project) -> None:
    costs = [large.load(budget_tokens=budget).tokens for budget in (1_000, 3_000, 6_000)]
    assert all(cost > 0.8 * budget for cost, budget in zip(costs, (1_000, 3_000, 6_000), strict=True))


@pytest.mark.parametrize("budget_tokens", [200, 240, 300])
def test_long_names_and_odd_tasks_do_not_cost_a_small_pack_its_last_lines(project: Project, budget_tokens: int) -> None:
    for number in range(5):
        folder = f"src/{'köprü-Ж' * 5}{number}/{'長い名前' * 4}"
        project.write(f"{folder}/retry.py", "def send_with_retry(): ...\n")
    project.commit()
    loaded = project.load(f"{TASK} {'👩‍👩‍👧Ж長' * 200}", budget_tokens=budget_tokens)
    assert loaded.text.endswith(f"id: {loaded.id}")
    assert f"tokens: {loaded.tokens:,} of {budget_tokens}" in loaded.text


@pytest.mark.parametrize("budget_tokens", [250, 400, 599, 600, 1_000, 6_000])
def test_what_is_chosen_does_not_depend_on_the_id_of_the_load(large: Project, budget_tokens: int) -> None:
    loads = [large.load(budget_tokens=budget_tokens) for _ in range(6)]
    assert len({load.id for load in loads}) == 6
    assert len({tuple(item.id for item in load.items) for load in loads}) == 1


@pytest.mark.parametrize("budget_tokens", [-1, 0, 199, 200_001])
def test_a_budget_that_cannot_be_kept_is_refused(project: Project, budget_tokens: int) -> None:
    with pytest.raises(InvalidInputError, match="budget_tokens"):
        project.load(budget_tokens=budget_tokens)


@pytest.mark.parametrize(
    ("used", "band"), [(1_000, "optimal"), (50_000, "good"), (72_000, "warn"), (79_900, None), (130_000, None)]
)
def test_the_windows_share_and_band_come_with_every_load(project: Project, used: int, band: str | None) -> None:
    loaded = project.load(window_tokens=200_000, used_tokens=used)
    line = window_line(loaded.text)
    assert "of 200,000 tokens (" in line
    assert loaded.is_refused == (band is None)
    if band:
        assert f", {band}" in line
        assert int(line.split()[1].replace(",", "")) > used + loaded.tokens
        assert ("near the limit: call save_state" in loaded.text) == (band == "warn")


def test_a_load_above_the_limit_is_refused_with_three_exits_and_not_recorded(large: Project) -> None:
    loaded = large.load(window_tokens=100_000, used_tokens=38_000)
    assert loaded.is_refused
    assert (loaded.id, loaded.items) == ("", ())
    assert "send_with_retry_to" not in loaded.text
    for way in ("- delegate: ", "for_subagent=true", "- save and reset: ", "save_state", "- compress: "):
        assert way in loaded.text
    assert large.recorded() == []
    fits = int(loaded.text.partition("budget_tokens=")[2].split(",")[0])
    assert not large.load(window_tokens=100_000, used_tokens=38_000, budget_tokens=fits).is_refused
    assert not large.load(window_tokens=100_000, used_tokens=38_000, for_subagent=True).is_refused


def test_without_a_window_no_share_is_claimed(project: Project) -> None:
    for used in (None, 5_000):
        line = window_line(project.load(used_tokens=used).text)
        assert "%" not in line
        assert "no share without window_tokens" in line


def test_what_a_session_said_of_its_window_is_known_to_its_next_load(project: Project) -> None:
    session = project.session()
    first = project.load(session=session, window_tokens=200_000, used_tokens=10_000)
    second = project.load("Parse a schedule", session=session)
    assert "of 200,000 tokens" in window_line(second.text)
    outcomes = project.app.outcomes()
    outcomes.report(first.id, "worked", actor=AGENT, session=session, used_tokens=79_990, window_tokens=200_000)
    assert project.load("Parse a schedule", session=session).is_refused


def test_an_item_asked_for_twice_in_a_session_is_pointed_out(project: Project) -> None:
    session = project.session()
    assert "loaded before in this session" not in project.load(session=session).text
    again = project.load(session=session).text
    assert "loaded before in this session" in again
    assert "`seen`" in again
    assert "loaded before in this session" not in project.load(session=project.session()).text


def test_growth_without_a_save_is_pointed_out_until_there_is_one(project: Project, clock: FakeClock) -> None:
    session = project.session()
    texts = [project.load(f"Parse schedule {number}", session=session).text for number in range(3)]
    assert ["call save_state" in text for text in texts] == [False, False, True]
    clock.advance(timedelta(minutes=1))
    project.app.states().save(STATE, actor=AGENT, session=session)
    clock.advance(timedelta(minutes=1))
    assert "call save_state" not in project.load("Parse it", session=session, include=("code",)).text


def test_a_task_that_takes_more_than_a_fifth_of_the_window_is_told_to_delegate(large: Project) -> None:
    loaded = large.load(window_tokens=20_000, used_tokens=0, budget_tokens=4_500)
    assert not loaded.is_refused
    assert "of the window (limit 20 %): call load_context with for_subagent=true" in loaded.text
    assert "limit 20 %" not in large.load(window_tokens=200_000, used_tokens=0).text


@pytest.mark.parametrize("budget_tokens", [500, 1_000, 6_000])
def test_a_brief_has_all_that_a_subagent_needs_within_its_budget(large: Project, budget_tokens: int) -> None:
    loaded = large.load(for_subagent=True, budget_tokens=budget_tokens)
    for part in (TASK, "Limits:", "Report at most 2,000 tokens", "key_files", "send_with_retry", f"id: {loaded.id}"):
        assert part in loaded.text
    assert f"report_outcome(of='{loaded.id}'" in loaded.text
    assert loaded.items


def test_a_budget_without_room_for_a_brief_is_refused_with_one_that_has_it(project: Project) -> None:
    for task in (TASK, f"{TASK} {'and again ' * 300}"):
        with pytest.raises(InvalidInputError) as raised:
            project.load(task, for_subagent=True, budget_tokens=200)
        enough = int(raised.value.remedy.partition("budget_tokens=")[2].split()[0])
        assert task.strip()[:200] in project.load(task, for_subagent=True, budget_tokens=enough).text
    assert len(project.recorded()) == 2


def test_how_a_load_went_is_reported_on_its_id(project: Project) -> None:
    loaded = project.load(for_subagent=True)
    outcomes = project.app.outcomes()
    assert outcomes.report(loaded.id, "worked", actor=AGENT).report is None
    dumped = outcomes.report(loaded.id, "worked", actor=AGENT, report=(project.root / "src/retry.py").read_text())
    assert dumped.report is not None
    assert not dumped.report.accepted
    assert "raw file text" in dumped.report.findings[0]


def entries_of(project: Project) -> str:
    return project.app.entries().record(ENTRY, actor=AGENT).event.id


def test_an_entry_that_applies_is_pointed_to_and_only_if_knowledge_is_wanted(project: Project) -> None:
    identifier = entries_of(project)
    task = "Change the retry budget of a slow host in send_with_retry"
    loaded = project.load(task)
    assert f"agentops://entry/{identifier}" in loaded.text
    assert ENTRY.action in loaded.text
    for asked in ({"include": ("code",)}, {"seen": (f"agentops://entry/{identifier}",)}, {"seen": (loaded.id,)}):
        assert identifier not in project.load(task, **asked).text
    assert identifier not in project.load("Compute the next midnight").text
    only = project.load(task, include=("knowledge",))
    assert identifier in only.text
    assert paths(only) == []


def test_the_unfinished_state_is_named_and_only_if_it_is_wanted(project: Project) -> None:
    state = project.app.states().save(STATE, actor=AGENT).saved.id
    loaded = project.load()
    assert f"agentops://state/{state}" in loaded.text
    assert STATE.next_steps[0] in loaded.text
    assert state not in project.load(include=("code", "knowledge")).text


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"window_tokens": 0}, "window_tokens"),
        ({"used_tokens": -1}, "used_tokens"),
        ({"only_paths": True}, "only_paths needs paths"),
        ({"paths": ("a",) * 201}, "More than 200 paths"),
        ({"seen": ("a",) * 2_001}, "2,000 ids"),
        ({"rev": "nowhere"}, "not a commit of this repository"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_recorded(
    project: Project, asked: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidInputError, match=says):
        project.load(**asked)
    for task in ("", " \n", "x" * 20_001):
        with pytest.raises(InvalidInputError, match="task"):
            project.load(task)
    with pytest.raises(NotFoundError, match="start_session"):
        project.load(session="nobody")
    assert project.recorded() == []


def test_a_preview_is_counted_too_and_leaves_no_trace(project: Project) -> None:
    loaded = project.preview()
    assert loaded.tokens == tokens.count(loaded.text)
    assert (loaded.id, project.recorded()) == ("", [])
