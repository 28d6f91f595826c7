"""Engines of containers: what runs inside of one, and which ways lead out of it to this machine."""

from collections.abc import Sequence
from typing import NamedTuple

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, HOLE, Call, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import Options, parse
from agentops_mcp.factors.guardrails.rules.places import is_inside
from agentops_mcp.factors.guardrails.rules.programs.reading import secret_kind
from agentops_mcp.factors.guardrails.rules.programs.shells_running import passing

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
_NAMES = frozenset("docker docker-compose finch lima nerdctl podman podman-compose".split())
_CAPABILITIES = frozenset({"all", "sys_admin", "sys_module", "sys_rawio", "dac_read_search", "bpf"})
"""Rights with which a program gets out of a container, from the manual capabilities(7)."""

_ENGINES = ("docker.sock", "containerd.sock", "podman.sock", "crio.sock", "/var/run", "/run")
_SYSTEM_FOLDERS = frozenset(
    "/etc /root /boot /usr /bin /sbin /lib /proc /sys /dev /var/lib/docker /var/lib/kubelet".split()
)
_DISKS = ("/dev/sd", "/dev/nvme", "/dev/vd", "/dev/xvd", "/dev/mem", "/dev/kmem", "/dev/disk", "/dev/mapper", "/dev/hd")


def outcome(call: Call, world: World) -> Outcome | None:
    """What an engine runs in a container, and which ways out it gives to it."""
    return passing(_outcome(call, world)) if call.name in _NAMES else None


def _outcome(call: Call, world: World) -> Outcome | None:
    """`run`, `exec` and `create` of containers, also under `container` and `compose`."""
    words = call.argv[1:]
    given = parse(words, _DOCKER, operands_last=True)
    operands = list(given.operands)
    if call.name.endswith("-compose"):
        operands = ["compose", *words]
    group = operands.pop(0) if operands and operands[0] in {"container", "compose"} else ""
    if group == "compose":
        operands = list(parse(operands, _COMPOSE, operands_last=True).operands)
    if operands[:1] == ["cp"]:
        return _copied_out(operands[1:], world)
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
    reach = [mount for mount in mounts if any(is_inside(word, mount.there) for word in command)]
    if reach:  # what it does there, it does to a folder of this machine
        command = [_on_host(word, reach) for word in command]
        return Outcome(effects, runs=(_inner(call, command),))
    return Outcome(effects, runs=(_inner(call, command, "remote"),))


class _Mount(NamedTuple):
    """A folder of this machine, and where it is inside."""

    host: str
    there: str
    read_only: bool


def _inner(call: Call, argv: Sequence[str], *traits: str) -> Call:
    return call._replace(argv=tuple(argv), traits=call.traits | set(traits), depth=call.depth + 1)


def _copied_out(operands: Sequence[str], world: World) -> Outcome | None:
    """`cp CONTAINER:PATH -` prints a file of a container."""
    words = [word for word in operands if not word.startswith("-") or word == "-"]
    if words[-1:] != ["-"] or ":" not in words[0]:
        return None
    kind = secret_kind(words[0].partition(":")[2], "/", world)
    return Outcome(output=Stream(None, frozenset({"local", "secret"} if kind else {"local"}), words[0]))


def _mounts(options: Options) -> list[_Mount]:
    """Folders of this machine and where they are inside."""
    found: list[_Mount] = []
    for value in options.values("v", "volume"):
        parts = value.split(":")
        if len(parts) > 1 and parts[0].startswith(("/", ".", "~", HOLE)):
            read_only = "ro" in ",".join(parts[2:]).split(",")
            found.append(_Mount(parts[0], parts[1].rstrip("/") or "/", read_only))
    for value in options.values("mount"):
        pairs = {name: rest for name, _, rest in (each.partition("=") for each in value.split(","))}
        source = pairs.get("source") or pairs.get("src") or ""
        target = pairs.get("target") or pairs.get("dst") or pairs.get("destination") or ""
        if source.startswith(("/", ".", "~", HOLE)) and target:
            found.append(_Mount(source, target.rstrip("/") or "/", "readonly" in pairs or "ro" in pairs))
    return found


def _on_host(word: str, mounts: Sequence[_Mount]) -> str:
    for mount in mounts:
        if is_inside(word, mount.there):
            return (mount.host.rstrip("/") + word[len(mount.there.rstrip("/")) :]) or "/"
    return word


def _let_out(options: Options, mounts: Sequence[_Mount], call: Call) -> tuple[Effect, ...]:
    """Ways out of a container: all of the disk, the engine's socket, all rights."""
    ways = [(mount.host, way) for mount in mounts for way in _by_mount(mount)]
    if options.has("privileged"):
        ways.append(("--privileged", {"all_rights"}))
    if "host" in options.values("pid"):
        ways.append(("--pid=host", {"all_rights"}))
    rights = [each.lower().removeprefix("cap_") for each in options.values("cap-add")]
    ways += [(f"--cap-add={each}", {"all_rights"}) for each in rights if each in _CAPABILITIES]
    ways += [(each.partition(":")[0], {"device"}) for each in options.values("device") if each.startswith(_DISKS)]
    return tuple(Effect("gain_privilege", name, "", call.traits | {"container"} | way, call.text) for name, way in ways)


def _by_mount(mount: _Mount) -> list[set[str]]:
    if mount.host == "/":
        return [{"disk", "read_only"} if mount.read_only else {"disk"}]
    if mount.host.endswith(_ENGINES):
        return [{"engine"}]
    if not mount.read_only and mount.host.rstrip("/") in _SYSTEM_FOLDERS:
        return [{"mount"}]
    return []
