"""What several test modules share: databases of both kinds, a clock that moves when told, real repositories."""

import os
import subprocess
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agentops_mcp.core.ids import new_id
from agentops_mcp.core.records import Actor
from agentops_mcp.storage.blob_facts import BlobFacts
from agentops_mcp.storage.database import Database
from agentops_mcp.storage.ledger import Ledger, View
from agentops_mcp.storage.sqlite import SqliteDatabase

pytest_plugins = ["saved_states", "analysed"]

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
AGENT = Actor(client="test-client 1.0", user="tester", via="mcp")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=["sqlite", "postgresql"], default="sqlite", help="which database to test on")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL only what touches a database: the rest would do the same again."""
    if config.getoption("--database") == "postgresql":
        others = [item for item in items if "postgres_url" not in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in set(others)]


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[str | None]:
    """A PostgreSQL server of this run's own, or None when the run is on SQLite."""
    if request.config.getoption("--database") != "postgresql":
        yield None
        return
    from postgres_server import postgres_server

    with postgres_server(tmp_path_factory.mktemp("postgres")) as url:
        yield url


DatabaseFactory = Callable[[], Database]


@pytest.fixture
def open_database(postgres_url: str | None, tmp_path: Path) -> Generator[DatabaseFactory]:
    """Opens the same database each time it is called, as separate processes would."""
    opened: list[Database] = []
    schema = f"agentops_test_{uuid.uuid4().hex[:12]}"

    def open_one() -> Database:
        database: Database
        if postgres_url:
            from agentops_mcp.storage.postgres import PostgresDatabase

            database = PostgresDatabase(postgres_url, schema)
        else:
            database = SqliteDatabase(tmp_path / "data" / "agentops.db")
        opened.append(database)
        return database

    yield open_one
    for database in opened:
        database.close()


@pytest.fixture
def database(open_database: DatabaseFactory) -> Database:
    return open_database()


LedgerFactory = Callable[..., Ledger]


@pytest.fixture
def open_ledger(open_database: DatabaseFactory, clock: FakeClock) -> LedgerFactory:
    """Opens a ledger over the one database of this test."""

    def open_one(*views: View, place: str = "here") -> Ledger:
        ledger = Ledger(open_database(), place=place, views=views, clock=clock, new_id=new_id)
        ledger.open()
        return ledger

    return open_one


def git(directory: Path, *args: str) -> str:
    """Run git as a person would, with an identity of its own and no configuration from this machine."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    command = ["git", "-c", "user.name=Tester", "-c", "user.email=tester@example.org", *args]
    done = subprocess.run(command, cwd=directory, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit."""
    path = tmp_path / "repository"
    path.mkdir()
    git(path, "init", "--quiet", "--initial-branch=main")
    (path / "app.py").write_text("print('hello')\n", encoding="utf-8")
    git(path, "add", ".")
    git(path, "commit", "--quiet", "--message", "first")
    return path


@contextmanager
def working_in(path: Path) -> Generator[None]:
    """Stand in a folder for the length of a block."""
    before = Path.cwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with nothing in it, none of our variables set, and no git configuration of this machine."""
    home = tmp_path / "home"
    home.mkdir()
    for name in list(os.environ):
        if name.startswith(("AGENTOPS_", "GIT_", "XDG_")) or name in ("CODEX_HOME", "COLUMNS"):
            monkeypatch.delenv(name)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return home


@pytest.fixture
def cache(tmp_path: Path) -> Generator[BlobFacts]:
    facts = BlobFacts(tmp_path / "data" / "context-index.db")
    yield facts
    facts.close()
