"""Two calls are the same call when only what changes from try to try differs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.factors.guardrails.rules.signatures import SHOWN_CHARS, normalised, portable, signature

PROJECT, HOME = "/srv/shop", "/home/anna"


def digest(tool: str, arguments: object) -> str:
    return signature(tool, arguments, project=PROJECT, home=HOME).digest


def shell(command: str) -> str:
    return digest("Bash", {"command": command})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("pytest  -q\ttests", "pytest -q tests"),
        ("cat /srv/shop/src/app.py", "cat src/app.py"),
        ("cat ./src/app.py", "cat src/app.py"),
        ("ls /home/anna/notes", "ls ~/notes"),
        ("grep 'TODO' src", 'grep "TODO" src'),
        ("echo a\\;b", "echo a;b"),
        ("curl localhost:8080/ready", "curl localhost:9090/ready"),
        ("git show 1a2b3c4d", "git show deadbeef12"),
        ("cat /tmp/build-x1/out.log", "cat /tmp/build-y2/out.log"),
        ("job 0192f6a0-1111-7000-8000-000000000000", "job 123e4567-e89b-12d3-a456-426614174000"),
        ("report --at 2026-11-22T10:00:00Z", "report --at 2025-01-02T03:04:05+01:00"),
        ("sleep 10s", "sleep 3s"),
        ("pip install app==1.2.3", "pip install app==1.10"),
    ],
)
def test_what_changes_from_try_to_try_makes_no_other_call(one: str, other: str) -> None:
    assert shell(one) == shell(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("pytest tests", "pytest src"),
        ("git push", "git push --force"),
        ("sha256sum a", "sha512sum a"),
        ("cat file1.txt", "cat file2.txt"),
        ("cat /srv/shopping/a", "cat ping/a"),
        ("rm a b", "rm ab"),
    ],
)
def test_another_call_is_another(one: str, other: str) -> None:
    assert shell(one) != shell(other)


def test_a_client_s_words_about_a_call_do_not_matter() -> None:
    told = {"command": "make", "description": "Build it", "timeout": 5000, "run_in_background": None}
    assert digest("Bash", told) == digest("shell", {"command": "make"}) == digest("run_command", {"cmd": "make"})


def test_a_list_of_words_is_the_command_they_make() -> None:
    assert digest("exec", {"command": ["git", "status"]}) == digest("git", {"command": "status"})


def test_the_order_of_arguments_does_not_matter() -> None:
    assert digest("fetch", {"a": 1, "b": ["x"]}) == digest("fetch", {"b": ["x"], "a": 2})


def test_the_tool_matters() -> None:
    assert digest("fetch", {"url": "https://a.example"}) != digest("open", {"url": "https://a.example"})


def test_the_end_of_a_long_text_matters() -> None:
    assert digest("Write", {"file_path": "a", "content": "x" * 9_000}) != digest(
        "Write", {"file_path": "a", "content": "x" * 8_999 + "y"}
    )


def test_what_is_shown_is_short_and_has_no_secret() -> None:
    token = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
    shown = signature("Bash", {"command": f"curl -H 'Authorization: token {token}' x {'y ' * 900}"}).shown
    assert token not in shown
    assert len(shown) <= SHOWN_CHARS


def test_a_portable_text_names_no_folder_of_this_machine() -> None:
    text = "rm /srv/shop/a /srv/shop /home/anna/b /srv/shop2"
    assert portable(text, project=PROJECT, home=HOME) == "rm ./a . ~/b /srv/shop2"


@given(st.text(max_size=300))
def test_blanks_around_a_text_do_not_matter(text: str) -> None:
    once = normalised(text, project=PROJECT, home=HOME)
    assert normalised(f"  {text}  ", project=PROJECT, home=HOME) == once


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda each: st.lists(each) | st.dictionaries(st.text(max_size=9), each),
    )
)
def test_any_arguments_have_a_signature(arguments: object) -> None:
    assert len(signature("tool", arguments).digest) == 32
