"""A patch says which files it touches."""

import pytest

from agentops_mcp.factors.guardrails.rules.patches import touched


@pytest.mark.parametrize(
    ("diff", "written", "deleted"),
    [
        ("--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b\n", ("x.py",), ()),
        ("--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+b\n", ("new.py",), ()),
        ("--- a/old.py\t2026-01-01\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", (), ("old.py",)),
        ("diff --git a/x b/y\nrename from x\nrename to y\n", ("y",), ("x",)),
        ("*** Update File: a.py\n*** Delete File: b.py\n*** Add File: c.py\n", ("a.py", "c.py"), ("b.py",)),
        ("*** Update File: a.py\n*** Move to: b.py\n", ("a.py", "b.py"), ()),
        ("nothing of the kind", (), ()),
    ],
)
def test_touched_files(diff: str, written: tuple[str, ...], deleted: tuple[str, ...]) -> None:
    assert touched(diff) == (written, deleted)
