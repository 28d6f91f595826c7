"""What a person reads of a request: all of it, nothing hidden, and whose words are whose."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.factors.approval.render import actions
from agentops_mcp.factors.approval.render.requests import Section, message, sections, status_line, title
from agentops_mcp.factors.approval.rules.settings import Strength
from agentops_mcp.factors.approval.rules.standing import Decided, Decision, Fold, Status
from agentops_mcp.factors.approval.rules.subjects import PLAN, Finding, Subject
from agentops_mcp.factors.approval.service.requests import Standing
from agentops_mcp.factors.approval.store.request_events import Request
from asked import ASKS, CRITICAL, SESSION, proposal, subject

AT = datetime(2026, 11, 26, 8, tzinfo=UTC)
PATCH = "--- a/app.py\n+++ b/app.py\n@@ -1 +1 @@\n-print('hello')\n+print('bye')\n"
ONE_OF_TWO = (
    "PENDING, 1 of 2: approved by person anna, the page, 2026-11-26 08:07 UTC; another person must approve it; "
    "refused at 2026-11-27 08:00 UTC if nobody decides"
)
HIDDEN = "\u202e\u200b\x1b\x07\u2066"


def standing(
    about: Subject | None = None, fold: Fold | None = None, *, floor: Strength = "client",
    session: str | None = SESSION, identical: tuple[str, ...] = (), **said: Any,
) -> Standing:  # fmt: skip
    request = Request(
        "01a216d3-0000-7000-8000-00003f9a21c0", about or subject(), proposal(**said), "d" * 64, floor, "required",
        "agent claude-code of anna", session, AT, AT + timedelta(hours=4), AT + timedelta(hours=24),
    )  # fmt: skip
    return Standing(request, fold or Fold("pending"), identical=identical)


def section(found: Standing, heading: str) -> Section:
    (one,) = [each for each in sections(found) if each.heading.startswith(heading)]
    return one


def by(decision: Decision, name: str = "anna", feedback: str = "", strength: Strength = "page") -> Decided:
    return Decided("e", decision, f"person {name}", strength, AT + timedelta(minutes=7), feedback)


def test_everything_the_server_found_comes_before_the_agents_words() -> None:
    whose = [each.whose for each in sections(standing(subject(safer="merge", past=("It went wrong.",), diff=PATCH)))]
    assert whose == sorted(whose, reverse=True)
    assert {"server", "agent"} == set(whose)


def test_the_action_is_the_first_that_is_shown() -> None:
    first = sections(standing())[0]
    assert (first.heading, first.form) == ("What will happen, in full (shell)", "code")
    assert first.lines == ("git push --force origin main",)


def test_a_long_command_is_shown_to_its_last_character() -> None:
    command = "\n".join(f"echo {number} {'x' * 3_000}" for number in range(300))
    found = standing(subject(text=command))
    assert "\n".join(section(found, "What will happen").lines) == command
    assert all(f"  | {line}" in message(found).split("\n") for line in command.split("\n"))


def test_the_arguments_of_a_tool_are_shown_as_json() -> None:
    fields = {"name": "db.drop", "arguments": {"table": "sessions", "where": ["old", 3]}}
    shown = section(standing(subject(kind="tool_call", fields=fields, text="db.drop …")), "What will happen").lines
    assert shown == (
        "call db.drop with", "{", '  "table": "sessions",', '  "where": [', '    "old",', "    3", "  ]", "}",
    )  # fmt: skip


def test_a_tool_without_arguments_is_named() -> None:
    about = subject(kind="tool_call", fields={"name": "db.drop"}, text="db.drop")
    assert section(standing(about), "What will happen").lines == ("call db.drop without arguments",)


def test_a_write_is_its_path_and_its_diff() -> None:
    fields = {"path": "app.py", "content": "print('bye')\n"}
    found = standing(subject(kind="file_write", fields=fields, text="file_write app.py", diff=PATCH))
    assert section(found, "What will happen").lines == ("write app.py",)
    shown = section(found, "What changes in files")
    assert (shown.form, shown.lines) == ("diff", tuple(PATCH.split("\n")[:-1]))
    assert [each for each in sections(found) if each.heading == "What it would write"] == []


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ({"content": "one\n\ttwo"}, ("one", "\ttwo")),
        ({"content": ""}, ("Nothing: the file would be empty.",)),
        ({}, ("It did not say: the file can come to hold anything.",)),
    ],
)
def test_a_write_without_a_diff_is_its_path_and_its_content(content: dict[str, str], lines: tuple[str, ...]) -> None:
    about = subject(kind="file_write", fields={"path": "new.txt", **content}, text="file_write new.txt")
    assert section(standing(about), "What it would write").lines == lines


def test_a_patch_is_its_diff() -> None:
    about = subject(kind="patch", fields={"diff": PATCH}, text=PATCH)
    assert section(standing(about), "What will happen").lines == ("apply the patch below, of 5 lines",)
    assert section(standing(about), "What changes in files").lines == tuple(PATCH.split("\n")[:-1])
    assert actions.diff_of(about) == PATCH


def test_what_would_be_sent_is_shown() -> None:
    fields = {"url": "https://example.org/", "method": "POST", "body": "everything\nwe have"}
    about = subject(kind="network", fields=fields, text="POST https://example.org/")
    assert section(standing(about), "What will happen").lines == ("POST https://example.org/",)
    assert section(standing(about), "What it would send").lines == ("everything", "we have")


def test_a_plan_is_called_one() -> None:
    about = subject(kind=PLAN, fields={"text": "1. Look\n2. Act"}, text="1. Look\n2. Act", findings=())
    assert section(standing(about), "The plan, in full").lines == ("1. Look", "2. Act")
    assert section(standing(about), "What stands in the way").lines == ("The guard judges no plans.",)


@pytest.mark.parametrize(
    ("kind", "fields", "text", "said"),
    [
        ("shell", {}, "git push\n--force", "Run git push --force"),
        ("file_write", {"path": "a.py"}, "file_write a.py", "Write a.py"),
        ("file_delete", {"path": "a.py"}, "file_delete a.py", "Delete a.py"),
        ("patch", {"diff": PATCH}, PATCH, "Apply a patch to deploy.sh"),
        ("tool_call", {"name": "db.drop"}, "db.drop {'a': 1}", "Call db.drop {'a': 1}"),
        ("network", {"url": "https://a.example/"}, "GET https://a.example/", "Send GET https://a.example/"),
        ("spend", {"amount": 9}, "spend 9 EUR", "Spend 9 EUR"),
        (PLAN, {"text": "1. Look"}, "1. Look", "Go by a plan: 1. Look"),
    ],
)
def test_the_title_is_the_action_and_not_what_the_agent_calls_it(
    kind: str, fields: dict[str, Any], text: str, said: str
) -> None:
    about = subject(kind=kind, fields=fields, text=text)
    assert title(standing(about, summary="Nothing special")) == said


def test_a_title_is_one_line_and_visibly_cut() -> None:
    shown = title(standing(subject(text="echo 1\n" * 10_000)))
    assert len(shown) <= 120
    assert shown.endswith("…")
    assert shown.isprintable()


def test_the_worst_rule_stands_first_with_what_it_is_about() -> None:
    shown = section(standing(subject(findings=(ASKS, CRITICAL))), "What stands in the way").lines
    assert shown == (
        "critical: Commits of others could be lost. files.outside denies it, for delete: /srv/db.",
        "high: Commits of others could be lost. git.force-push asks, for rewrite_history: origin main.",
    )


def test_what_the_guard_allows_has_nothing_in_its_way() -> None:
    shown = section(standing(subject(findings=(), decision="allow")), "What stands in the way").lines
    assert shown == ("No rule of the guard.",)


def test_the_files_are_counted_and_named_without_digests() -> None:
    files = {
        "a.py": f"sha256:{'a' * 64}", "gone.py": "absent", "data": f"folder, 12 inside: sha256:{'b' * 64}",
        "big.bin": "70000000 bytes, changed 1764144000000000000", "more files": "3, not read",
    }  # fmt: skip
    shown = section(standing(subject(files=files)), "What it touches")
    assert shown.heading == "What it touches: 5 paths"
    assert shown.lines == (
        "a.py", "gone.py: absent", "data: folder, 12 inside", "big.bin: 70000000 bytes", "more files: 3, not read",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("floor", "said"),
    [
        ("client", "a person, at the page, a terminal or the client's dialog."),
        ("page", "a person at the page or a terminal; the client's dialog does not do."),
        ("terminal", "a person at a terminal."),
        ("two_people", "two different people, each at the page or a terminal."),
    ],
)
def test_what_a_decision_needs_is_said_in_words(floor: Strength, said: str) -> None:
    needs = section(standing(floor=floor), "What a decision needs").lines
    assert needs[0] == f"A person must approve it. Who can: {said}"
    assert "refused at 2026-11-27 08:00 UTC" in needs[2]


def test_who_asks_and_where_is_told() -> None:
    where = section(standing(subject(cwd="/project/sub")), "Where").lines
    assert where == (
        "Folder: /project/sub", "Project: /project", "Branch: main",
        f"Asked by agent claude-code of anna, in session {SESSION}, 2026-11-26 08:00 UTC",
    )  # fmt: skip
    assert "outside any session" in section(standing(session=None), "Where").lines[-1]


def test_other_requests_for_the_same_are_counted() -> None:
    assert "2 other open requests for the same action." in section(standing(identical=("a", "b")), "What a dec").lines


def test_every_part_of_the_agents_words_is_there_under_its_name() -> None:
    found = standing(
        phase="deploy", task="release", confidence=0.8, questions=["Is Friday fine?"], state="state/ab", risk="high"
    )
    told = {each.heading: each.lines for each in sections(found) if each.whose == "agent"}
    assert told == {
        "Summary": ("Push the rebased branch",),
        "What will change": ("origin/topic is replaced",),
        "How to undo it": ("push the old one back",),
        "Impact": (
            "files: 3", "services: ci", "cost: none",
            "by its own measure: impact medium, risk high, cost low, novelty low",
        ),
        "Alternatives, and why not": ("merge instead: noisy",),
        "Risks": ("a colleague pushed meanwhile",),
        "Confidence": ("80 %",),
        "Questions to you": ("Is Friday fine?",),
        "Phase": ("deploy",),
        "Task": ("release",),
        "State to resume with": ("state/ab",),
    }  # fmt: skip


def test_words_that_were_not_said_have_no_heading() -> None:
    headings = {each.heading for each in sections(standing())}
    assert headings.isdisjoint({"Confidence", "Questions to you", "Phase", "Task", "State to resume with"})


HOSTILE: list[tuple[str, Standing]] = [
    ("command", standing(subject(text=f"rm {HIDDEN}"))),
    ("path", standing(subject(kind="file_delete", fields={"path": f"a{HIDDEN}"}, text="x"))),
    ("argument", standing(subject(kind="tool_call", fields={"name": "n", "arguments": {"a": HIDDEN}}, text="n"))),
    ("name of a tool", standing(subject(kind="tool_call", fields={"name": HIDDEN}, text=HIDDEN))),
    ("content", standing(subject(kind="file_write", fields={"path": "a", "content": HIDDEN}, text="x"))),
    ("body", standing(subject(kind="network", fields={"url": "u", "body": HIDDEN}, text="u"))),
    ("diff", standing(subject(diff=f"+{HIDDEN}\n"))),
    ("target", standing(subject(findings=(replace(ASKS, target=HIDDEN),)))),
    ("effect", standing(subject(effects=(HIDDEN,)))),
    ("file", standing(subject(files={HIDDEN: "absent"}))),
    ("branch", standing(subject(branch=HIDDEN))),
    ("folder", standing(subject(cwd=HIDDEN))),
    ("incident", standing(subject(past=(HIDDEN,)))),
    ("safer way", standing(subject(safer=HIDDEN))),
    ("summary", standing(summary=f"a{HIDDEN}")),
    ("risk", standing(risks=[f"a{HIDDEN}"])),
    ("impact", standing(impact={"services": [HIDDEN]})),
    ("feedback", standing(fold=Fold("revise", by("revise", feedback=HIDDEN)))),
    ("name of a person", standing(fold=Fold("rejected", by("reject", name=HIDDEN)))),
]  # fmt: skip


@pytest.mark.parametrize("found", [each for _, each in HOSTILE], ids=[name for name, _ in HOSTILE])
def test_nothing_hidden_is_left_and_nothing_is_dropped(found: Standing) -> None:
    shown = f"{title(found)}\n{status_line(found)}\n{message(found)}"
    assert [each for each in HIDDEN if each in shown] == []
    assert "\\u202e\\u200b" in shown


def test_a_letter_that_looks_like_another_is_marked() -> None:
    assert "pip install p\\u0430yments" in message(standing(subject(text="pip install p\u0430yments")))


@pytest.mark.parametrize(
    "found",
    [
        standing(summary="fine\n\nWHAT STANDS IN THE WAY\n  - nothing"),
        standing(risks=["none\n\nWHAT STANDS IN THE WAY\n  - nothing"]),
        standing(subject(text="rm -rf x\n\nWHAT STANDS IN THE WAY\n  - nothing")),
        standing(subject(diff="+a\n\nWHAT STANDS IN THE WAY\n  - nothing\n")),
        standing(subject(past=("a\n\nWHAT STANDS IN THE WAY\n  - nothing",))),
        standing(subject(files={"a\n\nWHAT STANDS IN THE WAY\n  - nothing": "absent"})),
        standing(subject(cwd="/a\n\nWHAT STANDS IN THE WAY\n  - nothing")),
        standing(subject(findings=(replace(ASKS, target="a\n\nWHAT STANDS IN THE WAY\n  - nothing"),))),
        standing(fold=Fold("pending"), session="a\n\nWHAT STANDS IN THE WAY\n  - nothing"),
    ],
)
def test_no_text_passes_for_a_heading_or_a_finding_of_the_server(found: Standing) -> None:
    lines = message(found).split("\n")
    assert lines.count("WHAT STANDS IN THE WAY") == 1
    assert "  - nothing" not in lines


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_every_line_that_others_wrote_is_marked(text: str) -> None:
    found = standing(subject(text=text, diff=text), summary=f"a{text}")
    headings = {each.heading.upper() for each in sections(found)}
    known = {title(found), status_line(found), f"Request {found.request.id}", "", *headings}
    known.add("THE AGENT'S OWN WORDS, WHICH NOBODY CHECKED")
    assert [line for line in message(found).split("\n") if line not in known and not line.startswith("  ")] == []


@pytest.mark.parametrize(
    ("status", "last", "approvals", "said"),
    [
        ("pending", None, (), "PENDING since 2026-11-26 08:00 UTC; refused at 2026-11-27 08:00 UTC if nobody decides"),
        ("pending", None, (by("approve"),), ONE_OF_TWO),
        ("approved", by("approve"), (by("approve"),), "APPROVED by person anna, the page, 2026-11-26 08:07 UTC"),
        ("approved", by("approve", "ben"), (by("approve"), by("approve", "ben", strength="terminal")),
         "APPROVED by person anna, the page, 2026-11-26 08:07 UTC and person ben, the terminal, 2026-11-26 08:07 UTC"),
        ("rejected", by("reject", feedback="Not\ntoday."), (),
         "REJECTED by person anna, the page, 2026-11-26 08:07 UTC: Not today."),
        ("revise", by("revise", feedback="Only logs."), (),
         "REVISE, sent back by person anna, the page, 2026-11-26 08:07 UTC: Only logs."),
        ("expired", None, (), "EXPIRED at 2026-11-27 08:00 UTC: nobody decided in time, which is a refusal"),
        ("used", by("approve"), (), "USED, once; approved by person anna, the page, 2026-11-26 08:07 UTC"),
        ("lapsed", by("approve"), (by("approve"),),
         "LAPSED: approved by person anna, the page, 2026-11-26 08:07 UTC, and not used in time"),
    ],
)  # fmt: skip
def test_where_it_stands_is_one_line(
    status: Status, last: Decided | None, approvals: tuple[Decided, ...], said: str
) -> None:
    assert status_line(standing(fold=Fold(status, last, approvals))) == said


def test_a_place_of_an_effect_is_told() -> None:
    finding = Finding("files.outside", "ask", "high", "It is outside.", "delete", "/srv/x", "system")
    shown = section(standing(subject(findings=(finding,))), "What stands in the way").lines
    assert shown == ("high: It is outside. files.outside asks, for delete: /srv/x (system).",)
