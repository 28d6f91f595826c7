"""Programs that run a command elsewhere: on another machine, in a container, in a virtual one."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, NOTHING, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import parse
from agentops_mcp.factors.guardrails.rules.programs.network_hosts import sent, worded
from agentops_mcp.factors.guardrails.rules.programs.shells_running import passing

_SSH = "b B c D E e F I i J L l m O o p Q R S W w P"
_SSH_RUNS = ("proxycommand", "localcommand", "knownhostscommand", "match exec", "pkcs11provider", "securitykeyprovider")
_ORDINARY_PROXIES = frozenset("ssh nc ncat netcat cloudflared aws gcloud corkscrew connect connect-proxy sh".split())

_KUBECTL = (
    "n namespace c container f filename context kubeconfig cluster user s server token as as-group request-timeout v "
    "pod-running-timeout image env labels l overrides restart port limits requests certificate-authority"
)
_AWS = "document-name instance-ids targets parameters comment region profile output timeout-seconds"
_NODE_RIGHTS = ('"hostPID":true', '"privileged":true', '"hostPID": true', '"privileged": true', '"hostPath"')
_HERE = frozenset({"sshpass", "wsl", "toolbox", "distrobox", "devcontainer"})
"""What runs with them reaches the files of this machine."""


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
    "devcontainer": _Elsewhere(
        ("exec",), "workspace-folder container-id config docker-path id-label override-config remote-env log-level"
    ),
    "fab": _Elsewhere(("",), "H hosts i identity c collection r search-root t connect-timeout", 99),
    "ctr": _Elsewhere(("task exec", "tasks exec", "t exec"), "exec-id cwd user fifo-dir", 1),
    "crictl": _Elsewhere(("exec",), "timeout r runtime-endpoint", 1),
    "aws": _Elsewhere(("ecs execute-command",), "command cluster task container region profile", 99, "command"),
    "doctl": _Elsewhere(
        ("compute ssh",), "ssh-command ssh-user ssh-port ssh-key-path t access-token", 99, "ssh-command"
    ),
    "nomad": _Elsewhere(("alloc exec", "exec"), "task job e region namespace address", 1),
    "knife": _Elsewhere(("ssh",), "x ssh-user P ssh-password i a attribute C concurrency", 1),
    "bolt": _Elsewhere(("command run",), "t targets q query user password private-key transport"),
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
        if command and " " in command[0]:  # one word that is a whole command
            runs.append(_there(Stream(command[0]), call))
        elif command and not texts:
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


def _ssh(call: Call, world: World) -> Outcome:
    """`ssh HOST WORDS…`: the words are one text for the shell there; some options run a text here.

    Files go to a person's own hosts through its input every day; only secrets are told.
    """
    given = parse(call.argv[1:], f"{_SSH} M" if call.name == "autossh" else _SSH, operands_last=True)
    rest = list(given.operands)
    host = rest.pop(0) if rest else ""
    later = parse(rest, _SSH, operands_last=True)  # options may also stand between the host and the command
    rest = list(later.operands)
    words = worded(" ".join(rest), call)
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


def _kubectl(call: Call, world: World) -> Outcome | None:
    """`exec`, `run`, `debug` and `rsh`; what stands after `--` is the command."""
    operands = parse(call.argv[1:], _KUBECTL, operands_last=True).operands
    if not operands or operands[0] not in {"exec", "run", "debug", "rsh"}:
        return None
    command = _after_dashes(call.argv)
    if not command and operands[0] in {"exec", "rsh"}:  # the old form, without the dashes
        command = parse(operands[1:], _KUBECTL, operands_last=True).operands[1:]
    if not command:
        effects = _effects_on_node(call)
        return Outcome(effects) if effects else NOTHING if operands[0] in {"exec", "rsh"} else None
    return Outcome(_effects_on_node(call), runs=(_inner(call, command, "remote"),))


def _effects_on_node(call: Call) -> tuple[Effect, ...]:
    """A pod with the rights of its node: `kubectl debug node/…`, or settings that ask for them."""
    debugs = "debug" in call.argv and any(word.startswith(("node/", "nodes/")) for word in call.argv)
    settings = next((word for word in call.argv if '"' in word and any(each in word for each in _NODE_RIGHTS)), "")
    if not debugs and not settings:
        return ()
    traits = call.traits | {"container", "all_rights"}
    return (Effect("gain_privilege", settings or "the node", "", traits, call.text),)


def _commands(call: Call, world: World) -> Outcome | None:
    """`aws ssm send-command --parameters commands=…`: texts for the shells of machines, plain or as JSON."""
    given = parse(call.argv[1:], _AWS)
    if given.operands[:2] != ("ssm", "send-command"):
        return _tool(call, _TOOLS["aws"])
    texts = [value.partition("commands")[2].lstrip("\"'=: [").rstrip("\"'} ]") for value in given.values("parameters")]
    return Outcome(runs=tuple(_there(Stream(text.replace('","', "\n")), call) for text in texts if text))


def _salt(call: Call, world: World) -> Outcome | None:
    """`salt TARGET cmd.run TEXT`, on every machine that the target names."""
    given = parse(call.argv[1:], "t b L E c out timeout batch config-dir log-level", operands_last=True)
    here = call.name == "salt-call"
    words = given.operands if here else given.operands[1:]
    if words[:1] not in {("cmd.run",), ("cmd.shell",), ("cmd.run_all",), ("cmd.run_stdout",), ("cmd.retcode",)}:
        return None
    traits = set[str]() if here else {"repeated", "remote"}
    return Outcome(runs=(Code("shell", Stream(" ".join(words[1:2])), (), call.traits | traits),))


def _mosh(call: Call, world: World) -> Outcome:
    given = parse(call.argv[1:], "ssh predict family p port client server", operands_last=True)
    command = given.operands[1:]
    runs: list[Code | Call] = [Code("shell", Stream(text), (), call.traits) for text in given.values("ssh") if text]
    if command:
        runs.append(_inner(call, [word for word in command if word != "--"] or command, "remote"))
    return Outcome(runs=tuple(runs))


def _many(call: Call, world: World) -> Outcome:
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
    "aws": _commands,
    **dict.fromkeys(("salt", "salt-ssh", "salt-call"), _salt),
    "kubectl": _kubectl,
    "oc": _kubectl,
    "k3s": _kubectl,
    "microk8s": _kubectl,
}
