"""A chain written as one Markdown file, and such a file read back: nothing lost, nothing forged."""

import string
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.core.ids import new_id
from agentops_mcp.factors.resume.rules.bundle import PHASES, Bundle, Decision, Parameter, tidy
from agentops_mcp.factors.resume.rules.chain import DirtyFile, Kept, Merged, Place, Saved, merge
from agentops_mcp.factors.resume.rules.handoff import MOST_CHARS, UNNAMED, is_handoff, parse_handoff, write_handoff
from handed_over import AT, HEAD, OTHER, SAVED, WRITTEN, problem_of


def bundle_of(merged: Merged) -> Bundle:
    """What a chain says, as one bundle."""
    return replace(
        tidy(merged.newest.bundle),
        parameters=tuple(each for each, _ in merged.parameters),
        decisions=tuple(each for each, _ in merged.decisions),
        findings=tuple(each for each, _ in merged.findings),
        key_files=tuple(each for each, _ in merged.key_files),
    )


def with_bundle(**changes: object) -> Saved:
    return replace(SAVED, bundle=replace(SAVED.bundle, **changes))  # type: ignore[arg-type]


def test_a_state_is_written_so_that_it_says_everything_by_itself() -> None:
    assert write_handoff(merge([SAVED])) == WRITTEN


def test_a_file_that_was_written_is_read_back_without_loss() -> None:
    assert parse_handoff(WRITTEN) == SAVED


def test_what_a_state_does_not_say_has_no_section() -> None:
    bare = replace(
        SAVED, bundle=Bundle("Ship it", "done"), place=Place(None, None, None, None), files={}, links={}, commits={},
        found={}, kept=Kept(),
    )  # fmt: skip
    written = write_handoff(merge([bare]))
    assert "##" not in written
    assert parse_handoff(written) == bare


def test_a_mission_and_a_parent_are_kept_by_their_ids() -> None:
    saved = replace(SAVED, parent=new_id(), mission=new_id(), place=replace(SAVED.place, dirty=False))
    assert parse_handoff(write_handoff(merge([saved]))) == saved


def test_anything_else_than_an_id_names_no_state_mission_or_parent() -> None:
    read = parse_handoff(write_handoff(merge([replace(SAVED, id="x", parent="../y", mission="`z`")])))
    assert (read.id, read.parent, read.mission) == (UNNAMED, None, None)


def test_work_kept_before_the_first_commit_is_checked_out_rather_than_applied() -> None:
    written = write_handoff(merge([replace(SAVED, place=replace(SAVED.place, head=None))]))
    assert f"`git checkout {OTHER} -- .` writes them back and `git show {OTHER}` shows them" in written
    assert "stash" not in written


def test_work_that_could_not_be_kept_is_only_counted() -> None:
    saved = replace(SAVED, kept=Kept(total=2, left_out=2))
    written = write_handoff(merge([saved]))
    assert "- Files: 2\n- Files left out: 2\n\n##" in written
    assert parse_handoff(written).kept == saved.kept


def test_a_commit_that_is_none_stands_in_no_command() -> None:
    for commit in ("HEAD; rm -rf .", f"{OTHER}\n## Findings"):
        written = write_handoff(merge([replace(SAVED, kept=replace(SAVED.kept, commit=commit))]))
        assert "stash" not in written
        assert parse_handoff(written).kept == replace(SAVED.kept, commit=None)


# A chain

OLDER = replace(
    SAVED, id=new_id(), files={"app.py": "9" * 40, "old.py": "8" * 40, "link": "7" * 40}, links={"link": "old.py"},
    commits={HEAD: False, "c" * 40: True}, found={"OLD": "alone", "NONE": "no"},
    bundle=Bundle(
        goal="Retries survive a slow host", phase="plan", did="Read the code.",
        decisions=(Decision("Budget per host", "a guess"), Decision("keep the pool", "it works")),
        parameters=(Parameter("OLD", "7", "old.py"), Parameter("NONE", "1", "old.py")),
        findings=("the pool is shared", "the host is slow"), next_steps=("write app.py",),
    ),
)  # fmt: skip


def test_a_chain_is_one_bundle_with_each_file_as_the_newest_state_has_it_that_cites_it() -> None:
    merged = merge([replace(SAVED, links={}, parent=OLDER.id), OLDER])
    read = parse_handoff(write_handoff(merged))
    assert read.bundle == bundle_of(merged)
    assert [each.choice for each in read.bundle.decisions] == ["budget per host", "keep the pool"]
    assert read.files == {"app.py": "1" * 40, "gone.py": None, "link": "2" * 40, "old.py": "8" * 40}
    assert read.links == {}
    assert read.commits == {HEAD: True, OTHER: False, "c" * 40: True}
    assert read.found == {"RETRY_RATIO": "beside its name", "OLD": "alone", "NONE": "no"}
    assert read.parent == OLDER.id


@pytest.mark.parametrize("findings", [["x" * 1_000 + str(n) for n in range(90)], [f"pool {n}" for n in range(2_600)]])
def test_a_chain_too_long_to_be_read_leaves_out_its_oldest_states(findings: list[str]) -> None:
    chain = [
        replace(OLDER, bundle=replace(OLDER.bundle, findings=tuple(f"{text} in {state}" for text in findings)))
        for state in range(4)
    ]
    read = parse_handoff(write_handoff(merge([SAVED, *chain])))
    assert read.bundle.findings[0] == "the pool is shared"
    assert len(read.bundle.findings) in (1 + len(findings), 1 + 2 * len(findings))


# Anything may be said

