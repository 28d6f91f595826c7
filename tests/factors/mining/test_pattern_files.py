"""Patterns as files: what people write is taken over once, and what they wrote is never lost or led out of."""

import os
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from agentops_mcp.core.errors import ConflictError, StorageError
from agentops_mcp.factors.mining.rules.markdown import MOST_BYTES, parse_markdown, to_markdown
from agentops_mcp.factors.mining.rules.patterns import Pattern
from agentops_mcp.factors.mining.service.pattern_files import PatternFiles, digest
from conftest import FakeClock
from knowledge_in_use import BUDGET, FREEZE, INJECTED, Project, knowing, refs

TEXT = to_markdown(BUDGET)
NAME = BUDGET.name
SECRET = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


@pytest.fixture
def project(tmp_path: Path, clock: FakeClock, postgres_url: str | None) -> Generator[Project]:
    with knowing(tmp_path, clock, postgres_url) as made:
        yield made


@pytest.fixture
def files(tmp_path: Path) -> PatternFiles:
    root = tmp_path / "root"
    (root / "patterns").mkdir(parents=True)
    return PatternFiles(root / "patterns", root=root)


def revisions(project: Project, name: str = NAME) -> int:
    with project.app.parts.ledger.read() as tx:
        return tx.execute("SELECT COUNT(*) FROM pattern_revision WHERE name = ?", [name])[0][0]


# The folder


def test_the_folder_is_read_by_name_and_only_its_markdown(files: PatternFiles) -> None:
    for name in ("b-pattern.md", "a-pattern.md", "notes.txt", ".hidden", "c-pattern.MD~"):
        (files.folder / name).write_text(TEXT, encoding="utf-8")
    (files.folder / "folder.md").mkdir()
    assert [file.name for file in files.read()] == ["a-pattern", "b-pattern"]


def test_a_look_says_whether_anything_changed_since_the_last(files: PatternFiles) -> None:
    path = files.folder / "a-pattern.md"
    assert files.changed() is True
    assert files.changed() is False
    path.write_text("x", encoding="utf-8")
    assert files.changed() is True
    assert files.changed() is False
    os.utime(path, (1, 1))
    assert files.changed() is True
    path.unlink()
    assert files.changed() is True


def a_link_out(files: PatternFiles, outside: Path) -> None:
    (files.folder / "a-pattern.md").symlink_to(outside)


def a_broken_link(files: PatternFiles, outside: Path) -> None:
    (files.folder / "a-pattern.md").symlink_to(outside.with_name("nowhere"))


def a_pipe(files: PatternFiles, outside: Path) -> None:
    os.mkfifo(files.folder / "a-pattern.md")


def a_folder(files: PatternFiles, outside: Path) -> None:
    (files.folder / "a-pattern.md").mkdir()


@pytest.mark.skipif(os.name == "nt", reason="links and pipes need rights there")
@pytest.mark.parametrize("obstacle", [a_link_out, a_broken_link, a_pipe, a_folder])
def test_what_is_no_file_is_neither_read_nor_written_over(
    files: PatternFiles, tmp_path: Path, obstacle: Callable[[PatternFiles, Path], None]
) -> None:
    outside = tmp_path / "outside.md"
    outside.write_text("secret", encoding="utf-8")
    obstacle(files, outside)
    assert files.read() == []
    with pytest.raises((ConflictError, StorageError)) as raised:
        files.write("a-pattern", TEXT, known=frozenset())
    assert raised.value.remedy
    assert outside.read_text(encoding="utf-8") == "secret"
    assert not outside.with_name("nowhere").exists()


@pytest.mark.parametrize("deep", [False, True])
def test_a_folder_that_leads_out_of_the_project_is_empty_and_not_written(tmp_path: Path, deep: bool) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    (outside / "patterns").mkdir(parents=True)
    (outside / "patterns" / "a-pattern.md").write_text(TEXT, encoding="utf-8")
    if deep:
        (root / ".agentops").symlink_to(outside, target_is_directory=True)
    else:
        (root / ".agentops").mkdir()
        (root / ".agentops" / "patterns").symlink_to(outside / "patterns", target_is_directory=True)
    files = PatternFiles(root / ".agentops" / "patterns", root=root)
    assert files.read() == []
    with pytest.raises(StorageError, match=r"\.agentops/patterns leads out of the project") as raised:
        files.write("b-pattern", TEXT, known=frozenset())
    assert raised.value.remedy
    assert [path.name for path in (outside / "patterns").iterdir()] == ["a-pattern.md"]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a-pattern", b"\xff\xfe\x00", "cannot be read"),
        ("a-pattern", b"x" * (MOST_BYTES + 1), "not a file of at most 64 KiB"),
        ("A Pattern", TEXT.encode(), "its name is not that of a pattern"),
        ("aux", TEXT.encode(), "its name is not that of a pattern"),
    ],
)
def test_a_file_that_cannot_be_read_is_listed_with_why(
    files: PatternFiles, name: str, content: bytes, problem: str
) -> None:
    (files.folder / f"{name}.md").write_bytes(content)
    (file,) = files.read()
    assert (file.name, file.text, file.digest) == (name, "", "")
    assert problem in file.problem


