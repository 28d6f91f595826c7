"""What a decision is bound to, and what of it has changed."""

from dataclasses import replace
from typing import Any

import pytest

from agentops_mcp.factors.approval.rules import subjects
from asked import ASKS, CRITICAL, subject

SHOWN = subject()


@pytest.mark.parametrize(
    "changes",
    [
        {"action": "b" * 64}, {"branch": "topic"}, {"cwd": "/project/sub"}, {"files": {}}, {"kind": "git"},
        {"files": {"deploy.sh": "2" * 64}}, {"policy": "policy-2"}, {"project": "/other"},
    ],
)  # fmt: skip
def test_everything_a_decision_depends_on_is_in_its_binding(changes: dict[str, Any]) -> None:
    now, shown = (subjects.binding(each, requester="agent x", session="s") for each in (subject(**changes), SHOWN))
    assert now != shown


def test_who_asked_and_in_which_session_is_in_it_too() -> None:
    found = {
        subjects.binding(SHOWN, requester=requester, session=session)
        for requester in ("agent x of anna", "agent y of anna")
        for session in ("s", "t", None)
    }
    assert len(found) == 6


def test_what_an_agent_or_a_renderer_says_is_not_in_it() -> None:
    said = subject(effects=("nothing bad",), safer="x", past=("y",), diff="z")
    now, shown = (subjects.binding(each, requester="r", session=None) for each in (said, SHOWN))
    assert now == shown


@pytest.mark.parametrize(
    ("now", "says"),
    [
        ({}, []),
        ({"project": "/other", "action": "b"}, ["it is another project"]),
        ({"action": "b" * 64, "files": {}}, ["the action is not the one that was shown"]),
        ({"cwd": "/elsewhere"}, ["the action is not the one that was shown"]),
        ({"policy": "policy-2"}, ["the guard's policy changed"]),
        ({"branch": "topic"}, ["the branch changed from main to topic"]),
        ({"branch": ""}, ["the branch changed from main to none"]),
        ({"files": {"deploy.sh": "2" * 64}}, ["deploy.sh changed"]),
        ({"files": {}}, ["deploy.sh changed"]),
        ({"files": {"deploy.sh": "2", "new": "1", "other": "1"}}, ["deploy.sh changed, and 2 more files"]),
        ({"findings": (ASKS, CRITICAL)}, ["files.outside stands in the way now"]),
        ({"findings": (replace(ASKS, decision="deny"),)}, ["git.force-push stands in the way now"]),
        ({"findings": ()}, []),
    ],
)
def test_what_changed_since_it_was_shown_is_said(now: dict[str, Any], says: list[str]) -> None:
    assert subjects.changes(SHOWN, subject(**now)) == says


def test_what_was_denied_and_is_only_asked_about_now_is_nothing_new() -> None:
    denied = subject(findings=(replace(ASKS, decision="deny"),))
    assert subjects.changes(denied, subject(findings=(ASKS,))) == []


def test_a_subject_survives_its_event() -> None:
    made = subject(findings=(ASKS, CRITICAL), past=("it failed on Monday",), safer="git push", diff="+x")
    assert subjects.of_body(subjects.to_body(made)) == made


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": 5}, {"fields": 5}, {"files": 5}, {"files": [["a"]]}, {"files": [["a", 5]]}, {"findings": [5]},
        {"findings": [{"rule": "x"}]}, {"findings": [{**subjects.to_body(SHOWN)["findings"][0], "severity": "huge"}]},
        {"findings": [{**subjects.to_body(SHOWN)["findings"][0], "colour": "red"}]}, {"effects": [5]}, {"past": 5},
        {"diff": None},
    ],
)  # fmt: skip
def test_an_event_that_holds_no_subject_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises((AttributeError, KeyError, TypeError, ValueError)):
        subjects.of_body({**subjects.to_body(SHOWN), **changes})


def test_the_severity_of_nothing_is_low() -> None:
    assert subject(findings=()).severity == "low"
    assert subject(findings=(ASKS, CRITICAL)).severity == "critical"
