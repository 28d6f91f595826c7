"""Programs that run a command elsewhere: on another machine, in a container, in a virtual one."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, HOLE, NOTHING, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import Options, parse
from agentops_mcp.factors.guardrails.rules.places import is_inside
from agentops_mcp.factors.guardrails.rules.programs.network_hosts import sent
from agentops_mcp.factors.guardrails.rules.programs.shells_running import passing

_SSH = "b B c D E e F I i J L l m O o p Q R S W w P"
_SSH_RUNS = ("proxycommand", "localcommand", "knownhostscommand", "match exec", "pkcs11provider", "securitykeyprovider")
_ORDINARY_PROXIES = frozenset("ssh nc ncat netcat cloudflared aws gcloud corkscrew connect connect-proxy sh".split())

_RUN = (
    "a add-host annotation attach l label label-file name p publish e env env-file v volume mount w "
    "workdir u user h hostname "
    "network net network-alias entrypoint m memory memory-swap c cpu-shares cpus cpuset-cpus cpuset-mems "
    "cap-add cap-drop "
    "device device-cgroup-rule gpus dns dns-search dns-option expose ip ip6 ipc isolation link log-driver "
    "log-opt mac-address "
    "pid pids-limit platform pull restart security-opt shm-size stop-signal stop-timeout storage-opt "
    "sysctl tmpfs ulimit "
    "userns uts volume-driver volumes-from health-cmd health-interval health-retries health-timeout "
    "cgroup-parent cgroupns "
    "cidfile group-add runtime pod secret arch os authfile uidmap gidmap"
)
_EXEC = "e env env-file w workdir u user detach-keys index"
_COMPOSE = "f file p project-name profile env-file project-directory parallel ansi progress"
_DOCKER = "H host l log-level c context config tlscacert tlscert tlskey"
_KUBECTL = (
    "n namespace c container f filename context kubeconfig cluster user s server token as as-group request-timeout v "
    "pod-running-timeout image env labels l overrides restart port limits requests certificate-authority"
)
_HERE = frozenset({"sshpass", "wsl", "toolbox", "distrobox"})
"""What runs with them reaches the files of this machine."""

_CONTAINERS = frozenset({"docker", "podman", "nerdctl", "finch", "lima", "docker-compose", "podman-compose"})


class _Elsewhere(NamedTuple):
    """A command line tool whose subcommand runs something elsewhere."""

    words: tuple[str, ...]
    """Subcommands, one of which must come first."""

    valued: str = ""
    skip: int = 0
    """Operands before the command: a pod, a container."""

    text: str = ""
    """Options whose value is a text for a shell there."""


_TOOLS: dict[str, _Elsewhere] = {
    "lxc": _Elsewhere(("exec",), "e env cwd user group mode", 1),
    "incus": _Elsewhere(("exec",), "env cwd user group mode", 1),
    "lxc-attach": _Elsewhere(("",), "n name"),
    "multipass": _Elsewhere(("exec",), "d working-directory", 1),
    "limactl": _Elsewhere(("shell",), "workdir shell", 1),
    "colima": _Elsewhere(("ssh",), "p profile"),
    "vagrant": _Elsewhere(("ssh",), "c command p", 99, "c command"),
    "orb": _Elsewhere(("",), "m u w machine user path"),
    "wsl": _Elsewhere(("",), "d u distribution user cd shell-type"),
    "distrobox": _Elsewhere(("enter",), "n name", 99, ""),
    "toolbox": _Elsewhere(("run",), "c container d distro r release"),
    "flatpak": _Elsewhere(("enter",), "", 1),
    "heroku": _Elsewhere(("run", "ps:exec"), "a app r remote s size e env type"),
    "dokku": _Elsewhere(("run", "enter"), "", 1),
    "fly": _Elsewhere(("ssh console", "machine exec"), "a app C command c config r region machine", 1, "C command"),
    "flyctl": _Elsewhere(("ssh console", "machine exec"), "a app C command c config r region", 1, "C command"),
    "railway": _Elsewhere(("run", "ssh"), "s service e environment p project"),
    "cf": _Elsewhere(("ssh",), "c command i", 99, "c command"),
    "eb": _Elsewhere(("ssh",), "c command e", 99, "c command"),
    "gcloud": _Elsewhere(("compute ssh",), "command zone project", 99, "command"),
    "az": _Elsewhere(
        ("vm run-command invoke", "container exec"),
        "scripts exec-command n g name resource-group command-id",
        99,
        "scripts exec-command",
    ),
    "adb": _Elsewhere(("shell", "exec-out"), "s t H P", 0),
    "minikube": _Elsewhere(("ssh",), "p profile n node"),
    "kamal": _Elsewhere(("app exec", "server exec"), "d h r p destination hosts roles version"),
    "aptible": _Elsewhere(("ssh",), "app"),
    "sshpass": _Elsewhere(("",), "p f d P"),
    "nsc": _Elsewhere(("ssh",), "", 1),
}


def outcome(call: Call, world: World) -> Outcome | None:
    """What runs elsewhere, and what runs here for it."""
    found = _PROGRAMS.get(call.name)
    if found:
        return passing(found(call, world))
    tool = _TOOLS.get(call.name)
    return passing(_tool(call, tool)) if tool else None


def _tool(call: Call, tool: _Elsewhere) -> Outcome | None:
    operands = parse(call.argv[1:], tool.valued, operands_last=True).operands
    for each in tool.words:
        words = tuple(each.split())
        if operands[: len(words)] != words:
            continue
        rest = operands[len(words) :] if words else call.argv[1:]
        given = parse(rest, tool.valued)
        texts = [text for text in given.values(*tool.text.split()) if text] if tool.text else []
        last = parse(rest, tool.valued, operands_last=True).operands
        runs: list[Code | Call] = [_there(Stream(text), call) for text in texts]
        command = _after_dashes(rest) or last[tool.skip :]
        if command and not texts:
            traits = () if call.name in _HERE else ("remote",)
            runs.append(_inner(call, command, *traits))
        return Outcome(runs=tuple(runs))
    return None


def _there(text: Stream, call: Call) -> Code:
    return Code("shell", text, (), call.traits | {"remote"})


def _inner(call: Call, argv: Sequence[str], *traits: str) -> Call:
    return call._replace(argv=tuple(argv), traits=call.traits | set(traits), depth=call.depth + 1)


def _after_dashes(words: Sequence[str]) -> Sequence[str]:
    return words[words.index("--") + 1 :] if "--" in words else ()


def _ssh(call: Call, world: World) -> Outcome:  # noqa: ARG001
    """`ssh HOST WORDS…`: the words are one text for the shell there; some options run a text here.

    Files go to a person's own hosts through its input every day; only secrets are told.
    """
    given = parse(call.argv[1:], f"{_SSH} M" if call.name == "autossh" else _SSH, operands_last=True)
    rest = list(given.operands)
    host = rest.pop(0) if rest else ""
    later = parse(rest, _SSH, operands_last=True)  # options may also stand between the host and the command
    rest = list(later.operands)
    words = Stream(None, call.taints, call.origin)
    effects = [sent(call, host, each, "session") for each in (call.stdin, words) if "secret" in each.taints]
    runs: list[Code | Call] = []
    for value in (*given.values("o"), *later.values("o")):
        name, _, text = value.replace("=", " ", 1).strip().partition(" ")
        if name.lower() in _SSH_RUNS and text.strip().lower() not in {"none", ""}:
            ordinary = {"ordinary"} if _first(text) in _ORDINARY_PROXIES - {"sh"} else set[str]()
            effects.append(Effect("load_code", value, "", call.traits | {"command"} | ordinary, call.text))
            runs.append(Code("shell", Stream(text.replace("%h", host)), (), call.traits))
    if rest:
        runs.append(_there(Stream(" ".join(rest)), call))
    elif call.stdin != EMPTY and host and not given.has("N", "O", "Q", "W"):
        runs.append(_inner(call, ("sh",), "remote"))
    return Outcome(tuple(effects), runs=tuple(runs))


def _first(text: str) -> str:
    words = text.split()
    return words[0].rpartition("/")[2] if words else ""


def _docker(call: Call, world: World) -> Outcome | None:  # noqa: ARG001
    """`run`, `exec` and `create` of containers, also under `container` and `compose`."""
    words = call.argv[1:]
    given = parse(words, _DOCKER, operands_last=True)
    operands = list(given.operands)
    if call.name.endswith("-compose"):
        operands = ["compose", *words]
    group = operands.pop(0) if operands and operands[0] in {"container", "compose"} else ""
    if group == "compose":
        operands = list(parse(operands, _COMPOSE, operands_last=True).operands)
    if not operands or operands[0] not in {"run", "exec", "create"}:
        return None
    options = parse(operands[1:], _EXEC if operands[0] == "exec" else _RUN, operands_last=True)
    command = list(options.operands[1:])
    if entry := next((each for each in options.values("entrypoint") if each), ""):
        command = [entry, *command]
    mounts = _mounts(options)
    effects = _let_out(options, mounts, call)
    if not command:
        reads = call.stdin != EMPTY and options.has("i", "interactive")
        return Outcome(effects, runs=(_inner(call, ("sh",), "remote"),) if reads else ())
    reach = [(host, there) for host, there in mounts if any(is_inside(word, there) for word in command)]
    if reach:  # what it does there, it does to a folder of this machine
        command = [_on_host(word, reach) for word in command]
        return Outcome(effects, runs=(_inner(call, command),))
    return Outcome(effects, runs=(_inner(call, command, "remote"),))


def _mounts(options: Options) -> list[tuple[str, str]]:
    """Folders of this machine and where they are inside."""
    found: list[tuple[str, str]] = []
    for value in options.values("v", "volume"):
        parts = value.split(":")
        if len(parts) > 1 and parts[0].startswith(("/", ".", "~", HOLE)):
            found.append((parts[0], parts[1].rstrip("/") or "/"))
    for value in options.values("mount"):
        pairs = {name: rest for name, _, rest in (each.partition("=") for each in value.split(","))}
        source = pairs.get("source") or pairs.get("src") or ""
        target = pairs.get("target") or pairs.get("dst") or pairs.get("destination") or ""
        if source.startswith(("/", ".", "~", HOLE)) and target:
            found.append((source, target.rstrip("/") or "/"))
    return found


def _on_host(word: str, mounts: Sequence[tuple[str, str]]) -> str:
    for host, there in mounts:
        if is_inside(word, there):
            return (host.rstrip("/") + word[len(there.rstrip("/")) :]) or "/"
    return word


def _let_out(options: Options, mounts: Sequence[tuple[str, str]], call: Call) -> tuple[Effect, ...]:
    """Ways out of a container: all of the disk, the engine's socket, all rights."""
    traits = call.traits | {"container"}
    reach = [
        host
        for host, _ in mounts
        if host == "/" or host.endswith((".sock", "/etc", "/root")) or host in {"/proc", "/dev"}
    ]
    shares = [
        f"--{name}=host"
        for name in ("pid", "userns", "ipc", "uts")
        if "host" in options.values(name) and options.has("privileged")
    ]
    targets = [
        *(each for each in reach if each != "/etc/localtime"),
        *(["--privileged"] if options.has("privileged") else []),
        *shares,
    ]
    return tuple(Effect("gain_privilege", target, "", traits | {_way(target)}, call.text) for target in targets)