@pytest.mark.parametrize(
    "content", [TEXT.encode(), b"\xef\xbb\xbf" + TEXT.encode(), TEXT.replace("\n", "\r\n").encode()]
)
def test_a_file_of_any_editor_has_the_same_text(files: PatternFiles, content: bytes) -> None:
    (files.folder / f"{NAME}.md").write_bytes(content)
    (file,) = files.read()
    assert (file.text, file.digest) == (TEXT, digest(TEXT))


def test_a_file_is_written_whole_and_only_when_it_says_something_else(files: PatternFiles) -> None:
    path = files.write(NAME, TEXT, known=frozenset())
    assert path.read_bytes() == TEXT.encode()
    os.utime(path, (1, 1))
    files.write(NAME, TEXT, known=frozenset())
    assert path.stat().st_mtime == 1
    files.write(NAME, "other", known=frozenset({digest(TEXT)}))
    assert path.read_text(encoding="utf-8") == "other"
    assert [each.name for each in files.folder.iterdir()] == [path.name]


def test_an_edit_that_nobody_knows_is_kept(files: PatternFiles) -> None:
    path = files.write(NAME, TEXT, known=frozenset())
    path.write_text("a person's words", encoding="utf-8")
    with pytest.raises(ConflictError, match="edited by hand") as raised:
        files.write(NAME, TEXT, known=frozenset({digest(TEXT)}))
    assert "patterns check" in raised.value.remedy
    assert path.read_text(encoding="utf-8") == "a person's words"


# Taking over


def test_a_file_is_taken_over_once_and_by_the_person(project: Project) -> None:
    project.write_pattern(NAME, TEXT)
    assert project.patterns.take_over() == [NAME]
    assert project.patterns.take_over() == []
    (event,) = project.patterns.revisions(NAME)
    assert event.actor["client"] == "pattern file"
    assert project.patterns.member(NAME).pattern == BUDGET
    project.reopen()
    assert project.patterns.take_over() == []
    assert revisions(project) == 1


def test_a_search_finds_what_a_person_wrote_and_changed(project: Project) -> None:
    path = project.write_pattern(NAME, TEXT)
    assert refs(project.by_words("token bucket")) == [f"pattern/{NAME}"]
    path.write_text(TEXT.replace("token bucket", "leaky barrel"), encoding="utf-8")
    assert refs(project.by_words("leaky barrel")) == [f"pattern/{NAME}"]
    assert refs(project.by_words("bucket", kinds=("pattern",))) == [f"pattern/{NAME}"]  # its risk still says so
    assert revisions(project) == 2


def test_switching_branches_back_and_forth_adds_no_revision(project: Project) -> None:
    other = to_markdown(replace(BUDGET, forces=("Throughput",)))
    for n, text in enumerate((TEXT, other, TEXT, other, TEXT)):
        os.utime(project.write_pattern(NAME, text), (n + 1, n + 1))
        project.patterns.take_over()
    assert revisions(project) == 2
    project.reopen()
    project.patterns.take_over()
    assert revisions(project) == 2


def test_a_file_that_is_gone_takes_nothing_from_the_library(project: Project) -> None:
    project.save(BUDGET)
    (project.files / f"{NAME}.md").unlink()
    assert refs(project.by_words("token bucket")) == [f"pattern/{NAME}"]
    project.save(BUDGET, forces=("Throughput",))
    assert (project.files / f"{NAME}.md").exists()


def test_a_person_retires_a_pattern_in_its_file(project: Project) -> None:
    project.save(BUDGET)
    retired = replace(BUDGET, status="deprecated", reason="The client library does it now")
    project.write_pattern(NAME, to_markdown(retired))
    project.patterns.take_over()
    assert project.patterns.member(NAME).maturity.stage == "deprecated"


