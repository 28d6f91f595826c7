"""What was loaded in a session is known afterwards, in every process, and after a rebuild."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agentops_mcp.core.errors import IntegrityError, InvalidInputError, NotFoundError
from agentops_mcp.core.ids import new_id
from agentops_mcp.core.records import Draft
from agentops_mcp.core.tokens import TokenCounter
from agentops_mcp.factors.context import store
from agentops_mcp.factors.context.rules.window import Level, Load, LoadedItem, Thresholds
from agentops_mcp.factors.context.service.window import WindowLedger
from agentops_mcp.storage.ledger import Ledger
from conftest import AGENT, FakeClock, LedgerFactory

SESSION, OTHER = new_id(), new_id()


class Sessions:
    """Knows two sessions, and when one of them saved a state."""

    def __init__(self) -> None:
        self.saved_at: str | None = None

    def require(self, handle: str) -> None:
        if handle not in (SESSION, OTHER):
            raise NotFoundError("No such session.", remedy="Start one.")

    def last_saved_at(self, session: str) -> str | None:
        return self.saved_at if session == SESSION else None


def item(key: str = "a", level: Level = "full", path: str = "src/app.py") -> LoadedItem:
    return LoadedItem(key, path, 3, 9, level, 40)


LOAD = Load(
    task="Find where retries multiply",
    budget_tokens=6_000,
    tokens=1_000,
    items=(item("a"), item("b", "outline")),
    commit="0" * 40,
    session=SESSION,
)


def windows_of(ledger: Ledger, sessions: Sessions, family: str = "openai") -> WindowLedger:
    return WindowLedger(ledger, sessions, sessions, tokens=TokenCounter(family), thresholds=Thresholds(), new_id=new_id)


@pytest.fixture
def sessions() -> Sessions:
    return Sessions()


@pytest.fixture
def ledger(open_ledger: LedgerFactory) -> Ledger:
    return open_ledger(store.VIEW)


@pytest.fixture
def windows(ledger: Ledger, sessions: Sessions) -> WindowLedger:
    return windows_of(ledger, sessions)


def test_a_load_is_kept_as_a_local_event_with_everything_that_was_sent(windows: WindowLedger, ledger: Ledger) -> None:
    identifier = windows.record(LOAD, actor=AGENT)
    event = ledger.event(identifier)
    assert (event.kind, event.stream, event.tracked) == ("context.loaded", f"context/{identifier}", False)
    assert event.session == SESSION
    assert event.body == {
        "task": "Find where retries multiply",
        "commit": "0" * 40,
        "budget_tokens": 6_000,
        "tokens": 1_000,
        "window_tokens": None,
        "used_tokens": None,
        "for_subagent": False,
        "items": [
            {"id": "a", "path": "src/app.py", "start": 3, "end": 9, "level": "full", "tokens": 40},
            {"id": "b", "path": "src/app.py", "start": 3, "end": 9, "level": "outline", "tokens": 40},
        ],
    }
    assert store.load_of(event) == LOAD


def test_a_caller_may_bring_the_id_that_its_text_names(windows: WindowLedger) -> None:
    identifier = new_id()
    assert windows.record(LOAD, actor=AGENT, load_id=identifier) == identifier


def test_a_path_that_is_no_unicode_and_a_task_with_nul_are_kept_readably(windows: WindowLedger, ledger: Ledger) -> None:
    load = replace(LOAD, task="a\0b", items=(item("a", path="src/\udcff.py"),))
    body = ledger.event(windows.record(load, actor=AGENT)).body
    assert (body["task"], body["items"][0]["path"]) == ("a\\0b", "src/\\udcff.py")


@pytest.mark.parametrize("handle", ["", None])
def test_without_a_session_a_load_is_kept_and_belongs_to_nobody(
    windows: WindowLedger, ledger: Ledger, handle: str | None
) -> None:
    identifier = windows.record(replace(LOAD, session=handle, used_tokens=5), actor=AGENT)
    assert ledger.event(identifier).session is None
    assert windows.already_loaded(handle) == {}
    assert windows.assess(handle, 200_000, None, 500).used_tokens == 0


def test_an_unknown_session_is_refused_and_nothing_is_kept(windows: WindowLedger, ledger: Ledger) -> None:
    with pytest.raises(NotFoundError):
        windows.record(replace(LOAD, session=new_id()), actor=AGENT)
    with pytest.raises(NotFoundError):
        windows.assess(new_id(), None, None, 1)
    assert list(ledger.events()) == []


def test_a_window_that_cannot_be_is_refused_and_nothing_is_kept(windows: WindowLedger, ledger: Ledger) -> None:
    with pytest.raises(InvalidInputError, match="window_tokens"):
        windows.record(replace(LOAD, window_tokens=0), actor=AGENT)
    assert list(ledger.events()) == []


def test_what_is_in_the_window_is_known_in_another_process(
    windows: WindowLedger, open_ledger: LedgerFactory, sessions: Sessions
) -> None:
    windows.record(LOAD, actor=AGENT)
    seen = windows_of(open_ledger(store.VIEW), sessions).already_loaded(SESSION)
    assert {key: each.item for key, each in seen.items()} == {"a": item("a"), "b": item("b", "outline")}
    assert seen["a"].at == "2026-11-22T12:00:00.000000+00:00"


def test_an_item_counts_as_fully_loaded_as_it_ever_was(windows: WindowLedger) -> None:
    for level in ("outline", "full", "excerpt"):
        windows.record(replace(LOAD, items=(item("a", level),)), actor=AGENT)
    assert windows.already_loaded(SESSION)["a"].item.level == "full"


def test_neither_another_session_nor_a_subagent_fills_this_window(windows: WindowLedger) -> None:
    windows.record(replace(LOAD, session=OTHER), actor=AGENT)
    windows.record(replace(LOAD, for_subagent=True), actor=AGENT)
    assert windows.already_loaded(SESSION) == {}


def test_ids_as_an_index_makes_them_are_found_again_as_they_are(windows: WindowLedger) -> None:
    ids = [
        "src/auth/token_store.py:10-48@3f2c1d9ab01e", "entry/01a2038b-cfe6-741e-9830-6056213548eb",
        f"{'9f86d081884c7d65' * 4}#12", "unit:src/api_key.ts:ApiKey.rotate", "a" * 3_000,
    ]  # fmt: skip
    windows.record(replace(LOAD, items=tuple(map(item, ids))), actor=AGENT)
    assert list(windows.already_loaded(SESSION)) == ids


def test_without_usage_from_the_client_what_was_loaded_is_the_least_there_is(windows: WindowLedger) -> None:
    windows.record(LOAD, actor=AGENT)
    windows.record(LOAD, actor=AGENT)
    assessment = windows.assess(SESSION, 200_000, None, 500)
    assert (assessment.used_tokens, assessment.is_exact, assessment.loading_tokens) == (2_000, False, 500)


def test_what_the_client_said_before_a_load_counts_with_what_was_loaded_since(windows: WindowLedger) -> None:
    windows.record(LOAD, actor=AGENT)
    windows.record(replace(LOAD, used_tokens=30_000, window_tokens=200_000), actor=AGENT)
    windows.record(LOAD, actor=AGENT)
    assessment = windows.assess(SESSION, None, None, 500)
    assert (assessment.window_tokens, assessment.used_tokens, assessment.is_exact) == (200_000, 32_000, False)
    assert windows.assess(SESSION, None, 40_000, 500).used_tokens == 40_000


def test_shares_are_in_the_tokens_of_the_clients_model_and_budgets_in_ours(ledger: Ledger, sessions: Sessions) -> None:
    windows = windows_of(ledger, sessions, family="claude")
    assessment = windows.assess(SESSION, 100_000, 36_900, 4_000)
    assert (assessment.loading_tokens, assessment.is_refused, assessment.budget_tokens) == (6_200, True, 2_000)
    assert not windows.assess(SESSION, 100_000, 36_900, 2_000).is_refused
    assert windows.assess(SESSION, 100_000, 36_900, 2_001).is_refused


def test_a_brief_is_never_refused(windows: WindowLedger) -> None:
    assert not windows.assess(SESSION, 100_000, 90_000, 4_000, for_subagent=True).is_refused


def test_a_first_load_gives_no_warning(windows: WindowLedger) -> None:
    assert windows.warnings(LOAD) == ()
    assert windows.warnings(replace(LOAD, session=None)) == ()


def test_the_same_item_asked_twice_is_pointed_out_once_it_is_recorded(windows: WindowLedger) -> None:
    windows.record(LOAD, actor=AGENT)
    (warning,) = windows.warnings(replace(LOAD, items=(item("a"), item("c"))))
    assert warning.startswith("an item was loaded before in this session (src/app.py:3-9)")
    assert windows.warnings(replace(LOAD, for_subagent=True)) == ()


def test_loads_without_a_save_are_pointed_out_until_there_is_one(
    windows: WindowLedger, sessions: Sessions, clock: FakeClock
) -> None:
    load = replace(LOAD, items=())
    windows.record(load, actor=AGENT)
    windows.record(load, actor=AGENT)
    assert windows.warnings(load) == (
        "3 loads, about 3,000 tokens since the last save_state of this session: call save_state",
    )
    sessions.saved_at = clock().isoformat(timespec="microseconds")
    clock.advance(timedelta(seconds=1))
    assert windows.warnings(load) == ()
    assert "since the last save_state" in windows.warnings(replace(load, tokens=40_000))[0]


def test_one_task_above_its_share_is_pointed_out_over_all_its_loads(windows: WindowLedger) -> None:
    load = replace(LOAD, items=(), tokens=15_000, window_tokens=100_000)
    windows.record(load, actor=AGENT)
    windows.record(replace(load, task="Something else"), actor=AGENT)
    again = replace(load, task=" find where RETRIES multiply", tokens=5_001, window_tokens=None)
    said = "this task alone takes 20.0 % of the window (limit 20 %): call load_context with for_subagent=true"
    assert said in windows.warnings(again)
    assert said not in windows.warnings(replace(again, tokens=5_000))
    assert said not in windows.warnings(replace(again, for_subagent=True))
    assert windows.warnings(replace(load, session=None, tokens=25_000)) == (said.replace("20.0", "25.0"),)


def rows(ledger: Ledger) -> list[list[tuple[Any, ...]]]:
    with ledger.read() as tx:
        return [tx.execute(f"SELECT * FROM {table} ORDER BY 1, 2") for table in store.VIEW.tables]


def test_rebuilding_gives_the_same_rows(windows: WindowLedger, ledger: Ledger) -> None:
    windows.record(replace(LOAD, used_tokens=30_000, window_tokens=200_000), actor=AGENT)
    windows.record(replace(LOAD, session=None, items=(), for_subagent=True), actor=AGENT)
    before = rows(ledger)
    assert ledger.rebuild() == {"context": 2}
    assert rows(ledger) == before


BODY: Mapping[str, Any] = {**store.body_of_load(LOAD)}
ITEM: Mapping[str, Any] = BODY["items"][0]
BAD_LOADS: list[Mapping[str, Any]] = [
    {},
    {**BODY, "task": 1},
    {**BODY, "tokens": -1},
    {**BODY, "tokens": True},
    {**BODY, "tokens": 10**30},
    {**BODY, "used_tokens": "many"},
    {**BODY, "for_subagent": 1},
    {**BODY, "commit": 7},
    {**BODY, "items": None},
    {**BODY, "items": ["a"]},
    {**BODY, "items": [{**ITEM, "level": "whole"}]},
    {**BODY, "items": [{**ITEM, "path": None}]},
]
GOOD_OUTCOME: Mapping[str, Any] = {
    "of": "x", "outcome": "worked", "note": "", "used_tokens": 5, "window_tokens": None, "report": None
}  # fmt: skip
BAD_OUTCOMES: list[Mapping[str, Any]] = [
    {},
    {**GOOD_OUTCOME, "outcome": "splendid"},
    {**GOOD_OUTCOME, "of": None},
    {**GOOD_OUTCOME, "window_tokens": "large"},
    {**GOOD_OUTCOME, "report": {"tokens": 1, "accepted": "yes", "findings": []}},
    {**GOOD_OUTCOME, "report": 3},
]


@pytest.mark.parametrize(
    ("kind", "body"),
    [*((store.LOADED, body) for body in BAD_LOADS), *((store.REPORTED, body) for body in BAD_OUTCOMES)],
)
def test_a_body_that_is_not_ours_stays_out_of_the_view_and_is_refused_by_name(
    ledger: Ledger, kind: str, body: Mapping[str, Any]
) -> None:
    (written,) = ledger.append([Draft("context/x", kind, body, tracked=False, session=SESSION)], actor=AGENT)
    assert rows(ledger) == [[], [], []]
    read = store.load_of if kind == store.LOADED else store.reported_of
    with pytest.raises(IntegrityError, match=written.event.id):
        read(written.event)
