"""What a mission may become, what proves a feature, and how two clones' events make one mission."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args

import pytest

from agentops_mcp.core.errors import InvalidInputError, NotFoundError
from agentops_mcp.core.ids import is_id, new_id
from agentops_mcp.factors.resume.rules import mission_features as features
from agentops_mcp.factors.resume.rules import mission_fold as kinds
from agentops_mcp.factors.resume.rules import missions as rules
from agentops_mcp.factors.resume.rules.mission_fold import Fact, fold
from agentops_mcp.factors.resume.rules.missions import Feature, Lease, Mission, Reason, State
from conftest import NOON

AT = NOON.isoformat()
RETRY = Feature("f1", "A failed call is tried 3 times", ("Stop the server", "Call it"))
BUDGET = Feature("f2", "Each host has a retry budget", ())
EVIDENCE = "pytest tests/test_retry.py: 14 passed"

LEGAL: dict[State, set[State]] = {
    "prep": {"queued", "aborted"},
    "queued": {"held_approval", "held_quota", "launching", "aborted"},
    "held_approval": {"queued", "launching", "aborted", "failed"},
    "held_quota": {"queued", "launching", "aborted", "failed"},
    "launching": {"active", "queued", "failed", "aborted"},
    "active": {"held_approval", "held_quota", "complete", "failed", "aborted"},
    "complete": set(),
    "failed": set(),
    "aborted": set(),
}


def mission(state: State = "prep", *parts: Feature) -> Mission:
    return Mission(new_id(), "Retries stop after 3 attempts", AT, "test-client 1.0", parts, state, since=AT)


def is_accepted(from_state: State, to_state: State, reason: str) -> bool:
    try:
        return rules.check_move(mission(from_state), to_state, reason) == to_state
    except InvalidInputError:
        return False


@pytest.mark.parametrize(("from_state", "to_state"), list(itertools.product(get_args(State), repeat=2)))
def test_only_the_legal_moves_are_possible(from_state: State, to_state: State) -> None:
    possible = any(is_accepted(from_state, to_state, reason) for reason in get_args(Reason))
    assert possible is (to_state in LEGAL[from_state])


@pytest.mark.parametrize(
    ("from_state", "to_state", "accepted"),
    [
        ("queued", "held_approval", {"approval_needed"}),
        ("active", "held_approval", {"approval_needed"}),
        ("queued", "held_quota", {"quota_exceeded", "rate_limit"}),
        ("active", "held_quota", {"quota_exceeded", "rate_limit"}),
        ("held_approval", "queued", {"approval_given", "user_request"}),
        ("held_approval", "launching", {"approval_given", "user_request"}),
        ("held_approval", "aborted", set(get_args(Reason))),
        ("held_quota", "queued", set(get_args(Reason))),
        ("prep", "queued", set(get_args(Reason))),
    ],
)
def test_a_hold_is_entered_and_left_only_for_its_reasons(
    from_state: State, to_state: State, accepted: set[str]
) -> None:
    assert {reason for reason in get_args(Reason) if is_accepted(from_state, to_state, reason)} == accepted


@pytest.mark.parametrize(
    ("from_state", "to_state", "reason", "problem", "remedy"),
    [
        (
            "queued", "complete", "completion", "A mission cannot move from queued to complete.",
            (
                "From queued: held_approval (reason approval_needed), held_quota (reason quota_exceeded or "
                "rate_limit), launching, aborted."
            ),
        ),
        (
            "held_quota", "held_approval", "approval_needed",
            "A mission cannot move from held_quota to held_approval.",
            "From held_quota: queued, launching, aborted, failed.",
        ),
        (
            "prep", "", "scheduler", "A mission cannot move from prep to nowhere.", "From prep: queued, aborted.",
        ),
        (
            "complete", "active", "user_request", "A mission cannot move from complete to active.",
            'complete is final: track_mission op="open" begins another mission.',
        ),
        (
            "prep", "queued", "because\n", "A move needs a reason; 'because' is none.",
            (
                "Use user_request, scheduler, agent_ready, completion, failure, timeout, quota_exceeded, rate_limit, "
                "approval_needed, approval_given."
            ),
        ),
        (
            "held_approval", "launching", "scheduler",
            "A move from held_approval to launching needs reason approval_given or user_request, not scheduler.",
            (
                "From held_approval: queued (reason approval_given or user_request), launching (reason approval_given "
                "or user_request), aborted, failed."
            ),
        ),
    ],
    ids=["illegal", "between holds", "nowhere", "final", "no reason", "another reason"],
)  # fmt: skip
def test_a_refused_move_lists_the_legal_ones(
    from_state: State, to_state: str, reason: str, problem: str, remedy: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        rules.check_move(mission(from_state), to_state, reason)
    assert (caught.value.problem, caught.value.remedy) == (problem, remedy)


def test_a_mission_is_not_complete_while_a_feature_does_not_pass() -> None:
    many = [replace(RETRY, id=f"f{number}", description=f"Check {number}") for number in range(1, 8)]
    with pytest.raises(InvalidInputError) as caught:
        rules.check_move(mission("active", *many, replace(BUDGET, passes=True)), "complete", "completion")
    assert str(caught.value) == (
        "This would be a premature victory: 7 of 8 features do not pass: f1 Check 1; f2 Check 2; f3 Check 3; "
        'f4 Check 4; f5 Check 5; 2 more. Prove each with track_mission op="set_feature", passes and evidence, or move '
        "to failed or aborted."
    )
    with pytest.raises(InvalidInputError, match="1 of 1 features do not pass: f2 Each host has a retry budget"):
        rules.check_move(mission("active", BUDGET), "complete", "completion")
    assert rules.check_move(mission("active", replace(RETRY, passes=True)), "complete", "completion") == "complete"
    assert rules.check_move(mission("active", BUDGET), "failed", "failure") == "failed"


@pytest.mark.parametrize(
    ("state", "after", "says"),
    [
        ("held_approval", timedelta(minutes=30), None),
        (
            "held_approval", timedelta(minutes=45),
            "held_approval for 45 min, where 30 min is the limit: ask the person again or move it on.",
        ),
        (
            "held_quota", timedelta(minutes=31),
            "held_quota for 31 min, where 30 min is the limit: see whether there is quota again, or move it on.",
        ),
        ("launching", timedelta(seconds=30), None),
        (
            "launching", timedelta(seconds=31),
            "launching for 31 s, where 30 s is the limit: see whether the agent runs; if not, move it back to queued.",
        ),
        ("active", timedelta(days=9), None),
    ],
)  # fmt: skip
def test_a_hold_or_a_launch_that_lasts_is_named(state: State, after: timedelta, says: str | None) -> None:
    assert rules.overdue(mission(state), NOON + after) == says


@pytest.mark.parametrize("goal", ["", "   ", "fix bugs", "Retries"])
def test_a_goal_that_says_nothing_is_refused_with_an_example(goal: str) -> None:
    with pytest.raises(InvalidInputError, match=r"too generic to work towards: .* Example: 'Retries of the payment"):
        features.check_goal(goal)


def test_a_goal_loses_the_space_around_it() -> None:
    assert features.check_goal(" Retries stop after 3 attempts\n") == "Retries stop after 3 attempts"


def test_a_feature_is_a_line_and_its_steps_the_lines_below() -> None:
    assert features.new_features(
        [" Calls are retried\n- Stop the server \n\n * Call it\n", "Each host has a budget"]
    ) == [
        {"description": "Calls are retried", "steps": ["Stop the server", "Call it"]},
        {"description": "Each host has a budget", "steps": []},
    ]


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ([""], "A feature must say what will work: '' does not. Example: 'A failed call is tried 3 times'"),
        (["Fix the bug"], "A feature must say what will work: 'Fix the bug' does not."),
        ([BUDGET.description, f" {RETRY.description}"], "There is a feature 'A failed call is tried 3 times' already."),
        (["Retries stop", "Retries stop"], "There is a feature 'Retries stop' already. Give each one its own"),
        ([f"Check {number}" for number in range(100)], "at most 100 features; this would make 101. Merge small ones"),
        (["x" * 301], "The text of a feature has 301 characters; at most 300 are kept. Shorten it."),
        (["Retries stop\n" + "y" * 301], "The text of a step has 301 characters; at most 300"),
        (["Retries stop" + "\nCall it" * 21], "A feature has at most 20 steps. Make two features of it."),
    ],
    ids=["empty", "generic", "known", "twice", "too many", "long", "long step", "too many steps"],
)
def test_a_feature_that_cannot_be_kept_is_refused(texts: list[str], says: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        features.new_features(texts, [RETRY])
    assert says in str(caught.value)


@pytest.mark.parametrize("evidence", ["", "done", "it works", "passed"])
def test_a_feature_passes_or_fails_only_with_evidence(evidence: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        features.check_evidence(evidence)
    assert str(caught.value) == (
        f"Whether a feature passes needs evidence; {evidence!r} is none. Say what was run and what it said, for "
        "example 'pytest tests/test_retry.py: 14 passed at 3f2a91c'."
    )
    assert features.check_evidence(f" {features.EVIDENCE_EXAMPLE} ") == features.EVIDENCE_EXAMPLE


def test_an_unknown_feature_is_refused_with_those_there_are() -> None:
    with pytest.raises(NotFoundError, match=r"No feature 'f9' here\. Mission \S+ has f1 to f2\."):
        features.feature_of(mission("active", RETRY, BUDGET), "f9")
    with pytest.raises(NotFoundError, match='has none; op="add_features" adds some'):
        features.feature_of(mission("active"), "f1")
    assert features.feature_of(mission("active", RETRY, BUDGET), "f2") == BUDGET


def test_the_features_of_a_closed_mission_stay_as_they_are() -> None:
    with pytest.raises(InvalidInputError, match=r"cannot change any more\. failed is final"):
        features.feature_of(mission("failed", RETRY), "f1")


def test_a_session_works_on_one_feature_at_a_time() -> None:
    begun = mission("active", replace(RETRY, in_progress_by="s1"), BUDGET)
    other = mission("active", RETRY)
    assert features.feature_to_start(begun, "f1", session="s1", held=[begun]).id == "f1"
    assert features.feature_to_start(begun, "f2", session="s2", held=[begun]).id == "f2"
    for where, feature in ((begun, "f2"), (other, "f1")):
        with pytest.raises(InvalidInputError) as caught:
            features.feature_to_start(where, feature, session="s1", held=[begun])
        assert str(caught.value) == (
            f"This session has f1 of mission {begun.id} in progress: A failed call is tried 3 times. One at a time: "
            'finish it with op="set_feature" or put it down with op="stop_feature".'
        )


def test_a_lease_lives_until_its_end_and_is_renewed_in_its_last_twenty_minutes() -> None:
    lease = Lease("s1", "test\nclient 1.0", (NOON + rules.LEASE).isoformat())
    assert lease.holder == "test client 1.0 (session s1)"
    assert rules.is_live(lease, NOON + rules.LEASE - timedelta(seconds=1))
    assert not rules.is_live(lease, NOON + rules.LEASE)
    assert not rules.is_live(None, NOON)
    assert not rules.needs_renewal(lease, NOON + timedelta(minutes=10))
    assert rules.needs_renewal(lease, NOON + timedelta(minutes=10, seconds=1))


def test_an_id_sorts_after_what_was_seen_also_where_clocks_differ() -> None:
    early, late = new_id(), new_id()
    assert rules.id_after(late, early) == late
    after = rules.id_after(early, late)
    assert after > late
    assert is_id(after)
    assert rules.id_after(early, late) == after
    assert rules.id_after(new_id(), late) != after


# The fold


def fact(kind: str, body: dict[str, Any], *, id: str | None = None, session: str | None = "s1") -> Fact:  # noqa: A002
    return Fact(id or new_id(), kind, AT, "test-client 1.0", session, body)


def opened(*parts: str, **changes: Any) -> Fact:
    added = [{"description": part, "steps": ["Run it"]} for part in parts]
    return fact(kinds.OPENED, {"format": 1, "goal": "Retries stop", "features": added} | changes)


def moved(from_state: str, to: str, reason: str = "scheduler") -> Fact:
    return fact(kinds.MOVED, {"from": from_state, "to": to, "reason": reason, "details": ""})


def feature_set(description: str, *, passes: Any = True, evidence: Any = EVIDENCE) -> Fact:
    return fact(kinds.FEATURE_SET, {"feature": description, "passes": passes, "evidence": evidence})


def folded(facts: Sequence[Fact]) -> Mission:
    mission = fold(facts[0].id, facts)
    assert mission is not None
    return mission


def test_a_mission_is_what_its_events_make_it() -> None:
    facts = [
        opened("Calls are retried", "Hosts have budgets"),
        fact(kinds.FEATURES_ADDED, {"features": [{"description": "Logs name the host", "steps": []}]}),
        moved("prep", "queued"),
        fact(kinds.FEATURE_STARTED, {"feature": "Calls are retried"}),
        feature_set("Calls are retried"),
        feature_set("Hosts have budgets"),
        fact(kinds.FEATURE_STARTED, {"feature": "Hosts have budgets"}),
        feature_set("Hosts have budgets", passes=False, evidence="pytest: 1 failed"),
        fact(kinds.FEATURE_STARTED, {"feature": "Logs name the host"}, session="s2"),
        fact(kinds.FEATURE_STOPPED, {"feature": "Logs name the host"}, session="s2"),
    ]
    made = folded(facts)
    assert made.features == (
        Feature("f1", "Calls are retried", ("Run it",), passes=True, evidence=EVIDENCE),
        Feature("f2", "Hosts have budgets", ("Run it",), evidence="pytest: 1 failed", in_progress_by="s1"),
        Feature("f3", "Logs name the host", ()),
    )
    assert (made.state, made.goal, made.opened_by, made.since) == ("queued", "Retries stop", "test-client 1.0", AT)
    assert [(move.from_state, move.to_state, move.refused) for move in made.history] == [("prep", "queued", None)]


def test_the_order_of_arrival_makes_no_difference() -> None:
    start = opened("Calls are retried")
    rest = [
        moved("prep", "queued"),
        moved("prep", "aborted"),
        feature_set("Calls are retried"),
        moved("queued", "launching"),
    ]
    made = folded([start, *rest])
    for order in itertools.permutations([start, *rest]):
        assert fold(start.id, order) == made


def test_of_two_clones_moves_the_earlier_legal_one_counts_and_the_later_is_kept_as_not_applied() -> None:
    made = folded(
        [opened(), moved("prep", "queued"), moved("queued", "launching"), moved("queued", "held_quota", "rate_limit")]
    )
    assert made.state == "launching"
    assert made.history[-1].refused == "A mission cannot move from launching to held_quota."
    assert (made.history[-1].from_state, made.history[-1].to_state) == ("queued", "held_quota")


def test_a_victory_is_not_applied_when_another_clone_had_shown_a_failure_before() -> None:
    begun = [opened("Calls are retried"), moved("prep", "queued"), moved("queued", "launching")]
    proven = [*begun, moved("launching", "active"), feature_set("Calls are retried")]
    failure = feature_set("Calls are retried", passes=False, evidence="pytest: 1 failed")
    made = folded([*proven, failure, moved("active", "complete", "completion")])
    assert made.state == "active"
    assert made.history[-1].refused is not None
    assert "premature victory" in made.history[-1].refused


def test_a_feature_that_two_clones_added_is_one_and_numbers_never_mix_them_up() -> None:
    def added(*parts: str) -> Fact:
        return fact(kinds.FEATURES_ADDED, {"features": [{"description": part, "steps": []} for part in parts]})

    facts = [opened(), added("Same one", "Only here"), added("Same one", "Only there"), feature_set("Only there")]
    made = folded(facts)
    assert [(each.id, each.description, each.passes) for each in made.features] == [
        ("f1", "Same one", False),
        ("f2", "Only here", False),
        ("f3", "Only there", True),
    ]


def test_nothing_changes_in_a_closed_mission() -> None:
    closed = [opened("Calls are retried"), moved("prep", "aborted", "user_request")]
    added = fact(kinds.FEATURES_ADDED, {"features": [{"description": "One more", "steps": []}]})
    made = folded(closed)
    assert folded([*closed, added, feature_set("Calls are retried")]) == made


@pytest.mark.parametrize(
    "strange",
    [
        fact("mission.painted", {"colour": "red"}),
        fact(kinds.OPENED, {"format": 1, "goal": "Another", "features": []}),
        fact(kinds.MOVED, {}),
        fact(kinds.MOVED, {"from": "prep", "to": 7, "reason": "scheduler", "details": ""}),
        fact(kinds.FEATURES_ADDED, {"features": 7}),
        fact(kinds.FEATURES_ADDED, {"features": {"a": 1}}),
        fact(kinds.FEATURES_ADDED, {"features": [{"description": "x y"}]}),
        fact(kinds.FEATURES_ADDED, {"features": [{"description": "x y", "steps": [1]}]}),
        fact(kinds.FEATURE_STARTED, {"feature": None}),
        fact(kinds.FEATURE_STARTED, {"feature": "Unknown"}),
        feature_set("Calls are retried", passes="yes"),
        feature_set("Calls are retried", evidence="ok"),
        feature_set("Calls are retried", evidence=["pytest", "passed"]),
    ],
    ids=lambda each: f"{each.kind} {each.body}",
)
def test_events_that_no_version_of_ours_wrote_are_passed_over(strange: Fact) -> None:
    start = opened("Calls are retried")
    assert fold(start.id, [start, strange]) == folded([start])


@pytest.mark.parametrize(
    "changes",
    [{"format": 2}, {"goal": None}, {"features": None}, {"features": [None]}],
    ids=["newer", "no goal", "no list", "no features"],
)
def test_without_an_opening_that_can_be_read_there_is_no_mission(changes: dict[str, Any]) -> None:
    start = opened(**changes)
    assert fold(start.id, [start, moved("prep", "queued")]) is None
    assert fold(start.id, [replace(start, body={})]) is None
    assert fold(new_id(), [opened()]) is None
