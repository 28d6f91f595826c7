"""`approvals`, `grants` and `revoke`: what a person sees of requests and grants."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from agentops_mcp.app import App
from agentops_mcp.cli import person
from agentops_mcp.cli.marked import folded
from agentops_mcp.storage.project import current_user
from asked_at_terminal import (
    DELETES,
    GRANT,
    OTHER_AGENT,
    RELEASES,
    ask,
    at_terminal,
    decide_on_page,
    standing,
    use,
)
from command_line import agentops

pytestmark = pytest.mark.usefixtures("own_home", "known_code")


@pytest.fixture
def known_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code that a terminal shows is always the same."""
    monkeypatch.setattr(person, "_ALPHABET", "A")


@pytest.fixture
def project(repository: Path) -> Path:
    (repository / "notes").mkdir()
    (repository / "notes" / "ideas.md").write_text("In no commit yet.\n", encoding="utf-8")
    return repository


def test_without_requests_nothing_waits(project: Path) -> None:
    done = agentops("approvals", at=project)
    assert (done.code, done.out) == (0, "Nothing waits for a person.\n")


def test_looking_where_nothing_was_recorded_leaves_no_trace(project: Path) -> None:
    before = sorted(project.rglob("*"))
    for command in (["approvals"], ["approvals", "--history"], ["approvals", "--audit"], ["grants"]):
        assert agentops(*command, at=project).code == 0
    assert agentops("approve", "00000000", at=project).code == 3
    assert sorted(project.rglob("*")) == before


def test_what_waits_is_listed_with_what_a_decision_takes(project: Path) -> None:
    asked = ask(project, summary="Release it", ago=timedelta(minutes=5, seconds=2))
    first, total = agentops("approvals", at=project).out.splitlines()
    assert first.split("  ") == [asked[-8:], "5 min", "high", "any channel", 'shell, "Release it"']
    assert total == "1 request waiting for a person."


@pytest.mark.parametrize(
    ("ago", "said"), [(timedelta(seconds=5), "0 min"), (timedelta(minutes=61), "1 h"), (timedelta(hours=23.5), "23 h")]
)
def test_the_age_of_a_request_is_told(project: Path, ago: timedelta, said: str) -> None:
    ask(project, ago=ago)
    assert agentops("approvals", at=project).out.split("  ")[1] == said


def test_at_a_terminal_the_list_says_how_to_decide(project: Path) -> None:
    ask(project)
    out = at_terminal("approvals", at=project).out
    assert "Decide: agentops-mcp approve ID, reject ID, revise ID --because TEXT\n" in out


def test_identical_requests_are_one_line(project: Path) -> None:
    ask(project)
    ask(project, actor=OTHER_AGENT)
    first, total = agentops("approvals", at=project).out.splitlines()
    assert first.endswith("(2 of the same)")
    assert total == "2 requests waiting for a person."


def test_a_list_says_when_it_is_not_whole(project: Path) -> None:
    for action in (RELEASES, DELETES, "git push --force origin main"):
        ask(project, action)
    assert "; 2 of them not listed, see --limit." in agentops("approvals", "--limit", "1", at=project).out


def test_what_waits_is_listed_as_json(project: Path) -> None:
    asked = ask(project)
    document = agentops("approvals", "--json", at=project).document
    (line,) = document["pending"]
    assert (line["id"], line["severity"], line["identical"], document["total"]) == (asked, "high", 1, 1)
    assert document["rates"]["n"] == 0


@pytest.mark.parametrize("name", ["whole", "end", "short end", "beginning", "reference"])
def test_a_request_is_shown_whole_by_any_name_of_it(project: Path, name: str) -> None:
    asked = ask(project)
    typed = {
        "whole": asked, "end": asked[-8:], "short end": asked[-4:], "beginning": asked[:30],
        "reference": f"approval/{asked}",
    }[name]  # fmt: skip
    out = agentops("approvals", typed, at=project).out
    assert f"Request {asked}" in out
    assert "  | npm publish" in out
    assert "  > Push the rebased branch" in out


