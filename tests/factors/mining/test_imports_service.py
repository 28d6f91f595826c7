import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from agentops_mcp.core.errors import ConfigError, InvalidInputError
from agentops_mcp.core.records import Actor
from agentops_mcp.core.redaction import redact
from agentops_mcp.factors.mining.rules.imports.notes import Note
from agentops_mcp.factors.mining.service import import_sources
from agentops_mcp.factors.mining.service.import_detection import Kind
from agentops_mcp.factors.mining.service.importing import Importing, ImportPlan
from conftest import AGENT, git

SECRET = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
ENTITY = json.dumps({"type": "entity", "name": "Acme", "entityType": "customer", "observations": ["Pays late"]})


class MemorySink:
    """Keeps items in memory, every revision of them."""

    def __init__(self) -> None:
        self.batches: list[Sequence[Note]] = []

    @property
    def notes(self) -> list[Note]:
        return [note for batch in self.batches for note in batch]

    def digests(self, keys: Sequence[str]) -> Mapping[str, str]:
        newest = {note.key(): note.digest() for note in self.notes}
        return {key: newest[key] for key in keys if key in newest}

    def add(self, notes: Sequence[Note], *, actor: Actor) -> Sequence[str]:
        assert actor is AGENT
        self.batches.append(notes)
        return sorted({kind for note in notes for kind in redact(note.text).found})


@pytest.fixture
def sink() -> MemorySink:
    return MemorySink()


@pytest.fixture
def importing(sink: MemorySink, repository: Path) -> Importing:
    return Importing(sink, root=repository)


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def commit(repository: Path, message: str, file: str = "", *, on: date = date(2026, 5, 1)) -> str:
    """A commit of that day, which adds a file."""
    write(repository, {file: "x"} if file else {})
    git(repository, "add", ".")
    tree, parent = git(repository, "write-tree"), git(repository, "rev-parse", "HEAD")
    noon = int(datetime(on.year, on.month, on.day, 12, tzinfo=UTC).timestamp())
    who = f"Tester <tester@example.org> {noon} +0000"
    (repository / ".git" / "made").write_text(
        f"tree {tree}\nparent {parent}\nauthor {who}\ncommitter {who}\n\n{message}", encoding="utf-8", newline="\n"
    )
    oid = git(repository, "hash-object", "-t", "commit", "-w", ".git/made")
    git(repository, "update-ref", "HEAD", oid)
    return oid


def planned(importing: Importing, kind: Kind, path: Path) -> ImportPlan:
    return importing.plan(*importing.sources(kind, path))


def reasons(plan: ImportPlan) -> dict[str, str]:
    return {each.origin: each.reason for each in plan.skipped}


# What there is


def test_a_project_offers_its_history_decisions_and_memories(importing: Importing, repository: Path) -> None:
    write(
        repository,
        {
            "docs/adr/0001-x.md": "# 1. X\n\n## Decision\n\nWe do.\n", "CLAUDE.md": "# A\n\nText.\n",
            "AGENTS.md": "# B\n\nText.\n", "memory.jsonl": ENTITY, "docs/other.md": "# Other\n\nText.\n",
        },
    )  # fmt: skip
    kinds = [(source.kind, source.path.name) for source in importing.sources()]
    assert kinds == [
        ("git", "repository"), ("adr", "adr"), ("claude-code", "repository"), ("codex", "repository"),
        ("memory-server", "memory.jsonl"),
    ]  # fmt: skip


