import json
from pathlib import Path

import pytest

from agentops_mcp.cli import transfer
from command_line import agentops, record, start_session
from conftest import git

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture
def recorded(repository: Path) -> Path:
    """A repository with a session and two entries."""
    start_session(repository, "Make retries survive a slow host")
    record(repository, "Cache parsed configs per process", "Größe in 漢字 now measured in bytes")
    return repository


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Another project, outside git."""
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "elsewhere"


def test_an_export_holds_every_event_in_order_one_a_line(recorded: Path) -> None:
    done = agentops("export", at=recorded)
    kinds = [json.loads(line)["kind"] for line in done.out.splitlines()]
    assert kinds == ["session.started", "entry.recorded", "entry.recorded"]
    assert done.err == ""
    tracked = agentops("export", "--tracked-only", at=recorded).out.splitlines()
    assert tracked == done.out.splitlines()[1:]


def test_an_export_to_a_file_is_the_same_and_never_replaces_one_unasked(recorded: Path) -> None:
    assert agentops("export", "memory.jsonl", at=recorded).out == "3 events written to memory.jsonl\n"
    assert (recorded / "memory.jsonl").read_text(encoding="utf-8") == agentops("export", at=recorded).out
    again = agentops("export", "memory.jsonl", at=recorded)
    assert (again.code, again.err.splitlines()[0]) == (3, "error: memory.jsonl exists.")
    assert agentops("export", "memory.jsonl", "--force", at=recorded).code == 0


def test_an_export_is_utf_8_whatever_the_terminal_is(recorded: Path) -> None:
    out = agentops("export", at=recorded, encoding="latin-1").out
    assert "漢字" in out.encode("latin-1").decode("utf-8")


def test_an_import_twice_is_the_same_as_once(recorded: Path, elsewhere: Path) -> None:
    exported = agentops("export", at=recorded).out
    first = agentops("import", "-", at=elsewhere, stdin=exported.encode())
    assert (first.code, first.out) == (0, "3 events read, 3 are new here, 0 lines refused\n")
    second = agentops("import", "-", at=elsewhere, stdin=exported.encode())
    assert (second.code, second.out) == (0, "3 events read, 0 are new here, 0 lines refused\n")
    assert agentops("export", at=elsewhere).out == exported
    assert agentops("verify", at=elsewhere).code == 0


def test_an_import_into_its_own_origin_changes_nothing(recorded: Path) -> None:
    agentops("export", "memory.jsonl", at=recorded)
    document = agentops("import", "memory.jsonl", "--json", at=recorded).document
    assert document == {"read": 3, "new": 0, "dry_run": False, "problems": []}


def test_what_is_imported_is_in_the_views_and_the_mirror(recorded: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(recorded), "clone")
    agentops("import", "-", at=tmp_path / "clone", stdin=agentops("export", at=recorded).out.encode())
    mirrored = git(tmp_path / "clone", "ls-tree", "-r", "--name-only", "refs/agentops/ledger").splitlines()
    assert len(mirrored) == 2
    assert agentops("rebuild", "--json", at=tmp_path / "clone").document == {
        "resume": 1,
        "state": 0,
        "mission": 0,
        "tracking": 2,
        "context": 0,
        "patterns": 0,
        "notes": 0,
        "guard_calls": 0,
        "guard_charges": 0,
        "guard_checks": 0,
        "exemptions": 0,
        "incidents": 0,
        "learned_rules": 0,
        "approvals": 0,
        "approval_grants": 0,
        "knowledge": 2,
    }


def test_a_dry_run_of_an_import_counts_and_writes_nothing(recorded: Path, elsewhere: Path) -> None:
    exported = agentops("export", at=recorded).out.encode()
    done = agentops("import", "-", "--dry-run", at=elsewhere, stdin=exported)
    assert (done.code, done.out) == (0, "3 events read, 3 would be new here, 0 lines refused\n")
    assert list(elsewhere.iterdir()) == []


DAMAGE = {
    "not JSON": b"{",
    "not an event": b'{"id": 1}',
    "not UTF-8": b'{"id": "\xff\xfe"}',
    "a changed word": b"CHANGED",
    "a number too deep": b"[" * 100_000,
    "a byte order mark alone": b"\xef\xbb\xbf",
}


@pytest.mark.parametrize("line", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_line_is_named_and_the_others_are_imported(recorded: Path, elsewhere: Path, line: bytes) -> None:
    first, *rest = agentops("export", at=recorded).out.encode().splitlines()
    line = first.replace(b"slow host", b"fast host") if line == b"CHANGED" else line
    done = agentops("import", "-", at=elsewhere, stdin=b"\n".join([line, b"", *rest]))
    assert done.code == 1
    summary, problem = done.out.splitlines()
    assert summary == "2 events read, 2 are new here, 1 line refused"
    assert problem.startswith("  line 1: ")
    assert len(agentops("log", "--json", at=elsewhere).document) == 2


def test_of_many_damaged_lines_the_first_are_named_and_all_are_there_for_programs(elsewhere: Path) -> None:
    shown = agentops("import", "-", at=elsewhere, stdin=b"{\n" * 30).out.splitlines()
    assert (len(shown), shown[-1]) == (12, "  … and 20 more")
    document = agentops("import", "-", "--json", at=elsewhere, stdin=b"{\n" * 30)
    assert (document.code, len(document.document["problems"])) == (1, 30)


def test_a_file_is_imported_in_batches(elsewhere: Path, recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "_BATCH", 2)
    agentops("export", "memory.jsonl", at=recorded)
    done = agentops("import", str(recorded / "memory.jsonl"), at=elsewhere)
    assert done.out == "3 events read, 3 are new here, 0 lines refused\n"
