"""`context --batch`: many tasks in many repositories, a JSON object a line in and out, so that anyone can measure it.

Repositories are only read: what is kept is the cache of their contents, in their git directory if that can be written.
"""

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

import typer

from agentops_mcp.app import open_contexts
from agentops_mcp.cli.lines import lines_of
from agentops_mcp.cli.output import EXIT_FOUND, visible_json
from agentops_mcp.core.errors import AgentOpsError, ConfigError, InvalidInputError, NotFoundError
from agentops_mcp.factors.context.rules.requests import Request
from agentops_mcp.storage.project import locate

if TYPE_CHECKING:
    from agentops_mcp.factors.context.service.contexts import Contexts, Loaded

_OPEN_REPOSITORIES = 3
"""Rows of a few repositories may take turns; an index in memory is some 100 MB for a large one."""

_NAME = re.compile(r"(?:(?P<owner>[\w.-]+)/)?(?P<name>[\w.-]+)", re.ASCII)
_PLACES = ("{owner}/{name}", "{owner}+{name}/repo", "{owner}+{name}", "{owner}__{name}", "{owner}-{name}", "{name}")
_SHOWN_CHARS = 80


def answer_batch(file: Path, repos: Path | None, *, start: Path, budget_tokens: int) -> int:
    """Answer every line, in order and as soon as it can be; returns the exit code.

    Raises:
        ConfigError: there is no such file, or `repos` is not a folder.
    """
    if repos is not None and not repos.is_dir():
        raise ConfigError(f"{repos} is not a folder.", remedy="Give the folder that has the repositories.")
    has_failed = False
    with TemporaryDirectory(prefix="agentops-", ignore_cleanup_errors=True) as scratch, lines_of(file) as lines:
        opened = lru_cache(maxsize=_OPEN_REPOSITORIES)(partial(read_only, scratch=Path(scratch)))
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            answer = _answer(line, lambda name: opened(_place(name, repos, start)), budget_tokens)
            if "error" in answer:
                has_failed = True
                answer["error"] = f"line {number}: {answer['error']}"
            typer.echo(visible_json(json.dumps(answer)))  # which also flushes
    return EXIT_FOUND if has_failed else 0


def read_only(start: Path, scratch: Path) -> "Contexts":
    """Context of a folder that is only read; outside git even the cache is kept elsewhere, in `scratch`.

    Raises:
        ConfigError: `start` is not a folder.
    """
    project = locate(start, os.environ)
    if project.repository is None and project.data_dir.is_relative_to(project.root):
        project = replace(project, data_dir=scratch)
    return open_contexts(project, None)


def _answer(line: bytes, contexts: Callable[[str], "Contexts"], budget_tokens: int) -> dict[str, Any]:
    identifier = None
    try:
        row = _object(line)
        identifier = row.get("id")
        request = _request(row, budget_tokens)
        opened = contexts(_text(row, "repo"))
        begun = time.perf_counter()
        loaded = opened.load(request, patient=True)
        seconds = time.perf_counter() - begun
    except AgentOpsError as error:
        return {"id": identifier, "error": str(error)}
    return {
        "id": identifier, "tokens": loaded.tokens, "budget": request.budget_tokens, "seconds": round(seconds, 4),
        "items": list(_items(loaded)),
    }  # fmt: skip


def _items(loaded: "Loaded") -> Iterator[dict[str, Any]]:
    for item, size in zip(loaded.items, loaded.item_tokens, strict=True):
        yield {"path": item.path, "start": item.start, "end": item.end, "level": item.level, "tokens": size}


def _object(line: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidInputError("It is not a JSON object.", remedy="Write one object a line, in UTF-8.")
    return cast("dict[str, Any]", found)


def _request(row: Mapping[str, Any], budget_tokens: int) -> Request:
    wanted = next((row[key] for key in ("budget_tokens", "budget") if row.get(key) is not None), budget_tokens)
    if not isinstance(wanted, int) or isinstance(wanted, bool):
        raise InvalidInputError("The budget is not a whole number.", remedy="Give budget_tokens, or leave it out.")
    return Request(task=_text(row, "task"), budget_tokens=wanted, include=("code",), rev=_text(row, "rev"))


def _text(row: Mapping[str, Any], key: str) -> str:
    found = row.get(key)
    if not isinstance(found, str | None):
        raise InvalidInputError(f"{key} is not a text.", remedy="Write it in quotation marks.")
    return found or ""


def _place(name: str, repos: Path | None, start: Path) -> Path:
    """Where the repository of a row is; without a name it is the one asked from."""
    if not name:
        return start
    if repos is None:
        raise InvalidInputError("The line names a repository.", remedy="Say with --repos which folder has it.")
    found = _NAME.fullmatch(name)
    if found is None or {found["owner"], found["name"]} & {".", ".."}:
        raise InvalidInputError(
            f"{name[:_SHOWN_CHARS]!r} is not a repository's name.", remedy="Write it as owner/name, as on GitHub."
        )
    # Without an owner there is only one place to look.
    places = [place.format_map(found.groupdict()) for place in (_PLACES if found["owner"] else _PLACES[-1:])]
    for place in places:
        base = repos / place
        for candidate in (base, base.with_name(f"{base.name}.git")):
            if _is_whole(candidate):
                return candidate
    raise NotFoundError(f"{name[:_SHOWN_CHARS]} is not in {repos}.", remedy=f"Clone it there, as {places[0]}.")


def _is_whole(place: Path) -> bool:
    """Whether a folder is there that is not merely part of a repository around it."""
    if not place.is_dir():
        return False
    project = locate(place, {})
    return project.repository is None or project.root == place.resolve()
