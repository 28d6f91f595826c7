"""What Python's functions and methods for files do."""

from collections.abc import Callable

from agentops_mcp.factors.guardrails.rules.programs.interpreters_values import UNKNOWN_VALUE, Value, constant, joined
from agentops_mcp.factors.guardrails.rules.programs.python_code_called import Act, Called, table


def _delete(call: Called) -> Value:
    call.acts.delete(call.argument(0, "path"))
    return UNKNOWN_VALUE


def _delete_tree(call: Called) -> Value:
    call.acts.delete(call.argument(0, "path"), recursive=True)
    return UNKNOWN_VALUE


def _move(call: Called) -> Value:
    call.acts.move(call.argument(0, "src"), call.argument(1, "dst"))
    return UNKNOWN_VALUE


def _copy(call: Called) -> Value:
    call.acts.read(call.argument(0, "src"))
    call.acts.write(call.argument(1, "dst"))
    return UNKNOWN_VALUE


def _open(call: Called) -> Value:
    path, mode = call.argument(0, "file"), call.argument(1, "mode")
    kind = mode.text or ("r" if len(call.arguments) < len(("path", "mode")) and "mode" not in call.named else "")
    if set(kind) & set("wax+"):
        call.acts.write(path, kind)
        return Value(name="open()")
    return call.acts.read(path)._replace(name="open()")


def _permissions(call: Called) -> Value:
    world = call.argument(1, "mode").text in {"511", "438"}  # 0o777 and 0o666
    call.acts.on_path("change_permissions", call.argument(0, "path"), *(("world",) if world else ()))
    return UNKNOWN_VALUE


def _truncate(call: Called) -> Value:
    call.acts.write(call.argument(0, "path"))
    return UNKNOWN_VALUE


def _path(call: Called) -> Value:
    parts = joined(call.arguments, "/") if call.arguments else constant(".")
    return parts._replace(name="pathlib.Path()", text=parts.path)


def _listed(call: Called) -> Value:
    """Names of what is in a folder, or fits a pattern."""
    folder = call.argument(0)
    if call.name.startswith("glob."):
        return folder
    return joined((folder, constant("*")), "/") if folder.text else Value(text="*")


def _path_joined(call: Called) -> Value:
    return joined(call.arguments, "/")


def _temporary(call: Called) -> str:
    return (*call.acts.world.temporary, "/tmp")[0]  # noqa: S108 - a name to judge, nothing is written there


def _scratch(call: Called) -> Value:
    """A new file or folder among the temporary ones, by a name that nothing else has."""
    return constant(f"{_temporary(call)}/new")


def _of_home(call: Called) -> Value:
    value = call.argument(0)
    text = value.text or ""
    return value._replace(text=call.acts.world.home + text[1:]) if text.startswith("~") else value


def of_path(call: Called, method: str) -> Value:
    """Methods of `pathlib.Path`."""
    path = Value(text=call.callee.path, taints=call.callee.taints)
    act = _OF_PATH.get(method)
    return act(call, path) if act else path._replace(name="pathlib.Path()")


def _removed(call: Called, path: Value) -> Value:
    call.acts.delete(path)
    return UNKNOWN_VALUE


def _renamed(call: Called, path: Value) -> Value:
    if call.arguments:
        call.acts.move(path, call.argument(0))
    return UNKNOWN_VALUE


def _filled(call: Called, path: Value) -> Value:
    call.acts.write(path)
    return UNKNOWN_VALUE


def _made(call: Called, path: Value) -> Value:
    call.acts.write(path, "a")
    return UNKNOWN_VALUE


def _found(call: Called, path: Value) -> Value:
    found = joined((path, call.argument(0) if call.arguments else constant("*")), "/")
    return found._replace(name="pathlib.Path()")


def _below(call: Called, path: Value) -> Value:
    return joined((path, *call.arguments), "/")._replace(name="pathlib.Path()")


def _first(act: Act) -> Callable[[Called, Value], Value]:
    """An act of a function, with the path as its first argument."""
    return lambda call, path: act(call._replace(arguments=[path, *call.arguments]))


_OF_PATH: dict[str, Callable[[Called, Value], Value]] = {
    "unlink": _removed, "rmdir": _removed, "rename": _renamed, "replace": _renamed, "move": _renamed,
    "write_text": _filled, "write_bytes": _filled, "touch": _made, "symlink_to": _made, "hardlink_to": _made,
    "read_text": lambda call, path: call.acts.read(path), "read_bytes": lambda call, path: call.acts.read(path),
    "open": _first(_open), "chmod": _first(_permissions), "glob": _found, "rglob": _found, "iterdir": _found,
    "joinpath": _below, "with_name": _below,
}  # fmt: skip
FUNCTIONS = table(
    ("os.remove os.unlink os.rmdir os.removedirs send2trash.send2trash", _delete),
    ("shutil.rmtree", _delete_tree),
    ("os.rename os.replace os.renames shutil.move", _move),
    ("shutil.copy shutil.copy2 shutil.copyfile shutil.copytree", _copy),
    ("open", _open),
    ("os.truncate", _truncate),
    ("os.chmod os.lchmod os.chown os.lchown shutil.chown", _permissions),
    ("pathlib.Path Path", _path),
    ("pathlib.Path.home Path.home", lambda call: Value(name="pathlib.Path()", text=call.acts.world.home)),
    ("pathlib.Path.cwd Path.cwd", lambda call: Value(name="pathlib.Path()", text=call.acts.call.cwd)),
    ("glob.glob glob.iglob os.listdir os.scandir os.walk", _listed),
    ("os.path.join", _path_joined),
    ("tempfile.mkdtemp tempfile.mktemp tempfile.TemporaryDirectory tempfile.NamedTemporaryFile", _scratch),
    ("tempfile.gettempdir", lambda call: constant(_temporary(call))),
    ("os.path.expanduser os.path.expandvars os.path.abspath os.path.realpath str bytes bytearray", _of_home),
    ("os.getcwd", lambda call: constant(call.acts.call.cwd)),
)
