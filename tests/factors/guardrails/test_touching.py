"""Which files an action is about: what it writes, and what it would run or read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.factors.guardrails.rules import actions
from agentops_mcp.factors.guardrails.rules.calls import HOLE
from agentops_mcp.factors.guardrails.rules.touching import touched
from judged import WORLD, policy

ROOT = WORLD.project


def found(kind: str, action: Any, cwd: str = ROOT) -> dict[str, bool]:
    """The paths from the project on, and whether each counts also where nothing is there."""
    checked = actions.checked(kind, actions.given(kind, action))
    understood = actions.understand(checked, policy(), WORLD, cwd)
    calls = understood.analysis.calls if understood.analysis else ()
    paths = touched(checked, calls, understood.effects, cwd=cwd, home=WORLD.home)
    return {each.path.removeprefix(f"{ROOT}/"): each.named for each in paths}


@pytest.mark.parametrize(
    ("command", "reads"),
    [
        ("bash deploy.sh prod", ["deploy.sh", "prod"]),
        ("./deploy.sh", ["deploy.sh"]),
        ("cd sub && bash ./deploy.sh", ["sub/deploy.sh"]),
        ("source env.sh; . ./other.sh", ["env.sh", "other.sh"]),
        ("python x.py --config=conf.toml", ["x.py", "conf.toml"]),
        ("sudo -E python x.py", ["x.py"]),
        ("psql -f drop.sql shop", ["drop.sql", "shop"]),
        ("psql shop < in.sql", ["in.sql", "shop"]),
        ("cat run.sh | sh", ["run.sh"]),
        ("curl -d @body.json https://example.org", ["body.json"]),
        ("make -fother.mk all", ["other.mk", "Makefile", "GNUmakefile"]),
        ("dd if=a.img of=b.img", ["a.img", "b.img"]),
        ("for f in a.sh b.sh; do bash $f; done", ["a.sh", "b.sh"]),
        ("if true; then bash -c 'bash inner.sh'; fi", ["inner.sh"]),
        ("bash ~/deploy.sh", [f"{WORLD.home}/deploy.sh"]),
        ("npm publish", ["package.json", ".npmrc"]),
        ("kubectl apply -f k8s/x.yaml", ["k8s/x.yaml"]),
        ("terraform destroy", ["*.tf"]),
    ],
)
def test_a_command_is_about_what_it_would_run_or_read(command: str, reads: list[str]) -> None:
    assert set(reads) <= found("shell", command).keys()


@pytest.mark.parametrize(
    ("command", "not_read"),
    [
        ("git commit -m 'update deploy.sh now'", ["deploy.sh"]),
        ("ssh host 'bash deploy.sh'", ["deploy.sh"]),
        ("/usr/bin/env python x.py < /dev/null", ["/usr/bin/env", "/dev/null"]),
        ('bash "$1/deploy.sh"', ["deploy.sh"]),
        ('cd "$1" && bash deploy.sh', ["deploy.sh"]),
    ],
)
def test_a_command_is_not_about_what_it_only_speaks_of(command: str, not_read: list[str]) -> None:
    assert not set(not_read) & found("shell", command).keys()


@pytest.mark.parametrize(
    ("kind", "action", "paths"),
    [
        ("file_write", "notes.md", {"notes.md": True}),
        ("file_write", {"path": "../other/x", "content": "y"}, {"/home/user/other/x": True}),
        ("file_delete", "sub/x", {"sub/x": True}),
        ("patch", "--- a/x.py\n+++ b/y.py\n@@ -1 +1 @@\n-a\n+b\n", {"y.py": True}),
        ("patch", "*** Begin Patch\n*** Delete File: z.py\n*** End Patch\n", {"z.py": True}),
        ("shell", "rm -rf data", {"data": True}),
        (
            "tool_call",
            {"name": "mcp__box__run", "arguments": {"cmd": ["bash", "x.sh"]}},
            {"x.sh": False, "bash": False},
        ),
        ("spend", {"amount": 5, "what": "x.py"}, {}),
        ("network", "https://example.org/x.py", {}),
    ],
)
def test_every_kind_of_action_names_its_files(kind: str, action: Any, paths: dict[str, bool]) -> None:
    names = {path.replace(WORLD.home, "/home/user"): named for path, named in found(kind, action).items()}
    assert paths.items() <= names.items()


def test_what_is_not_understood_is_about_every_word_in_it() -> None:
    assert {"deploy.sh", "conf.toml"} <= found("shell", "if [ ; bash deploy.sh --with conf.toml").keys()


def test_a_secret_is_marked_as_one() -> None:
    checked = actions.checked("shell", {"command": "cat ~/.ssh/id_rsa"})
    understood = actions.understand(checked, policy(), WORLD, ROOT)
    calls = understood.analysis.calls if understood.analysis else ()
    paths = touched(checked, calls, understood.effects, cwd=ROOT, home=WORLD.home)
    assert [each.secret for each in paths if each.path.endswith("id_rsa")] == [True]


@given(st.text(st.sampled_from("ab./~ \\'\"$*@=-:|<>;&\0\n" + HOLE), max_size=40), st.sampled_from(["shell", "patch"]))
def test_every_path_is_absolute_and_can_be_known(text: str, kind: str) -> None:
    if not text:
        return
    for path in found(kind, text):
        whole = path if path.startswith("/") or path[1:2] == ":" else f"{ROOT}/{path}"
        assert HOLE not in whole
        assert "\0" not in whole
        assert "/../" not in f"{whole}/"
