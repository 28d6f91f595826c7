"""A project whose knowledge is recorded, searched and kept as agents do it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from agentops_mcp.app import App
from agentops_mcp.factors.mining.rules.drafts import drafted
from agentops_mcp.factors.mining.rules.hits import Hit
from agentops_mcp.factors.mining.rules.library import Saved
from agentops_mcp.factors.mining.rules.patterns import Pattern
from agentops_mcp.factors.mining.service.search import Search
from agentops_mcp.factors.mining.store.documents import OPEN, Filter, Request
from agentops_mcp.factors.tracking.rules import Entry, Kind
from conftest import AGENT

_TRIES = 20

PATTERN: dict[str, Any] = {
    "title": "Back off with jitter before a retry",
    "problem": "A service that slows down is kept down by its own clients, which all retry at once.",
    "context": "Calls over a network to anything shared that can be overloaded.",
    "solution": "Wait longer after each attempt, by a random amount, and give up after a budget of attempts.",
    "consequences": ["benefit: the service recovers", "tradeoff: single calls take longer"],
}


def pattern(**changes: Any) -> Pattern:
    """A pattern that passes every check, with some fields changed."""
    empty: dict[str, Any] = {
        "details": "", "evidence": [], "tags": [], "category": "domain", "kind": "pattern", "name": "",
        "supersedes": "",
    }  # fmt: skip
    return drafted(**{**empty, **PATTERN, **changes})


def record(app: App, action: str, learning: str = "", *, kind: Kind = "failure", **more: Any) -> str:
    """Record an entry and return its id."""
    session = more.pop("session", None)
    entry = Entry(kind, action, more.pop("context", "It was seen in the nightly run"), learning=learning, **more)
    return app.entries().record(entry, actor=AGENT, session=session).event.id


def caught_up(app: App) -> Search:
    """Search, once every record has its vector."""
    assert app.knowledge().semantic.catch_up(timeout_s=60)
    return app.search()


def hits(app: App, text: str, among: Filter = OPEN, k: int = 8) -> Sequence[Hit]:
    """What is found by words and meaning."""
    why = ""
    for _ in range(_TRIES):  # on a busy machine an indexer may hold the index longer than one search waits
        search = caught_up(app)
        results = search.search(Request(text, among, k=k), patience_s=60)
        if not results.lexical_only:
            return results.hits
        why = results.lexical_only
    pytest.fail(why)


def refs(app: App, text: str, among: Filter = OPEN, k: int = 8) -> list[str]:
    """The refs of what is found."""
    return [hit.document.ref for hit in hits(app, text, among, k)]


def save(app: App, **changes: Any) -> Saved:
    """Save a pattern."""
    session = changes.pop("session", None)
    return app.patterns().save(pattern(**changes), actor=AGENT, session=session)


def without_starters(project: Path) -> None:
    """Switch the starter library off."""
    (project / ".agentops").mkdir(exist_ok=True)
    (project / ".agentops" / "config.toml").write_text("[knowledge]\nstarter_library = false\n", encoding="utf-8")
