from pathlib import Path

import pytest

from agentops_mcp.cli.agents_block import BEGIN, BLOCK, END, plan_block, plan_block_removal
from agentops_mcp.cli.clients import apply
from agentops_mcp.core.errors import InvalidInputError

TEXT = "\n".join((*BLOCK, ""))
OLDER = f"{BEGIN}\nan older text\nof another length\n{END}\n"

# What the file holds, and what it holds with the block.
ADDED = {
    "no text": ("", TEXT),
    "a byte order mark alone": ("\ufeff", "\ufeff" + TEXT),
    "some text": ("# Rules\n\nBe kind.\n", "# Rules\n\nBe kind.\n" + TEXT),
    "no last line break": ("# Rules", "# Rules\n" + TEXT),
    "CRLF": ("# Rules\r\nBe kind.\r\n", "# Rules\r\nBe kind.\r\n" + TEXT.replace("\n", "\r\n")),
    "an older block in the middle": (f"a\n\n{OLDER}\nb\x0b\u2028c  ", f"a\n\n{TEXT}\nb\x0b\u2028c  "),
    "an older block at the end, without a line break": (OLDER.rstrip("\n"), TEXT),
    "an older block with CRLF": (
        "a\r\n" + OLDER.replace("\n", "\r\n") + "b",
        "a\r\n" + TEXT.replace("\n", "\r\n") + "b",
    ),
    "the markers named within a sentence": (f"See {BEGIN} and {END}.\n", f"See {BEGIN} and {END}.\n" + TEXT),
}

BROKEN = {
    "no end": f"a\n{BEGIN}\nb\n",
    "no begin": f"a\n{END}\nb\n",
    "the end first": f"a\n{END}\n{BEGIN}\n",
    "two blocks": f"a\n{TEXT}{TEXT}",
    "a begin within": f"a\n{BEGIN}\n{BEGIN}\n{END}\n",
}


@pytest.mark.parametrize(("before", "after"), ADDED.values(), ids=ADDED.keys())
def test_the_block_is_added_or_renewed_and_all_else_is_kept(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "AGENTS.md"
    path.write_bytes(before.encode("utf-8"))
    change = plan_block(path)
    assert change.after == after
    apply(change)
    assert path.read_bytes() == after.encode("utf-8")
    assert not plan_block(path).changed


def test_a_missing_file_is_made_of_the_block_alone(tmp_path: Path) -> None:
    change = plan_block(tmp_path / "CLAUDE.md")
    assert (change.before, change.after) == (None, TEXT)


@pytest.mark.parametrize("text", ["", "# Rules\n", "# Rules\r\n\r\n", "\ufeffa\n\n\n"])
def test_adding_and_removing_the_block_leaves_what_was_there(tmp_path: Path, text: str) -> None:
    path = tmp_path / "AGENTS.md"
    path.write_bytes(text.encode("utf-8"))
    apply(plan_block(path))
    apply(plan_block_removal(path))
    assert path.read_bytes() == text.encode("utf-8")


def test_removing_the_block_keeps_what_stands_around_it(tmp_path: Path) -> None:
    path = tmp_path / "AGENTS.md"
    path.write_bytes(f"a\n\n{TEXT}\nb\r\nc".encode())
    assert plan_block_removal(path).after == "a\n\n\nb\r\nc"


@pytest.mark.parametrize("text", [None, "", "# Rules\n"])
def test_removing_a_block_that_is_not_there_changes_nothing(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "AGENTS.md"
    if text is not None:
        path.write_bytes(text.encode("utf-8"))
    assert not plan_block_removal(path).changed


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_markers_that_are_not_one_pair_are_refused_with_the_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "AGENTS.md"
    path.write_bytes(text.encode("utf-8"))
    for planned in (plan_block, plan_block_removal):
        with pytest.raises(InvalidInputError) as refused:
            planned(path)
        assert refused.value.problem.startswith(f"{path}, line 2: ")
    assert path.read_bytes() == text.encode("utf-8")


def test_the_block_is_short_and_names_both_calls_and_every_section() -> None:
    assert len(BLOCK) <= 8
    for word in ("start_session", "record_entry", "goal", "context", "solution", "learning", "impact"):
        assert word in TEXT


def test_the_change_is_shown_without_characters_that_deceive_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "AGENTS.md"
    path.write_text("Be kind.\x1b[2K\u202e\x9b\n", encoding="utf-8")
    assert " Be kind.\\x1b[2K\\u202e\\x9b\n" in plan_block(path).diff()