DETECTED: dict[str, tuple[dict[str, str], str, str]] = {
    "a folder of notes": ({"n/a.md": "# A\n\nText"}, "n", "markdown"),
    "decisions by name": ({"n/decisions/a.md": "# A\n\nText"}, "n/decisions", "adr"),
    "decisions by content": ({"n/a.md": "# A\n\n## Status\n\nAccepted\n\n## Decision\n\nYes"}, "n", "adr"),
    "basic-memory": ({"n/a.md": "---\npermalink: a\n---\n- [fact] x"}, "n", "basic-memory"),
    "auto memory": ({"m/MEMORY.md": "# M\n\nText", "m/debugging.md": "Text"}, "m", "claude-code"),
    "memories of Codex": ({"m/memory_summary.md": "## Tips\n\nText"}, "m", "codex"),
    "a folder of Claude Code": ({"p/.claude/rules/a.md": "# A\n\nText"}, "p/.claude", "claude-code"),
    "a file of Claude Code": ({"CLAUDE.md": "x"}, "CLAUDE.md", "claude-code"),
    "instructions for agents": ({"AGENTS.md": "x"}, "AGENTS.md", "codex"),
    "a graph": ({"g.json": ENTITY}, "g.json", "memory-server"),
    "a graph in a folder": ({"g/memory.json": ENTITY}, "g", "memory-server"),
    "a note": ({"a.md": "x"}, "a.md", "markdown"),
}


@pytest.mark.parametrize(("files", "path", "kind"), DETECTED.values(), ids=DETECTED.keys())
def test_the_kind_is_told_by_what_is_there(
    importing: Importing, tmp_path: Path, files: dict[str, str], path: str, kind: str
) -> None:
    write(tmp_path / "elsewhere", files)
    (source,) = importing.sources("auto", tmp_path / "elsewhere" / path)
    assert source.kind == kind
    assert source.why


def test_an_export_of_the_ledger_in_the_project_is_no_graph(importing: Importing, repository: Path) -> None:
    write(repository, {"memory.jsonl": '{"id": "x"}\n'})
    assert [source.kind for source in importing.sources()] == ["git"]


@pytest.mark.parametrize(
    ("kind", "path", "problem"),
    [
        ("markdown", None, "markdown needs a path."),
        ("basic-memory", None, "basic-memory needs a path."),
        ("markdown", "missing", "missing is not there."),
        ("auto", "empty", "empty."),
        ("codex", None, "as codex."),
        ("adr", None, "as adr."),
        ("git", "outside", "as git."),
    ],
)
def test_what_is_not_there_is_said(
    importing: Importing, repository: Path, tmp_path: Path, kind: Kind, path: str | None, problem: str
) -> None:
    (tmp_path / "outside").mkdir()
    (repository / "empty").mkdir()
    place = {"outside": tmp_path / "outside", None: None}.get(path, repository / (path or ""))
    with pytest.raises(InvalidInputError) as error:
        importing.sources(kind, place)
    assert error.value.problem.endswith(problem)


def test_a_file_that_is_no_text_is_refused(importing: Importing, tmp_path: Path) -> None:
    write(tmp_path, {"a.bin": b"\0\1"})
    with pytest.raises(InvalidInputError, match="is not text"):
        importing.sources("auto", tmp_path / "a.bin")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_folder_of_decisions_that_leads_out_of_the_project_is_not_offered(
    importing: Importing, repository: Path, tmp_path: Path
) -> None:
    (repository / "docs").mkdir()
    (repository / "docs" / "adr").symlink_to(write(tmp_path / "private", {"a.md": "Text"}))
    assert [source.kind for source in importing.sources()] == ["git"]


# Once, again, and changed


def test_a_second_import_adds_nothing(importing: Importing, sink: MemorySink, tmp_path: Path) -> None:
    folder = write(tmp_path / "til", {"git/a.md": "# A\n\nText", "b.md": "# B\n\nText"})
    first = planned(importing, "markdown", folder)
    assert (len(first.new), first.unchanged) == (2, 0)
    assert importing.apply(first, actor=AGENT).written == 2
    second = planned(importing, "markdown", folder)
    assert (second.total, second.unchanged) == (0, 2)
    assert importing.apply(second, actor=AGENT).written == 0
    assert len(sink.notes) == 2


