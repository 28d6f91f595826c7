"""What a person let pass goes through a client's hook too: the same call, once, while the files are the same."""

import json
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agentops_mcp.app import App
from agentops_mcp.cli.canary import event
from agentops_mcp.core.clock import utc_now
from agentops_mcp.hooks.dialects import DIALECTS
from agentops_mcp.hooks.run import Judgement
from agentops_mcp.storage.policy_kept import PASSES, has_passes, keep_pass, read_pass, take_pass
from bound import PAGE, RELEASE, Bound, make_project
from conftest import FakeClock, git

pytestmark = pytest.mark.usefixtures("own_home")


def said(payload: Mapping[str, Any], **environment: str) -> str:
    answer = Judgement(DIALECTS["claude-code"], environment).answer(json.dumps(payload).encode())
    return "" if not answer else json.loads(answer)["hookSpecificOutput"]["permissionDecision"]


def hook(at: Path, command: str = RELEASE, **environment: str) -> str:
    return said(event("claude-code", command, str(at)), **environment)


def written(at: Path, path: str, content: str) -> str:
    call = {"tool_name": "Write", "tool_input": {"file_path": path, "content": content}}
    return said({**event("claude-code", "", str(at)), **call})


@pytest.fixture
def project(repository: Path) -> Path:
    make_project(repository)
    return repository


def let_pass(project: Path, action: Any = RELEASE, *, clock: Callable[[], datetime] = utc_now, **more: Any) -> None:
    """Have an action approved, and use the approval as an agent does."""
    with App(project, environment={}, clock=clock) as app:
        bound = Bound(project, app, FakeClock(clock()))
        assert bound.check(action, bound.approved(action, **more), **more).decision == "allow"


def test_an_approved_call_goes_through_once(project: Path) -> None:
    assert hook(project) == "ask"
    let_pass(project)
    assert [hook(project), hook(project)] == ["", "ask"]


def test_also_with_nobody_there(project: Path) -> None:
    let_pass(project)
    assert [hook(project, AGENTOPS_HEADLESS="1"), hook(project, AGENTOPS_HEADLESS="1")] == ["", "deny"]


def test_what_a_grant_lets_pass_goes_through_as_well(project: Path) -> None:
    with App(project, environment={}) as app:
        app.approving().grants.give(
            "publishing.release", "", uses=2, lasts=timedelta(hours=1), severity="high", reason="release day",
            by="person anna", actor=PAGE,
        )  # fmt: skip
        bound = Bound(project, app, FakeClock())
        for _ in range(2):
            assert bound.check().decision == "allow"
            assert [hook(project), hook(project)] == ["", "ask"]


@pytest.mark.parametrize("command", [f"{RELEASE} --tag next", f"{RELEASE} && rm -rf data"])
def test_another_command_does_not(command: str, project: Path) -> None:
    let_pass(project)
    assert hook(project, command) == "ask"
    assert hook(project) == ""


def test_another_folder_does_not(project: Path) -> None:
    let_pass(project)
    assert hook(project / "sub") == "ask"


def test_a_changed_file_holds_it_back(project: Path) -> None:
    let_pass(project)
    (project / "deploy.sh").write_text("rm -rf /\n", encoding="utf-8")
    assert hook(project) == "ask"


def test_a_changed_policy_holds_it_back(project: Path) -> None:
    let_pass(project)
    (project / ".agentops").mkdir()
    rule = '[[rule]]\nid = "own"\neffects = ["spend"]\ndecision = "deny"\nseverity = "low"\nreason = "It costs."\n'
    (project / ".agentops" / "guardrails.toml").write_text(rule, encoding="utf-8")
    assert hook(project) == "ask"


@pytest.mark.parametrize(
    "moved", [("switch", "--quiet", "--create", "other"), ("commit", "--quiet", "--allow-empty", "--message", "more")]
)
def test_another_branch_or_commit_holds_it_back(moved: tuple[str, ...], project: Path) -> None:
    let_pass(project)
    git(project, *moved)
    assert hook(project) == "ask"


def test_it_ends_with_the_approval(project: Path) -> None:
    early = datetime.now(UTC) - timedelta(minutes=10, seconds=2)
    let_pass(project, clock=lambda: early)
    assert hook(project) == "ask"


def test_a_write_is_the_same_however_its_path_is_spelled(project: Path) -> None:
    path = ".git/hooks/pre-commit"
    assert written(project, f"{project}/{path}", "x\n") == "ask"
    let_pass(project, {"path": path, "content": "x\n"}, kind="file_write")
    assert written(project, f"{project}/{path}", "y\n") == "ask"
    assert written(project, f"{project}/sub/../{path}", "x\n") == ""


def test_a_write_that_was_approved_by_its_path_alone_may_hold_anything(project: Path) -> None:
    let_pass(project, ".git/hooks/pre-commit", kind="file_write")
    assert written(project, f"{project}/.git/hooks/pre-commit", "y\n") == ""


def test_of_many_hooks_at_once_one_goes_through(project: Path) -> None:
    let_pass(project)
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(hook, [project] * 16))
    assert sorted(found) == ["", *["ask"] * 15]


def folder_of(project: Path) -> Path:
    return project / ".git" / "agentops" / PASSES


def test_a_pass_that_was_copied_or_written_by_another_is_not_believed(project: Path) -> None:
    let_pass(project)
    (kept,) = folder_of(project).iterdir()
    text = kept.read_text(encoding="utf-8")
    kept.rename(kept.with_suffix(".was"))
    kept.write_text(text, encoding="utf-8")
    assert hook(project) == "ask"


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"until": 1}', '{"until": "9999", "files": 3, "secret": []}'])
def test_what_is_no_pass_lets_nothing_through(text: str, project: Path) -> None:
    let_pass(project)
    (kept,) = folder_of(project).iterdir()
    document = json.loads(text or "null")
    own = json.loads(kept.read_text(encoding="utf-8"))["self"]
    kept.write_text(json.dumps({**document, "self": own} if isinstance(document, dict) else document), encoding="utf-8")
    assert hook(project) == "ask"


def test_passes_nobody_came_for_are_swept(project: Path) -> None:
    let_pass(project)
    with App(project, environment={}) as app:
        place = app.guard().place
    (old,) = folder_of(project).iterdir()
    os.utime(old, (1, 1))
    assert has_passes(place)
    keep_pass(place, "new", {"until": "9999"})
    assert [each.name for each in folder_of(project).iterdir()] == ["new"]
    assert read_pass(place, "new") is not None
    assert [take_pass(place, "new"), take_pass(place, "new"), has_passes(place)] == [True, False, False]
