"""For any tree, task and budget: within the budget, nothing private, lines that are there, and the same each time."""

import itertools
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentops_mcp.app import App
from agentops_mcp.core import tokens
from agentops_mcp.core.display import visible
from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.factors.context.rules import passed_over
from agentops_mcp.factors.context.rules.requests import Request
from agentops_mcp.factors.context.service.contexts import Loaded
from conftest import AGENT, git
from contexts_in_use import indexing_ends

WORDS = ("retry", "budget", "host", "parse_schedule", "RegionCache", "send", "OSError", "café", "字", "--flag", "a.b.c")
PRIVATE = "private retry budget host parse_schedule"

NAMES = st.sampled_from(
    ["a", "retry", "Host Name", "regionCache", "café", "字", "-x", "a'b", "a;b", "$HOME", "[x]", "#", "%20", "a@b1",
     "x:1-2", "__init__", "test_retry", "👩"]
)  # fmt: skip
FOLDERS = st.lists(st.sampled_from(["src", "tests", "docs", "sub dir", "字", "lib"]), max_size=2).map("/".join)
SENTENCES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
TEXTS = st.one_of(SENTENCES, st.text(max_size=30))

BODIES = {
    "py": "def {0}(host):\n    # {1}\n    return host\n\n\nclass C{0}:\n    def get(self):\n        return '{1}'\n",
    "js": "/** {1} */\nfunction {0}(host) {{\n  return host;\n}}\nexport const x = () => 1;\n",
    "go": "package a\n\n// {1}\nfunc {0}(host string) string {{\n\treturn host\n}}\n",
    "rs": "/// {1}\nfn {0}(host: u8) -> u8 {{\n    host\n}}\n",
    "md": "# {0}\n\n{1}\n\n## Inner\n\n- {1}\n",
    "yaml": "{0}:\n  host: 1\n  # {1}\nother:\n  - {0}\n",
    "sql": "-- {1}\nCREATE TABLE {0} (host TEXT);\n",
    "txt": "{1}\n{0}\n",
    "": "{1}\n",
}


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, bytes]:
    """An ending and a text for it, sound or not."""
    ending = draw(st.sampled_from([*BODIES]))
    name = draw(st.sampled_from(["retry", "send_host", "ParseSchedule", "x"]))
    text = "".join(BODIES[ending].format(name, draw(TEXTS)) for _ in range(draw(st.integers(0, 4))))
    text += draw(st.sampled_from(["", "\u202e hidden", "\x1b[2J", "\t", "no line end", "\n\n", "{{{ (("]))
    line_end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-16", "latin-1"]))
    return ending, text.replace("\n", line_end).encode(encoding, "replace")


FILES = st.lists(st.tuples(FOLDERS, NAMES, bodies()), min_size=1, max_size=8)
PRIVATE_PATHS = st.sets(
    st.sampled_from(
        [".env", "src/id_rsa", "docs/.netrc", "src/retry.secret.log", "built/retry.py", "src/own/retry.py",
         "lib/own.md", "credentials.json", "certs/server.pem"]
    ),
    max_size=5,
)  # fmt: skip
TASKS = st.one_of(SENTENCES, TEXTS, st.text(min_size=1, max_size=400)).filter(lambda task: bool(task.strip()))
BUDGETS = st.one_of(st.integers(200, 1_000), st.sampled_from([599, 600, 6_000]), st.integers(200, 100_000))
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIBOgIBAAJBAK\n-----END RSA PRIVATE KEY-----\n"


@dataclass
class Trees:
    """Repositories made one after another."""

    root: Path
    numbers: Generator[int] = field(default_factory=lambda: (each for each in itertools.count()))

    def make(self, files: dict[str, bytes], private: set[str], *, committed: bool) -> Path:
        path = self.root / f"tree-{next(self.numbers)}"
        path.mkdir()
        git(path, "init", "--quiet", "--initial-branch=main")
        given = {".gitignore": b"*.log\nbuilt/\n", "src/.gitignore": b"own/\n", "lib/.gitignore": b"own.md\n"}
        for name, content in (given | files).items():
            write(path, name, content)
        if committed:
            git(path, "add", "--all")
            git(path, "commit", "--quiet", "--message", "retry budget")
        for name in private:
            write(path, name, f"{KEY if name.endswith('.pem') else ''}{PRIVATE}\n".encode())
        return path


def write(root: Path, name: str, content: bytes) -> None:
    place = root / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Trees:
    return Trees(tmp_path_factory.mktemp("trees"))


def named(files: list[tuple[str, str, tuple[str, bytes]]]) -> dict[str, bytes]:
    """Files by paths that do not need one another to be a folder."""
    found: dict[str, bytes] = {}
    for folder, name, (ending, content) in files:
        path = f"{folder}/{name}" if folder else name
        found[f"{path}.{ending}" if ending else f"{path}-file"] = content
    return found


def lines_of(root: Path, path: str) -> list[str]:
    text = passed_over.decode((root / path).read_bytes())
    return [visible(line.rstrip("\r")) for line in text.split("\n")]


def assert_sound(root: Path, loaded: Loaded, private: set[str]) -> None:
    """Everything sent is of a file that may be shown, and is what the file says there."""
    assert PRIVATE not in loaded.text
    assert "MIIBOgIBAAJBAK" not in loaded.text
    assert not private & {item.path for item in loaded.items}
    for item in loaded.items:
        lines = lines_of(root, item.path)
        count = len(lines) - (lines[-1] == "")
        assert 1 <= item.start <= item.end <= count
        assert item.text == "\n".join(lines[item.start - 1 : item.end])
        assert item.text in loaded.text


@pytest.mark.usefixtures("own_home")
@settings(
    max_examples=40, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(
    files=FILES, private=PRIVATE_PATHS, committed=st.booleans(),
    asked=st.lists(st.tuples(TASKS, BUDGETS), min_size=1, max_size=4), for_subagent=st.booleans(),
)  # fmt: skip
def test_any_load_fits_is_true_keeps_secrets_and_can_be_had_again(
    trees: Trees,
    files: list[tuple[str, str, tuple[str, bytes]]],
    private: set[str],
    committed: bool,
    asked: list[tuple[str, int]],
    for_subagent: bool,
) -> None:
    root = trees.make(named(files), private, committed=committed)
    with App(root, environment={}) as app, App(root, environment={}) as another:
        for task, budget_tokens in asked:
            request = Request(task, budget_tokens=budget_tokens)
            cold, warm = app.contexts().load(request), another.contexts().load(request)
            recorded = app.contexts().load(request, actor=AGENT)
            for loaded in (cold, warm, recorded):
                assert loaded.tokens == tokens.count(loaded.text) <= budget_tokens
                assert_sound(root, loaded, private)
            assert cold.text == warm.text
            assert recorded.id
        if for_subagent:
            assert_brief_fits(app, Request(*asked[0], for_subagent=True))
        indexing_ends()


def assert_brief_fits(app: App, request: Request) -> None:
    try:
        brief = app.contexts().load(request, actor=AGENT)
    except InvalidInputError:
        assert request.budget_tokens < 3_000  # too small for the task, the limits and the report's format
    else:
        assert brief.tokens == tokens.count(brief.text) <= request.budget_tokens
        assert f"of='{brief.id}'" in brief.text
