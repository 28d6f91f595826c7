"""Compile the guard's packs into the one file that a hook reads, or check that the file is what they come to.

    python scripts/compile_packs.py [--check]

With `--check` nothing is written, and the exit code is 1 when the file has to be written again.
"""

import argparse
import sys
from pathlib import Path

from agentops_mcp.factors.guardrails.rules.packs import compiled
from agentops_mcp.storage.policy_files import COMPILED, PACKS, builtin_tables, versioned
from agentops_mcp.storage.policy_kept import written


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="only say whether the file is up to date")
    options = parser.parse_args()
    data = compiled(builtin_tables())
    text = written({"version": versioned(data), "data": data})
    path = Path(PACKS) / COMPILED
    current = path.read_text(encoding="utf-8") if path.exists() else None
    if current == text:
        return 0
    if options.check:
        print(f"{path} is not what the packs come to; run `python scripts/compile_packs.py`.", file=sys.stderr)
        return 1
    path.write_text(text, encoding="utf-8")
    print(f"{path}: {len(data['texts'])} rules and commands, {len(text)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
