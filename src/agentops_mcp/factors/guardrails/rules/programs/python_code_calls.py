"""What functions of Python's standard library, and of a few that everybody has, do when they are called."""

from collections.abc import Callable
from typing import NamedTuple

from agentops_mcp.factors.guardrails.rules.calls import HOLE
from agentops_mcp.factors.guardrails.rules.programs.interpreters_acts import Acts, first
from agentops_mcp.factors.guardrails.rules.programs.interpreters_values import (
    UNKNOWN_VALUE,
    Value,
    based,
    constant,
    from_hex,
    joined,
    rotated,
)


class _Called(NamedTuple):
    """A call with what is known of its arguments."""

    name: str
    callee: Value
    arguments: list[Value]
    named: dict[str, Value]
    acts: Acts

    def argument(self, place: int, *names: str) -> Value:
        """An argument by place or name."""
        if place < len(self.arguments):
            return self.arguments[place]
        return next((self.named[name] for name in names if name in self.named), UNKNOWN_VALUE)


_Act = Callable[[_Called], Value]


def called(callee: Value, arguments: list[Value], named: dict[str, Value], acts: Acts) -> Value:
    """What a call does, put into `acts`, and what it gives."""
    name = _known_as(callee.name)
    call = _Called(name, callee, arguments, named, acts)
    if name in _FUNCTIONS:
        return _FUNCTIONS[name](call)
    method = name.rpartition(".")[2]
    if name.startswith("pathlib.Path()") or (callee.name.startswith("pathlib.Path()")):
        return _of_path(call, method)
    if method in _METHODS and (callee.text is not None or callee.taints or name.startswith((".", "str."))):
        return _METHODS[method](call)
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
    taints = callee.taints.union(*(each.every_taint for each in arguments))
    return Value(name=f"{name}()" if name else "", taints=taints, origin=callee.origin)


def _known_as(name: str) -> str:
    """The name under which a function is known here."""
    for other, own in _ALIASES:
        if name.startswith(other):
            return own + name[len(other) :]
    return name


_ALIASES = (
    ("posix.", "os."), ("nt.", "os."), ("builtins.", ""), ("__builtins__.", ""), ("io.open", "open"),
    ("codecs.open", "open"),
    ("urllib2.urlopen", "urllib.request.urlopen"), ("urllib.urlopen", "urllib.request.urlopen"),
    ("urllib.urlretrieve", "urllib.request.urlretrieve"), ("six.moves.urllib.", "urllib."), ("base64.urlsafe_b64",
    "base64.b64"),
    ("base64.standard_b64", "base64.b64"), ("commands.", "subprocess."), ("_socket.", "socket."),
    ("pathlib.PosixPath", "pathlib.Path"),
    ("pathlib.PurePath", "pathlib.Path"), ("pathlib.WindowsPath", "pathlib.Path"), ("os.popen2", "os.popen"),
    ("os.popen3", "os.popen"), ("os.popen4", "os.popen"), ("fs.rmtree", "shutil.rmtree"),
)  # fmt: skip
_SENDING = frozenset(
    {"send", "sendall", "sendto", "sendmail", "send_message", "storbinary", "storlines", "putfo", "upload_file"}
)


def _shell(call: _Called) -> Value:
    """A command line for the shell."""
    command = call.argument(0, "command", "cmd", "args")
    call.acts.run(command if command.items is None else joined(command.items, " "), "shell")
    return Value(name=f"{call.name}()", taints=command.taints & {"secret"})


def _process(call: _Called) -> Value:
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


def _execv(call: _Called) -> Value:
    """`execv(path, [name, …])`; with `spawnv` and `posix_spawn` too the list begins with the name."""
    place = 1 if call.name.startswith("os.spawn") else 0
    path, words = call.argument(place), call.argument(place + 1)
    call.acts.start((path, *(words.items or (UNKNOWN_VALUE, UNKNOWN_VALUE))[1:]))
    return UNKNOWN_VALUE


def _execl(call: _Called) -> Value:
    place = 1 if call.name.startswith("os.spawn") else 0
    words = call.arguments[place + 2 :]
    call.acts.start((call.argument(place), *(each for each in words if each.items is None)))
    return UNKNOWN_VALUE


