"""One visit: who came, for what, and what every view needs to be drawn around it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agentops_mcp import __version__
from agentops_mcp.app import App
from agentops_mcp.approving import Approving
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.approval.rules.principals import person_of
from agentops_mcp.storage.page_access import Session
from agentops_mcp.storage.project import current_user


@dataclass(frozen=True, slots=True)
class Visit:
    """What a view is given: somebody who is signed in, and what they ask for."""

    session: Session
    app: App
    id: str = ""
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    form: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def approving(self) -> Approving:
        """Factor VIII."""
        return self.app.approving()

    @property
    def actor(self) -> Actor:
        """By which channel they decide, and on which account the page runs."""
        return Actor(client=f"agentops-mcp page {__version__}", user=current_user(), via="page")

    @property
    def by(self) -> str:
        """The principal."""
        return person_of(self.actor, self.session.person)

    def frame(self, here: str, *, waiting: int | None = None) -> dict[str, Any]:
        """What the frame around every view shows; ask for it before the view's own rows, so that nothing is missed."""
        seen = version(self.app)
        if waiting is None:
            waiting = self.approving.requests.open(limit=1).total
        return {
            "person": self.session.person, "csrf": self.session.csrf, "here": here, "waiting": waiting, "seen": seen,
            "project": self.approving.project.root.name or str(self.approving.project.root),
            "root": str(self.approving.project.root),
        }  # fmt: skip


def version(app: App) -> str:
    """Something that differs after every change of any request or grant."""
    approving = app.approving()
    changed = (*approving.requests.last_change(), *approving.grants.last_change())
    return hashlib.sha256("\n".join(changed).encode()).hexdigest()[:16]
