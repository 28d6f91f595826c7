"""How things went is kept, and a sub-agent's report is judged against what it was given."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from agentops_mcp.core.errors import InvalidInputError, NotFoundError
from agentops_mcp.core.ids import new_id
from agentops_mcp.core.records import Draft
from agentops_mcp.core.tokens import TokenCounter
from agentops_mcp.factors.context import store
from agentops_mcp.factors.context.rules.briefs import ReportLimits
from agentops_mcp.factors.context.rules.window import Load, LoadedItem, Thresholds
from agentops_mcp.factors.context.service.outcomes import Outcomes
from agentops_mcp.factors.context.service.window import WindowLedger
from agentops_mcp.factors.context.store import Report, Reported
from agentops_mcp.storage.ledger import Ledger
from conftest import AGENT, LedgerFactory

SESSION = new_id()
SOURCE = "\n".join(f"def function_{number}(argument): return argument + {number}" for number in range(60))
REPORT = "summary: it loops\nkey_files: src/retry.py:10-40\nrecommendations: one budget\nopen questions: none"
LOAD = Load(
    task="Find where retries multiply",
    budget_tokens=6_000,
    tokens=5_500,
    items=(
        LoadedItem("a", "src/retry.py", 10, 40, "full", 300),
        LoadedItem("b", "src/retry.py", 50, 60, "full", 90),
        LoadedItem("entry/1", "", 0, 0, "full", 80),
    ),
    commit="0" * 40,
)


class Sessions:
    """Knows exactly one session, and when others saved a state."""

    def __init__(self) -> None:
        self.saved: dict[str, str] = {}

    def require(self, handle: str) -> None:
        if handle != SESSION:
            raise NotFoundError("No such session.", remedy="Start one.")

    def last_saved_at(self, session: str) -> str | None:
        return self.saved.get(session)


@dataclass
class Texts:
    """Has the text of one file, and remembers what it was asked."""

    asked: list[tuple[Sequence[str], str | None]] = field(default_factory=list[tuple[Sequence[str], str | None]])

    def texts_of(self, paths: Sequence[str], commit: str | None) -> Iterable[str]:
        self.asked.append((paths, commit))
        return [SOURCE] if "src/retry.py" in paths else []


@dataclass(frozen=True, slots=True)
class Factor:
    """Loads and outcomes of one project."""

    ledger: Ledger
    windows: WindowLedger
    outcomes: Outcomes
    texts: Texts


@pytest.fixture
def factor(open_ledger: LedgerFactory) -> Factor:
    ledger, sessions, texts = open_ledger(store.VIEW), Sessions(), Texts()
    windows = WindowLedger(
        ledger, sessions, sessions, tokens=TokenCounter("openai"), thresholds=Thresholds(), new_id=new_id
    )
    return Factor(ledger, windows, Outcomes(ledger, sessions, windows, texts, limits=ReportLimits()), texts)


@pytest.fixture
def load(factor: Factor) -> str:
    return factor.windows.record(LOAD, actor=AGENT)


def test_an_outcome_is_a_local_event_in_the_stream_of_what_it_is_about(factor: Factor, load: str) -> None:
    result = factor.outcomes.report(load, "worked", actor=AGENT, note=" Found it at once ", session=SESSION)
    event = factor.ledger.event(result.id)
    assert (event.kind, event.stream, event.tracked) == ("outcome.reported", f"context/{load}", False)
    assert event.session == SESSION
    assert store.reported_of(event) == Reported(load, "worked", "Found it at once")
    assert (result.report, result.notes) == (None, ())
    assert factor.texts.asked == []


def test_the_stream_is_as_good_as_the_id(factor: Factor, load: str) -> None:
    assert factor.outcomes.report(f" context/{load} ", "unused", actor=AGENT).id


@pytest.mark.parametrize(
    "of", ["", "nonsense", "context/", "' OR 1=1 --", "x" * 9_000, "01a2038b-cfe6-741e-9830-60562135"]
)
def test_what_was_never_handed_out_is_refused_with_where_ids_come_from(factor: Factor, of: str) -> None:
    with pytest.raises(NotFoundError, match="load_context") as refused:
        factor.outcomes.report(of, "worked", actor=AGENT)
    assert len(str(refused.value)) < 300


def test_a_record_of_another_kind_has_no_outcome(factor: Factor) -> None:
    (other,) = factor.ledger.append([Draft("note/1", "note.written", {})], actor=AGENT)
    with pytest.raises(NotFoundError, match=r"is note\.written, which has no outcome"):
        factor.outcomes.report(other.event.id, "worked", actor=AGENT)


def test_an_outcome_is_not_what_an_outcome_is_about(factor: Factor, load: str) -> None:
    first = factor.outcomes.report(load, "worked", actor=AGENT)
    with pytest.raises(NotFoundError, match=r"outcome\.reported"):
        factor.outcomes.report(first.id, "worked", actor=AGENT)


def test_an_unknown_session_and_an_impossible_number_leave_nothing_behind(factor: Factor, load: str) -> None:
    with pytest.raises(NotFoundError):
        factor.outcomes.report(load, "worked", actor=AGENT, session=new_id())
    with pytest.raises(InvalidInputError, match="used_tokens"):
        factor.outcomes.report(load, "worked", actor=AGENT, used_tokens=-1)
    assert [event.kind for event in factor.ledger.events()] == ["context.loaded"]


def test_a_good_report_is_accepted_and_its_verdict_kept_without_its_text(factor: Factor, load: str) -> None:
    result = factor.outcomes.report(load, "worked", actor=AGENT, report=REPORT)
    assert result.report is not None
    assert (result.report.accepted, result.report.findings) == (True, ())
    assert 20 < result.report.tokens < 60
    assert store.reported_of(factor.ledger.event(result.id)).report == result.report
    assert "it loops" not in str(factor.ledger.event(result.id).body)


def test_a_report_of_lines_from_the_loaded_files_is_returned_with_why(factor: Factor, load: str) -> None:
    result = factor.outcomes.report(load, "partly", actor=AGENT, report=f"{REPORT}\n{SOURCE}")
    assert result.report is not None
    assert not result.report.accepted
    assert result.report.findings[0].startswith("refuse: mostly raw file text (60 of 64 lines")
    assert factor.texts.asked == [(["src/retry.py"], "0" * 40)]
    assert store.reported_of(factor.ledger.event(result.id)).report == result.report


def test_a_report_is_measured_against_the_tokens_that_were_given(factor: Factor, load: str) -> None:
    words = " ".join(f"word{number}" for number in range(600))
    result = factor.outcomes.report(load, "worked", actor=AGENT, report=f"{REPORT}\n{words}")
    assert result.report is not None
    assert result.report.accepted
    assert ":1 against the 5,500 tokens it was given, less than 5:1" in result.report.findings[0]


def test_a_report_of_white_space_is_none(factor: Factor, load: str) -> None:
    assert factor.outcomes.report(load, "failed", actor=AGENT, report=" \n ").report is None


def test_usage_serves_later_loads_of_the_session(factor: Factor, load: str) -> None:
    result = factor.outcomes.report(
        load, "worked", actor=AGENT, session=SESSION, used_tokens=50_000, window_tokens=200_000
    )
    assert result.notes == ()
    factor.windows.record(replace(LOAD, session=SESSION, tokens=1_000), actor=AGENT)
    assessment = factor.windows.assess(SESSION, None, None, 1_000)
    assert (assessment.window_tokens, assessment.used_tokens, assessment.is_exact) == (200_000, 51_000, False)


def test_usage_without_a_session_counts_for_that_of_the_load(factor: Factor) -> None:
    load = factor.windows.record(replace(LOAD, session=SESSION), actor=AGENT)
    result = factor.outcomes.report(load, "worked", actor=AGENT, used_tokens=70_000, window_tokens=200_000)
    assert result.notes == ("near the limit: call save_state at the next milestone, before loading more",)
    assert factor.windows.assess(SESSION, None, None, 0).used_tokens == 70_000


def test_usage_that_no_later_load_can_be_measured_against_is_said(factor: Factor, load: str) -> None:
    result = factor.outcomes.report(load, "worked", actor=AGENT, used_tokens=130_000, window_tokens=200_000)
    assert result.notes == (
        "stop adding to this window: call save_state now, then start_session in a new window",
        "without `session`, no later load is measured against used_tokens",
    )


def test_a_secret_in_a_note_is_replaced_and_said(factor: Factor, load: str) -> None:
    result = factor.outcomes.report(load, "failed", actor=AGENT, note="the key was ghp_" + "A1b2" * 9)
    assert [note for note in result.notes if note.startswith("replaced a secret by a marker: ")]
    assert "A1b2" not in str(factor.ledger.event(result.id).body)


def test_a_rebuild_keeps_what_clients_said(factor: Factor, load: str) -> None:
    factor.outcomes.report(load, "worked", actor=AGENT, session=SESSION, used_tokens=50_000, report=REPORT)
    factor.outcomes.report(load, "worked", actor=AGENT, session=SESSION, window_tokens=200_000)
    before = factor.windows.assess(SESSION, None, None, 9)
    assert factor.ledger.rebuild() == {"context": 3}
    assert factor.windows.assess(SESSION, None, None, 9) == before
    assert (before.window_tokens, before.used_tokens) == (200_000, 50_000)


def test_the_verdict_is_read_back_as_it_was_written(factor: Factor, load: str) -> None:
    reported = Reported(load, "partly", "n", 1, 2, Report(9, accepted=False, findings=("refuse: x",)))
    draft = Draft(f"context/{load}", store.REPORTED, store.body_of_outcome(reported), tracked=False)
    (written,) = factor.ledger.append([draft], actor=AGENT)
    assert store.reported_of(written.event) == reported