def test_an_item_that_says_something_else_is_a_new_revision(
    importing: Importing, sink: MemorySink, tmp_path: Path
) -> None:
    folder = write(tmp_path / "til", {"a.md": "# A\n\nText", "b.md": "# B\n\nText"})
    importing.apply(planned(importing, "markdown", folder), actor=AGENT)
    write(folder, {"a.md": "# A\n\nOther text"})
    plan = planned(importing, "markdown", folder)
    assert ([note.title for note in plan.changed], len(plan.new), plan.unchanged) == (["A"], 0, 1)
    importing.apply(plan, actor=AGENT)
    assert [note.text for note in sink.notes if note.title == "A"] == ["Text", "Other text"]


def test_what_came_in_meanwhile_is_not_written_again(importing: Importing, sink: MemorySink, tmp_path: Path) -> None:
    folder = write(tmp_path / "til", {"a.md": "# A\n\nText"})
    plans = [planned(importing, "markdown", folder) for _ in range(2)]
    assert [importing.apply(plan, actor=AGENT).written for plan in plans] == [1, 0]


def test_items_are_written_in_batches_and_progress_is_told(
    importing: Importing, sink: MemorySink, tmp_path: Path
) -> None:
    folder = write(tmp_path / "til", {f"{number}.md": f"Text {number}" for number in range(450)})
    told: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        told.append((done, total))

    importing.apply(planned(importing, "markdown", folder), actor=AGENT, progress=progress)
    assert [len(batch) for batch in sink.batches] == [200, 200, 50]
    assert told == [(200, 450), (400, 450), (450, 450)]


def test_a_plan_writes_nothing_and_names_the_secrets_that_would_be_replaced(
    importing: Importing, sink: MemorySink, tmp_path: Path
) -> None:
    plan = planned(importing, "markdown", write(tmp_path / "til", {"a.md": f"# A\n\nUse {SECRET}\n"}))
    assert plan.secrets == ("github-token",)
    assert sink.batches == []
    assert importing.apply(plan, actor=AGENT).secrets == ("github-token",)


def test_origins_are_paths_in_the_project_and_elsewhere_begin_with_the_folder(
    importing: Importing, repository: Path, tmp_path: Path
) -> None:
    files = {"git/a.md": "# A\n\nText"}
    inside = planned(importing, "markdown", write(repository / "docs" / "til", files))
    outside = planned(importing, "markdown", write(tmp_path / "my-til", files))
    alone = planned(importing, "markdown", repository / "docs" / "til" / "git" / "a.md")
    assert [plan.new[0].origin for plan in (inside, outside, alone)] == [
        "docs/til/git/a.md", "my-til/git/a.md", "docs/til/git/a.md",
    ]  # fmt: skip


def test_the_first_items_up_to_the_limit_come_in_and_the_others_are_counted(
    importing: Importing, tmp_path: Path
) -> None:
    folder = write(tmp_path / "til", {f"{number}.md": f"Text {number}" for number in range(5)})
    plan = importing.plan(*importing.sources("markdown", folder), limit=2)
    assert [note.title for note in plan.new] == ["0", "1"]
    assert reasons(plan) == {"3 markdown items": "beyond the first 2"}


def test_what_is_known_to_be_older_is_left_out(importing: Importing, tmp_path: Path) -> None:
    folder = write(tmp_path / "til", {"2025-01-01-old.md": "Text", "2026-01-01-new.md": "Text", "undated.md": "Text"})
    plan = importing.plan(*importing.sources("markdown", folder), since="2025-06-01")
    assert [note.title for note in plan.new] == ["new", "undated"]
    assert reasons(plan) == {"1 markdown item": "older than 2025-06-01"}


# History


