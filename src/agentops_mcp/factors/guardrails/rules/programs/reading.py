"""What reading a file gives away, and what then flows on: for every program that shows what files hold."""

from collections.abc import Iterable
from typing import NamedTuple

from agentops_mcp.core.secret_files import is_secret_file
from agentops_mcp.factors.guardrails.rules.calls import HOLE, Call, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.globs import fits
from agentops_mcp.factors.guardrails.rules.places import locate


class Reading(NamedTuple):
    """What is read: the secrets among it, and the stream that comes of it."""

    effects: tuple[Effect, ...]
    stream: Stream


_BY_FOLDER = {
    # Files and folders by the end of their path, wherever a home or a mounted disk is. Each stands for all inside it.
    "key": (
        ".ssh .gnupg .putty .ethereum/keystore .bitcoin .electrum .config/solana .config/age .config/sops "
        ".minisign etc/ssl/private etc/pki/tls/private etc/letsencrypt/live etc/letsencrypt/archive "
        "etc/wireguard etc/krb5.keytab etc/ipsec.secrets"
    ).split(),
    "credentials": [
        *(
            ".aws/credentials .aws/config .aws/sso .aws/cli/cache .azure .config/gcloud .kube/config "
            ".kube/cache .docker/config.json .config/gh/hosts.yml .config/hub .config/glab-cli .git-credentials "
            ".config/git/credentials .config/containers/auth.json .config/helm/registry .oci .bluemix "
            ".terraform.d/credentials.tfrc.json .password-store .local/share/keyrings .local/share/kwalletd "
            ".config/op .vault-token .pgpass .cargo/credentials .cargo/credentials.toml .gem/credentials "
            ".m2/settings-security.xml .claude/.credentials.json .codex/auth.json .config/github-copilot .netrc "
            ".config/rclone/rclone.conf .s3cfg .boto library/keychains run/secrets etc/kubernetes/admin.conf "
            "etc/kubernetes/pki etc/rancher/k3s/k3s.yaml etc/networkmanager/system-connections "
            "microsoft/credentials microsoft/protect .local/state/agentops appdata/local/agentops"
        ).split(),
        "application support/agentops",
    ],
    "accounts": (
        "etc/shadow etc/shadow- etc/gshadow etc/gshadow- etc/master.passwd etc/spwd.db etc/security/opasswd "
        "etc/security/passwd var/db/dslocal/nodes/default/users system32/config/sam system32/config/security "
        "windows/ntds/ntds.dit"
    ).split(),
    "browser": (
        ".mozilla/firefox", "application support/firefox/profiles", "mozilla/firefox/profiles", ".thunderbird",
        ".config/google-chrome", ".config/chromium", ".config/bravesoftware", ".config/microsoft-edge",
        "application support/google/chrome", "application support/bravesoftware", "application support/chromium",
        "application support/microsoft edge", "google/chrome/user data", "microsoft/edge/user data", "library/cookies",
    ),
    "history": (
        ".bash_history .zsh_history .zhistory .sh_history .ash_history .history .python_history .psql_history "
        ".mysql_history .sqlite_history .rediscli_history .node_repl_history .irb_history "
        ".local/share/fish/fish_history .local/share/zsh/history consolehost_history.txt"
    ).split(),
}  # fmt: skip
_OPEN = (
    ".pub", "/known_hosts", "/known_hosts.old", "/authorized_keys", "/.ssh/config", "/.ssh/rc", "/.ssh/environment",
)  # fmt: skip
"""Beside keys, but no secret: what is meant to be handed out, and settings."""

_BROWSER_FILES = (
    "login data", "cookies", "web data", "logins.json", "key3.db", "key4.db", "cookies.sqlite", "local state",
)  # fmt: skip
_SETTINGS = (
    ".npmrc", ".yarnrc.yml", ".envrc", ".my.cnf", ".terraformrc", ".tfvars", ".tfvars.json", ".tfstate",
    ".tfstate.backup", ".boto", ".s3cfg", ".pypirc",
)  # fmt: skip
"""Settings that often, but not always, hold a secret."""

_MEMORY = ("/dev/mem", "/dev/kmem", "/proc/kcore")
_PROBES = ".env .env.local .env.production .netrc id_rsa id_ed25519 id_ecdsa .git-credentials .pgpass".split()
_LEAST_LITERAL = 3


