"""A project in git with code worth loading, and context loaded from it as the server does."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agentops_mcp.app import App
from agentops_mcp.core import tokens
from agentops_mcp.factors.context.rules.requests import Request
from agentops_mcp.factors.context.service.contexts import Contexts, Loaded
from conftest import AGENT, FakeClock, git

RETRY = '''"""Retries of requests."""

RATIO = 0.1


class RetryBudget:
    """How many retries a host may have."""

    def __init__(self, ratio: float) -> None:
        self.ratio = ratio
        self.spent = 0

    def may_retry(self, host: str) -> bool:
        """Whether another retry is within the budget."""
        return self.spent < self.ratio * len(host)


def send_with_retry(request: str, budget: RetryBudget) -> str:
    """Send a request, again when it fails."""
    while budget.may_retry(request):
        try:
            return transmit(request)
        except OSError:
            budget.spent += 1
    raise RuntimeError("the host has no attempts left")
'''

TRANSMIT = '''"""What goes over the wire."""


def transmit(request: str) -> str:
    """Write one request."""
    return request.upper()
'''

SCHEDULE = '''"""Schedules of regions."""


def parse_schedule(text: str) -> list[str]:
    """The entries of a schedule."""
    return [part.strip() for part in text.split(",")]


def next_midnight(region: str) -> int:
    """The next midnight in a region."""
    return len(region) * 86_400
'''

README = "# Couriers\n\nParcels are carried.\n\n## Install\n\nCopy the folder.\n"

FILES = {"src/retry.py": RETRY, "src/wire.py": TRANSMIT, "src/schedule.py": SCHEDULE, "README.md": README}

TASK = "Fix send_with_retry so that it gives up"


class Project:
    """A repository with the files above, and factor II over it."""

    def __init__(self, root: Path, clock: FakeClock) -> None:
        self.root, self._clock = root, clock
        self.app = self.opened()
        root.mkdir()
        git(root, "init", "--quiet", "--initial-branch=main")
        for path, text in FILES.items():
            self.write(path, text)
        self.commit("Couriers carry parcels")

    def opened(self) -> App:
        """The same project as another process would see it."""
        return App(self.root, environment={}, clock=self._clock)

    def reopen(self) -> None:
        """Go on as after a restart."""
        self.app.close()
        self.app = self.opened()

    def write(self, path: str, text: str | bytes) -> Path:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode() if isinstance(text, str) else text)
        return place

    def commit(self, message: str = "more") -> str:
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "--message", message)
        return git(self.root, "rev-parse", "HEAD")

    @property
    def contexts(self) -> Contexts:
        return self.app.contexts()

    @property
    def index_file(self) -> Path:
        return self.root / ".git" / "agentops" / "context-index.db"

    def session(self) -> str:
        return self.app.sessions().start("Carry parcels", actor=AGENT).handle

    def load(self, task: str = TASK, **asked: Any) -> Loaded:
        """A load as the tool makes it: recorded, and exactly counted."""
        request = Request(task, **asked)
        loaded = self.contexts.load(request, actor=AGENT)
        assert loaded.tokens == tokens.count(loaded.text)
        assert loaded.tokens <= request.budget_tokens
        return loaded

    def preview(self, task: str = TASK, **asked: Any) -> Loaded:
        """A load that is not recorded, and so has no id."""
        return self.contexts.load(Request(task, **asked))

    def recorded(self) -> list[str]:
        """The ids of the loads that were recorded."""
        return [event.id for event in self.app.parts.ledger.events() if event.kind == "context.loaded"]


def paths(loaded: Loaded) -> list[str]:
    """The files of which something was sent, each once."""
    return list(dict.fromkeys(item.path for item in loaded.items if item.path))


def lines_sent(loaded: Loaded, path: str) -> set[int]:
    """The numbers of the lines of a file that were sent."""
    return {number for item in loaded.items if item.path == path for number in range(item.start, item.end + 1)}


def without_id(loaded: Loaded) -> list[str]:
    """The text without what a load's id makes different: itself, and the tokens it takes."""
    return [line for line in loaded.text.splitlines() if not line.startswith(("id: ", "tokens: ", "window: "))]


def indexing_ends() -> None:
    """Wait for what goes on in the background after an answer."""
    for thread in threading.enumerate():
        if thread.name == "context-index":
            thread.join(120)


@contextmanager
def couriers(root: Path, clock: FakeClock) -> Generator[Project]:
    """The project, until what it does in the background has ended."""
    made = Project(root / "couriers", clock)
    yield made
    indexing_ends()
    made.app.close()