@pytest.fixture
def past(repository: Path) -> list[str]:
    """Two commits that say something, the newest first, among others."""
    old = commit(repository, "Wait for it\n\nTwo writers met.\n\nLearning: lock first", "lock.py", on=date(2025, 2, 3))
    commit(repository, "Add a flag", "flag.py")
    new = commit(repository, "fix: Größe in bytes\n\nNames with ü were cut in half.\n", "größe mit leerzeichen.py")
    commit(repository, "Bump ruff from 0.1 to 0.2\n\nBumps ruff and says a lot about it.")
    git(repository, "checkout", "--quiet", "-b", "side", "HEAD~2")
    commit(repository, "Say nothing here")
    git(repository, "checkout", "--quiet", "main")
    git(repository, "merge", "--quiet", "--no-ff", "--message", "Merge branch side\n\nIt has many words", "side")
    return [new, old]


def test_history_gives_the_commits_that_say_something_newest_first(
    importing: Importing, repository: Path, past: list[str]
) -> None:
    plan = planned(importing, "git", repository)
    assert [note.origin for note in plan.new] == past
    assert [note.at for note in plan.new] == ["2026-05-01", "2025-02-03"]
    assert [note.files for note in plan.new] == [("größe mit leerzeichen.py",), ("lock.py",)]
    assert reasons(plan) == {"3 commits": "nothing but a subject", "1 commit": "a change of versions"}


def test_history_ends_at_a_day(importing: Importing, repository: Path, past: list[str]) -> None:
    plan = importing.plan(*importing.sources("git", repository), since="2026-01-01")
    assert [note.origin for note in plan.new] == past[:1]


def test_the_files_of_another_repository_name_nothing_here(
    importing: Importing, repository: Path, past: list[str], tmp_path: Path
) -> None:
    git(tmp_path, "clone", "--quiet", str(repository), "other")
    plan = planned(importing, "git", tmp_path / "other")
    assert [(note.origin, note.files) for note in plan.new] == [(oid, ()) for oid in past]


def test_the_last_commit_of_a_shallow_clone_touched_no_file(
    sink: MemorySink, repository: Path, past: list[str], tmp_path: Path
) -> None:
    git(repository, "checkout", "--quiet", past[0])
    git(tmp_path, "clone", "--quiet", "--depth=1", repository.as_uri(), "shallow")
    shallow = Importing(sink, root=tmp_path / "shallow")
    (note,) = shallow.plan(*shallow.sources("git")).new
    assert (note.origin, note.files) == (past[0], ())