def _terminal(call: _Called) -> Value:
    call.acts.hand_over()
    program = call.argument(0)
    call.acts.start(program.items if program.items is not None else (program,))
    return UNKNOWN_VALUE


def _dynamic(call: _Called) -> Value:
    """`exec` of what is not known here; known text is followed before this is asked."""
    text = call.argument(0)
    if "local" not in text.taints or text.taints & {"fetched", "decoded"}:
        call.acts.run(text, "python")
    return UNKNOWN_VALUE


def _compile(call: _Called) -> Value:
    return call.argument(0, "source")


def _delete(call: _Called) -> Value:
    call.acts.delete(call.argument(0, "path"))
    return UNKNOWN_VALUE


def _delete_tree(call: _Called) -> Value:
    call.acts.delete(call.argument(0, "path"), recursive=True)
    return UNKNOWN_VALUE


def _move(call: _Called) -> Value:
    call.acts.move(call.argument(0, "src"), call.argument(1, "dst"))
    return UNKNOWN_VALUE


def _copy(call: _Called) -> Value:
    call.acts.read(call.argument(0, "src"))
    call.acts.write(call.argument(1, "dst"))
    return UNKNOWN_VALUE


def _open(call: _Called) -> Value:
    path, mode = call.argument(0, "file"), call.argument(1, "mode")
    kind = mode.text or ("r" if len(call.arguments) < len(("path", "mode")) and "mode" not in call.named else "")
    if set(kind) & set("wax+"):
        call.acts.write(path, kind)
        return Value(name="open()")
    return call.acts.read(path)._replace(name="open()")


def _permissions(call: _Called) -> Value:
    world = call.argument(1, "mode").text in {"511", "438"}  # 0o777 and 0o666
    call.acts.on_path("change_permissions", call.argument(0, "path"), *(("world",) if world else ()))
    return UNKNOWN_VALUE


def _truncate(call: _Called) -> Value:
    call.acts.write(call.argument(0, "path"))
    return UNKNOWN_VALUE


def _path(call: _Called) -> Value:
    parts = joined(call.arguments, "/") if call.arguments else constant(".")
    return parts._replace(name="pathlib.Path()", text=parts.path)


def _of_path(call: _Called, method: str) -> Value:
    """Methods of `pathlib.Path`."""
    path = Value(text=call.callee.path, taints=call.callee.taints)
    if method in {"unlink", "rmdir"}:
        call.acts.delete(path)
    elif method in {"rename", "replace", "move"} and call.arguments:
        call.acts.move(path, call.argument(0))
    elif method in {"write_text", "write_bytes"}:
        call.acts.write(path)
    elif method in {"touch", "symlink_to", "hardlink_to"}:
        call.acts.write(path, "a")
    elif method in {"read_text", "read_bytes"}:
        return call.acts.read(path)
    elif method == "open":
        return _open(call._replace(arguments=[path, *call.arguments]))
    elif method == "chmod":
        return _permissions(call._replace(arguments=[path, *call.arguments]))
    elif method == "home":
        return Value(name="pathlib.Path()", text=call.acts.world.home)
    elif method == "cwd":
        return Value(name="pathlib.Path()", text=call.acts.call.cwd)
    elif method in {"glob", "rglob", "iterdir"}:
        found = joined((path, call.argument(0) if call.arguments else constant("*")), "/")
        return found._replace(name="pathlib.Path()")
    elif method in {"joinpath", "with_name"}:
        return joined((path, *call.arguments), "/")._replace(name="pathlib.Path()")
    return Value(name="pathlib.Path()", text=path.text)


def _listed(call: _Called) -> Value:
    """Names of what is in a folder, or fits a pattern."""
    folder = call.argument(0)
    if call.name.startswith("glob."):
        return folder
    return joined((folder, constant("*")), "/") if folder.text else Value(text="*")


def _path_joined(call: _Called) -> Value:
    return joined(call.arguments, "/")


def _of_home(call: _Called) -> Value:
    value = call.argument(0)
    return value._replace(text=call.acts.world.home + value.text[1:]) if (value.text or "").startswith("~") else value


