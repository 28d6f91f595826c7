"""What functions of Python's standard library, and of a few that everybody has, do when they are called."""

from agentops_mcp.factors.guardrails.rules.calls import HOLE
from agentops_mcp.factors.guardrails.rules.programs.interpreters_acts import Acts, first
from agentops_mcp.factors.guardrails.rules.programs.interpreters_values import UNKNOWN_VALUE, Value, constant, joined
from agentops_mcp.factors.guardrails.rules.programs.python_code_called import Called, table
from agentops_mcp.factors.guardrails.rules.programs.python_code_files import FUNCTIONS as OF_FILES
from agentops_mcp.factors.guardrails.rules.programs.python_code_files import of_path
from agentops_mcp.factors.guardrails.rules.programs.python_code_texts import FUNCTIONS as OF_TEXTS
from agentops_mcp.factors.guardrails.rules.programs.python_code_texts import METHODS

_ALIASES = (
    ("posix.", "os."), ("nt.", "os."), ("builtins.", ""), ("__builtins__.", ""), ("io.open", "open"),
    ("codecs.open", "open"), ("urllib2.urlopen", "urllib.request.urlopen"),
    ("urllib.urlopen", "urllib.request.urlopen"),
    ("urllib.urlretrieve", "urllib.request.urlretrieve"), ("six.moves.urllib.", "urllib."),
    ("base64.urlsafe_b64", "base64.b64"), ("base64.standard_b64", "base64.b64"), ("commands.", "subprocess."),
    ("_socket.", "socket."), ("pathlib.PosixPath", "pathlib.Path"), ("pathlib.PurePath", "pathlib.Path"),
    ("pathlib.WindowsPath", "pathlib.Path"), ("os.popen2", "os.popen"), ("os.popen3", "os.popen"),
    ("os.popen4", "os.popen"),
)  # fmt: skip
_SENDING = frozenset("send sendall sendto sendmail send_message storbinary storlines putfo upload_file".split())


def called(callee: Value, arguments: list[Value], named: dict[str, Value], acts: Acts) -> Value:
    """What a call does, put into `acts`, and what it gives."""
    name = _known_as(callee.name)
    call = Called(name, callee, arguments, named, acts)
    if act := _FUNCTIONS.get(name):
        return act(call)
    method = name.rpartition(".")[2]
    if name.startswith("pathlib.Path()") or (callee.name.startswith("pathlib.Path()")):
        return of_path(call, method)
    if method in METHODS and (callee.text is not None or callee.taints or name.startswith((".", "str."))):
        return METHODS[method](call)
    if name.startswith(("requests.", "httpx.", "urllib3.")) or name.partition(".")[0] in {
        "requests()",
        "httpx()",
        "urllib3()",
    }:
        return _requested(call, method)
    if method in _SENDING:
        return _sent(call)
    if name.startswith("socket.socket()") and method in {"connect", "recv", "makefile", "accept"}:
        return _connect(call)
    if name.startswith("git.Repo().git."):  # GitPython: methods are git's subcommands
        acts.start((constant("git"), constant(method.replace("_", "-")), *arguments))
    acts.library(name, arguments)
    taints = callee.taints.union(*(each.every_taint for each in arguments))
    return Value(name=f"{name}()" if name else "", taints=taints, origin=callee.origin)


def _known_as(name: str) -> str:
    """The name under which a function is known here."""
    for other, own in _ALIASES:
        if name.startswith(other):
            return own + name[len(other) :]
    return name


def _shell(call: Called) -> Value:
    """A command line for the shell."""
    command = call.argument(0, "command", "cmd", "args")
    call.acts.run(command if command.items is None else joined(command.items, " "), "shell")
    return Value(name=f"{call.name}()", taints=command.taints & {"secret"})


def _process(call: Called) -> Value:
    """`subprocess`: a list starts a program, a text with `shell=True` a shell; a text alone is meant as a command."""
    command = call.argument(0, "args")
    if any(name in call.named and "fileno" in call.named[name].name for name in ("stdin", "stdout", "stderr")):
        call.acts.hand_over()
    if command.items is None:
        call.acts.run(command, "shell")
    elif call.named.get("shell", UNKNOWN_VALUE).name == "True":
        call.acts.run(first(command.items), "shell")
    else:
        call.acts.start(command.items)
    return Value(name="subprocess()")


