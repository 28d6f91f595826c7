"""The last part of the demo: three failures that look different become a pattern, found again from other words.

In a scratch folder, because a saved pattern is a file for people to review.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
from mcp import Client

from agentops_mcp.cli.demo_client import Stage, StepError, call, say_indented, text_of

_FAILURES: tuple[Mapping[str, str], ...] = (
    {
        "action": "The nightly import stopped: the partner's API answered 429 to every worker",
        "context": "Eight workers retried at once, each second, until the job's deadline",
        "learning": "Retries without a random delay hit a rate-limited API in lockstep and keep it down",
    },
    {
        "action": "Checkout was unavailable for 20 minutes after the payment gateway restarted",
        "context": "All pods called the gateway again in the same second, five times each",
        "learning": "After an outage every client retries at the same moment; spread retries with random delay",
    },
    {
        "action": "The search cluster fell over again right after it had recovered",
        "context": "The client library retried immediately and without a limit",
        "learning": "Immediate retries turn a short outage into a long one: back off with a random delay, and give up",
    },
)
_PATTERN: Mapping[str, Any] = {
    "title": "Back off with jitter before you retry",
    "problem": "A service that slows down or restarts is kept down by its own clients, which all retry at once.",
    "context": "Calls over a network to anything that can be overloaded; not for errors that a retry cannot cure.",
    "solution": "Wait longer after each attempt, by a random amount, and give up after a budget of attempts.",
    "consequences": ["benefit: load spreads out and the service recovers", "tradeoff: single calls take longer"],
    "tags": ["retries", "outage"],
}
_OTHER_WORDS = "the server goes down again as soon as traffic returns"
_NAME = "back-off-with-jitter-before-you-retry"
_SOON_S, _TRIES = 0.5, 60


async def show_knowledge(say_step: Callable[[str], None], environment: Mapping[str, str]) -> None:
    """Run the steps."""
    with _scratch(environment) as stage:
        async with stage.client("2026-07-28", "first-agent") as client:
            say_step("Three sessions fail in ways that look different")
            ids = [await _fail(client, failure) for failure in _FAILURES]
            say_step("Mining finds what they have in common, with a draft")
            say_indented(text_of(await call(client, "mine_patterns", {})))
            say_step("The agent completes the draft; five checks, and a file for people to review")
            saved = text_of(await call(client, "save_pattern", {**_PATTERN, "evidence": ids}))
            say_indented(saved)
        say_step(f"Another agent searches in other words: {_OTHER_WORDS!r}")
        async with stage.client("legacy", "second-agent") as client:
            say_indented(await _search(client))
        say_step("A person looks at the library: agentops-mcp patterns show")
        say_indented(stage.command("patterns", "show", _NAME))


@contextmanager
def _scratch(environment: Mapping[str, str]) -> Generator[Stage]:
    with TemporaryDirectory(prefix="agentops-demo-", ignore_cleanup_errors=True) as place:
        yield Stage(Path(place).resolve(), environment)


async def _fail(client: Client, failure: Mapping[str, str]) -> str:
    session = text_of(await call(client, "start_session", {"goal": failure["action"]})).split()[1]
    reply = await call(client, "record_entry", {"kind": "failure", **failure, "session": session})
    say_indented(f"{failure['action']}: {failure['learning']}")
    content: dict[str, Any] = reply.structured_content or {}
    return content["id"]


async def _search(client: Client) -> str:
    """The reply, once the new records have their vectors; until then it says that it goes by words alone.

    Raises:
        StepError: the pattern is not among the hits.
    """
    reply = ""
    for _ in range(_TRIES):
        reply = text_of(await call(client, "search_knowledge", {"query": _OTHER_WORDS, "k": 4}))
        if "by words alone" not in reply and "lexical only" not in reply:
            break
        await anyio.sleep(_SOON_S)
    if f"agentops://pattern/{_NAME} " not in reply:
        raise StepError(f"the pattern is not found: {reply}")
    return reply
