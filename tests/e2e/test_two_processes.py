"""The main job: what one process records, another finds, in whatever kind of repository the two of them stand."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import TextContent, TextResourceContents

from conftest import git
from e2e.raw_client import (
    LEGACY,
    MODERN,
    Era,
    brief_of,
    checks,
    entry,
    environment,
    make_project,
    mirrored,
    record,
    run_command,
    serve,
)

INSTALLED = Path(sys.executable).with_name("agentops-mcp")


@pytest.fixture
def variables(tmp_path: Path, postgres_url: str | None) -> dict[str, str]:
    on_postgresql = {"AGENTOPS_DATABASE_URL": postgres_url} if postgres_url else {}
    return environment(tmp_path / "home", **on_postgresql)


async def record_with_the_sdk(project: Path, variables: dict[str, str], era: str) -> tuple[str, str]:
    """Start a session and record one entry in it, as a real client does; returns the handle and the entry's id."""
    server = StdioServerParameters(command=str(INSTALLED), args=["serve"], cwd=project, env=variables)
    async with Client(stdio_client(server), mode=era) as client:
        started = await client.call_tool("start_session", {"goal": "Make schedules quick"})
        assert isinstance(started.content[0], TextContent)
        handle = started.content[0].text.split()[1]
        details = {"session": handle, "files": ["app.py"], "commits": ["HEAD"], "tags": ["Speed"]}
        recorded = await client.call_tool("record_entry", entry(**details))
        assert not recorded.is_error, recorded.content
        assert recorded.structured_content is not None
        identifier = recorded.structured_content["id"]
        (content,) = (await client.read_resource(f"agentops://entry/{identifier}")).contents
        assert isinstance(content, TextResourceContents)
        assert "An LRU of 64 regions" in content.text
    return handle, identifier


@pytest.mark.parametrize(("writes", "reads"), [(MODERN, LEGACY), ("legacy", MODERN)])
async def test_a_second_process_of_the_other_era_finds_what_the_first_recorded(
    tmp_path: Path, variables: dict[str, str], writes: str, reads: Era
) -> None:
    project = make_project(tmp_path / "project")
    head, index = git(project, "rev-parse", "HEAD"), (project / ".git" / "index").read_bytes()

    handle, identifier = await record_with_the_sdk(project, variables, writes)

    with serve(project, variables, reads) as client:
        brief = brief_of(client)
        line = "decision: Cache parsed schedules by region — learned: Schedules never change within a day"
        assert f"{line} [{identifier}, by " in brief
        whole = client.read(f"agentops://entry/{identifier}")
        for part in (*entry().values(), "speed", "app.py", head):
            assert part in whole
        for uri in ("agentops://entries/recent", "agentops://history/tag/speed", "agentops://history/file/app.py"):
            assert identifier in client.read(uri), uri
        record(client, session=handle, action="Carry the session on from another process")
    logged = json.loads(run_command(project, "log", "--json", environment=variables).stdout)
    first = next(event for event in logged if event["id"] == identifier)
    assert (first["session"], first["body"]["git"]["branch"], first["body"]["git"]["dirty"]) == (handle, "main", False)
    assert first["body"]["commits"] == [head]
    assert run_command(project, "verify", environment=variables).returncode == 0
    assert git(project, "--no-optional-locks", "status", "--porcelain") == ""
    assert ((project / ".git" / "index").read_bytes(), git(project, "rev-parse", "HEAD")) == (index, head)


def plain(project: Path) -> Path:
    return project


def unborn(project: Path) -> Path:
    git(project, "checkout", "--quiet", "--orphan", "begin")
    return project


def detached(project: Path) -> Path:
    git(project, "checkout", "--quiet", "--detach")
    return project


def bare(project: Path) -> Path:
    git(project, "clone", "--quiet", "--bare", ".", "../bare.git")
    return project.parent / "bare.git"


def linked(project: Path) -> Path:
    git(project, "worktree", "add", "--quiet", "-b", "side", "../linked")
    return project.parent / "linked"


def below(project: Path) -> Path:
    (project / "src" / "deep").mkdir(parents=True)
    return project / "src" / "deep"


def of_sha256(project: Path) -> Path:
    modern = project.parent / "sha256"
    modern.mkdir()
    git(modern, "init", "--quiet", "--object-format=sha256", "--initial-branch=main")
    git(modern, "commit", "--quiet", "--allow-empty", "--message", "first")
    return modern


SITUATIONS: list[tuple[Callable[[Path], Path], str]] = [
    (plain, "branch main at "),
    (unborn, "branch begin at no commit yet"),
    (detached, "detached HEAD at "),
    (bare, "branch main at "),
    (linked, "branch side at "),
    (below, "branch main at "),
    (of_sha256, "branch main at "),
]


@pytest.mark.parametrize(("prepare", "where"), SITUATIONS, ids=[prepare.__name__ for prepare, _ in SITUATIONS])
def test_every_kind_of_repository_keeps_and_mirrors_what_is_recorded(
    tmp_path: Path, prepare: Callable[[Path], Path], where: str
) -> None:
    variables = environment(tmp_path / "home")
    project = prepare(make_project(tmp_path / "project"))
    with serve(project, variables) as client:
        identifier = record(client)
    with serve(project, variables, MODERN) as client:
        brief = brief_of(client)
    assert f"git: {where}" in brief
    assert identifier in brief
    assert mirrored(project).endswith(f"{identifier}.json")
    assert run_command(project, "verify", environment=variables).returncode == 0
    found = checks(project, variables)
    assert {found[name]["state"] for name in ("project", "git", "storage", "git mirror")} == {"ok"}, found
    assert git(project, "fsck", "--strict", "--no-dangling", "--no-progress") == ""


def test_linked_worktrees_share_one_memory(tmp_path: Path, variables: dict[str, str]) -> None:
    project = make_project(tmp_path / "project")
    side = linked(project)
    with serve(project, variables) as here, serve(side, variables, MODERN) as there:
        from_here, from_there = record(here), record(there, action="Teach the side branch about regions")
        for client in (here, there):
            brief = brief_of(client)
            assert from_here in brief
            assert from_there in brief
    shutil.rmtree(side)
    git(project, "worktree", "prune")
    with serve(project, variables) as here:
        assert "Teach the side branch" in here.read(f"agentops://entry/{from_there}")
    assert run_command(project, "verify", environment=variables).returncode == 0


def test_without_a_repository_the_folder_is_the_project(tmp_path: Path) -> None:
    variables = environment(tmp_path / "home")
    folder = tmp_path / "just a folder"
    folder.mkdir()
    with serve(folder, variables) as client:
        identifier = record(client)
    with serve(folder, variables, MODERN) as client:
        assert identifier in brief_of(client)
    assert (folder / ".agentops" / "agentops.db").is_file()
    assert run_command(folder, "verify", environment=variables).returncode == 0
    assert checks(folder, variables)["git mirror"]["state"] == "note"