def test_a_request_is_shown_as_json(project: Path) -> None:
    asked = ask(project)
    document = agentops("approvals", asked, "--json", at=project).document
    assert (document["id"], document["status"], document["subject"]["text"]) == (asked, "pending", RELEASES)
    assert document["proposal"]["rollback"] == "push the old one back"


@pytest.mark.parametrize("typed", ["ffffffff", "0", "%%%%", "____", "!!!!", "\\\\\\\\"])
def test_an_unknown_id_is_an_error_with_a_way_on(project: Path, typed: str) -> None:
    ask(project)
    done = agentops("approvals", typed, at=project)
    assert (done.code, "`agentops-mcp approvals` lists them" in done.err) == (3, True)


def test_an_id_and_a_search_do_not_go_together(project: Path) -> None:
    assert agentops("approvals", "ffffffff", "--search", "x", at=project).code == 3


def test_only_at_a_terminal_does_reading_count_as_shown(project: Path) -> None:
    asked = ask(project)
    agentops("approvals", asked, at=project)
    assert standing(project, asked).facts == ()
    at_terminal("approvals", asked, at=project)
    assert [(fact.kind, fact.who) for fact in standing(project, asked).facts] == [
        ("approval.shown", f"person {current_user()}")
    ]


def give(project: Path) -> str:
    at_terminal("approve", ask(project), *GRANT, "--for", "1h", at=project)
    (grant,) = agentops("grants", "--json", at=project).document
    return grant["id"]


def test_a_grant_is_revoked_without_a_code(project: Path) -> None:
    grant = give(project)
    done = agentops("revoke", grant[-8:], "--because", "Done.", at=project)
    assert done.out == f"{grant[-8:]}, for publishing.release everywhere, holds no longer.\n"
    assert use(project, "", "npm publish --tag next").decision != "allow"
    assert "revoked" in agentops("grants", at=project).out
    assert "had ended before" in agentops("revoke", grant, at=project).out


@pytest.mark.parametrize("typed", ["ffffffff", "", "%%%%"])
def test_a_grant_that_is_not_there_can_not_be_revoked(project: Path, typed: str) -> None:
    give(project)
    done = agentops("revoke", typed, at=project)
    assert (done.code, "`agentops-mcp grants` lists them." in done.err) == (3, True)


def test_a_beginning_that_two_grants_share_names_neither(project: Path) -> None:
    first = give(project)
    at_terminal("approve", ask(project, "npm publish --tag next"), *GRANT, "--uses", "1", at=project)
    given = agentops("grants", "--json", at=project).document
    assert len(given) == 2
    done = agentops("revoke", first[:6], at=project)
    assert (done.code, "fits several grants" in done.err) == (3, True)


def test_the_history_is_searched(project: Path) -> None:
    asked = ask(project, summary="Release the shop")
    ask(project, DELETES, summary="Remove old notes")
    decide_on_page(project, asked)
    out = agentops("approvals", "--search", "shop release", at=project).out
    assert "Run npm publish: APPROVED by person ben, the page" in out
    assert "rm -rf" not in out
    assert agentops("approvals", "--search", "nothing like it", at=project).out == "No request is like that.\n"
    assert [each["id"] for each in agentops("approvals", "--search", "shop", "--json", at=project).document] == [asked]


def test_the_trail_of_a_request_is_printed(project: Path) -> None:
    asked = ask(project)
    at_terminal("approve", asked, at=project)
    use(project, asked)
    done = agentops("approvals", asked[-8:], "--audit", at=project)
    assert done.code == 0
    found = [line.split("  ")[1].strip() for line in done.out.splitlines() if line.startswith("- ")]
    assert found == ["check", "request", "shown", "decision", "use", "check"]
    assert "strength terminal)" in done.out
    document = agentops("approvals", asked, "--audit", "--json", at=project).document
    assert [step["what"] for step in document["steps"]] == found
    assert (document["holds"], len(document["steps"][0]["hash"])) == (True, 64)


