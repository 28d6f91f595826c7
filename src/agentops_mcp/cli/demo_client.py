"""What the steps of the demo drive the server with: the SDK's client over stdio, and the command line."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.client.session import ElicitationFnT
from mcp.client.stdio import stdio_client
from mcp.types import CallToolResult, Implementation, TextContent

from agentops_mcp import __version__
from agentops_mcp.cli.output import say

_ANSWER_TIMEOUT_S = 60.0
_SERVER = ("-m", "agentops_mcp", "serve")


class StepError(Exception):
    """A step did not do what it shows."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A folder to work in, and what servers and commands in it are started with."""

    root: Path
    environment: Mapping[str, str]

    def client(
        self, era: str, name: str, *, command: Sequence[str] = _SERVER, answers: ElicitationFnT | None = None
    ) -> Client:
        """A client that names itself, over a server of its own; with `answers` it has a dialog."""
        server = StdioServerParameters(
            command=sys.executable, args=[*command], cwd=self.root, env=dict(self.environment)
        )
        return Client(
            stdio_client(server), mode=era, client_info=Implementation(name=name, version=__version__),
            read_timeout_seconds=_ANSWER_TIMEOUT_S, elicitation_callback=answers,
        )  # fmt: skip

    def command(self, *arguments: str, given: str = "", expected: int = 0) -> str:
        """What a command prints that gets `given` on its standard input and ends with the exit code `expected`.

        Raises:
            StepError: it ended otherwise.
        """
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "agentops_mcp", *arguments], cwd=self.root, env=self.environment,
            capture_output=True, encoding="utf-8", check=False, input=given,
        )  # fmt: skip
        if done.returncode != expected:
            raise StepError(f"exit code {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout


async def call(client: Client, tool: str, arguments: dict[str, Any], *, refused: bool = False) -> CallToolResult:
    """Call a tool.

    Raises:
        StepError: it was refused, or was not where it should be.
    """
    result = await client.call_tool(tool, arguments)
    if bool(result.is_error) != refused:
        raise StepError(f"{tool} was {'not ' * refused}refused: {text_of(result)}")
    return result


def text_of(result: CallToolResult) -> str:
    """The text of a tool's result."""
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


def say_indented(text: str) -> None:
    """Print what a server or a command said, set off from the steps."""
    say("\n".join(f"  | {line}" for line in text.rstrip().splitlines()))