def read(paths: Iterable[str], call: Call, world: World, *, shown: bool = True) -> Reading:
    """What comes of reading these operands. `-` and the like are the call's own input.

    Without `shown` nothing of the content comes out, as with `grep -q`: then no secret is given away either.
    """
    effects: list[Effect] = []
    streams: list[Stream] = []
    for path in paths:
        if path in {"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"}:
            streams.append(call.stdin)
            continue
        stream, kind = of_file(path, call.cwd, world)
        streams.append(stream)
        if kind and shown:
            effects.append(_secret(stream.origin, kind, call))
    return Reading(tuple(effects), merged(streams) if shown else Stream())


def of_file(path: str, cwd: str, world: World) -> tuple[Stream, str]:
    """The stream that reading one file gives, and which kind of secret it is (empty: none)."""
    if path.startswith(("/dev/tcp/", "/dev/udp/")):
        return Stream(None, frozenset({"fetched"}), path), ""
    if path in {"/dev/null", "NUL", "nul"}:
        return Stream("", origin=path), ""
    if (held := world.held(locate(path, cwd, world).path)) is not None:
        return held, ""
    kind = secret_kind(path, cwd, world)
    return Stream(None, frozenset({"local", "secret"} if kind else {"local"}), locate(path, cwd, world).path), kind


def secret_kind(path: str, cwd: str, world: World) -> str:
    """Which kind of secret a file, or a folder of them, is: empty when none.

    Kinds: `key`, `credentials`, `accounts`, `browser`, `history`, `memory`, `environment` (`.env`), `settings` (files
    that may hold one beside what is harmless).
    """
    located = locate(path, cwd, world)
    found = _kind(located.path)
    if not found and located.place != "unknown":
        real = world.real(located.path)
        found = _kind(real) if real != located.path else ""
    return found or ("credentials" if located.place == "secret" else "")


def merged(streams: Iterable[Stream]) -> Stream:
    """One stream after the other."""
    every = tuple(streams)
    if len(every) == 1:
        return every[0]
    texts = [each.text for each in every]
    text = None if None in texts else "".join(text or "" for text in texts)
    taints = frozenset[str]().union(*(each.taints for each in every))
    return Stream(text, taints, next((each.origin for each in every if each.origin and each.taints), ""))


def _secret(target: str, kind: str, call: Call) -> Effect:
    return Effect("read_secret", target, "secret", call.traits | {kind}, call.text)


def _kind(path: str) -> str:
    lowered = "/" + path.lower().replace("\\", "/").lstrip("/").removesuffix("/*").removesuffix("/.*").rstrip("/")
    if lowered.endswith(_OPEN):
        return ""
    for kind, ends in _BY_FOLDER.items():
        if any(f"/{end}/" in lowered or lowered.endswith(f"/{end}") for end in ends):
            return kind if kind != "browser" or _is_login(lowered) else ""
    if lowered.startswith("/proc/") and lowered.endswith(("/environ", "/mem", "/auxv")):
        return "memory"
    if lowered in _MEMORY:
        return "memory"
    return _kind_by_name(lowered.rpartition("/")[2])


def _kind_by_name(name: str) -> str:
    if any(each in name for each in "*?[{"):
        return _kind_of_glob(name)
    if _is_key(name):
        return "key"
    if not is_secret_file("/" + name):
        return ""
    if name == ".env" or name.startswith(".env."):
        return "environment"
    if name.endswith(_SETTINGS) or name.endswith(".env"):
        return "settings"
    return "credentials"


def _kind_of_glob(pattern: str) -> str:
    """A glob that was written for a secret: `.en?`, `id_*`. One that takes everything was not."""
    literal = sum(each not in "*?[]{}," for each in pattern)
    if literal < _LEAST_LITERAL:
        return ""
    found = next((name for name in _PROBES if fits(pattern, name)), "")
    return _kind_by_name(found) if found else ""


def _is_key(name: str) -> bool:
    """Private keys by name: `server.key`, `privkey.pem`. Certificates and public keys share the endings."""
    if "pub" in name or HOLE in name:
        return False
    if name.startswith("id_") and name.removeprefix("id_").split(".")[0] in {"rsa", "dsa", "ecdsa", "ed25519"}:
        return True
    if name.endswith((".key", ".ppk", ".p12", ".pfx", ".jks", ".kdbx", ".keystore", ".p8")):
        return True
    return (name.startswith("ssh_host_") and name.endswith("_key")) or (name.endswith(".pem") and "key" in name)


def _is_login(lowered: str) -> bool:
    name = lowered.rpartition("/")[2]
    return name.startswith(_BROWSER_FILES) or HOLE in name or "." not in name
