"""Circuit breakers: a target that keeps failing is left alone for a while, then tried once.

Five failures in a row open it, 60 seconds later one probe is admitted: the numbers of the twelve-factor text.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, cast

from agentops_mcp.factors.guardrails.rules.notices import Notice

FAILURES = 5
RESET = timedelta(seconds=60)
PROBE_TIMEOUT = timedelta(seconds=120)
"""A probe that never reports is given up after this; as long as a client usually lets one call run."""

_URL = r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,15}://(?:[^\s/@\"']*@)?(\[[0-9a-fA-F:]+\]|[\w.-]+)"
_LONGEST_READ = 20_000
_LOCAL = frozenset(
    "shell bash file_write file_delete patch git spend write write_file create_file read edit multiedit glob grep ls "
    "task agent todowrite notebookedit notebookread exitplanmode bashoutput killshell skill str_replace_editor "
    "apply_patch view".split()
)
"""Tools of the client itself: one file that can not be edited says nothing of the next."""


class Breaker(NamedTuple):
    """What is known of a target: failures since its last success, and when the last of them and the last probe were."""

    failures: int = 0
    failed_at: datetime | None = None
    probed_at: datetime | None = None


class Standing(NamedTuple):
    """How a breaker stands at one moment."""

    state: Literal["closed", "open", "half_open", "probing"]
    """`half_open`: the next call may be the probe; `probing`: another call is."""

    retry_after_s: int = 0


def standing(breaker: Breaker, *, now: datetime) -> Standing:
    """Whether calls go through at this moment, and when it is worth asking again."""
    if breaker.failures < FAILURES or breaker.failed_at is None:
        return Standing("closed")
    reset_at = breaker.failed_at + RESET
    if now < reset_at:
        return Standing("open", _seconds(reset_at - now))
    if breaker.probed_at is not None and breaker.probed_at >= breaker.failed_at:
        given_up_at = breaker.probed_at + PROBE_TIMEOUT
        if now < given_up_at:
            return Standing("probing", _seconds(given_up_at - now))
    return Standing("half_open")


def notice(target: str, standing: Standing, failures: int) -> Notice | None:
    """What a breaker says about a call to its target; None when calls go through."""
    if standing.state == "closed":
        return None
    failed = f"{target} failed {failures} times in a row"
    if standing.state == "half_open":
        return Notice(
            "runtime.breaker", "allow", "low", f"{failed}; this call is the one that tries whether it works again.",
            "Report how it went with report_outcome, so that others may go on.",
        )  # fmt: skip
    why = "another call is trying it now" if standing.state == "probing" else "it is left alone for now"
    remedy = f"Wait {standing.retry_after_s} s, or do something that does not need it."
    return Notice("runtime.breaker", "deny", "medium", f"{failed} and {why}.", remedy, standing.retry_after_s)


def target_of(tool: str, arguments: object) -> str:
    """Whom a call depends on: `host:NAME` of a URL in it, `service:NAME` of another MCP server, `tool:NAME`.

    Empty for what runs on this machine alone.
    """
    if host := _host(arguments):
        return f"host:{host}"
    name = tool.strip().lower()
    if name.startswith("mcp__"):
        return f"service:{name.split('__')[1] or name}"
    has_command = isinstance(arguments, Mapping) and "command" in cast("Mapping[str, Any]", arguments)
    return "" if name in _LOCAL or has_command or not name else f"tool:{name}"


def _host(arguments: object) -> str:
    if isinstance(arguments, Mapping):
        given = cast("Mapping[str, Any]", arguments)
        # A file's text may hold any URL; only what is fetched or run depends on one.
        texts = [given[key] for key in ("url", "uri", "command", "cmd") if isinstance(given.get(key), str)]
    else:
        texts = [arguments] if isinstance(arguments, str) else []
    found = next((match for text in texts if (match := re.search(_URL, text[:_LONGEST_READ]))), None)
    return found[1].lower().rstrip(".") if found else ""


def _seconds(left: timedelta) -> int:
    return max(1, -(-left // timedelta(seconds=1)))
