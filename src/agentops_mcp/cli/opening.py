"""Opening a project for a command; one that only reads leaves no trace where nothing was ever recorded."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from agentops_mcp.app import App, database_file
from agentops_mcp.storage.project import Project, Variable, database_url, locate

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")]
ProjectOption = Annotated[
    Path | None,
    typer.Option("--project", "-C", metavar="DIR", help="The project's folder; by default the one you stand in."),
]


@contextmanager
def reading(start: Path | None) -> Generator[App]:
    """The project around `start`; when it has no database yet, an empty one elsewhere for as long as the block runs."""
    if has_database(locate(start or Path.cwd(), os.environ)):
        with App(start) as app:
            yield app
        return
    with (
        TemporaryDirectory(ignore_cleanup_errors=True, prefix="agentops-") as empty,
        App(start, environment={**os.environ, Variable.DATA_DIR: empty}) as app,
    ):
        yield app


def has_database(project: Project) -> bool:
    """Whether something may have been recorded here."""
    return database_url(os.environ) is not None or database_file(project).exists()
