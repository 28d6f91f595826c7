"""`context --batch`, as a benchmark uses it on many repositories."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from command_line import agentops, record
from conftest import git
from shops import TASK, stock, tree_of

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture
def shop(repository: Path) -> Path:
    return stock(repository)


@pytest.fixture
def hub(shop: Path, tmp_path: Path) -> Path:
    """A folder with a bare clone of it, as owner/name.git."""
    (tmp_path / "hub" / "acme").mkdir(parents=True)
    git(tmp_path, "clone", "--quiet", "--bare", str(shop), "hub/acme/shop.git")
    return tmp_path / "hub"


def lines(*rows: Any) -> bytes:
    return b"".join(row if isinstance(row, bytes) else json.dumps(row).encode() + b"\n" for row in rows)


def batch(*rows: Any, at: Path, options: Sequence[str] = ()) -> tuple[int, list[dict[str, Any]]]:
    done = agentops("context", "--batch", "-", *options, at=at, stdin=lines(*rows))
    assert done.err == ""
    return done.code, [json.loads(line) for line in done.out.splitlines()]


def test_a_batch_answers_every_line_in_order_on_a_bare_clone(shop: Path, hub: Path, tmp_path: Path) -> None:
    head = git(shop, "rev-parse", "HEAD")
    rows = [
        {"id": "a", "repo": "acme/shop", "rev": head, "task": TASK, "budget_tokens": 400},
        {"id": 7, "repo": "acme/shop", "rev": f"{head[:12]}~1", "task": TASK, "budget": 900, "more": [1]},
        {"id": None, "repo": "acme/shop", "task": "send an invoice to a customer"},
    ]
    file = tmp_path / "tasks.jsonl"
    file.write_bytes(lines(rows[0], b"\n", rows[1], b"   \n", rows[2]))
    refs = git(hub / "acme" / "shop.git", "for-each-ref")
    before = tree_of(hub)
    done = agentops("context", "--batch", str(file), "--repos", str(hub), at=tmp_path)
    assert (done.code, done.err) == (0, "")
    found = [json.loads(line) for line in done.out.splitlines()]
    assert [(each["id"], each["budget"]) for each in found] == [("a", 400), (7, 900), (None, 6000)]
    for each in found:
        assert list(each) == ["id", "tokens", "budget", "seconds", "items"]
        assert sum(item["tokens"] for item in each["items"]) <= each["tokens"] <= each["budget"]
        assert each["seconds"] > 0
    assert list(found[0]["items"][0]) == ["path", "start", "end", "level", "tokens"]
    assert "src/shop/retry.py" in {item["path"] for item in found[0]["items"]}
    assert {item["path"] for item in found[1]["items"]} <= {"app.py"}
    assert "billing.py" in {item["path"] for item in found[2]["items"]}
    assert tree_of(hub) == before
    assert git(hub / "acme" / "shop.git", "for-each-ref") == refs


def test_a_batch_loads_what_the_tool_does_of_the_code_alone(shop: Path, hub: Path) -> None:
    record(shop, "Retry a slow host with a token bucket")
    rows = [{"id": 1, "task": TASK, "budget_tokens": 500}, {"id": 2, "task": TASK, "repo": "acme/shop", "budget": 500}]
    _, (here, there) = batch(*rows, at=shop, options=["--repos", str(hub)])
    alone = agentops(
        "context", TASK, "--budget", "500", "--json", "--repo", str(hub / "acme/shop.git"), at=hub
    ).document
    keys = ("path", "start", "end", "level", "tokens")
    assert here["items"] == there["items"] == [{key: item[key] for key in keys} for item in alone["items"]]


def test_the_same_line_gives_the_same_items_whatever_came_before(hub: Path) -> None:
    row = {"id": 1, "repo": "acme/shop", "task": TASK, "budget_tokens": 300}
    _, found = batch(row, {**row, "task": "send an invoice"}, row, at=hub, options=["--repos", "."])
    assert found[0]["items"] == found[2]["items"] != found[1]["items"]


@pytest.mark.parametrize(
    "place",
    ["acme/shop", "acme+shop/repo", "acme+shop", "acme__shop", "acme-shop", "shop", "acme/shop.git", "shop.git"],
)
@pytest.mark.parametrize("options", [["--bare"], []], ids=["bare", "checkout"])
def test_a_repository_is_found_by_its_name(shop: Path, tmp_path: Path, place: str, options: list[str]) -> None:
    git(tmp_path, "clone", "--quiet", *options, str(shop), f"farm/{place}")
    code, (found,) = batch({"repo": "acme/shop", "task": TASK}, at=tmp_path, options=["--repos", "farm"])
    assert (code, "error" in found) == (0, False)


def test_a_folder_inside_another_repository_is_not_taken_for_one(shop: Path) -> None:
    (shop / "vendor" / "acme" / "shop").mkdir(parents=True)
    code, (found,) = batch({"repo": "acme/shop", "task": TASK}, at=shop, options=["--repos", "vendor"])
    assert (code, "acme/shop is not in vendor." in found["error"]) == (1, True)


@pytest.mark.parametrize(
    "name",
    [
        "..", "../repository", "acme/..", "acme/../../repository", "/etc", "C:\\x", "a/b/c", "acme/", "/shop",
        "acme\\shop", "acme/shop\0", "acme/shop\n", "~/x", "{owner}/x", "./shop", " ", "\ud800/x", "a" * 500 + "/..",
    ],
    ids=lambda name: ascii(name)[:30],
)  # fmt: skip
def test_a_hostile_name_of_a_repository_is_refused(hub: Path, name: str) -> None:
    code, (found,) = batch({"id": 1, "repo": name, "task": TASK}, at=hub, options=["--repos", "."])
    assert (code, list(found)) == (1, ["id", "error"])
    assert "is not a repository's name." in found["error"]
    assert len(found["error"]) < 300


def test_a_line_that_cannot_be_answered_is_told_and_the_others_go_on(shop: Path, hub: Path) -> None:
    good = {"id": "good", "repo": "acme/shop", "task": TASK, "budget_tokens": 300}
    bad: list[tuple[Any, str]] = [
        (b"{\n", "not a JSON object"), (b"[1]\n", "not a JSON object"), (b'{"id": "\xff"}\n', "not a JSON object"),
        (b"[" * 100_000 + b"\n", "not a JSON object"), ({"id": 1}, "The task is empty."),
        ({**good, "task": 5}, "task is not a text."), ({**good, "repo": ["x"]}, "repo is not a text."),
        ({**good, "rev": 12}, "rev is not a text."), ({**good, "rev": "gone"}, "'gone' is not a commit"),
        ({**good, "repo": "acme/gone"}, "acme/gone is not in"), ({**good, "budget_tokens": "9"}, "not a whole number"),
        ({**good, "budget_tokens": True}, "not a whole number"), ({**good, "budget_tokens": 199}, "is not between"),
        ({**good, "budget_tokens": 10**30}, "is not between"), ({**good, "task": "x" * 20_001}, "20,000 characters"),
    ]  # fmt: skip
    code, found = batch(*(row for row, _ in bad), good, at=shop, options=["--repos", str(hub)])
    assert code == 1
    for number, (each, (row, problem)) in enumerate(zip(found[:-1], bad, strict=True), start=1):
        assert list(each) == ["id", "error"]
        assert each["id"] == (row["id"] if isinstance(row, dict) else None)
        assert each["error"].startswith(f"line {number}: ")
        assert problem in each["error"]
    assert (found[-1]["id"], "error" in found[-1]) == ("good", False)


def test_a_name_without_a_folder_to_look_in_is_told(shop: Path) -> None:
    code, (found,) = batch({"repo": "acme/shop", "task": TASK}, at=shop)
    assert (code, "--repos" in found["error"]) == (1, True)


def test_a_batch_without_lines_is_an_answer_without_lines(shop: Path) -> None:
    assert batch(at=shop) == (0, [])


def test_the_budget_of_the_command_is_that_of_lines_without_one(shop: Path) -> None:
    _, found = batch({"task": TASK}, {"task": TASK, "budget_tokens": None}, at=shop, options=["--budget", "250"])
    assert [each["budget"] for each in found] == [250, 250]
    assert max(each["tokens"] for each in found) <= 250


def test_a_repository_where_no_cache_can_be_kept_is_answered_all_the_same(hub: Path) -> None:
    (hub / "acme" / "shop.git" / "agentops").write_text("not a folder", encoding="utf-8")
    row = {"id": 1, "repo": "acme/shop", "task": TASK}
    done = agentops("context", "--batch", "-", "--repos", ".", at=hub, stdin=lines(row))
    assert (done.code, bool(json.loads(done.out)["items"])) == (0, True)
    assert agentops("context", TASK, "--repo", "acme/shop.git", at=hub).code == 0


def test_more_repositories_than_are_kept_open_can_take_turns(shop: Path, tmp_path: Path) -> None:
    for number in range(4):
        git(tmp_path, "clone", "--quiet", "--bare", str(shop), f"farm/acme/shop{number}")
    rows = [{"id": n, "repo": f"acme/shop{n % 4}", "task": TASK, "budget_tokens": 300} for n in range(8)]
    code, found = batch(*rows, at=tmp_path, options=["--repos", "farm"])
    assert (code, [each["id"] for each in found]) == (0, list(range(8)))
    assert len({json.dumps(each["items"]) for each in found}) == 1


def test_outside_git_a_batch_reads_the_folder_and_leaves_it_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "retry.py").write_text("def retry(host):\n    return host.slow\n", encoding="utf-8")
    code, (row, refused) = batch({"id": 1, "task": TASK}, {"id": 2, "task": TASK, "rev": "HEAD"}, at=tmp_path)
    assert (code, row["id"], bool(row["items"])) == (1, 1, True)
    assert "not in a git repository" in refused["error"]
    assert not (tmp_path / ".agentops").exists()
