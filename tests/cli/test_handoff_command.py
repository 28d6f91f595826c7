"""The command that writes a state as Markdown to hand to somebody else."""

from pathlib import Path

import pytest

from agentops_mcp.factors.resume.rules.chain import Saved, merge
from agentops_mcp.factors.resume.rules.handoff import write_handoff
from command_line import agentops
from conftest import git
from saved_states import damage, refusal, save

pytestmark = pytest.mark.usefixtures("own_home")


def test_a_handoff_says_what_the_chain_says(repository: Path, first: Saved, second: Saved) -> None:
    written = write_handoff(merge([second, first]))
    assert agentops("handoff", second.id, at=repository).out == written
    assert agentops("handoff", at=repository).out == written


def test_a_handoff_is_written_to_a_file_that_is_not_there_yet(repository: Path, second: Saved, tmp_path: Path) -> None:
    file = tmp_path / "handoff.md"
    done = agentops("handoff", "-o", str(file), at=repository)
    assert (done.code, done.out) == (0, f"state {second.id} written to {file}\n")
    written = file.read_bytes()
    assert written.decode() == agentops("handoff", at=repository).out
    file.write_text("mine", encoding="utf-8")
    assert "handoff.md exists." in refusal(agentops("handoff", "--output", str(file), at=repository))
    assert file.read_text(encoding="utf-8") == "mine"
    assert agentops("handoff", "-o", str(file), "--force", at=repository).code == 0
    assert file.read_bytes() == written
    assert "cannot be written: No such file" in refusal(agentops("handoff", "-o", "gone/x.md", at=repository))


def test_a_handoff_is_utf_8_whatever_the_terminal_uses(repository: Path) -> None:
    save(repository, goal="Größe der 漢字 measured in bytes")
    out = agentops("handoff", at=repository, encoding="latin-1").out
    assert out.encode("latin-1").decode("utf-8").startswith("# Handoff: Größe der 漢字 measured in bytes\n")


def test_a_parent_that_cannot_be_read_is_told_beside_the_handoff(repository: Path, first: Saved, second: Saved) -> None:
    damage(repository, first)
    done = agentops("handoff", second.id, at=repository)
    assert done.out == write_handoff(merge([second]))
    assert done.err.startswith("note: what it continues cannot be read: ")


def test_the_commands_in_a_handoff_bring_the_work_back_without_this_server(repository: Path, second: Saved) -> None:
    git(repository, "stash", "--include-untracked")
    (note,) = [line for line in write_handoff(merge([second])).splitlines() if "git stash apply" in line]
    _, apply, _, look, _ = note.split("`")
    git(repository, *apply.split()[1:])
    assert (repository / "app.py").read_text(encoding="utf-8") == "RETRY_RATIO = 0.2\n"
    assert (repository / "new.py").read_text(encoding="utf-8") == "new = True\n"
    assert "+RETRY_RATIO = 0.2" in git(repository, *look.split()[1:])


def test_a_handoff_of_work_before_the_first_commit_brings_it_back_too(repository: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "--quiet")
    (empty / "app.py").write_text("RETRY_RATIO = 0.1\n", encoding="utf-8")
    saved = save(empty)
    (empty / "app.py").unlink()
    (note,) = [line for line in write_handoff(merge([saved])).splitlines() if "git checkout" in line]
    _, apply, _, look, _ = note.split("`")
    git(empty, *apply.split()[1:])
    assert (empty / "app.py").read_text(encoding="utf-8") == "RETRY_RATIO = 0.1\n"
    assert "+RETRY_RATIO = 0.1" in git(empty, *look.split()[1:])