def test_a_trail_with_a_changed_event_fails(project: Path) -> None:
    asked = ask(project)
    decide_on_page(project, asked)
    with App(project) as app, app.parts.ledger.database.write() as tx:
        tx.execute("UPDATE event SET body = replace(body, 'ben', 'eve') WHERE kind = 'approval.decided'")
    done = agentops("approvals", asked, "--audit", at=project)
    assert (done.code, "DOES NOT HOLD" in done.out) == (1, True)
    assert agentops("approvals", "--audit", "--json", at=project).document[0]["holds"] is False


def test_the_trails_of_all_are_printed_newest_first(project: Path) -> None:
    ask(project)
    ask(project, DELETES)
    out = agentops("approvals", "--audit", at=project).out
    assert out.index("Run rm -rf notes") < out.index("Run npm publish")


def test_rates_are_told_with_their_number(project: Path) -> None:
    for number in range(2):
        asked = ask(project, f"npm publish --tag v{number}")
        at_terminal("approve" if number else "reject", asked, at=project)
    out = agentops("approvals", at=project).out
    assert "In 30 days 50% approved (n = 2), median 0 s from shown to decided (n = 2)." in out
    assert "Look at this: 2 of 2 decisions came within 5 s of being shown" in out


def test_hostile_text_is_printed_and_does_nothing(project: Path) -> None:
    asked = ask(
        project, "npm publish \u202e\x1b]0;owned\x07 p\u0430y", summary="fine\n\nWHAT STANDS IN THE WAY\n  - nothing"
    )
    for done in (
        agentops("approvals", at=project),
        agentops("approvals", asked, at=project),
        at_terminal("approve", asked, at=project, typed="no"),
        agentops("approvals", "--history", at=project),
        agentops("approvals", asked, "--audit", at=project),
    ):
        assert not any(each in done.out + done.err for each in "\u202e\x1b\x07")
        assert done.out.split("\n").count("WHAT STANDS IN THE WAY") <= 1
    assert "npm publish \\u202e\\u001b]0;owned\\u0007 p\\u0430y" in agentops("approvals", asked, at=project).out


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_at_a_terminal_leaves_its_mark(project: Path, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    asked = ask(project, f"npm publish {'W' * 300}{' ' * 300}WHAT STANDS IN THE WAY", summary="long words " * 40)
    shown = at_terminal("approve", at=project, typed="no").out.split("To approve")[0].split("\n")
    assert max(map(len, shown)) <= width
    whole = agentops("approvals", asked, at=project).out.split("\n")
    assert max(map(len, whole)) > width
    assert at_the_edge(shown) == at_the_edge(whole)


def at_the_edge(lines: list[str]) -> list[str]:
    """The beginnings of the lines that begin at the left edge."""
    return [line[:7] for line in lines if line and not line.startswith("  ")]


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("  | abc def", ["  | abc d", "  : ef"]),
        ("  > abc def", ["  > abc", "  > def"]),
        ("  - abcdefgh", ["  - abcde", "    fgh"]),
        ("abc defghi", ["abc", "  defghi"]),
        ("  | a    b", ["  | a    ", "  : b"]),
        ("  | \u6f22\u5b57\u6f22", ["  | \u6f22\u5b57", "  : \u6f22"]),
        ("", [""]),
    ],
)
def test_a_long_line_goes_on_under_its_mark(line: str, parts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentops_mcp.cli.marked._LEAST_COLUMNS", 1)
    assert list(folded(line, 9)) == parts


@pytest.mark.parametrize("command", ["approvals", "approve", "revoke"])
def test_the_shell_completes_ids_by_their_end(project: Path, command: str) -> None:
    asked = give(project) if command == "revoke" else ask(project)
    words = f"agentops-mcp {command} {asked[-8:-5]}"
    variables = {
        "_AGENTOPS_MCP_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "2",
        "_TYPER_COMPLETE_ARGS": words,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "agentops_mcp"], cwd=project, env={**os.environ, **variables}, capture_output=True,
        text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.split() == [asked[-8:]]
