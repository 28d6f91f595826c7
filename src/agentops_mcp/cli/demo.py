"""`demo`: the installed server, driven by the SDK's client over stdio in a real repository, step by step.

It writes to a ledger of its own name, removed at the end: the repository's memory, worktree, index and HEAD stay as
they were.
"""

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import anyio
from mcp import Client
from mcp.types import TextResourceContents

from agentops_mcp.cli.demo_approval import show_approval
from agentops_mcp.cli.demo_client import Stage, call, say_indented, text_of
from agentops_mcp.cli.demo_context import show_context
from agentops_mcp.cli.demo_guard import show_guard
from agentops_mcp.cli.demo_knowledge import show_knowledge
from agentops_mcp.cli.demo_resume import show_resume
from agentops_mcp.cli.output import EXIT_FOUND, say
from agentops_mcp.core import tokens
from agentops_mcp.storage.git import Git
from agentops_mcp.storage.project import Project, Variable, locate

LEDGER = "demo"

_ENTRY: Mapping[str, Any] = {
    "kind": "decision",
    "action": "Keep the retry budget per host, not per request",
    "context": "One slow host used up all 5 attempts of every request during the outage of 2026-11-20",
    "solution": "A token bucket for each host; a request borrows from it and gives back on success",
    "learning": "Retries multiply along a call chain: budget them where the contention is",
    "impact": "Load on the failing host fell from 5.0 to 1.1 calls for each request",
    "tags": ["retries", "outage"],
}


def run_demo(start: Path) -> int:
    """Run every step; returns the exit code."""
    project = locate(start, {**os.environ, Variable.LEDGER: LEDGER})
    _remove(project)  # what an interrupted run may have left
    existing = [folder for folder in project.data_dir.parents if folder.exists()]
    before = _state(project)
    demo = _Demo(project)
    failure = None
    try:
        anyio.run(demo.run)
    except Exception as error:  # noqa: BLE001 - whatever a step raises is what there is to show
        failure = _cause(error)
    finally:
        _remove(project)
        _remove_empty([folder for folder in project.data_dir.parents if folder not in existing])
    after = _state(project)
    changed = [what for what in before if before[what] != after[what]]
    if failure is not None:
        say(f"\nStep {demo.step} failed: {failure}")
    say(f"\nWorktree, index, HEAD and your own ledger are {'NOT ' if changed else ''}as before.")
    for what in changed:
        say(f"  {what} differs: by this demo, or by something else that ran meanwhile")
    if failure is not None or changed:
        return EXIT_FOUND
    say("Connect your client: agentops-mcp init --client claude-code (or another; --print only shows it).")
    return 0


class _Demo:
    """The steps, numbered as they are printed."""

    def __init__(self, project: Project) -> None:
        self.step = 0
        environment = {**os.environ, Variable.LEDGER: LEDGER, "NO_COLOR": "1"}
        environment.pop(Variable.DATABASE_URL, None)  # a team's database is no place for a demo
        self._project = project
        self._stage = Stage(project.root, environment)

    async def run(self) -> None:
        """All steps."""
        self._say_step("An agent starts the server over stdio and asks what it offers")
        async with self._stage.client("2026-07-28", "first-agent") as client:
            await _show_tools(client)
            self._say_step("It starts a session: a handle, and a brief of where the project stands")
            brief = await call(client, "start_session", {"goal": "Make retries survive a slow host"})
            say_indented(text_of(brief))
            session = text_of(brief).split()[1]
            self._say_step("It records something useless, and is told how to do better")
            refusal = await call(client, "record_entry", {**_ENTRY, "action": "fixed bug"}, refused=True)
            say_indented(f"refused: {text_of(refusal)}")
            self._say_step("It records a decision; the reply means that it is on disk")
            reply = await call(client, "record_entry", {**_ENTRY, "session": session})
            say_indented(text_of(reply))
            uri = f"agentops://entry/{(reply.structured_content or {})['id']}"
            self._say_step("It loads context for a task: the places of this project that matter most, within a budget")
            await show_context(client, session)
        self._say_step(
            "The agent is gone. Another one, in a client of the older protocol, finds the decision in its brief"
        )
        async with self._stage.client("legacy", "second-agent") as client:
            say_indented(text_of(await call(client, "start_session", {"goal": "Review the retry change"})))
            self._say_step(f"It reads the whole of it: resource {uri}")
            (content,) = (await client.read_resource(uri)).contents
            say_indented(content.text if isinstance(content, TextResourceContents) else "")
        self._say_step("A person looks: agentops-mcp log")
        say_indented(self._stage.command("log"))
        self._say_step("Every record is chained by hash: agentops-mcp verify")
        say_indented(self._stage.command("verify"))
        if self._project.repository:
            self._say_step(f"What is worth keeping is mirrored to git, under the private ref {self._project.ref}")
            listed = Git(self._project.repository).run("ls-tree", "-r", "--name-only", self._project.ref)
            say_indented(os.fsdecode(listed))
        await show_resume(self._say_step, self._stage.environment)
        await show_knowledge(self._say_step, self._stage.environment)
        await show_guard(self._say_step, self._stage.environment)
        await show_approval(self._say_step, self._stage.environment)

    def _say_step(self, title: str) -> None:
        self.step += 1
        say(f"\n{self.step}. {title}")


async def _show_tools(client: Client) -> None:
    tools = (await client.list_tools()).tools
    surface = sum(tokens.count(tool.model_dump_json(by_alias=True, exclude_none=True)) for tool in tools)
    for tool in tools:
        say_indented(f"{tool.name}: {(tool.description or '').splitlines()[0]}")
    say(f"  The whole surface costs {surface} tokens (o200k, n = {len(tools)} tools).")


def _cause(error: BaseException) -> BaseException:
    """What went wrong, without the task groups around it."""
    if isinstance(error, BaseExceptionGroup):
        return _cause(cast("BaseExceptionGroup[BaseException]", error).exceptions[0])
    return error


def _state(project: Project) -> dict[str, object]:
    """What must not change: HEAD, the index, what git sees in the worktree, the real ledger and its mirror."""
    own = project.data_dir.parent.parent
    state: dict[str, object] = {str(own): _names(own)}
    if project.repository is None:
        return {**state, str(project.root): _names(project.root)}
    git = Git(project.repository)
    index = project.repository.git_dir / "index"
    state["the index"] = index.read_bytes() if index.exists() else b""
    state["HEAD"] = [git.attempt("rev-parse", *how, "HEAD").stdout for how in ([], ["--symbolic-full-name"])]
    state["refs/agentops"] = git.attempt("for-each-ref", "refs/agentops").stdout
    if project.repository.worktree:
        state["the worktree"] = git.attempt("status", "--porcelain=v2", "-z").stdout
    return state


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*")}


def _remove(project: Project) -> None:
    """Delete the demo's ledger, and its mirror with what was kept beside it."""
    shutil.rmtree(project.data_dir, ignore_errors=True)
    _remove_empty([project.data_dir.parent])
    if project.repository is None:
        return
    Git(project.repository).attempt("update-ref", "-d", project.ref)
    _remove_empty([project.repository.common_dir / "refs" / "agentops"])
    beside = project.repository.common_dir / "agentops"
    for file in beside.glob(f"{LEDGER}.*"):
        file.unlink(missing_ok=True)


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # not there, or something else is in it
            folder.rmdir()
