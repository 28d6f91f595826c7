"""`context`, as a person uses it on a project."""

import io
import re
import shutil
import time
from contextlib import redirect_stderr
from pathlib import Path
from typing import cast

import pytest

from agentops_mcp.cli import context
from agentops_mcp.core import tokens
from command_line import Done, agentops, record, start_session
from conftest import git
from shops import MODULES, TASK, stock, tree_of, write

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture
def shop(repository: Path) -> Path:
    return stock(repository)


def refusal(done: Done, code: int = 3) -> str:
    assert (done.code, done.out) == (code, "")
    return done.err


# One task


def test_a_person_sees_what_fits_the_budget_by_exact_count(shop: Path) -> None:
    for budget in (200, 300, 1000, 6000):
        done = agentops("context", TASK, "--budget", str(budget), at=shop)
        assert (done.code, done.err) == (0, "")
        assert 0 < tokens.count(done.out.removesuffix("\n")) <= budget
    assert "class TokenBucket" in done.out  # pyright: ignore[reportPossiblyUnbound]


def test_words_of_a_task_need_no_quotes(shop: Path) -> None:
    assert agentops("context", *TASK.split(), at=shop).out == agentops("context", TASK, at=shop).out


def test_the_json_has_the_text_its_cost_and_every_item(shop: Path) -> None:
    found = agentops("context", TASK, "--budget", "800", "--json", at=shop).document
    assert list(found) == ["task", "commit", "budget_tokens", "tokens", "items", "left_out", "text"]
    assert (found["task"], found["budget_tokens"]) == (TASK, 800)
    assert found["commit"] == git(shop, "rev-parse", "HEAD")
    assert found["tokens"] == tokens.count(found["text"]) <= 800
    assert found["text"] == agentops("context", TASK, "--budget", "800", at=shop).out.removesuffix("\n")
    assert "src/shop/retry.py" in {item["path"] for item in found["items"]}
    for item in found["items"]:
        assert list(item) == ["id", "path", "start", "end", "level", "reason", "title", "tokens"]
        assert 1 <= item["start"] <= item["end"] <= (shop / item["path"]).read_text("utf-8").count("\n")
        assert item["tokens"] > 0
    assert not {item["path"] for item in found["items"]} & set(found["left_out"]["files"])


def test_json_explained_has_the_share_and_the_reasons_of_each_item(shop: Path) -> None:
    found = agentops("context", TASK, "--json", "--explain", at=shop).document
    assert {"names" in item["reasons"] or "name" in item["reasons"] for item in found["items"]} == {True}
    assert 0 < sum(item["share"] for item in found["items"]) <= 1.001


def test_a_revision_is_read_instead_of_the_worktree(shop: Path) -> None:
    head = git(shop, "rev-parse", "HEAD")
    write(shop, {"src/shop/retry.py": "class LeakyBucket:\n    '''For a slow host: no token, no retry.'''\n"})
    now = agentops("context", TASK, "--json", at=shop).document
    then = agentops("context", TASK, "--json", "--rev", head, at=shop).document
    assert ("LeakyBucket" in now["text"], "LeakyBucket" in then["text"]) == (True, False)
    assert (now["commit"], then["commit"]) == (git(shop, "rev-parse", "HEAD"), head)


def test_named_paths_are_favoured_or_the_only_ones_and_what_was_seen_is_not_sent_again(shop: Path) -> None:
    def paths(*options: str) -> set[str]:
        found = agentops("context", TASK, "--json", *options, at=shop).document
        return {item["path"] for item in found["items"]}

    assert paths("--path", "src", "--path", "*.md", "--only") <= {path for path in MODULES if path[0] in "sd"}
    assert "src/shop/retry.py" in paths("--path", "src/shop/retry.py")
    found = agentops("context", TASK, "--json", at=shop).document
    assert not paths(*(word for item in found["items"] for word in ("--seen", item["id"])))


def test_a_brief_for_a_sub_agent_keeps_the_budget_too(shop: Path) -> None:
    done = agentops("context", TASK, "--subagent", "--budget", "700", at=shop)
    assert (done.code, tokens.count(done.out.removesuffix("\n")) <= 700) == (0, True)
    assert done.out != agentops("context", TASK, "--budget", "700", at=shop).out