def _way(target: str) -> str:
    return "disk" if target == "/" else "all_rights" if target.startswith("--") else "mount"


def _kubectl(call: Call, world: World) -> Outcome | None:  # noqa: ARG001
    """`exec`, `run`, `debug` and `rsh`; what stands after `--` is the command."""
    operands = parse(call.argv[1:], _KUBECTL, operands_last=True).operands
    if not operands or operands[0] not in {"exec", "run", "debug", "rsh"}:
        return None
    command = _after_dashes(call.argv)
    if not command and operands[0] in {"exec", "rsh"}:  # the old form, without the dashes
        command = parse(operands[1:], _KUBECTL, operands_last=True).operands[1:]
    if not command:
        return NOTHING if operands[0] in {"exec", "rsh"} else None
    return Outcome(runs=(_inner(call, command, "remote"),))


def _mosh(call: Call, world: World) -> Outcome:  # noqa: ARG001
    given = parse(call.argv[1:], "ssh predict family p port client server", operands_last=True)
    command = given.operands[1:]
    runs: list[Code | Call] = [Code("shell", Stream(text), (), call.traits) for text in given.values("ssh") if text]
    if command:
        runs.append(_inner(call, [word for word in command if word != "--"] or command, "remote"))
    return Outcome(runs=tuple(runs))


def _many(call: Call, world: World) -> Outcome:  # noqa: ARG001
    """`pdsh`, `pssh` and the like: one text on many hosts."""
    given = parse(call.argv[1:], "w x h H l p t o e A g f O", operands_last=True)
    skip = 1 if call.name in {"rsh", "remsh"} else 0
    words = given.operands[skip:]
    return Outcome(runs=(_there(Stream(" ".join(words)), call),)) if words else NOTHING


_PROGRAMS: dict[str, Callable[[Call, World], Outcome | None]] = {
    "ssh": _ssh,
    "autossh": _ssh,
    "slogin": _ssh,
    "tsh": _ssh,
    "dbclient": _ssh,
    "mosh": _mosh,
    **dict.fromkeys(("pdsh", "pssh", "parallel-ssh", "clush", "dsh", "rsh", "remsh", "cssh"), _many),
    **dict.fromkeys(_CONTAINERS, _docker),
    "kubectl": _kubectl,
    "oc": _kubectl,
    "k3s": _kubectl,
    "microk8s": _kubectl,
}
