"""Where a path lies."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.factors.guardrails.rules import known_places
from agentops_mcp.factors.guardrails.rules.calls import HOLE, Stream
from agentops_mcp.factors.guardrails.rules.effects import PLACES
from agentops_mcp.factors.guardrails.rules.places import locate, locate_removed, normal
from agentops_mcp.factors.guardrails.rules.worlds import Anywhere

WORLD = Anywhere()
PROJECT = WORLD.project


class Linked(NamedTuple):
    """A machine with a few links, on which git brings back `src` and nothing else."""

    home: str = "/home/person"
    project: str = "/home/person/project"
    temporary: tuple[str, ...] = ("/tmp", "/home/person/scratch")

    def real(self, path: str) -> str:
        """`link` in the project leads to the system, `~/.bashrc` to a repository of settings."""
        for link, goal in (("/home/person/project/link", "/etc"), ("/home/person/.bashrc", "/home/person/dots/bashrc")):
            if path == link or path.startswith(f"{link}/"):
                return goal + path[len(link) :]
        return path

    def kept(self, path: str) -> bool | None:
        """Only `src`."""
        return path.startswith(f"{self.project}/src")

    def exists(self, path: str) -> bool | None:  # noqa: ARG002 - part of what is asked of a world
        """Not known."""
        return None

    def held(self, path: str) -> Stream | None:  # noqa: ARG002
        """Nothing."""
        return None


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/", "root"), ("/*", "root"), ("//", "root"), ("/../..", "root"), ("/$x".replace("$x", HOLE), "root"),
        ("C:\\", "root"), ("c:/", "root"),
        ("/etc", "system"), ("/etc/hosts", "system"), ("/usr/bin/../lib", "system"), ("/et[c]", "root"),
        ("/tmp/../etc/hosts", "system"), ("C:\\Windows\\System32", "system"), ("/opt", "system"),
        ("/usr/local", "system"),
        ("/private/etc/hosts", "system"), (f"/etc/{HOLE}", "system"),
        ("/opt/tool", "outside"), ("/usr/local/bin/tool", "outside"), ("/data", "outside"), ("/srv/site", "outside"),
        ("~", "home"), ("~/", "home"), ("~/*", "home"), ("~/.*", "home"), ("/home", "home"), ("/home/other", "home"),
        ("~other", "home"), ("/root", "home"), ("/Users/me", "home"), ("../../person", "home"),
        ("~/notes", "in_home"), ("~/*.txt", "in_home"), ("../other", "in_home"), ("~/.ssh/id_rsa.pub", "in_home"),
        (".", "project"), ("./", "project"), ("*", "project"), (".[!.]*", "project"), ("../project", "project"),
        ("src", "in_project"), ("*.pyc", "in_project"), ("src/*", "in_project"), (f"src/{HOLE}", "in_project"),
        (".git", "git"), (".git/config", "git"), ("sub/.git", "git"), ("~/other/.git/HEAD", "git"),
        (".gitignore", "in_project"),
        ("/tmp/x", "temporary"), ("/tmp/*", "temporary"), ("/var/tmp/x", "temporary"), (f"/tmp/{HOLE}", "temporary"),
        ("/tmp/.env", "temporary"),
        ("/dev/sda", "device"), ("/dev/mapper/root", "device"), ("/dev/null", "nowhere"), ("/dev/tty", "nowhere"),
        ("/dev/ttyUSB0", "nowhere"), ("/dev/fd/3", "nowhere"), ("/dev", "system"), ("", "nowhere"),
        (".env", "secret"), ("~/.ssh", "secret"), ("~/.ssh/id_rsa", "secret"), ("~/.aws/sso/cache/x", "secret"),
        ("~/.gnupg", "secret"), ("~/Library/Keychains/login.keychain-db", "secret"), ("~/.bash_history", "secret"),
        ("/home/other/.ssh/id_rsa", "secret"), ("/root/.aws", "secret"), ("~/.config/google-chrome/x", "secret"),
        ("~/.bashrc", "startup"), ("/root/.bashrc", "startup"), ("/home/other/.profile", "startup"),
        ("~/.ssh/authorized_keys", "startup"), ("/etc/cron.d/x", "startup"), ("/etc/sudoers", "startup"),
        ("/private/etc/sudoers", "startup"), ("/Library/LaunchDaemons/x.plist", "startup"), (".git/hooks/x", "startup"),
        ("/var/spool/cron/root", "startup"),
        (".claude/settings.json", "guard"), ("~/.config/agentops/guardrails.toml", "guard"), (".agentops", "guard"),
        ("~/.config/agentops/config.toml", "guard"), ("~/.local/state/agentops/0123/link", "guard"),
        (".git/agentops/ledger.db", "guard"), (".claude/notes.md", "in_project"),
        (HOLE, "unknown"), (f"{HOLE}/x", "unknown"), (f"~/{HOLE}", "unknown"), (f"./{HOLE}", "unknown"),
        (f"{HOLE}*", "unknown"),
    ],
)  # fmt: skip
def test_a_path_is_told_by_where_it_lies(path: str, place: str) -> None:
    assert locate(path, PROJECT, WORLD).place == place


def test_a_path_from_a_folder_that_is_not_known_is_not_known() -> None:
    assert locate("src", HOLE, WORLD).place == "unknown"
    assert locate("/etc", HOLE, WORLD).place == "system"


@pytest.mark.parametrize(
    ("path", "everything"), [("src/*", True), ("*", True), ("src/.*", True), ("*.py", False), ("src", False)]
)
def test_a_glob_without_a_name_takes_everything(path: str, everything: bool) -> None:
    assert locate(path, PROJECT, WORLD).everything is everything


def test_a_link_is_followed_unless_it_is_what_goes_away() -> None:
    world = Linked()
    assert locate("link", PROJECT, world).place == "system"
    assert locate("link/hosts", PROJECT, world).place == "system"
    assert locate_removed("link", PROJECT, world).place == "unkept"
    assert locate_removed("link/*", PROJECT, world).place == "system"


def test_links_are_followed_before_the_folder_above() -> None:
    assert locate("link/../etc/hosts", PROJECT, Linked()).path == f"{PROJECT}/etc/hosts"


def test_a_link_does_not_hide_what_a_file_is_by_its_name() -> None:
    assert locate("~/.bashrc", PROJECT, Linked()).place == "startup"


@pytest.mark.parametrize(
    ("path", "place"), [("src/a", "kept"), ("notes", "unkept"), (".", "project"), ("*.pyc", "in_project")]
)
def test_git_is_asked_only_about_what_goes_away(path: str, place: str) -> None:
    assert locate_removed(path, PROJECT, Linked()).place == place
    assert locate(path, PROJECT, Linked()).place in {"in_project", "project"}


def test_the_narrowest_folder_decides() -> None:
    world = Linked(project="/tmp/checkout/project", home="/tmp/home")
    places = {path: locate(path, "/tmp/checkout/project", world).place for path in ("src", "~", "~/x", "/tmp/x", "..")}
    assert places == {"src": "in_project", "~": "home", "~/x": "in_home", "/tmp/x": "temporary", "..": "project"}
    assert locate("~/scratch/x", PROJECT, Linked()).place == "temporary"


@given(st.text("./a*~$\ue001\\:c", max_size=12))
def test_every_path_has_a_place(path: str) -> None:
    for world in (WORLD, Linked()):
        assert locate(path, PROJECT, world).place in PLACES
        assert locate_removed(path, PROJECT, world).place in PLACES


def test_a_path_of_any_length_has_a_place_and_is_cut() -> None:
    found = locate("/etc/" + "x" * 10_000, PROJECT, WORLD)
    assert found.place == "system"
    assert len(found.path) == 4_096


def test_no_known_name_is_deeper_than_is_looked() -> None:
    every = known_places.GUARD | known_places.HOME_STARTUP | known_places.HOME_SECRET | known_places.SYSTEM_STARTUP
    assert max(name.count("/") for name in every) < 8
    assert all(name == name.lower() for name in every)


@given(st.lists(st.sampled_from(["a", "b", ".", "..", ""]), max_size=6))
def test_a_normal_path_stays_as_it_is(parts: list[str]) -> None:
    path = normal("/" + "/".join(parts))
    assert path.startswith("/")
    assert not {".", "..", ""} & set(path[1:].split("/")) or path == "/"
    assert normal(path) == path


@given(st.sampled_from(["/etc/hosts", "~/.bashrc", "src", "/tmp/x", "~/.ssh"]), st.integers(0, 3))
def test_detours_lead_to_the_same_place(path: str, detours: int) -> None:
    head, _, name = path.rpartition("/")
    longer = f"{head or '.'}/{'./x/..//' * detours}{name}"
    assert locate(longer, PROJECT, WORLD) == locate(path, PROJECT, WORLD)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("~/.local/lib/python3.11/site-packages/x.pth", "startup"),
        ("/usr/lib/python3/dist-packages/sitecustomize.py", "startup"),
        ("~/.local/lib/python3.11/site-packages/x.py", "in_home"),
        ("weights/model.pth", "in_project"),
    ],
)
def test_what_every_python_runs_at_its_start_is_known(path: str, place: str) -> None:
    assert locate(path, PROJECT, WORLD).place == place
