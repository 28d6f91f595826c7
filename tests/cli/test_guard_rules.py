"""`rules` and `exempt`: what a person reads, tests and decides."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agentops_mcp.app import App
from agentops_mcp.cli import person
from command_line import AGENT, Done, agentops

pytestmark = pytest.mark.usefixtures("own_home")

ALWAYS = "A" * 4


@pytest.fixture
def learned(repository: Path) -> str:
    """The id of a rule that was drafted from an incident."""
    with App(repository) as app:
        judged = app.checks().check("shell", {"command": "git push --force origin main"}, session=None, actor=AGENT)
        app.outcomes().report(f"action/{judged.digest}", "regretted", actor=AGENT, note="It overwrote Ada's work.")
        (rule,) = app.guard().review.listed()
        return rule.row.learned.id


@pytest.fixture
def known_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code that a terminal shows is always the same."""
    monkeypatch.setattr(person, "_ALPHABET", "A")


def at_terminal(*arguments: str, at: Path, typed: str) -> Done:
    return agentops(*arguments, at=at, terminal=True, stdin=f"{typed}\n".encode())


def hooked(command: str, *, at: Path) -> str:
    """What the hook of a client answers, in a process of its own as clients start it."""
    event = {
        "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": command}, "cwd": str(at),
        "session_id": "s",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "agentops_mcp", "hook", "claude-code"], input=json.dumps(event), capture_output=True,
        text=True, check=True, cwd=at,
    )  # fmt: skip
    return done.stdout


def test_every_rule_is_listed_with_how_often_it_fired(repository: Path) -> None:
    out = agentops("rules", "list", at=repository).out
    assert "git.discard-work" in out
    rows = agentops("rules", "list", "--json", at=repository).document
    assert {"id", "decision", "severity", "reason", "fired"} <= rows[0].keys()
    assert {row["decision"] for row in rows} == {"ask", "deny"}


def test_the_rules_of_the_package_do_what_their_examples_say(repository: Path) -> None:
    done = agentops("rules", "test", "--json", at=repository)
    assert (done.code, done.document["failed"]) == (0, [])
    assert done.document["examples"] > 500


def test_a_policy_file_that_is_wrong_fails_the_test(repository: Path) -> None:
    (repository / ".agentops").mkdir(exist_ok=True)
    (repository / ".agentops" / "guardrails.toml").write_text('[switch]\n"no.such-rule" = "ask"\n', encoding="utf-8")
    done = agentops("rules", "test", at=repository)
    assert done.code == 1
    assert "no.such-rule" in done.out


def test_without_incidents_there_is_nothing_to_review(repository: Path) -> None:
    assert "Nothing was learned yet" in agentops("rules", "review", at=repository).out


def test_a_drafted_rule_is_shown_with_what_it_would_ask_about(repository: Path, learned: str) -> None:
    out = agentops("rules", "review", at=repository).out
    assert f"{learned}  shadow: " in out
    assert "from: git push --force origin main" in out
    (row,) = agentops("rules", "review", "--json", at=repository).document
    assert (row["id"], row["state"], row["hits"]) == (learned, "shadow", ["git push --force origin main"])


@pytest.mark.usefixtures("known_code")
def test_a_person_enables_a_rule_and_it_is_a_file_that_hooks_read(repository: Path, learned: str) -> None:
    done = at_terminal("rules", "review", learned, "--enable", "--because", "never again", at=repository, typed=ALWAYS)
    assert (done.code, done.err) == (0, "")
    assert f"{learned} is enabled." in done.out
    written = (repository / ".agentops" / "rules" / "learned.toml").read_text(encoding="utf-8")
    assert 'hits = ["git push --force origin main"]' in written
    assert "shadow" not in written
    assert learned in agentops("rules", "list", at=repository).out


@pytest.mark.usefixtures("known_code")
@pytest.mark.parametrize("typed", ["", "B", "yes"])
def test_another_code_decides_nothing(repository: Path, learned: str, typed: str) -> None:
    done = at_terminal("rules", "review", learned, "--enable", "--because", "never again", at=repository, typed=typed)
    assert done.code == 3
    assert "nothing was decided" in done.err
    assert "  shadow: " in agentops("rules", "review", at=repository).out


DECISIONS = [
    ("rules", "review", "learned.x", "--enable", "--because", "never again"),
    ("exempt", "git.force-push", "--because", "the release branch is mine"),
]


@pytest.mark.parametrize("arguments", DECISIONS, ids=["enable", "exempt"])
def test_nobody_decides_through_a_pipe(repository: Path, arguments: tuple[str, ...]) -> None:
    done = agentops(*arguments, at=repository, stdin=b"AAAA\n")
    assert done.code == 3
    assert "Only a person at a terminal can" in done.err


@pytest.mark.usefixtures("known_code")
def test_an_exemption_is_granted_listed_and_revoked(repository: Path) -> None:
    granted = at_terminal(
        "exempt", "git.force-push", "--because", "the branch is mine alone", "--for", "30m", at=repository, typed=ALWAYS
    )
    assert granted.code == 0
    (identifier,) = re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", granted.out)
    assert "holds" in agentops("exempt", "--list", at=repository).out
    with App(repository) as app:
        judged = app.checks().check("shell", {"command": "git push --force origin topic"}, session=None, actor=AGENT)
        assert judged.decision == "allow"
    assert hooked("git push --force origin topic", at=repository) == ""
    assert agentops("exempt", "--revoke", identifier, at=repository).code == 0
    assert '"deny"' in hooked("git push --force origin topic", at=repository)
    document = agentops("exempt", "--list", "--json", at=repository).document
    assert [each["live"] for each in document["exemptions"]] == [False]
    assert document["used"][0]["rule"] == "git.force-push"


@pytest.mark.usefixtures("known_code")
@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--for", "soon"), "no duration"),
        (("--for", "30d"), "at most 7 days"),
        (("--because", ""), "justification"),
    ],
)
def test_what_is_no_exemption_is_refused(repository: Path, more: tuple[str, ...], says: str) -> None:
    arguments = ("exempt", "git.force-push", "--because", "the branch is mine alone", *more)
    done = at_terminal(*arguments, at=repository, typed=ALWAYS)
    assert done.code == 3
    assert says in done.err
