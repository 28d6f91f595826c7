"""An action as a person reads it before deciding: in full, with nothing hidden in it and nothing left out."""

import json
import re
from typing import Any

from agentops_mcp.core.display import gist
from agentops_mcp.core.lookalikes import revealed
from agentops_mcp.factors.approval.rules.subjects import PLAN, Subject

_TITLE_CHARS = 120
_READ_CHARS = 2_000
"""More than fits into a title, whatever white space is in it."""

_DIGEST = re.compile(r"(?:: )?sha256:[0-9a-f]{64}|, changed \d+")


def headline(subject: Subject) -> str:
    """What would be done, on one line, cut when it is long."""
    fields = subject.fields
    match subject.kind:
        case "shell" | "git":
            said = f"run {_start(subject.text)}"
        case "file_write":
            said = f"write {_start(fields.get('path'))}"
        case "file_delete":
            said = f"delete {_start(fields.get('path'))}"
        case "patch":
            said = f"apply a patch to {', '.join(map(_start, list(subject.files)[:3])) or 'files'}"
        case "tool_call":
            said = f"call {_start(subject.text)}"
        case "network":
            said = f"send {_start(subject.text)}"
        case kind if kind == PLAN:
            said = f"go by a plan: {_start(subject.text)}"
        case _:
            said = _start(subject.text)
    return gist(revealed(said[0].upper() + said[1:]), limit=_TITLE_CHARS)


def in_full(subject: Subject) -> tuple[str, ...]:
    """Every line of the action itself; what a file would hold, and what would be sent, is `payload`."""
    fields = subject.fields
    match subject.kind:
        case "file_write" | "file_delete":
            return (f"{subject.kind.removeprefix('file_')} {one_line(str(fields.get('path', '')))}",)
        case "patch":
            lines = counted(diff_of(subject).count("\n") or 1, "line")
            return (f"apply the patch below, of {lines}",)
        case "tool_call" if fields.get("arguments"):
            return (f"call {one_line(str(fields.get('name', '')))} with", *_as_json(fields["arguments"]))
        case "tool_call":
            return (f"call {one_line(str(fields.get('name', '')))} without arguments",)
        case _:
            return lines_of(subject.text)


def payload(subject: Subject) -> tuple[str, tuple[str, ...]] | None:
    """What a file would hold or what would be sent, whole, under its heading; None where the diff says it."""
    fields = subject.fields
    match subject.kind:
        case "file_write" if not subject.diff:
            content = fields.get("content")
            if content is None:
                return "What it would write", ("It did not say: the file can come to hold anything.",)
            return "What it would write", lines_of(str(content)) if content else ("Nothing: the file would be empty.",)
        case "network" if fields.get("body"):
            return "What it would send", lines_of(str(fields["body"]))
        case _:
            return None


def diff_of(subject: Subject) -> str:
    """What would change in files, as a unified diff as it was found; empty where that is not known."""
    if subject.kind == "patch":
        return str(subject.fields.get("diff", ""))
    return subject.diff


def diff_lines(subject: Subject) -> tuple[str, ...]:
    """Every line of that diff, as it can be shown."""
    diff = diff_of(subject)
    return lines_of(diff.removesuffix("\n")) if diff else ()


def files_of(subject: Subject) -> tuple[str, ...]:
    """Each file that the action touches, and what is there now, without digests."""
    return tuple(
        f"{one_line(path)}: {said}" if (said := one_line(_DIGEST.sub("", held))) else one_line(path)
        for path, held in subject.files.items()
    )


def lines_of(text: str) -> tuple[str, ...]:
    """Every line of a text, as it can be shown."""
    return tuple(revealed(text).split("\n"))


def one_line(text: str) -> str:
    """A text as it can be shown where a second line would be taken for something else."""
    return revealed(text).replace("\n", "\\n").replace("\t", "\\t")


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 file`, `2 files`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _as_json(value: Any) -> tuple[str, ...]:
    return lines_of(json.dumps(value, indent=2, ensure_ascii=False))


def _start(value: object) -> str:
    return str(value)[:_READ_CHARS]