def _execv(call: Called) -> Value:
    """`execv(path, [name, …])`; with `spawnv` and `posix_spawn` too the list begins with the name."""
    place = 1 if call.name.startswith("os.spawn") else 0
    path, words = call.argument(place), call.argument(place + 1)
    call.acts.start((path, *(words.items or (UNKNOWN_VALUE, UNKNOWN_VALUE))[1:]))
    return UNKNOWN_VALUE


def _execl(call: Called) -> Value:
    place = 1 if call.name.startswith("os.spawn") else 0
    words = call.arguments[place + 2 :]
    call.acts.start((call.argument(place), *(each for each in words if each.items is None)))
    return UNKNOWN_VALUE


def _terminal(call: Called) -> Value:
    call.acts.hand_over()
    program = call.argument(0)
    call.acts.start(program.items if program.items is not None else (program,))
    return UNKNOWN_VALUE


def _dynamic(call: Called) -> Value:
    """`exec` of what is not known here; known text is followed before this is asked."""
    text = call.argument(0)
    if "local" not in text.taints or text.taints & {"fetched", "decoded"}:
        call.acts.run(text, "python")
    return UNKNOWN_VALUE


def _fetch(call: Called) -> Value:
    url = call.argument(0, "url")
    found = call.acts.fetch(url, [*call.arguments[1:], *call.named.values()])
    if call.name.endswith("urlretrieve") and len(call.arguments) > 1:
        call.acts.write(call.argument(1))
    return found


def _requested(call: Called, method: str) -> Value:
    """`requests.get(url)`, `httpx.post(url, data=…)` and methods of their sessions."""
    if method not in {"get", "post", "put", "patch", "delete", "request", "head", "stream", "urlopen"}:
        return Value(name=f"{call.name}()")
    place = 1 if method in {"request", "stream"} else 0
    return call.acts.fetch(call.argument(place, "url"), [*call.arguments[place + 1 :], *call.named.values()])


def _connect(call: Called) -> Value:
    address = call.argument(0, "address")
    host = first(address.items) if address.items else address
    if call.name.endswith(("connect", "create_connection")):
        call.acts.connect(host if host.text else constant("a connection"))
    return Value(name="socket.socket()", taints=frozenset({"fetched"}), origin=host.text or "the network")


def _sent(call: Called) -> Value:
    call.acts.fetch(call.callee._replace(text=call.callee.origin or None, taints=frozenset()), call.arguments)
    return UNKNOWN_VALUE


def _hand_over(call: Called) -> Value:
    call.acts.hand_over()
    return UNKNOWN_VALUE


def _input(call: Called) -> Value:
    """The input of the process."""
    stream = call.acts.call.stdin
    return Value(text=stream.text or None, taints=stream.taints, origin=stream.origin)


def _group(call: Called) -> Value:
    if call.argument(0).text == "0":
        call.acts.effect("gain_privilege", "root")
    return UNKNOWN_VALUE


def _kill(call: Called) -> Value:
    call.acts.stop(call.argument(0).text or HOLE)
    return UNKNOWN_VALUE


def _started(call: Called) -> Value:
    call.acts.start(call.arguments)
    return UNKNOWN_VALUE


def _variable(call: Called) -> Value:
    return Value(text=call.acts.world.home if call.argument(0).text == "HOME" else None)


_FUNCTIONS = {
    **OF_FILES,
    **OF_TEXTS,
    **table(
        ("os.system os.popen os.startfile subprocess.getoutput subprocess.getstatusoutput", _shell),
        ("asyncio.create_subprocess_shell pexpect.spawn pexpect.run pexpect.spawnu invoke.run", _shell),
        ("subprocess.run subprocess.call subprocess.check_call subprocess.check_output subprocess.Popen", _process),
        ("os.execv os.execve os.execvp os.execvpe os.posix_spawn os.posix_spawnp", _execv),
        ("os.spawnv os.spawnve os.spawnvp os.spawnvpe", _execv),
        ("os.execl os.execle os.execlp os.execlpe os.spawnl os.spawnle os.spawnlp os.spawnlpe", _execl),
        ("pty.spawn", _terminal),
        ("os.dup2", _hand_over),
        ("asyncio.create_subprocess_exec", _started),
        ("exec eval execfile runpy.run_path", _dynamic),
        ("urllib.request.urlopen urllib.request.urlretrieve urllib.request.Request wget.download", _fetch),
        ("socket.create_connection", _connect),
        ("sys.stdin.read sys.stdin.readline sys.stdin.buffer.read input", _input),
        ("os.setuid os.setgid os.seteuid os.setreuid os.setresuid", _group),
        ("os.kill os.killpg", _kill),
        ("os.getenv os.environ.get", _variable),
    ),
}
