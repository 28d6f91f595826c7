"""What a file is there for, by its path, and which test is about which file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.factors.context.rules.kinds import FileKind, kind_of, subject_of


@pytest.mark.parametrize(
    ("kind", "paths"),
    [
        ("source", ["src/app.py", "cmd/main.go", "lib/a.test_helper.rb", "web/App.tsx", "contest.py", "a/latest/x.c",
                    "src/attestation.rs", "schema.sql"]),
        ("test", ["tests/test_cli.py", "test/helpers.js", "src/cli_test.go", "app/cart.spec.ts", "conftest.py",
                  "pkg/conftest.py", "src/CliTest.java", "CliTests.cs", "src/__tests__/a.js", "test_cli.py",
                  "testdata/a.json", "spec/models/user_spec.rb", "e2e/run.sh", "benchmarks/b.py", "tests/README.md"]),
        ("doc", ["README.md", "docs/conf.py", "docs/api.rst", "LICENSE", "CHANGES", "examples/a.py", "a/NOTICE.html",
                 "notes.txt"]),
        ("other", ["Makefile", "pyproject.toml", ".github/workflows/ci.yml", "logo.svg", "", "LICENSED"]),
    ],
)  # fmt: skip
def test_a_path_says_what_a_file_is_there_for(kind: FileKind, paths: list[str]) -> None:
    assert {path: kind_of(path) for path in paths} == dict.fromkeys(paths, kind)


@pytest.mark.parametrize(
    ("test", "tested"),
    [
        ("tests/test_cli.py", "src/_cli.py"),
        ("src/cli_test.go", "src/cli.go"),
        ("web/cart.spec.ts", "web/cart.ts"),
        ("web/Cart.test.tsx", "web/Cart.tsx"),
        ("src/test/java/CliTest.java", "src/main/java/Cli.java"),
        ("CliTests.cs", "Cli.cs"),
        ("spec/user_spec.rb", "app/models/user.rb"),
        ("tests/test-parser.js", "lib/parser.js"),
        ("tests/cli.py", "src/cli.py"),
    ],
)
def test_a_test_and_what_it_tests_have_one_subject(test: str, tested: str) -> None:
    assert subject_of(test) == subject_of(tested)


def test_tests_of_different_files_have_different_subjects() -> None:
    assert subject_of("tests/test_cli.py") != subject_of("tests/test_app.py")
    assert subject_of(".github/workflows/ci.yml") != subject_of(".github/dependabot.yml")


@given(st.text(max_size=40))
def test_any_path_has_a_kind_and_a_subject_in_lower_case(path: str) -> None:
    assert kind_of(path) in ("source", "test", "doc", "other")
    assert subject_of(path) == subject_of(path).lower()