def test_a_repository_without_commits_is_said(sink: MemorySink, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    importing = Importing(sink, root=tmp_path)
    with pytest.raises(InvalidInputError, match="has no commits"):
        importing.plan(*importing.sources("git"))


# Files


def test_files_that_are_not_for_reading_are_left_out_with_the_reason(importing: Importing, tmp_path: Path) -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"
    folder = write(
        tmp_path / "til",
        {
            "a.md": "Text", "binary.md": b"\x89PNG\0\0", "latin.md": b"caf\xe9", "large.md": "x" * (1 << 20 | 1),
            "key.md": key, "blank.md": "\n \n", "note.txt": "Text", ".git/b.md": "x", "node_modules/c.md": "x",
        },
    )  # fmt: skip
    plan = planned(importing, "markdown", folder)
    assert [note.origin for note in plan.new] == ["til/a.md"]
    assert reasons(plan) == {
        "til/binary.md": "is not text", "til/latin.md": "is not UTF-8", "til/large.md": "is larger than 1 MiB",
        "til/key.md": "holds a private key", "til/blank.md": "has no text",
    }  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_links_are_not_followed(importing: Importing, tmp_path: Path) -> None:
    secret = write(tmp_path / "private", {"diary.md": "Dear diary", "deep/more.md": "More"})
    folder = write(tmp_path / "til", {"a.md": "Text"})
    (folder / "link.md").symlink_to(secret / "diary.md")
    (folder / "loop").symlink_to(folder)
    (folder / "out.md").symlink_to(secret)
    plan = planned(importing, "markdown", folder)
    assert [note.text for note in plan.new] == ["Text"]
    assert reasons(plan) == {"til/link.md": "is a link", "til/out.md": "is a link"}


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_folder_that_is_named_through_a_link_is_read(importing: Importing, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(write(tmp_path / "til", {"a.md": "Text"}))
    assert [note.origin for note in planned(importing, "markdown", tmp_path / "link").new] == ["til/a.md"]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes in folders")
def test_a_pipe_is_not_waited_for(importing: Importing, tmp_path: Path) -> None:
    folder = write(tmp_path / "til", {"a.md": "Text"})
    os.mkfifo(folder / "pipe.md")
    assert reasons(planned(importing, "markdown", folder)) == {"til/pipe.md": "is not a file"}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes such names")
def test_names_that_hide_something_are_left_out(importing: Importing, tmp_path: Path) -> None:
    folder = write(tmp_path / "til", {"a\u202eb.md": "Text", "new\nline.md": "Text", "漢字\u3000.md": "Text"})
    plan = planned(importing, "markdown", folder)
    assert [note.origin for note in plan.new] == ["til/漢字\u3000.md"]
    assert set(reasons(plan).values()) == {"has a name with hidden characters"}


def test_folders_are_read_down_to_a_depth(importing: Importing, tmp_path: Path) -> None:
    deep = "/".join("d" * 20)
    folder = write(tmp_path / "til", {f"{deep}/a.md": "Text", "b.md": "Text"})
    plan = planned(importing, "markdown", folder)
    assert [note.origin for note in plan.new] == ["til/b.md"]
    assert set(reasons(plan).values()) == {"is more than 16 folders deep"}


def test_no_more_files_are_read_than_the_limit(
    importing: Importing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_sources, "MOST_FILES", 3)
    folder = write(tmp_path / "til", {f"{number}.md": "Text" for number in range(5)})
    plan = planned(importing, "markdown", folder)
    assert [note.origin for note in plan.new] == ["til/0.md", "til/1.md", "til/2.md"]
    assert list(reasons(plan)) == ["til/3.md"]


def test_memory_inside_the_project_is_found_where_claude_code_keeps_it(importing: Importing, repository: Path) -> None:
    write(
        repository,
        {
            "CLAUDE.md": "# A\n\nText", "sub/CLAUDE.md": "# B\n\nText", ".claude/rules/api/c.md": "# C\n\nText",
            ".claude/agent-memory/reviewer/MEMORY.md": "# D\n\nText", ".claude/commands/x.md": "# X\n\nText",
            ".claude/worktrees/w/CLAUDE.md": "# W\n\nText", "CLAUDE.local.md": "# Mine\n\nText", "docs/y.md": "Text",
        },
    )  # fmt: skip
    plan = importing.plan(*importing.sources("claude-code"))
    assert sorted(note.title for note in plan.new) == ["A", "B", "C", "D"]
    assert list(reasons(plan)) == ["CLAUDE.local.md"]
    named = planned(importing, "claude-code", repository / "CLAUDE.local.md")
    assert [note.title for note in named.new] == ["Mine"]


def test_a_folder_without_files_of_the_kind_is_said(importing: Importing, tmp_path: Path) -> None:
    plan = planned(importing, "claude-code", write(tmp_path / "notes", {"a.md": "Text"}))
    assert reasons(plan) == {"notes/": "has no file of this kind"}


def test_entities_of_one_name_in_two_files_come_in_once(importing: Importing, tmp_path: Path) -> None:
    write(tmp_path, {"a.jsonl": ENTITY, "b.jsonl": ENTITY})
    sources = [importing.sources("auto", tmp_path / name)[0] for name in ("a.jsonl", "b.jsonl")]
    plan = importing.plan(*sources)
    assert [note.title for note in plan.new] == ["Acme (customer)"]
    assert reasons(plan) == {"Acme": "is there twice"}


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_may_not_be_read_is_an_error(importing: Importing, tmp_path: Path) -> None:
    folder = write(tmp_path / "til", {"a.md": "Text"})
    folder.chmod(0)
    try:
        with pytest.raises(ConfigError, match="cannot be read"):
            planned(importing, "markdown", folder)
    finally:
        folder.chmod(0o700)
