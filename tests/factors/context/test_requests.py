"""What a caller asks for, checked: nothing outside the project, nothing that cannot be carried out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.factors.context.rules.requests import (
    LEAST_BUDGET,
    MOST_BUDGET,
    Request,
    SeenRange,
    check,
    inside,
    parse_seen,
    path_filter,
)

ROOT = "/srv/project"
FILES = [
    "README.md",
    "src/app.py",
    "src/app_test.py",
    "src/web/page.ts",
    "src/web/[id]/page.ts",
    "src/web/i/page.ts",
    "srcs/x.py",
]


def named(*paths: str, root: str = ROOT) -> list[str]:
    return list(filter(path_filter(paths, root=root), FILES))


@pytest.mark.parametrize(
    "request_",
    [
        Request("Limit retries"),
        Request("Limit retries", budget_tokens=LEAST_BUDGET),
        Request("Limit retries", budget_tokens=MOST_BUDGET, paths=("src",), only_paths=True, seen=("a.py",) * 2_000),
        Request("x" * 20_000, paths=("src",) * 200),
    ],
    ids=["task", "least", "most", "long"],
)
def test_what_can_be_carried_out_is_accepted(request_: Request) -> None:
    check(request_)


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        (Request(""), "task is empty"),
        (Request(" \n\t"), "task is empty"),
        (Request("x" * 20_001), "more than 20,000 characters"),
        (Request("x", budget_tokens=LEAST_BUDGET - 1), "budget_tokens=199 is not between 200 and 200,000"),
        (Request("x", budget_tokens=MOST_BUDGET + 1), "budget_tokens=200001"),
        (Request("x", budget_tokens=-1), "budget_tokens=-1"),
        (Request("x", paths=("a",) * 201), "More than 200 paths"),
        (Request("x", seen=("a",) * 2_001), "2,000 ids"),
        (Request("x", only_paths=True), "only_paths needs paths"),
    ],
    ids=["empty", "blank", "long", "too small", "too large", "negative", "paths", "seen", "only paths"],
)
def test_what_cannot_be_carried_out_is_refused_with_what_is_wrong(request_: Request, problem: str) -> None:
    with pytest.raises(InvalidInputError, match=problem):
        check(request_)


@pytest.mark.parametrize(
    ("given_", "path"),
    [
        ("src/app.py", "src/app.py"),
        ("./src//app.py/", "src/app.py"),
        ("  src ", "src"),
        (r"src\app.py", "src/app.py"),
        (f"{ROOT}/src/app.py", "src/app.py"),
        (ROOT, ""),
        (f"{ROOT}/", ""),
        (".", ""),
        ("...", "..."),
        ("a..b/..c", "a..b/..c"),
        ("src/größe.py", "src/größe.py"),
    ],
)
def test_a_path_is_read_from_the_root_of_the_project(given_: str, path: str) -> None:
    assert inside(given_, ROOT) == path


@pytest.mark.parametrize(
    "path",
    ["", "  ", "..", "../x", "src/../../x", r"src\..\..\x", "/", "/etc/passwd", "//host/share", r"\\host\share", "C:",
     r"C:\Windows", "c:/x", "./C:/x", "a\0b", "\0", "a\nb", f"{ROOT}x/a", f"{ROOT}/../x", f"{ROOT}/C:/x",
     "\u202egnp.exe", "\ud800"],
)  # fmt: skip
def test_a_path_that_leads_out_of_the_project_is_refused(path: str) -> None:
    with pytest.raises(InvalidInputError, match="is not a path inside the project"):
        path_filter(["src", path], root=ROOT)


@pytest.mark.parametrize(
    ("paths", "files"),
    [
        (["src/app.py"], ["src/app.py"]),
        (["src"], [path for path in FILES if path.startswith("src/")]),
        (["src/web/", "README.md"], ["README.md", "src/web/page.ts", "src/web/[id]/page.ts", "src/web/i/page.ts"]),
        (["."], FILES),
        (["*.md"], ["README.md"]),
        (["src/app*.py"], ["src/app.py", "src/app_test.py"]),
        (["src/*/page.ts"], ["src/web/page.ts", "src/web/[id]/page.ts", "src/web/i/page.ts"]),
        (["src/**/*.py"], ["src/app.py", "src/app_test.py"]),
        (["**/page.ts"], ["src/web/page.ts", "src/web/[id]/page.ts", "src/web/i/page.ts"]),
        (["src/**/app.py"], ["src/app.py"]),
        (["src/web/?/page.ts"], ["src/web/i/page.ts"]),
        (["src/web/[id]"], ["src/web/[id]/page.ts"]),
        (["src/web/[id]/*.ts"], ["src/web/[id]/page.ts"]),
        (["sr"], []),
        ([], []),
    ],
)
def test_a_file_a_folder_or_a_pattern_names_files(paths: list[str], files: list[str]) -> None:
    assert named(*paths) == files


@given(st.text(alphabet=st.sampled_from("./\\\0:C ~*?a\n"), max_size=12))
def test_no_path_gets_through_that_leads_out(path: str) -> None:
    try:
        found = inside(path, ROOT)
    except InvalidInputError:
        return
    parts = found.split("/")
    assert not found.startswith("/")
    assert ".." not in parts
    assert "." not in parts
    assert "\0" not in found
    assert "\\" not in found
    assert found[1:2] != ":"


@given(st.text(alphabet=st.sampled_from("ab*?[]!-./"), max_size=12))
def test_any_pattern_is_a_pattern(pattern: str) -> None:
    try:
        matches = path_filter([pattern], root=ROOT)
    except InvalidInputError:
        return
    assert matches("a/b") in (True, False)


@pytest.mark.parametrize(
    ("identifier", "seen"),
    [
        ("src/app.py", SeenRange("src/app.py", "", 1, 10**9)),
        ("src/app.py:7", SeenRange("src/app.py", "", 7, 7)),
        ("src/app.py:7-9", SeenRange("src/app.py", "", 7, 9)),
        ("src/app.py@0a1b2c3d:7-9", SeenRange("src/app.py", "0a1b2c3d", 7, 9)),
        (" src/app.py@0a1b2c3d ", SeenRange("src/app.py", "0a1b2c3d", 1, 10**9)),
        ("a@b/c.py:1-2", SeenRange("a@b/c.py", "", 1, 2)),
        ("a@abc:1", SeenRange("a@abc", "", 1, 1)),
        ("C:x.py:3-4", SeenRange("C:x.py", "", 3, 4)),
        ("a.py:3-", SeenRange("a.py:3-", "", 1, 10**9)),
        ("a.py:1234567890", SeenRange("a.py:1234567890", "", 1, 10**9)),
    ],
)
def test_an_id_says_what_was_seen(identifier: str, seen: SeenRange) -> None:
    assert parse_seen(identifier) == seen


@pytest.mark.parametrize("identifier", ["", "  ", "a.py:9-7", "a\nb", "a.py:1\n-2"])
def test_what_names_no_lines_was_not_seen(identifier: str) -> None:
    assert parse_seen(identifier) is None


@given(st.one_of(st.text(max_size=60), st.text(alphabet=st.sampled_from("a.@:-09f/ \n\u0663"), max_size=40)))
def test_any_id_is_a_range_of_lines_or_nothing(identifier: str) -> None:
    seen = parse_seen(identifier)
    if seen is not None:
        assert seen.path
        assert 0 <= seen.start <= seen.end <= 10**9
        assert identifier.strip().startswith(seen.path)


def test_a_hostile_id_of_any_length_is_answered() -> None:
    for hostile in ("@aaaa" * 20_000, ":1" * 50_000, "a" * 100_000 + "\n", "@" + "0" * 100_000 + "\nx"):
        parse_seen(hostile)
