"""States saved as an agent would, for the commands that read them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentops_mcp.app import App
from agentops_mcp.factors.resume.rules.bundle import Bundle, Decision, Parameter
from agentops_mcp.factors.resume.rules.chain import Saved
from agentops_mcp.storage.sqlite import SqliteDatabase
from command_line import AGENT, Done
from conftest import git

BUNDLE = Bundle(
    goal="Retries survive a slow host",
    phase="implement",
    did="Wrote the token bucket.",
    decisions=(Decision("budget per host", "one slow host used up all", "per request: multiplies"),),
    parameters=(Parameter("RETRY_RATIO", "0.1", "app.py"),),
    next_steps=("make test_budget pass in app.py",),
    key_files=("app.py",),
    confidence=70,
)


def save(at: Path, parent: str = "", session: str | None = None, **changes: Any) -> Saved:
    """Save a state as an agent would."""
    with App(at) as app:
        saved = app.states().save(replace(BUNDLE, **changes), actor=AGENT, parent=parent, session=session).saved
        app.settle()
        return saved


def damage(at: Path, state: Saved) -> None:
    """Put other words into a state, as somebody with the file could."""
    database = SqliteDatabase(at / ".git/agentops/agentops.db")
    with database.write() as tx:
        tx.execute("UPDATE event SET body = replace(body, 'token bucket', 'leaky bucket') WHERE id = ?", [state.id])
    database.close()


def refusal(done: Done) -> str:
    """The two lines on stderr of a command that could not be carried out."""
    assert (done.code, done.out) == (3, "")
    assert done.err.count("\n") == 2
    return done.err


@pytest.fixture
def first(repository: Path) -> Saved:
    """A state of a clean tree."""
    (repository / "app.py").write_text("RETRY_RATIO = 0.1\n", encoding="utf-8")
    git(repository, "commit", "--quiet", "--all", "--message", "second")
    return save(repository)


@pytest.fixture
def second(repository: Path, first: Saved) -> Saved:
    """One that continues it and kept a changed, a staged and an untracked file, but no secrets."""
    (repository / "app.py").write_text("RETRY_RATIO = 0.2\n", encoding="utf-8")
    (repository / "staged.py").write_text("staged = True\n", encoding="utf-8")
    (repository / "new.py").write_text("new = True\n", encoding="utf-8")
    (repository / ".env").write_text("TOKEN=abc\n", encoding="utf-8")
    git(repository, "add", "staged.py")
    return save(
        repository, parent=first.id, findings=("the pool is shared",),
        parameters=(Parameter("RETRY_RATIO", "0.2", "app.py"), Parameter("LIMIT", "5")),
    )  # fmt: skip