def _fetch(call: _Called) -> Value:
    url = call.argument(0, "url")
    found = call.acts.fetch(url, [*call.arguments[1:], *call.named.values()])
    if call.name.endswith("urlretrieve") and len(call.arguments) > 1:
        call.acts.write(call.argument(1))
    return found


def _requested(call: _Called, method: str) -> Value:
    """`requests.get(url)`, `httpx.post(url, data=…)` and methods of their sessions."""
    if method not in {"get", "post", "put", "patch", "delete", "request", "head", "stream", "urlopen"}:
        return Value(name=f"{call.name}()")
    place = 1 if method in {"request", "stream"} else 0
    return call.acts.fetch(call.argument(place, "url"), [*call.arguments[place + 1 :], *call.named.values()])


def _connect(call: _Called) -> Value:
    address = call.argument(0, "address")
    host = first(address.items) if address.items else address
    if call.name.endswith(("connect", "create_connection")):
        call.acts.connect(host if host.text else constant("a connection"))
    return Value(name="socket.socket()", taints=frozenset({"fetched"}), origin=host.text or "the network")


def _sent(call: _Called) -> Value:
    call.acts.fetch(call.callee._replace(text=call.callee.origin or None, taints=frozenset()), call.arguments)
    return UNKNOWN_VALUE


def _hand_over(call: _Called) -> Value:
    call.acts.hand_over()
    return UNKNOWN_VALUE


def _input(call: _Called) -> Value:
    """The input of the process."""
    stream = call.acts.call.stdin
    return Value(text=stream.text or None, taints=stream.taints, origin=stream.origin)


def _hidden(call: _Called) -> Value:
    return Value(taints=call.argument(0).taints | {"decoded"})


def _decoded(call: _Called) -> Value:
    """`codecs.decode(text, "rot13")`."""
    codec = (call.argument(1, "encoding").text or "").lower().replace("_", "").replace("-", "")
    return _by_codec(call.argument(0), codec)


def _by_codec(value: Value, codec: str) -> Value:
    if codec in {"rot13"}:
        return rotated(value)
    if codec in {"hex", "hexcodec"}:
        return from_hex(value)
    return based(value) if codec in {"base64", "base64codec"} else value


def _group(call: _Called) -> Value:
    if call.argument(0).text == "0":
        call.acts.effect("gain_privilege", "root")
    return UNKNOWN_VALUE


def _kill(call: _Called) -> Value:
    wide = {"everything"} if call.argument(0).text in {"-1", "1"} else set[str]()
    call.acts.effect("stop_service", call.argument(0).text or HOLE, "", *wide)
    return UNKNOWN_VALUE


def _character(call: _Called) -> Value:
    number = call.argument(0).text
    return (
        constant(chr(int(number)))
        if number and number.isascii() and number.isdigit() and int(number) < 0x110000
        else UNKNOWN_VALUE
    )


def _method_decode(call: _Called) -> Value:
    codec = (call.argument(0, "encoding").text or "").lower().replace("_", "").replace("-", "")
    return _by_codec(call.callee, codec)._replace(name="")


def _same(call: _Called) -> Value:
    return call.callee._replace(name="")


def _joined(call: _Called) -> Value:
    over = call.argument(0)
    if over.items is None:
        return Value(taints=over.taints)
    return joined(over.items, call.callee.text or "")


def _replaced(call: _Called) -> Value:
    old, new, text = call.argument(0).text, call.argument(1).text, call.callee.text
    return call.callee._replace(name="", text=text.replace(old, new) if text and old and new is not None else text)


def _formatted(call: _Called) -> Value:
    text = call.callee.text or ""
    for value in call.arguments:
        text = text.replace("{}", value.path, 1)
    for name, value in call.named.items():
        text = text.replace("{" + name + "}", value.path)
    for place, value in enumerate(call.arguments):
        text = text.replace("{" + str(place) + "}", value.path)
    return Value(text=text, taints=call.callee.taints.union(*(each.taints for each in call.arguments)))


def _split(call: _Called) -> Value:
    separator = call.argument(0, "sep").text
    if call.callee.text is None:
        return Value(taints=call.callee.taints)
    return Value(
        items=tuple(constant(each) for each in call.callee.text.split(separator or None)), taints=call.callee.taints
    )