def test_the_window_is_told_when_it_is_known(shop: Path) -> None:
    told = agentops("context", TASK, "--window", "200000", "--used", "20000", at=shop).out
    assert re.search(r"of 200,000 tokens \(1\d\.\d %\)", told)
    start_session(shop, "Make retries survive a slow host")
    assert agentops("context", TASK, "--window", "200000", "--used", "20000", at=shop).out == told
    assert "no session" in refusal(agentops("context", TASK, "--session", "gone", at=shop)).lower()


def test_what_the_project_remembers_is_used_and_nothing_is_recorded(shop: Path) -> None:
    (identifier,) = record(shop, "Retry a slow host with a token bucket")
    before = agentops("log", at=shop).out
    found = agentops("context", TASK, "--json", at=shop).document
    assert [item["path"] for item in found["items"] if identifier in item["id"]] == [""]
    assert agentops("log", at=shop).out == before
    assert "this project's memory" in agentops("context", TASK, "--tree", at=shop).out
    assert agentops("context", TASK, "--explain", at=shop).code == 0
    assert identifier not in agentops("context", TASK, "--repo", ".", at=shop).out


# Why, and where it went


def test_the_table_says_in_numbers_what_spoke_for_each_piece(shop: Path) -> None:
    found = agentops("context", TASK, "--json", at=shop).document
    done = agentops("context", TASK, "--explain", at=shop)
    assert done.out.startswith(found["text"])
    head, *rows, total = done.out.removeprefix(found["text"]).strip().splitlines()[1:]
    assert {"tokens", "share", "history", "related", "tests", "words", "piece"} <= set(head.split())
    assert len(rows) == len(found["items"])
    for row, item in zip(rows, found["items"], strict=True):
        assert re.match(rf" *{item['tokens']:,}  +\d+\.\d% +{item['level']} (?: +[+-]\d+\.\d){{5}}  ", row)
        assert f"  {item['path']}:{item['start']}" in row
    assert total.split()[0] == f"{sum(item['tokens'] for item in found['items']):,}"
    assert "-0.0" not in done.out


def test_the_tree_adds_up_to_the_items_and_to_the_budget(shop: Path) -> None:
    found = agentops("context", TASK, "--budget", "1000", "--json", at=shop).document
    drawn = agentops("context", TASK, "--budget", "1000", "--tree", at=shop).out.splitlines()
    rows = [re.fullmatch(r" *([\d,]+)  +(\d+\.\d)%  ( *)(.+)", line) for line in drawn]
    sizes = [(int(row[1].replace(",", "")), len(row[3]) // 2, row[4]) for row in rows if row]
    assert len(sizes) == len(drawn)
    assert sizes[0] == (1000, 0, "budget")
    *top, around, unused = [size for size, depth, _ in sizes if depth == 1]
    assert sum(top) == sum(item["tokens"] for item in found["items"])
    assert (sum(top) + around, unused) == (found["tokens"], 1000 - found["tokens"])
    assert top == sorted(top, reverse=True)
    folder = next(index for index, (_, _, name) in enumerate(sizes) if name == "src/shop/")
    inside = [size for size, depth, _ in sizes[folder + 1 :] if depth == 2]
    assert sum(inside) == sizes[folder][0]
    assert "deep/only/place.py" in {name for _, _, name in sizes}


def test_one_who_waits_for_long_at_a_terminal_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(context, "_PATIENCE_S", 0.0)
    for stream, told in ((Terminal(), True), (io.StringIO(), False)):
        with redirect_stderr(stream), context._patience():  # pyright: ignore[reportPrivateUsage]
            give_up_at = time.monotonic() + (10 if told else 0)
            while not stream.getvalue() and time.monotonic() < give_up_at:
                time.sleep(0.01)
        assert stream.getvalue().startswith("Indexing") == told


# What cannot be


def as_typed(value: object) -> str:
    return " ".join(cast("list[str]", value)) if isinstance(value, list) else ""


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ([], "Say what is to be done"),
        ([TASK, "--batch", "-"], "leave out TASK"),
        (["--batch", "-", "--rev", "HEAD", "--json"], "leave out --rev, --json"),
        (["--batch", "-", "--used", "0", "--path", "x"], "leave out --path, --used"),
        ([TASK, "--repos", "."], "--repos needs --batch"),
        ([TASK, "--repo", ".", "--project", "."], "exclude each other"),
        ([TASK, "--repo", ".", "--used", "0"], "leave out --used"),
        ([TASK, "--only"], "--only needs --path"),
        ([TASK, "--json", "--tree"], "exclude each other"),
        ([TASK, "--budget", "199"], "200"),
        ([TASK, "--budget", "200001"], "200000"),
    ],
    ids=as_typed,
)
def test_options_that_do_not_go_together_are_wrong_usage(repository: Path, options: list[str], problem: str) -> None:
    assert problem in refusal(agentops("context", *options, at=repository), code=2)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ([" "], "The task is empty."),
        ([TASK, "--rev", "gone"], "'gone' is not a commit of this repository"),
        ([TASK, "--rev", "--output=x"], "'--output=x' is not a commit of this repository"),
        ([TASK, "--project", "gone"], "gone is not a folder."),
        ([TASK, "--repo", "gone"], "gone is not a folder."),
        ([TASK, "--path", "../other"], "'../other' is not a path inside the project."),
        ([TASK, "--path", "gone.py", "--only"], "No file matches 'gone.py'."),
        (["--batch", "gone.jsonl"], "gone.jsonl cannot be read"),
        (["--batch", "-", "--repos", "gone"], "gone is not a folder."),
    ],
    ids=as_typed,
)
def test_what_cannot_be_loaded_is_refused_in_two_lines(repository: Path, options: list[str], problem: str) -> None:
    told = refusal(agentops("context", *options, at=repository))
    assert problem in told
    assert told.count("\n") == 2


