"""`demo`: the installed server, driven by the SDK's client over stdio in a real repository, step by step.

It writes to a ledger of its own name, removed at the end: the repository's memory, worktree, index and HEAD stay as
they were.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import CallToolResult, TextContent, TextResourceContents

from agentops_mcp.cli.output import errors_shown, say
from agentops_mcp.core import tokens
from agentops_mcp.storage.git import Git
from agentops_mcp.storage.project import Project, locate

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
    with errors_shown():
        project = locate(start, {**os.environ, "AGENTOPS_LEDGER": LEDGER})
        before = _fingerprint(project)
        _remove(project)  # what an interrupted run may have left
        try:
            anyio.run(_Demo(project).run)
        finally:
            _remove(project)
    unchanged = _fingerprint(project) == before
    say()
    say(f"Worktree, index, HEAD and your own ledger are as before: {'yes' if unchanged else 'NO'}.")
    say("Connect your client: agentops-mcp init --client claude-code (or another; --print only shows it).")
    return 0 if unchanged else 1


class _Demo:
    """The steps, numbered as they are printed."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._step = 0
        self._environment = {**os.environ, "AGENTOPS_LEDGER": LEDGER, "NO_COLOR": "1"}
        self._environment.pop("AGENTOPS_DATABASE_URL", None)  # a team's database is no place for a demo

    async def run(self) -> None:
        """All steps."""
        self._say_step("An agent starts the server over stdio and asks what it offers")
        async with self._client("2026-07-28") as client:
            tools = (await client.list_tools()).tools
            surface = sum(tokens.count(tool.model_dump_json(by_alias=True, exclude_none=True)) for tool in tools)
            for tool in tools:
                say(f"  {tool.name}: {(tool.description or '').splitlines()[0]}")
            say(f"  The whole surface costs {surface} tokens (o200k, n = {len(tools)} tools).")
            self._say_step("It starts a session: a handle, and a brief of where the project stands")
            first = await client.call_tool("start_session", {"goal": "Make retries survive a slow host"})
            say(_indented(_text(first)))
            session = _text(first).split()[1]
            self._say_step("It records something useless, and is told how to do better")
            say(_indented(_text(await client.call_tool("record_entry", {**_ENTRY, "action": "fixed bug"}))))
            self._say_step("It records a decision; the reply means that it is on disk")
            reply = await client.call_tool("record_entry", {**_ENTRY, "session": session})
            say(_indented(_text(reply)))
            identifier = str((reply.structured_content or {})["id"])
        self._say_step("The agent is gone. Another client, speaking the older protocol, finds it in its brief")
        async with self._client("legacy") as client:
            say(_indented(_text(await client.call_tool("start_session", {"goal": "Review the retry change"}))))
            (content,) = (await client.read_resource(f"agentops://entry/{identifier}")).contents
            say(_indented(content.text if isinstance(content, TextResourceContents) else ""))
        self._say_step("A person looks: agentops-mcp log")
        self._command("log")
        self._say_step("Every record is chained by hash and mirrored to a private git ref: agentops-mcp verify")
        self._command("verify")
        if self._project.repository:
            listed = Git(self._project.repository).run("ls-tree", "-r", "--name-only", self._project.ref)
            say(_indented(f"{self._project.ref}:\n" + os.fsdecode(listed)))

    def _say_step(self, title: str) -> None:
        self._step += 1
        say(f"\n{self._step}. {title}")

    def _client(self, era: str) -> Client:
        server = StdioServerParameters(
            command=sys.executable, args=["-m", "agentops_mcp", "serve"], cwd=self._project.root, env=self._environment
        )
        return Client(stdio_client(server), mode=era)

    def _command(self, name: str) -> None:
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "agentops_mcp", name], cwd=self._project.root, env=self._environment,
            capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        say(_indented(done.stdout))


def _text(result: CallToolResult) -> str:
    text = "\n".join(block.text for block in result.content if isinstance(block, TextContent))
    return f"refused: {text}" if result.is_error else text


def _indented(text: str) -> str:
    return "\n".join(f"  | {line}" for line in text.rstrip().splitlines())


def _fingerprint(project: Project) -> list[bytes]:
    """What must not change: HEAD, the index, what git sees in the worktree, and the real ledger's mirror."""
    if project.repository is None:
        return [os.fsencode(path.name) for path in sorted(project.root.iterdir()) if path != project.policy_dir]
    git = Git(project.repository)
    index = project.repository.git_dir / "index"
    commands = [("rev-parse", "--verify", "--quiet", "HEAD"), ("for-each-ref", "refs/agentops")]
    if project.repository.worktree:
        commands.append(("status", "--porcelain=v2", "-z", "--branch"))
    return [index.read_bytes() if index.exists() else b"", *(git.attempt(*command).stdout for command in commands)]


def _remove(project: Project) -> None:
    """Delete the demo's ledger and its mirror, and the folders that only it needed."""
    shutil.rmtree(project.data_dir, ignore_errors=True)
    for folder in (project.data_dir.parent, project.data_dir.parent.parent):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    if project.repository:
        Git(project.repository).attempt("update-ref", "-d", project.ref)
