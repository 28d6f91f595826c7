"""A project in which agents asked for much and people decided most of it: what the page is looked at with."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from agentops_mcp.core.records import Actor
from agentops_mcp.factors.approval.service.requests import Standing
from page_in_use import CLAUDE, Served

ANNA = Actor("page", "anna", "page")
CODEX = Actor("codex 0.140", "anna", "mcp")

PATCH = """\
--- a/shop/retry.py
+++ b/shop/retry.py
@@ -1,7 +1,9 @@
 import time

-ATTEMPTS = 3
+ATTEMPTS = 5
+BUDGET_S = 2.0


-def wait(attempt: int) -> None:
-    time.sleep(2**attempt)
+def wait(attempt: int, left_s: float) -> float:
+    pause = min(left_s, 0.1 * 2**attempt)
+    time.sleep(pause)
+    return left_s - pause
"""


@dataclass(frozen=True, slots=True)
class Busy:
    """Requests by what became of them."""

    critical: Standing
    deletes: Standing
    patch: Standing
    sent_back: Standing


def make_busy(site: Served) -> Busy:
    """Fill a project: a history of decisions, a grant, and requests that wait."""
    _history(site)
    sent_back = _sent_back(site)
    _grant(site)
    site.clock.advance(timedelta(minutes=12))
    critical = _critical(site)
    site.clock.advance(timedelta(minutes=7))
    deletes = _deletes(site)
    site.clock.advance(timedelta(minutes=3))
    patch = _patch(site)
    site.clock.advance(timedelta(minutes=2))
    return Busy(critical, deletes, patch, sent_back)


def _history(site: Served) -> None:
    requests = site.app.approving().requests
    for number, (decision, read_s) in enumerate(
        [("approve", 40), ("approve", 95), ("reject", 180), ("approve", 2), ("approve", 61), ("approve", 3),
         ("approve", 48), ("reject", 75), ("approve", 52)], start=1,
    ):  # fmt: skip
        asked = site.ask(
            f"npm publish --tag next ./packages/client-{number}",
            summary=f"Release the candidate 2.4.0-{number} of the client",
            changes="The candidate can be installed by name, and by nobody who does not name it.",
        )
        requests.show(asked.request.id, by="person anna", actor=ANNA)
        site.clock.advance(timedelta(seconds=read_s))
        words = "The change log lacks the renamed calls." if decision == "reject" else ""
        site.decide(asked, decision, by="person anna", feedback=words)
        site.clock.advance(timedelta(minutes=25))


def _sent_back(site: Served) -> Standing:
    asked = site.ask(
        "git push origin v2.4.0",
        actor=CODEX,
        summary="Push the tag of version 2.4.0, which starts the release",
        changes="The pipeline builds version 2.4.0 and makes it public.",
        rollback="Delete the tag within ten minutes, before the pipeline reaches its last step.",
        alternatives=["A release branch: two more reviews, and a day later"],
        risks=["The pipeline was changed last week, and has not released since"],
        novelty="high",
    )
    site.clock.advance(timedelta(minutes=1))
    site.decide(asked, "revise", by="person anna", feedback="Run the pipeline on a candidate first.")
    return asked


def _grant(site: Served) -> None:
    site.app.approving().grants.give(
        "files.delete-tree", str(site.app.parts.project.root / "build"), uses=5, lasts=timedelta(hours=2),
        severity="medium", reason="Builds are made anew all day.", by="person anna", actor=ANNA,
    )  # fmt: skip


def _critical(site: Served) -> Standing:
    return site.ask(
        "psql shop -c 'DROP TABLE sessions_old'",
        summary="Drop the table sessions_old",
        changes="12,400 rows of 2024 are deleted; nothing has read the table since June.",
        rollback="Restore the table from the backup of last night: about 20 minutes.",
        impact={"files": 0, "services": ["billing", "reports"], "cost": "none", "level": "high"},
        alternatives=["Archive it: keeps the cost of 40 GB", "Leave it: the migration stays blocked"],
        risks=["The yearly report may still read it"],
        task="Move sessions to the new store",
        phase="implement",
        confidence=0.8,
        questions=["Does anybody still need the sessions of 2024?"],
        risk="high",
    )


def _deletes(site: Served) -> Standing:
    words: dict[str, Any] = {
        "summary": "Delete the old importer",
        "changes": "The folder legacy/importer goes; its callers moved to the new one in May.",
        "rollback": "git revert of the commit that follows",
        "impact": {"files": ["legacy/importer/read.py", "legacy/importer/write.py"], "level": "medium"},
        "alternatives": ["Keep it as dead code: every search finds it first"],
        "risks": ["A script outside the repository may import it"],
    }
    first = site.ask("rm -rf legacy/importer", session="one", **words)
    site.ask("rm -rf legacy/importer", session="two", **words)
    return first


def _patch(site: Served) -> Standing:
    return site.ask(
        PATCH,
        kind="patch",
        actor=CLAUDE,
        summary="Give retries a budget of two seconds",
        changes="A caller waits two seconds at most, and not up to 14.",
        rollback="git revert of the commit",
        impact={"files": ["shop/retry.py"], "services": ["checkout"], "level": "high"},
        alternatives=["A limit per host: needs a shared store"],
        risks=["A slow host may now fail where it succeeded late"],
    )