HOSTILE = [
    "# Handoff: another goal", "## Findings", "- Phase: done", "> a note", "1. first", "2) second", "---", "***", "===",
    "-", "+ x", "`code` and ``more``", "a | b", "<b>bold</b> <!-- hidden --> &lt; &#60;", "[x] done", "![a](b)", "\\",
    "\\u202e \\`", "a\\", "__init__.py *.py ~~old~~", "C# and F #", "    indented", "tab\tand\nnewline\r\nand more",
    "\u202etxt.exe", "zero\u200bwidth", "\x1b[31mred", "caf\\udce9.txt", "ﬀ 漢字 🎉 👩\u200d💻 \U000e0041", '"quoted"',
    '"', "'", "= 5", "why: because", "commit `x`: in HEAD's history", "x ##", "\u2028## Findings", "\x85- x", "10",
    "1.",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_is_lost_or_taken_for_anything_but_itself(text: str) -> None:
    saved = replace(
        SAVED,
        client=text, user=text, place=replace(SAVED.place, branch=text, operation=text),
        bundle=Bundle(
            goal=text, phase="plan", did=text, decisions=(Decision(text, text, text),),
            parameters=(Parameter(text, text, text),), findings=(text,), next_steps=(text,), open_questions=(text,),
            blockers=(text,), key_files=(text,),
        ),
        files={text: HEAD}, links={text: text}, found={},
        kept=replace(SAVED.kept, files=(DirtyFile(text, "modified", None),)),
    )  # fmt: skip
    written = write_handoff(merge([saved]))
    assert parse_handoff(written) == replace(saved, bundle=tidy(saved.bundle))
    assert all(character.isprintable() or character in "\n\u200d" for character in written)
    assert len([line for line in written.splitlines() if line.startswith("#")]) == 11


# What is odd to Markdown, to this file and to JSON, more often than chance would have it.
TEXT = st.text(alphabet=st.sampled_from(string.punctuation + "a1 \n\t\r\u2028\x85\u202e\ud7ff漢🎉") | st.characters())
SAID = TEXT.filter(lambda text: bool(text.split()))
HEX = st.integers(0, 16**40 - 1).map(lambda number: f"{number:040x}")


def several(each: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(each, max_size=3).map(tuple)


DECISIONS = st.lists(st.builds(Decision, SAID, TEXT, TEXT), max_size=3).map(tuple)
PARAMETERS = st.lists(st.builds(Parameter, SAID, TEXT, TEXT), max_size=3).map(tuple)
BUNDLES = st.builds(
    Bundle, goal=SAID, phase=st.sampled_from(PHASES), did=TEXT, decisions=DECISIONS, parameters=PARAMETERS,
    findings=several(SAID), next_steps=several(SAID), open_questions=several(SAID), blockers=several(SAID),
    key_files=several(SAID), confidence=st.none() | st.integers(0, 100),
).map(tidy)  # fmt: skip
FILES = st.dictionaries(SAID, st.none() | HEX, max_size=3)


@settings(deadline=None)
@given(BUNDLES, FILES, st.dictionaries(HEX, st.booleans(), max_size=3), st.none() | SAID, st.none() | HEX)
def test_any_state_is_read_back_as_it_was_written(
    bundle: Bundle, files: Mapping[str, str | None], commits: Mapping[str, bool], branch: str | None, commit: str | None
) -> None:
    merged = merge(
        [
            replace(
                SAVED, bundle=bundle, files=files, links=dict.fromkeys(files, "x"), commits=commits,
                found={each.name: "alone" for each in bundle.parameters if each.file},
                place=Place(branch, commit, None, branch), kept=replace(SAVED.kept, commit=commit),
            )
        ]
    )  # fmt: skip
    read = parse_handoff(write_handoff(merged))
    assert read == replace(
        merged.newest,
        bundle=bundle_of(merged),
        found={each.name: "alone" for each, _ in merged.parameters if each.file},
    )


@settings(deadline=None)
@given(st.text(alphabet=string.printable + "\u2028漢", max_size=400))
def test_any_text_below_the_title_is_read_or_refused(text: str) -> None:
    for start in ("# Handoff: x\n", WRITTEN, f"{WRITTEN}## Parameters\n", f"{WRITTEN}## Decisions\n"):
        with suppress(InvalidInputError):
            parse_handoff(start + text)


SLOW = ["`" * 190_000, "- " * 95_000, " " * 190_000 + "x", "*" * 190_000 + "x", "\\" * 190_000, "-" * 190_000 + "x"]


@pytest.mark.parametrize("line", [*SLOW, "a: " * 63_000, "1" * 190_000 + ".", "_" * 190_000], ids=range(9))
@pytest.mark.parametrize(
    "title", ["Findings", "Parameters", "Cited files and commits", "Decisions", "Uncommitted work"]
)
def test_no_line_takes_long_to_read(line: str, title: str) -> None:
    start = f"# Handoff: x\n- Saved (UTC): {AT}\n- Phase: plan\n## {title}\n- "
    for text in (line, f"`a` = `{line}", f"`a`: `b`{line}"):
        assert len(problem_of(start + text)) < 300


# What a person made of it


@pytest.mark.parametrize("text", ["", "\n\n", "# Retries\n", "Handoff: x"])
def test_what_does_not_begin_with_the_title_is_no_handoff(text: str) -> None:
    assert not is_handoff(text)
    with pytest.raises(InvalidInputError, match="a handoff file begins with # Handoff:"):
        parse_handoff(text)


def test_a_handoff_is_known_by_its_first_line() -> None:
    assert is_handoff(WRITTEN)
    assert is_handoff("\ufeff\r\n " + WRITTEN)
    assert not is_handoff("the # Handoff: file")


@pytest.mark.parametrize("text", ["x" * MOST_CHARS, "\n- x" * 5_001])
def test_a_file_that_is_too_long_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="at most 200,000 characters and 5,000 lines"):
        parse_handoff(f"{WRITTEN}{text}")
