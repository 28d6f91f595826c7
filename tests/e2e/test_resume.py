"""One process saves and is killed, the project moves on, and a process of the other protocol era resumes."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from agentops_mcp.core import tokens
from conftest import git
from e2e.raw_client import (
    GOAL,
    LEGACY,
    MODERN,
    Era,
    RawClient,
    brief_of,
    environment,
    make_project,
    run_command,
    serve,
    state,
    text_of,
)
from e2e.seeded_changes import CHANGES, Seeded, seeded


def save(client: RawClient, **changes: Any) -> dict[str, Any]:
    result = client.call("save_state", state(**changes))
    assert not result["isError"], text_of(result)
    return result["structuredContent"]


def resume(client: RawClient, **arguments: Any) -> str:
    result = client.call("resume_state", arguments)
    assert not result["isError"], text_of(result)
    return text_of(result)


def citing(project: Seeded) -> dict[str, Any]:
    """A state that cites every path as a key file, and commits and values in its claims."""
    commits = project.commits
    return state(
        key_files=[change.cited for change in CHANGES],
        parameters=[
            {"name": "retries", "value": "3", "file": "settings.ini"},
            {"name": "window", "value": "30", "file": "settings.ini"},
            {"name": "uncited", "value": "64"},
        ],
        findings=[f"{name}: see {commit[:12]}" for name, commit in commits.items()],
        decisions=[{"choice": "keep seeds/same.txt", "why": "it is read by seeds/edited.txt"}],
        next_steps=["read seeds/same.txt line by line", "delete seeds/gone.txt and seeds/lost.txt"],
        did="Nothing was cited here.",
    )


def verdict_of(text: str, claim: str) -> str:
    """The verdict that stands after the one line with this claim."""
    lines = [line for line in text.splitlines() if line.startswith((f"- {claim} [", f"- {claim}: ", f"1. {claim}"))]
    lines += [line for line in text.splitlines() if line.startswith("2. ") and line[3:].startswith(claim)]
    assert len(lines) == 1, (claim, lines)
    found = re.search(r"\[((?:FRESH|STALE|UNVERIFIABLE).*)\]$", lines[0])
    return found[1] if found else ""


@pytest.mark.parametrize(("first", "second"), [(MODERN, LEGACY), (LEGACY, MODERN)])
def test_every_change_since_a_killed_session_gets_its_verdict(tmp_path: Path, first: Era, second: Era) -> None:
    assert len(CHANGES) >= 25
    place = seeded(tmp_path)
    variables = environment(tmp_path / "home")
    with serve(place.project, variables, first) as client:
        handle = brief_of(client, GOAL).split()[1]
        saved = save(client, session=handle, **citing(place))
        client.kill()
    place.move_on()
    with serve(place.project, variables, second) as client:
        text = resume(client, detail="all", budget_tokens=8000)
        brief = brief_of(client, GOAL)
    assert saved["id"] in text
    wrong = {
        change.name: (found, change.verdict)
        for change in CHANGES
        if (found := verdict_of(text, change.shown or change.cited)) != change.verdict
    }
    assert wrong == {}
    _check_commits_and_values(text, place)
    now = next(line for line in text.splitlines() if line.startswith("now: "))
    assert now.startswith("now: STALE: now on branch next, then on branch feature; branch feature is gone")
    assert saved["id"] in brief
    assert "read seeds/same.txt line by line [FRESH]" in brief
    assert tokens.count(brief) <= 2_000


def _check_commits_and_values(text: str, place: Seeded) -> None:
    commits = {name: commit[:12] for name, commit in place.commits.items()}
    successor = git(place.project, "log", "--format=%H", "--grep=^rewritten$", "HEAD")[:12]
    expected = {
        f"in history: see {commits['in history']}": "FRESH",
        f"on a branch: see {commits['on a branch']}": f"STALE: commit {commits['on a branch']} is on kept, "
        "not in HEAD's history",
        f"rewritten: see {commits['rewritten']}": f"STALE: commit {commits['rewritten']} was rewritten as {successor}",
        f"pruned: see {commits['pruned']}": f"UNVERIFIABLE: commit {commits['pruned']} is not in this clone",
        "retries = 3 (settings.ini)": "STALE: the value of retries is no longer in settings.ini",
        "window = 30 (settings.ini)": "FRESH",
        "keep seeds/same.txt — it is read by seeds/edited.txt": "STALE: seeds/edited.txt changed",
        "read seeds/same.txt line by line": "FRESH",
        "delete seeds/gone.txt and seeds/lost.txt": "STALE: seeds/gone.txt deleted; seeds/lost.txt deleted",
    }
    assert {claim: verdict_of(text, claim) for claim in expected} == expected
    assert "- uncited = 64" in text.splitlines()


def fingerprint(project: Path) -> dict[str, str]:
    """What a save must not change: HEAD, the index, every file and every ref but ours."""
    files = {
        path.relative_to(project).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(project.rglob("*"))
        if path.is_file() and not path.is_symlink() and ".git" not in path.relative_to(project).parts
    }
    refs = [line for line in git(project, "show-ref", "--head").splitlines() if "refs/agentops/" not in line]
    index = hashlib.sha256((project / ".git" / "index").read_bytes()).hexdigest()
    status = git(project, "status", "--porcelain=v2", "--branch")
    return {**files, "refs": "\n".join(refs), "index": index, "status": status}


def test_a_save_leaves_the_project_as_it_was_and_a_later_process_restores_it(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    variables = environment(tmp_path / "home")
    (project / "data.bin").write_bytes(bytes(range(256)))
    (project / "tool.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    git(project, "add", "data.bin", "tool.sh")
    git(project, "commit", "--quiet", "--message", "second")
    git(project, "mv", "data.bin", "moved.bin")
    (project / "tool.sh").chmod(0o755)
    (project / "app.py").write_bytes(b"print('staged')\r\n")
    git(project, "add", "app.py")
    (project / "app.py").write_bytes(b"print('later')\r\n")
    (project / "new").mkdir()
    (project / "new" / "untracked.bin").write_bytes(b"\0\xff\r\n")
    (project / ".env").write_text("TOKEN=secret-value-of-mine\n", encoding="utf-8")
    before = fingerprint(project)
    with serve(project, variables) as client:
        saved = save(client)
        client.kill()
    assert fingerprint(project) == before
    assert "not kept: .env" in "\n".join(saved["findings"])
    git(project, "stash", "--quiet", "--include-untracked")
    git(project, "stash", "drop", "--quiet")
    (project / ".env").write_text("TOKEN=secret-value-of-mine\n", encoding="utf-8")
    done = run_command(project, "restore", saved["id"], environment=variables)
    assert done.returncode == 0, done.stderr
    after = fingerprint(project)
    assert {name: after[name] for name in before if name != "index"} == {
        name: before[name] for name in before if name != "index"
    }
    listed = b"".join(
        path.read_bytes() for path in (project / ".git").rglob("*") if path.is_file() and path.name != "index"
    )
    assert b"secret-value-of-mine" not in listed


def test_two_processes_saving_on_one_parent_make_two_branches(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    variables = environment(tmp_path / "home")
    with serve(project, variables, MODERN) as one, serve(project, variables, LEGACY) as other:
        root = save(one)["id"]
        calls = [client.request("tools/call", {"name": "save_state", "arguments": state(parent=root)})
                 for client in (one, other) for _ in range(4)]  # fmt: skip
        saved = [call.result(60)["result"]["structuredContent"] for call in calls]
        assert {each["parent"] for each in saved} == {root}
        assert len({each["id"] for each in saved}) == 8
        findings = "\n".join(finding for each in saved for finding in each["findings"])
        assert f"a branch: {root} is also continued by " in findings
        tree = one.read("agentops://states")
        assert all(each["id"] in tree for each in saved)
        text = resume(other, query=saved[0]["id"])
        assert "continues the same parent, as another branch" in text


def test_a_resumed_chain_is_merged_and_stays_in_its_budget(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    variables = environment(tmp_path / "home")
    with serve(project, variables) as client:
        handle = brief_of(client, GOAL).split()[1]
        first = save(client, session=handle, findings=["schedules never change within a day"])
        second = save(
            client, session=handle, decisions=[{"choice": "evict by age", "why": "sizes differ by 1,000"}],
            parameters=[{"name": "CACHE_SIZE", "value": "128"}],
        )  # fmt: skip
        assert second["parent"] == first["id"]
        text = resume(client, query=GOAL)
        for said in ("cache by region", "evict by age", "CACHE_SIZE = 128", "schedules never change within a day"):
            assert text.count(said) == 1
        assert "CACHE_SIZE = 64" not in text
        for detail in ("summary", "steps", "work", "all"):
            for budget in (100, 150, 400, 1500, 8000):
                reply = resume(client, query=second["id"], detail=detail, budget_tokens=budget)
                assert tokens.count(reply) <= budget, (detail, budget)
                assert second["id"] in reply
        assert tokens.count(resume(client, detail="summary")) <= 100
        assert first["id"] not in brief_of(client, "Something else entirely: audit licences")


def test_of_two_processes_that_move_one_mission_exactly_one_does(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    variables = environment(tmp_path / "home")
    with serve(project, variables, MODERN) as one, serve(project, variables, LEGACY) as other:
        session = brief_of(one, GOAL).split()[1]
        for _ in range(10):
            opened = one.call("track_mission", {"op": "open", "goal": GOAL, "session": session})
            mission = text_of(opened).split()[1]
            move = {"op": "move", "mission": mission, "to": "queued", "reason": "scheduler", "session": session}
            calls = [
                client.request("tools/call", {"name": "track_mission", "arguments": move})
                for client in (one, other, one, other)
            ]
            results = [call.result(60)["result"] for call in calls]
            assert [result["isError"] for result in results].count(False) == 1
            for result in results:
                if result["isError"]:
                    assert "queued" in text_of(result)
            shown = text_of(other.call("track_mission", {"op": "show", "mission": mission}))
            assert shown.count("prep to queued") == 1


@pytest.mark.slow
def test_every_acknowledged_state_survives_the_killing_of_its_server(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    variables = environment(tmp_path / "home")
    acknowledged: list[str] = []
    for round_number in range(8):
        (project / "notes.txt").write_text(f"round {round_number}\n", encoding="utf-8")
        with serve(project, variables, (MODERN, LEGACY)[round_number % 2]) as client:
            calls = [
                client.request("tools/call", {"name": "save_state", "arguments": state(did=f"Saved {number} times.")})
                for number in range(6)
            ]
            calls[round_number % 3].result(60)
            client.kill()
        answered = [call.result() for call in calls if call.exception(60) is None]
        acknowledged += [answer["result"]["structuredContent"]["id"] for answer in answered]
    assert len(acknowledged) >= 8
    with serve(project, variables) as client:
        for identifier in acknowledged:
            assert identifier in resume(client, query=identifier, detail="summary")
    logged = run_command(project, "states", "--json", "-n", "1000", environment=variables)
    assert set(acknowledged) <= {node["id"] for node in json.loads(logged.stdout)}
    assert run_command(project, "verify", environment=variables).returncode == 0
    git(project, "fsck", "--strict", "--no-dangling")
