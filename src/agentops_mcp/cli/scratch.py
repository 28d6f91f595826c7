"""A project that exists for as long as a command runs: its own database and vectors, and nothing around it."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from agentops_mcp.app import READERS, VIEWS
from agentops_mcp.core.clock import utc_now
from agentops_mcp.core.config import Config, KnowledgeSection
from agentops_mcp.core.ids import new_id
from agentops_mcp.factors.resume.service.handles import Handles
from agentops_mcp.storage.citations import Citations
from agentops_mcp.storage.ledger import Ledger
from agentops_mcp.storage.project import Project, Variable
from agentops_mcp.storage.worktree import Worktree

if TYPE_CHECKING:
    from agentops_mcp.knowledge import Knowledge


@contextmanager
def scratch_knowledge() -> Generator[tuple[Ledger, "Knowledge"]]:
    """Factor IX over an empty ledger in a temporary folder, with the same embedder and without the starter library.

    Every event is of the same instant, so that the order in which rows arrive has no part in how they are ranked.
    """
    from agentops_mcp.knowledge import open_knowledge
    from agentops_mcp.storage.sqlite import SqliteDatabase

    now = utc_now()
    environment = {**os.environ, Variable.CHROMA_URL: ""}
    config = Config(knowledge=KnowledgeSection(starter_library=False))
    with TemporaryDirectory(prefix="agentops-", ignore_cleanup_errors=True) as folder:
        root = Path(folder).resolve()
        project = Project(root, None, root / "data", "refs/agentops/ledger")
        database = SqliteDatabase(project.data_dir / "agentops.db")
        ledger = Ledger(database, place=str(root), views=VIEWS, clock=lambda: now, new_id=new_id)
        ledger.open()
        citations = Citations(Worktree(None, None, root=root), None, None, root=root)
        knowledge = open_knowledge(
            project, config, ledger, citations, Handles(ledger, clock=utc_now),
            readers=READERS, environment=environment, clock=lambda: now,
        )  # fmt: skip
        try:
            yield ledger, knowledge
        finally:
            knowledge.semantic.close()
            database.close()
