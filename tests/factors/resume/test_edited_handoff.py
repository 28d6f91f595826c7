"""A handoff file that a person has edited is read, or refused by its line."""

from dataclasses import replace

import pytest

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.factors.resume.rules.bundle import Parameter
from agentops_mcp.factors.resume.rules.chain import Saved
from agentops_mcp.factors.resume.rules.handoff import parse_handoff
from handed_over import AT, HEAD, OTHER, SAVED, WRITTEN


def edited(old: str, new: str) -> Saved:
    assert WRITTEN.count(old) == 1
    return parse_handoff(WRITTEN.replace(old, new))


def test_line_ends_blank_lines_and_spaces_do_not_matter() -> None:
    assert parse_handoff(WRITTEN.replace("\n", "  \r\n")) == SAVED
    assert parse_handoff("\ufeff\n" + WRITTEN.replace("\n", "\n\n")) == SAVED
    assert parse_handoff(WRITTEN.strip()) == SAVED


def test_lists_may_be_written_as_markdown_allows() -> None:
    text = WRITTEN.replace("\n- ", "\n* ").replace("  - ", "\t+ ").replace("1. ", "7) ").replace("2. ", "- [ ] ")
    assert parse_handoff(text).bundle == replace(
        SAVED.bundle, next_steps=("make test_budget pass in app.py", "[ ] measure p95 again")
    )


def test_wrapped_lines_are_joined() -> None:
    text = WRITTEN.replace("budget per host", "budget\n  per host").replace("the token", "the\ntoken")
    assert parse_handoff(text).bundle == SAVED.bundle


def test_steps_findings_and_parameters_may_be_added() -> None:
    assert edited("again\n", "again\n3. tell #ops about <it>\n3.\n").bundle.next_steps[2:] == ("tell #ops about <it>",)
    assert edited("is shared\n", "is shared\n\nIt also *leaks*.\n").bundle.findings[1:] == ("It also *leaks*.",)
    assert edited("`5`\n", "`5`\n- `X` = `a = b`\n").bundle.parameters[2:] == (Parameter("X", "a = b"),)
    assert edited("- `app.py`\n", "- `app.py`\n- src/new.py\n").bundle.key_files == ("app.py", "src/new.py")
    assert edited("- no quota\n", "- no quota\n### More\n- no #time\n#42 says so\n---\n").bundle.blockers == (
        "no quota", "no #time #42 says so",
    )  # fmt: skip


def test_unknown_sections_and_fields_are_passed_over() -> None:
    assert edited("## Findings", "## Gossip\n\n- a rumour\n\n## findings ") == SAVED
    assert edited("- User:", "- Mood: good\n- odd\n- User:") == SAVED


def test_a_time_without_a_zone_is_utc_and_one_with_is_made_so() -> None:
    assert edited(f"`{AT}`", "2026-11-22 12:00").at == AT
    assert edited(f"`{AT}`", "2026-11-22T13:00+01:00").at == AT


def test_who_saved_it_may_be_left_out() -> None:
    read = edited("- Client: `test-client 1.0`\n- User: `tester`\n", "")
    assert (read.client, read.user) == ("unknown", "unknown")


REFUSED = {
    "a time that is none": (f"`{AT}`", "yesterday", 6, "a time like 2026-11-22 12:00"),
    "a time out of range": (f"`{AT}`", "0001-01-01T00:00+12:00", 6, "a time like"),
    "no time": (f"- Saved (UTC): `{AT}`\n", "", 1, "a list below the title which says `saved (utc)`"),
    "no phase": ("- Phase: implement\n", "", 1, "a list below the title which says `phase`"),
    "a phase that is none": ("implement\n", "half done\n", 9, "one of research, plan, implement, review, done"),
    "a confidence over all": ("80 %", "101 %", 10, "a percentage"),
    "a branch of two": ("`main`", "`main` or `next`", 11, "one text between backquotes"),
    "a commit by half": (f"Commit: `{HEAD}`", "Commit: `abc`", 12, "the full id of a git object"),
    "neither changed nor not": ("changed: yes", "changed: perhaps", 13, "yes or no"),
    "a parameter without a value": ("`LIMIT` = `5`", "LIMIT 5", 32, "`name` = `value`, or `name` = `value` in `file`"),
    "a broken JSON string": ("`5`", '`"5`', 32, "a JSON string"),
    "a reason for nothing": ("- budget per host\n", "", 36, "a decision before the reason for it"),
    "a reason of another kind": ("- why: one", "- because: one", 37, "why: …, or rejected: …"),
    "a number that is none": ("Files: 3", "Files: many", 54, "a number"),
    "a change that is not said": ("`new.py`, untracked", "`new.py`", 61, "`path`, what happened to it"),
    "a file without a hash": ("`gone.py`: not there", "`gone.py`", 68, "`path`: `id of its content`"),
    "a hash that is none": (f"`app.py`: `{'1' * 40}`", "`app.py`: `1\n1`", 67, "the full id of a git object"),
    "a commit in nowhere": ("outside HEAD's", "near HEAD's", 71, "`path`: `id of its content`"),
    "a commit that is none": (f"commit `{OTHER}`", "commit `HEAD`", 71, "the full id of a git object"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "expected"), REFUSED.values(), ids=REFUSED.keys())
def test_a_line_that_cannot_be_understood_is_named_with_what_was_expected(
    old: str, new: str, line: int, expected: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        edited(old, new)
    assert refused.value.problem.startswith(f"Line {line} of the handoff file: expected {expected}")
    assert "agentops-mcp handoff" in refused.value.remedy
