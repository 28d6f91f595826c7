"""A server under attack, and what must be true of its answers."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from agentops_mcp.app import App
from agentops_mcp.core.clock import utc_now
from agentops_mcp.factors.tracking.rules import Entry
from conftest import AGENT
from e2e.raw_client import Era, RawClient, entry, environment, make_project

MB = 1_000_000
LONGEST_ERROR = 1_000
PARSE_ERROR, INVALID_REQUEST, UNKNOWN_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602


@dataclass
class Place:
    """A server, what it must not change, and ids of many kinds."""

    client: RawClient
    app: App
    project: Path
    variables: dict[str, str]
    ids: dict[str, str]

    def events(self) -> list[str]:
        return [event.id for event in self.app.parts.ledger.events()]


@contextmanager
def attacked(root: Path, era: Era, variables: dict[str, str]) -> Generator[Place]:
    """Serve a project that holds some records and a link out; the server's log must stay free of tracebacks."""
    variables = environment(root / "home", **variables)
    project = make_project(root / "project")
    (root / "outside.txt").write_text("secret\n", encoding="utf-8")
    (project / "way-out").symlink_to(root, target_is_directory=True)
    log = root / "server.log"
    with (
        App(project, environment=variables) as app,
        RawClient(project, environment=variables, era=era, log=log) as client,
    ):
        ids = some_ids(project, variables) | foreign_ids(make_project(root / "other"), variables)
        yield Place(client, app, project, variables, ids)
    assert "Traceback" not in log.read_text(encoding="utf-8")


def some_ids(project: Path, variables: dict[str, str]) -> dict[str, str]:
    with App(project, environment=variables, clock=lambda: utc_now() - timedelta(days=8)) as eight_days_ago:
        expired = eight_days_ago.sessions().start("Long ago", actor=AGENT).handle
        entry_id = eight_days_ago.entries().record(Entry(**entry()), actor=AGENT).event.id
    return {"expired": expired, "entry": entry_id}


def foreign_ids(project: Path, variables: dict[str, str]) -> dict[str, str]:
    with App(project, environment=variables) as other:
        handle = other.sessions().start("Elsewhere", actor=AGENT).handle
        return {"foreign": handle, "foreign-entry": other.entries().record(Entry(**entry()), actor=AGENT).event.id}


def assert_clear(text: str, fragment: str) -> None:
    assert fragment in text
    assert len(text) < LONGEST_ERROR
    for noise in ("Traceback", "pydantic", "unexpectedly", "Error executing tool", *"\0\x1b"):
        assert noise not in text