def test_outside_git_the_folder_is_read_and_left_as_it_is(shop: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    shutil.copytree(shop, plain, ignore=shutil.ignore_patterns(".git"))
    for options in ([], ["--repo", "."]):
        found = agentops("context", TASK, "--json", *options, at=plain).document
        assert found["commit"] is None
        assert "src/shop/retry.py" in {item["path"] for item in found["items"]}
    assert not (plain / ".agentops").exists()


def test_outside_git_there_is_no_revision(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("print('hello')\n", encoding="utf-8")
    for options in ([], ["--repo", "."]):
        told = refusal(agentops("context", TASK, "--rev", "HEAD", *options, at=tmp_path))
        assert "not in a git repository" in told


def test_a_repository_without_commits_has_an_answer_without_items(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "empty")
    for options in ([], ["--explain"]):
        assert agentops("context", TASK, *options, at=tmp_path / "empty").code == 0
    found = agentops("context", TASK, "--json", at=tmp_path / "empty").document
    assert (found["commit"], found["items"]) == (None, [])
    assert "  budget" in agentops("context", TASK, "--tree", at=tmp_path / "empty").out


@pytest.mark.parametrize("options", [[], ["--explain"], ["--tree"], ["--json"], ["--repo", "."]])
def test_a_look_leaves_worktree_index_and_refs_as_they_were(shop: Path, options: list[str]) -> None:
    (shop / "billing.py").write_text("changed = 1\n", encoding="utf-8")
    (shop / "new.py").write_text("host = 'slow'\n", encoding="utf-8")
    before = tree_of(shop)
    assert agentops("context", TASK, *options, at=shop).code == 0
    assert tree_of(shop) == before
    assert not (shop / ".git" / "agentops" / "agentops.db").exists()


def test_hostile_file_names_and_contents_cannot_move_the_cursor_or_hide(shop: Path) -> None:
    write(shop, {"src/slow host \u20ac.py": "# token bucket \x1b[31m \u202e retry a slow host\ndef retry(): ...\n"})
    for options in ([], ["--explain"], ["--tree"], ["--json"]):
        shown = agentops("context", TASK, *options, at=shop).out
        assert not [each for each in shown if not each.isprintable() and each != "\n"]
        assert "slow host \u20ac.py" in shown
