import pytest

from agentops_mcp.factors.mining.rules.imports.history import MOST_FILES, parse_commit
from agentops_mcp.factors.mining.rules.imports.notes import Note

OID = "3f5ab1c0" * 5
DAY = 1_780_000_000  # 2026-05-28


def only(message: str, files: tuple[str, ...] = ()) -> Note:
    (note,) = parse_commit(OID, DAY, message, files).notes
    return note


def test_a_commit_with_a_body_is_an_item_at_its_hash() -> None:
    note = only("fix(fetch): retry only reads\n\nA retried write was applied twice.\n", ("src/fetch.py",))
    assert (note.source, note.origin, note.title) == ("git", OID, "fix(fetch): retry only reads")
    assert (note.text, note.files, note.at) == ("A retried write was applied twice.", ("src/fetch.py",), "2026-05-28")
    assert note.tags == ("fix", "fetch")


SILENT = {
    "a subject": ("Add a flag", "nothing but a subject"),
    "a body of a word": ("Add a flag\n\nDone.", "nothing but a subject"),
    "people's trailers": (
        "Add a flag\n\nSigned-off-by: Ann Lee <ann@example.org>\nCo-authored-by: Bo Ek <bo@example.org>",
        "nothing but a subject",
    ),
    "a merge that was squashed": ("Merge pull request #12 from ann/x\n\nRetry only reads, see there", "a merge"),
    "a dependency": ("Bump ruff from 0.1.2 to 0.1.3\n\nBumps ruff from 0.1.2 to 0.1.3, see its log.", "versions"),
    "dependencies": ("build(deps): bump the dev group with 3 updates\n\nUpdates a lot of things", "versions"),
    "a release": ("Release v2.1.0\n\nThis is the release of the spring", "versions"),
    "all of them": ("Update dev dependencies\n\nAll of them are newer than before", "versions"),
    "a number": ("1.2.3\n\nThis is the release of the spring", "versions"),
    "a fixup": ("fixup! Retry only reads\n\nThis goes into that one", "unfinished"),
    "a typo": ("Fix typo in docs\n\nIt said teh instead of the there", "spelling"),
    "no message": ("", "nothing but a subject"),
}


@pytest.mark.parametrize(("message", "reason"), SILENT.values(), ids=SILENT.keys())
def test_a_commit_that_says_nothing_is_left_out_with_the_reason(message: str, reason: str) -> None:
    parsed = parse_commit(OID, DAY, message, ("a.py",))
    assert parsed.notes == ()
    assert reason in parsed.skipped[0].reason


@pytest.mark.parametrize("trailer", ["Fixes: #31", "Learning: measure first", "Reverts: 1234567", "Root-Cause: a race"])
def test_a_trailer_that_tells_something_is_enough(trailer: str) -> None:
    assert only(f"Wait for the lock\n\n{trailer}").text == trailer


def test_names_and_addresses_in_trailers_are_left_out() -> None:
    note = only(
        "Wait\n\nThe lock was taken too late.\n\nFixes: #3\nReviewed-by: Ann <ann@example.org>\n"
        "Learning: take it\n  before reading\nSigned-off-by: Bo <bo@example.org>"
    )
    assert note.text == "The lock was taken too late.\n\nFixes: #3\nLearning: take it\n  before reading"


def test_a_last_paragraph_that_only_begins_like_trailers_stays_text() -> None:
    text = "Note: this is prose\nand goes on without a colon in any line"
    assert only(f"Wait\n\n{text}").text == text


def test_a_revert_is_tagged() -> None:
    note = only(f'Revert "Cache rows"\n\nThis reverts commit {OID}.\n\nIt made replays slower.')
    assert note.tags == ("revert",)


@pytest.mark.parametrize(
    "subject",
    ["Update retry limit to 5", "Bump into fewer locks on start", "Release 2 locks early", "Update what versions say"],
)
def test_a_change_that_only_sounds_like_one_of_versions_is_kept(subject: str) -> None:
    assert only(f"{subject}\n\nThe incident of May showed why.").title == subject


def test_a_commit_keeps_its_first_files() -> None:
    files = tuple(f"src/{number}.py" for number in range(MOST_FILES + 5))
    assert only("Move\n\nEverything moves to the new layout", files).files == files[:MOST_FILES]


def test_a_long_message_becomes_several_items_with_one_title() -> None:
    body = "\n\n".join(f"Reason {number}: " + "long " * 100 for number in range(20))
    notes = parse_commit(OID, DAY, f"Explain\n\n{body}", ()).notes
    assert [note.origin for note in notes] == [OID, f"{OID}#2", f"{OID}#3"]
    assert {note.title for note in notes} == {"Explain"}
    assert max(len(note.text) for note in notes) <= 4_000
    assert "\n\n".join(note.text for note in notes) == body.strip()