BAD_FILES: list[tuple[str, str, str, str]] = [
    ("not a pattern", "# Notes\n\nJust text.\n", "not valid", "front matter"),
    ("half an edit", TEXT[: len(TEXT) // 2], "not saved", "risk"),
    ("a secret", TEXT.replace("token bucket", f"token {SECRET} bucket"), "not saved", "it holds a secret"),
    ("hollow", TEXT.replace(BUDGET.solution, "Use best practices properly."), "not saved", "solution"),
    ("a claimed stage", TEXT.replace("kind: pattern", "kind: pattern\nstage: standard"), "not valid", "never claimed"),
    ("too long", TEXT.replace(BUDGET.problem, "many words " * 300), "not valid", "too many"),
    ("conflict marks", f"<<<<<<< HEAD\n{TEXT}=======\n", "not valid", "front matter"),
]


@pytest.mark.parametrize(("text", "state", "says"), [row[1:] for row in BAD_FILES], ids=[row[0] for row in BAD_FILES])
def test_a_file_that_does_not_pass_is_left_alone_and_the_check_says_why(
    project: Project, text: str, state: str, says: str
) -> None:
    path = project.write_pattern(NAME, text)
    assert project.patterns.take_over() == []
    (finding,) = project.patterns.check_files()
    assert (finding.name, finding.state) == (NAME, state)
    assert says in " ".join(finding.problems)
    assert path.read_text(encoding="utf-8") == text
    assert project.kinds() == []
    path.write_text(TEXT, encoding="utf-8")
    os.utime(path, (1, 1))
    assert project.patterns.take_over() == [NAME]
    assert project.patterns.check_files()[0].state == "saved"


def test_a_near_duplicate_in_a_file_is_not_taken_over_and_named(project: Project) -> None:
    project.save(BUDGET)
    project.write_pattern("another-name", TEXT)
    assert project.patterns.take_over() == []
    finding = next(each for each in project.patterns.check_files() if each.name == "another-name")
    assert NAME in " ".join(finding.problems)


def test_what_instructs_its_reader_is_taken_over_but_not_found(project: Project) -> None:
    project.write_pattern(NAME, to_markdown(replace(BUDGET, implementation=INJECTED)))
    results = project.by_words("token bucket")
    assert (results.hits, results.quarantined) == ((), 1)


def test_many_files_are_taken_over_together(project: Project) -> None:
    for n, pattern in enumerate((BUDGET, FREEZE)):
        project.write_pattern(f"pattern-{n}", to_markdown(pattern))
    project.write_pattern("broken-one", "x")
    assert project.patterns.take_over() == ["pattern-0", "pattern-1"]


def test_processes_that_take_over_at_once_save_a_text_once(project: Project) -> None:
    project.write_pattern(NAME, TEXT)
    others = [project.opened() for _ in range(4)]
    try:
        with ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(app.patterns().take_over) for app in others]:
                done.result()
    finally:
        for app in others:
            app.close()
    assert revisions(project) == 1


def test_a_person_s_valid_edit_is_a_revision_before_an_agent_saves_another(project: Project) -> None:
    project.save(BUDGET)
    edited: Pattern = replace(BUDGET, forces=("A person's word",))
    project.write_pattern(NAME, to_markdown(edited))
    project.save(BUDGET, forces=("An agent's word",))
    texts = [event.body["forces"] for event in project.patterns.revisions(NAME)]
    assert texts == [["An agent's word"], ["A person's word"], []]


# Drafts


def test_a_draft_is_a_file_to_fill_in_and_nothing_is_saved(project: Project) -> None:
    empty = Pattern(name="to-fill-in", title="To fill in", kind="pattern", category="domain")
    project.patterns.write_draft(empty)
    text = (project.files / "to-fill-in.md").read_text(encoding="utf-8")
    assert all(f"## {section}" in text for section in ("Problem", "Context", "Solution", "Consequences"))
    assert parse_markdown("to-fill-in", text).title == "To fill in"
    assert project.patterns.take_over() == []
    assert project.kinds() == []
    for _ in range(2):
        with pytest.raises(ConflictError):
            project.patterns.write_draft(replace(empty, title="Another"))
    project.save(BUDGET)
    with pytest.raises(ConflictError, match="already"):
        project.patterns.write_draft(BUDGET)
