"""Fail when coverage falls under its floors: 95 % of everything, every branch of the decisions."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

OVERALL_PERCENT = 95.0


def main() -> int:
    """Combine the runs' data, print what is missing, and return the exit code."""
    run = [sys.executable, "-m", "coverage"]
    if any(Path.cwd().glob(".coverage.*")):
        subprocess.run([*run, "combine", "--quiet", "--append"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        subprocess.run([*run, "json", "--quiet", "-o", str(report)], check=True)
        measured: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    overall = measured["totals"]["percent_covered"]
    uncovered = {
        name: facts["summary"]["percent_covered"]
        for name, facts in measured["files"].items()
        if name.endswith("rules.py") and facts["summary"]["percent_covered"] < 100
    }
    print(f"coverage: {overall:.1f} % of {measured['totals']['num_statements']} statements and their branches")
    for name, percent in uncovered.items():
        print(f"  {name}: {percent:.1f} %, and decisions are to be covered whole")
    return 1 if uncovered or overall < OVERALL_PERCENT else 0


if __name__ == "__main__":
    sys.exit(main())
