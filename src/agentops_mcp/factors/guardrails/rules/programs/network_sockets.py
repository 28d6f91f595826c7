"""Programs that join this machine's streams, files and programs to a socket."""

from collections.abc import Callable

from agentops_mcp.factors.guardrails.rules.calls import Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import parse
from agentops_mcp.factors.guardrails.rules.programs.network_hosts import exact, host_of, is_given, sent, valued_by
from agentops_mcp.factors.guardrails.rules.programs.network_requests import effects as request_effects
from agentops_mcp.factors.guardrails.rules.programs.reading import of_file

_NC_VALUED = (
    "allow allowfile deny denyfile exec sh-exec lua-exec max-conns idle-timeout proxy proxy-auth proxy-type "
    "proxy-dns source source-port output hex-dump wait delay ssl-cert ssl-key ssl-ciphers ssl-alpn "
    "ssl-servername ssl-trustfile"
)
_NETWORK = (
    "tcp", "udp", "sctp", "dccp", "openssl", "ssl", "dtls", "socks", "proxy", "vsock", "ip", "interface", "tun",
)  # fmt: skip
"""Beginnings of socat's addresses that reach another machine, from its manual."""

_PROGRAMS = frozenset({"exec", "system", "shell"})
_FILES = frozenset({"open", "file", "gopen", "create", "creat", "pipe", "fifo", "rdonly", "readline"})
_HAPROXY = (
    "disable ",
    "shutdown ",
    "del ",
    "clear ",
    "set server",
    "set weight",
    "set maxconn",
    "set map",
    "set ssl",
    "commit ",
)
_SUPERVISED = ("haproxy", "admin.sock", "stats", "docker.sock", "containerd.sock", "crio.sock")


def outcome(call: Call, world: World) -> Outcome | None:
    """What a program on a socket does."""
    found = _PROGRAMS_HERE.get(call.name)
    return found(call, world) if found else None


def _netcat(call: Call, world: World) -> Outcome | None:
    given = exact(call.argv[1:], _NC_VALUED, "egGiImMoOpPqsTVwWxX" + ("c" if _runs_with_c(call) else ""))
    listens = is_given(given, "l", "listen")
    host = "" if listens else next(iter(given.operands), "")
    if any(valued_by(given, ("e", "c", "exec", "sh-exec", "lua-exec"))):
        effect = Effect("open_shell", host or "whoever connects", "remote", call.traits, call.text)
        return Outcome((effect,), _from(host))
    if is_given(given, "U") and (call.stdin.text or "").lstrip().startswith(_HAPROXY):
        return Outcome((_order(call),))
    return _flow(call, host, listens=listens)


def _runs_with_c(call: Call) -> bool:
    """`-c` takes a command in ncat and in the traditional netcat; in BSD's it is a flag."""
    after = next((call.argv[at + 1 : at + 2] for at, word in enumerate(call.argv) if _ends_with_c(word)), ())
    return call.name == "ncat" or any("/" in word or " " in word or word.endswith("sh") for word in after)


def _ends_with_c(word: str) -> bool:
    return word.startswith("-") and not word.startswith("--") and word.endswith("c")


def _flow(call: Call, host: str, *, listens: bool = False) -> Outcome:
    """What goes in at a program that passes its input to a socket and prints what comes back."""
    effects: list[Effect] = []
    if call.stdin.text != "" or call.stdin.taints:
        effects.append(sent(call, host or "whoever connects", call.stdin, "stdin"))
    if _is_relay(call):
        effects.append(Effect("open_shell", host or "whoever connects", "remote", call.traits | {"relay"}, call.text))
    return Outcome(tuple(effects), _from(host) if host or listens else Stream())


def _is_relay(call: Call) -> bool:
    """Whether what a program prints goes out, and what comes back goes to a pipe that somebody reads from."""
    speaks = call.stdin.text is None and not call.stdin.taints & {"local", "secret", "fetched"}
    return speaks and call.stdout not in {"", "/dev/null"}


def _from(host: str) -> Stream:
    return Stream(None, frozenset({"fetched"}), host)


def _socat(call: Call, world: World) -> Outcome | None:
    given = parse(call.argv[1:], "b t T l L W x r R lp lf lm ly ls", single_dash=True)
    flags = {name for name, _ in given.given}
    if len(given.operands) < 2:
        return None
    left, right = given.operands[0], given.operands[1]
    sends = [] if "U" in flags else [(left, right)]
    sends += [] if "u" in flags else [(right, left)]
    effects: dict[Effect, None] = {}
    for source, sink in sends:
        effects.update(dict.fromkeys(_joined(source, sink, call, world)))
    effects.update(dict.fromkeys(_program_on_socket(left, right, call)))
    output = _from(host_of(right)) if _is_network(right) or _is_network(left) else Stream()
    runs = tuple(code for each in (left, right) if (code := _code(each)) is not None)
    return Outcome(tuple(effects), output, runs)


def _program_on_socket(left: str, right: str, call: Call) -> list[Effect]:
    for here, there in ((left, right), (right, left)):
        if _kind(here) in _PROGRAMS and (_is_network(there) or _kind(there) in {"fd", "unix", "unix-listen"}):
            return [Effect("open_shell", _address(there) or "whoever connects", "remote", call.traits, call.text)]
    return []


