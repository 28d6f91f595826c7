"""Reading a file that holds a secret is told; reading any other is not."""

from dataclasses import dataclass, field

import pytest

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Stream
from agentops_mcp.factors.guardrails.rules.programs.reading import merged, of_file, read, secret_kind
from called import PROJECT, WORLD, call


@dataclass(frozen=True)
class LinkedWorld:
    """A machine on which some paths are links."""

    links: dict[str, str]
    home: str = WORLD.home
    project: str = PROJECT
    temporary: tuple[str, ...] = field(default=WORLD.temporary)

    def real(self, path: str) -> str:
        return self.links.get(path, path)

    def kept(self, path: str) -> bool | None:  # noqa: ARG002
        return None

    def exists(self, path: str) -> bool | None:  # noqa: ARG002
        return None

    def held(self, path: str) -> Stream | None:  # noqa: ARG002
        return None


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("~/.ssh/id_rsa", "key"),
        ("~/.ssh", "key"),
        ("~/.ssh/*", "key"),
        ("~/.ssh/deploy", "key"),
        ("/root/.ssh/id_ed25519", "key"),
        ("/mnt/disk/home/other/.gnupg/private-keys-v1.d/x.key", "key"),
        ("certs/server.key", "key"),
        ("../../.ssh/id_ecdsa", "key"),
        ("privkey.pem", "key"),
        ("id_*", "key"),
        ("~/.aws/credentials", "credentials"),
        ("~/.aws/sso/cache/session.json", "credentials"),
        (f"{HOLE}/.aws/credentials", "credentials"),
        ("~/.config/containers/auth.json", "credentials"),
        ("~/.netrc", "credentials"),
        ("~/.claude/.credentials.json", "credentials"),
        ("credentials.json", "credentials"),
        ("/run/secrets/db_password", "credentials"),
        ("~/.local/state/agentops/0123456789abcdef/link", "credentials"),
        ("~/Library/Application Support/agentops/0123456789abcdef/sessions", "credentials"),
        ("/etc/shadow", "accounts"),
        ("/etc//shadow", "accounts"),
        ("/etc/./gshadow-", "accounts"),
        ("~/Library/Application Support/Google/Chrome/Default/Login Data", "browser"),
        ("~/.mozilla/firefox/x.default/logins.json", "browser"),
        ("~/.bash_history", "history"),
        ("/proc/1/environ", "memory"),
        ("/dev/mem", "memory"),
        (".env", "environment"),
        ("./deploy/.env.production", "environment"),
        (".en?", "environment"),
        ("~/.npmrc", "settings"),
        ("terraform.tfstate", "settings"),
    ],
)
def test_files_that_hold_secrets_are_known(path: str, kind: str) -> None:
    assert secret_kind(path, PROJECT, WORLD) == kind


@pytest.mark.parametrize(
    "path",
    [
        "src/app.py", "*", "**/*.py", ".env.example", "~/.ssh/id_rsa.pub", "~/.ssh/config", "~/.ssh/known_hosts",
        "cert.pem",
        "public.key", "/etc/passwd", "/etc/hosts", "package.json", "*.json", "environment.ts", "/proc/cpuinfo",
        "history.md", "shadow.css",
    ],
)  # fmt: skip
def test_other_files_are_not(path: str) -> None:
    assert secret_kind(path, PROJECT, WORLD) == ""


def test_a_link_is_what_it_points_to() -> None:
    world = LinkedWorld({f"{PROJECT}/notes.txt": "/home/person/.ssh/id_rsa"})
    assert secret_kind("notes.txt", PROJECT, world) == "key"


def test_the_stream_of_a_secret_says_so() -> None:
    stream, _ = of_file(".env", PROJECT, WORLD)
    assert stream == Stream(None, frozenset({"local", "secret"}), f"{PROJECT}/.env")


def test_a_connection_that_is_read_as_a_file_is_of_the_network() -> None:
    stream, kind = of_file("/dev/tcp/203.0.113.1/80", PROJECT, WORLD)
    assert (stream.taints, kind) == ({"fetched"}, "")


def test_the_null_device_is_empty() -> None:
    assert of_file("/dev/null", PROJECT, WORLD)[0].text == ""


@pytest.mark.parametrize("operand", ["-", "/dev/stdin", "/dev/fd/0"])
def test_a_dash_reads_what_flows_in(operand: str) -> None:
    flows = Stream("text", frozenset({"fetched"}), "u")
    assert read([operand], call("cat", flows), WORLD).stream == flows


def test_a_secret_that_is_not_shown_is_not_given_away() -> None:
    reading = read([".env"], call("grep -q x .env"), WORLD, shown=False)
    assert (reading.effects, reading.stream.taints) == ((), frozenset())


def test_an_effect_carries_the_traits_of_its_call() -> None:
    effect = read(["/etc/shadow"], call("cat /etc/shadow", traits="privileged"), WORLD).effects[0]
    assert (effect.kind, effect.place, effect.traits) == ("read_secret", "secret", {"privileged", "accounts"})


def test_streams_one_after_the_other_are_known_when_all_are() -> None:
    assert merged([Stream("a"), Stream("b", frozenset({"decoded"}), "o")]) == Stream("ab", frozenset({"decoded"}), "o")
    assert merged([Stream("a"), Stream(None)]).text is None
