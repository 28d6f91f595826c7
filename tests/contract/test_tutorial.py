"""The tutorial is done as it is written: every command is run, every call is made, every output is compared."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import TextContent

from conftest import working_in

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial" / "first-session.md"
PROGRAMS = Path(sys.executable).parent

_BLOCK = re.compile(r"(<!-- not run by the tests: [^\n]*-->\n)?^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_CALL = re.compile(r'\{\s*"tool":')


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, its text, and whether it asks for a registry."""

    language: str
    text: str
    skipped: bool


def blocks(text: str) -> list[Block]:
    return [Block(language, body, bool(mark)) for mark, language, body in _BLOCK.findall(text)]


def steps(console: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with the output shown below it."""
    parts = re.split(r"^\$ ", console, flags=re.MULTILINE)
    assert parts[0] == "", f"output before the first command: {parts[0]}"
    return [(command, output) for command, _, output in (part.partition("\n") for part in parts[1:])]


def matches(shown: str, printed: str) -> bool:
    """Whether the output is the one shown: a line of `…` stands for any lines, `…` in a line for any text."""
    pattern = ""
    for line in shown.strip().splitlines():
        escaped = r"[^\n]*".join(re.escape(part) for part in line.split("…"))
        pattern += r"(?:[^\n]*\n)*?" if line == "…" else escaped + r"\n"
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in printed.strip().splitlines())) is not None


@pytest.fixture
def environment(own_home: Path) -> dict[str, str]:
    """A person with a name, and the installed program on the PATH."""
    names = {f"GIT_{who}_{what}": "ada@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return {**os.environ, **names, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}", "HOME": str(own_home)}


def run(command: str, at: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(command, shell=True, cwd=at, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


async def call(text: str, at: Path, environment: dict[str, str]) -> str:
    """Make the call in a session of its own, with the server as the client's configuration says."""
    configured = json.loads((at / ".mcp.json").read_text(encoding="utf-8"))["mcpServers"]["agentops"]
    wanted = json.loads(text)
    server = StdioServerParameters(command=configured["command"], args=configured["args"], env=environment, cwd=at)
    async with Client(stdio_client(server)) as client:
        reply = await client.call_tool(wanted["tool"], wanted["arguments"])
    return "\n".join(block.text for block in reply.content if isinstance(block, TextContent))


async def test_the_tutorial_does_what_it_says(
    tmp_path: Path, environment: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    place, reply = tmp_path, None
    for block in blocks(TUTORIAL.read_text(encoding="utf-8")):
        if block.skipped:
            continue
        if block.language == "console":
            for command, shown in steps(block.text):
                if command.startswith("cd "):
                    place = place / command.removeprefix("cd ")
                    continue
                printed = run(command, place, environment)
                assert matches(shown, printed), f"{command} printed:\n{printed}"
        elif _CALL.match(block.text):
            with working_in(place):
                reply = await call(block.text, place, environment)
        else:
            assert reply is not None
            assert matches(block.text, reply), f"the reply was:\n{reply}"
            reply = None
    assert reply is None
    assert "Traceback" not in capfd.readouterr().err


def test_only_the_installation_is_not_run() -> None:
    skipped = [block.text for block in blocks(TUTORIAL.read_text(encoding="utf-8")) if block.skipped]
    assert skipped == ["$ uv tool install .\n"]


def test_every_fence_is_read() -> None:
    text = TUTORIAL.read_text(encoding="utf-8")
    assert text.count("```") == 2 * len(blocks(text))


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a\n", "a\n", True),
        ("a\n", "b\n", False),
        ("a\n", "a\nb\n", False),
        ("a …c", "a b c", True),
        ("a …c", "a b\nc", False),
        ("…\nb", "x\ny\nb", True),
        ("a\n…", "a", True),
        ("…", "", True),
        ("", "x", False),
        ("", "", True),
    ],
)
def test_outputs_are_compared_line_by_line(shown: str, printed: str, same: bool) -> None:
    assert matches(shown, printed) == same
