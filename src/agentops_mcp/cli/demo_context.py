"""The step of the demo that loads context: what was chosen and why, without the text itself."""

import re
from collections.abc import Iterator
from typing import Any

from mcp import Client

from agentops_mcp.cli.demo_client import StepError, call, say_indented, text_of

_BUDGET_TOKENS, _WINDOW_TOKENS, _USED_TOKENS = 1_500, 200_000, 20_000

# Worth asking in this project, and in most others the demo may stand in.
_TASK = "A configuration file that cannot be read should be an error that says which file, and what to do"

# It is written here word for word, which is no reason to show this file.
_SEEN = "src/agentops_mcp/cli/demo_context.py"

_HEAD = re.compile(r"## .* @[0-9a-f]{7}|\[\d+(-\d+)? ")
_CLOSING = ("Left out", "Passed over", "Note:")


async def show_context(client: Client, session: str) -> None:
    """Load context for a task and print the head of each piece, and what the load says at its end.

    Raises:
        StepError: the load does not say what it cost.
    """
    arguments: dict[str, Any] = {
        "task": _TASK, "budget_tokens": _BUDGET_TOKENS, "window_tokens": _WINDOW_TOKENS, "used_tokens": _USED_TOKENS,
        "session": session, "seen": [_SEEN],
    }  # fmt: skip
    say_indented("\n".join(_heads(text_of(await call(client, "load_context", arguments)))))


def _heads(text: str) -> Iterator[str]:
    """The lines that say what was chosen, and those at the end that say what was not, and what it cost."""
    lines = text.splitlines()
    cost = max((number for number, line in enumerate(lines) if line.startswith("tokens: ")), default=None)
    if cost is None:
        raise StepError(f"load_context does not say what it cost: {text}")
    end = cost
    while lines[end - 1].startswith(_CLOSING):
        end -= 1
    yield from (line for number, line in enumerate(lines[:end]) if not number or _HEAD.match(line))
    yield from lines[end:]