def _code(address: str) -> Code | None:
    kind = _kind(address)
    text = address.partition(":")[2].rpartition(",")[0] or address.partition(":")[2]
    return Code("shell", Stream(text)) if kind in _PROGRAMS and text else None


def _joined(source: str, sink: str, call: Call, world: World) -> list[Effect]:
    """What one direction sends: a file or the input, to a socket or to one that is open as a number."""
    if _is_supervisor(sink) and (call.stdin.text or "").lstrip().startswith(_HAPROXY):
        return [_order(call)]
    if not _is_network(sink) and _kind(sink) != "fd":
        return []
    host = _address(sink) if _is_network(sink) else ""
    if source == "-" or _kind(source) in {"stdio", "stdin", "fd"}:
        return [sent(call, host, call.stdin, "stdin")] if call.stdin.text != "" or call.stdin.taints else []
    if _kind(source) not in _FILES and not source.startswith(("/", "./", "../")):
        return []
    stream, _ = of_file(_file_of(source), call.cwd, world)
    effect = sent(call, host or "an open connection", stream, "file")
    return [effect] if _is_network(sink) or "secret" in stream.taints else []


def _order(call: Call) -> Effect:
    """An order to a load balancer through its socket."""
    traits = call.traits | {"api", "local_host"}
    return Effect("change_infrastructure", (call.stdin.text or "").strip(), "", traits, call.text)


def _is_supervisor(address: str) -> bool:
    return _kind(address) in {"unix", "unix-connect", "unix-client"} or any(
        each in address.lower() for each in _SUPERVISED
    )


def _kind(address: str) -> str:
    return address.replace(",", ":").partition(":")[0].lower()


def _is_network(address: str) -> bool:
    return _kind(address).startswith(_NETWORK)


def _address(address: str) -> str:
    """The host of `TCP:host:port,options`; empty for one that listens."""
    kind = _kind(address)
    return (
        "" if "listen" in kind or kind.endswith("-l") else address.partition(":")[2].partition(":")[0].partition(",")[0]
    )


def _file_of(address: str) -> str:
    path, *options = (address.partition(":")[2] or address).split(",")
    folder = next((each.partition("=")[2] for each in options if each.startswith(("chdir=", "cd="))), "")
    return f"{folder}/{path}" if folder else path


def _telnet(call: Call, world: World) -> Outcome | None:
    given = parse(call.argv[1:], "l n b e k X")
    return _flow(call, next(iter(given.operands), ""))


def _telnetd(call: Call, world: World) -> Outcome | None:
    """`telnetd -l PROGRAM`: whoever connects gets the program in place of a login."""
    given = parse(call.argv[1:], "l p b f K w")
    program = next(iter(given.values("l")), "")
    if not program or program.endswith("login"):
        return None
    return Outcome((Effect("open_shell", "whoever connects", "remote", call.traits, call.text),))


def _websocket(call: Call, world: World) -> Outcome | None:
    """Websocat and wscat: addresses as URLs; messages from the input or an option are judged as bodies."""
    given = exact(
        call.argv[1:], "connect execute header subprotocol proxy auth host origin protocol listen ping-interval exec "
        "basic-auth ws-c-uri uncompress-first conncap buffer-size", "cxHPsnBo"
    )  # fmt: skip
    addresses = [*given.operands, *valued_by(given, ("c", "connect"))]
    if any(each.startswith(("exec:", "sh-c:", "cmd:")) for each in addresses):
        return Outcome(
            (Effect("open_shell", " ".join(addresses), "remote", call.traits, call.text),), _from(addresses[0])
        )
    url = next((each for each in addresses if "://" in each), next(iter(addresses), ""))
    messages = [
        *valued_by(given, ("x", "execute")),
        *(each for each in given.operands if each.lstrip()[:1] in {"{", "["}),
    ]
    found = [effect for text in messages for effect in request_effects(call, "POST", url, text)]
    flow = _flow(call, host_of(url))
    return Outcome((*found, *flow.effects), flow.output)


def _openssl(call: Call, world: World) -> Outcome | None:
    """`openssl s_client` and `s_server`; its other commands are those of a decoder."""
    if call.argv[1:2] not in {("s_client",), ("s_server",)}:
        from agentops_mcp.factors.guardrails.rules.programs import filters_decode  # only for what it decodes

        return filters_decode.outcome(call, world)
    given = parse(call.argv[2:], "connect host port servername cert key CAfile accept starttls proxy", single_dash=True)
    host = next(iter(given.values("connect") or given.values("host") or given.operands), "")
    if is_given(given, "showcerts", "cert_chain") or (call.stdin.text is not None and not call.stdin.text.strip()):
        return Outcome(output=_from(host))
    return _flow(call, host_of(host), listens=call.argv[1] == "s_server")


_PROGRAMS_HERE: dict[str, Callable[[Call, World], Outcome | None]] = {
    **dict.fromkeys(("nc", "ncat", "netcat", "nc.traditional", "nc.openbsd", "cryptcat", "pwncat"), _netcat),
    "socat": _socat, "telnet": _telnet, "telnetd": _telnetd, "websocat": _websocket, "wscat": _websocket,
    "openssl": _openssl,
}  # fmt: skip