def _started(call: _Called) -> Value:
    call.acts.start(call.arguments)
    return UNKNOWN_VALUE


def _table(*rows: tuple[str, _Act]) -> dict[str, _Act]:
    return {name: act for names, act in rows for name in names.split()}


_FUNCTIONS = _table(
    ("os.system os.popen os.startfile subprocess.getoutput subprocess.getstatusoutput platform.popen", _shell),
    ("asyncio.create_subprocess_shell pexpect.spawn pexpect.run pexpect.spawnu invoke.run", _shell),
    ("subprocess.run subprocess.call subprocess.check_call subprocess.check_output subprocess.Popen", _process),
    ("os.execv os.execve os.execvp os.execvpe os.posix_spawn os.posix_spawnp", _execv),
    ("os.spawnv os.spawnve os.spawnvp os.spawnvpe", _execv),
    ("os.execl os.execle os.execlp os.execlpe os.spawnl os.spawnle os.spawnlp os.spawnlpe", _execl),
    ("pty.spawn", _terminal), ("os.dup2", _hand_over), ("asyncio.create_subprocess_exec", _started),
    ("exec eval execfile runpy.run_path code.interact marshal.loads.exec", _dynamic), ("compile", _compile),
    ("os.remove os.unlink os.rmdir os.removedirs send2trash.send2trash", _delete), ("shutil.rmtree", _delete_tree),
    ("os.rename os.replace os.renames shutil.move", _move),
    ("shutil.copy shutil.copy2 shutil.copyfile shutil.copytree", _copy), ("open", _open), ("os.truncate", _truncate),
    ("os.chmod os.lchmod os.chown os.lchown shutil.chown", _permissions), ("pathlib.Path Path", _path),
    ("glob.glob glob.iglob os.listdir os.scandir os.walk", _listed), ("os.path.join", _path_joined),
    ("os.path.expanduser os.path.expandvars os.path.abspath os.path.realpath str bytes bytearray", _of_home),
    ("urllib.request.urlopen urllib.request.urlretrieve urllib.request.Request wget.download", _fetch),
    ("socket.create_connection", _connect), ("sys.stdin.read sys.stdin.readline sys.stdin.buffer.read input", _input),
    ("base64.b64decode base64.decodebytes base64.decodestring "
    "binascii.a2b_base64", lambda call: based(call.argument(0))),
    ("base64.b32decode", lambda call: based(call.argument(0), 32)), ("base64.b16decode",
    lambda call: based(call.argument(0), 16)),
    ("base64.b85decode", lambda call: based(call.argument(0), 85)), ("codecs.decode", _decoded),
    ("bytes.fromhex bytearray.fromhex binascii.unhexlify binascii.a2b_hex", lambda call: from_hex(call.argument(0))),
    ("zlib.decompress gzip.decompress bz2.decompress lzma.decompress marshal.loads pickle.loads "
    "base64.a85decode", _hidden),
    ("os.setuid os.setgid os.seteuid os.setreuid os.setresuid", _group), ("os.kill os.killpg", _kill), ("chr",
    _character),
    ("pathlib.Path.home Path.home", lambda call: Value(name="pathlib.Path()", text=call.acts.world.home)),
    ("pathlib.Path.cwd Path.cwd", lambda call: Value(name="pathlib.Path()", text=call.acts.call.cwd)),
    ("os.getcwd", lambda call: constant(call.acts.call.cwd)),
    ("os.getenv os.environ.get",
    lambda call: Value(text=call.acts.world.home if call.argument(0).text == "HOME" else None)),
    ("list tuple sorted set reversed iter", lambda call: call.argument(0)),
    ("tempfile.mkdtemp tempfile.gettempdir", lambda _: constant("/tmp/made")),  # noqa: S108
)  # fmt: skip
_METHODS = _table(
    ("encode strip lstrip rstrip lower upper title read readline readlines text content json getvalue "
    "splitlines rstrip", _same),
    ("decode", _method_decode), ("join", _joined), ("replace", _replaced), ("format", _formatted), ("split", _split),
)  # fmt: skip
