"""Write docs/reference from the code: `python scripts/reference.py`, or `--check` to fail when it is out of date."""

import difflib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # the pages, also when a test loads this file

from reference_pages import cli, errors, guardrails, settings, storage, tools

FOLDER = Path(__file__).parents[1] / "docs" / "reference"

PAGES: dict[str, Callable[[], str]] = {
    "tools.md": tools.page,
    "cli.md": cli.page,
    "settings.md": settings.page,
    "guardrails.md": guardrails.page,
    "errors.md": errors.page,
    "storage.md": storage.page,
}


def drift() -> list[str]:
    """A diff for every page that is not what the code says now, and a line for every file that is no page."""
    found: list[str] = []
    for name, page in PAGES.items():
        path = FOLDER / name
        written = path.read_text(encoding="utf-8") if path.exists() else ""
        diff = difflib.unified_diff(written.splitlines(), page().splitlines(), f"docs/reference/{name}", "the code")
        if lines := list(diff):
            found.append("\n".join(line.rstrip("\n") for line in lines))
    found += [f"docs/reference/{path.name} is not generated." for path in FOLDER.glob("*") if path.name not in PAGES]
    return found


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or compare them; returns the exit code."""
    if arguments not in ([], ["--check"]):
        print("usage: python scripts/reference.py [--check]", file=sys.stderr)
        return 2
    if not arguments:
        FOLDER.mkdir(parents=True, exist_ok=True)
        for name, page in PAGES.items():
            (FOLDER / name).write_text(page(), encoding="utf-8", newline="\n")
        return 0
    found = drift()
    for text in found:
        print(text)
    if found:
        print("docs/reference is out of date: run `python scripts/reference.py`.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
