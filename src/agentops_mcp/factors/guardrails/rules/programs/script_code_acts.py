"""What functions of JavaScript, Ruby, Perl, PHP, Lua, R and Julia do, in the words of one small set of acts."""

from collections.abc import Callable, Sequence

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
from agentops_mcp.factors.guardrails.rules.programs.script_code_tables import table_of


def perform(act: str, values: Sequence[Value], acts: Acts, language: str) -> Value:
    """Do one act with these arguments, and say what it gives."""
    return _ACTS[act](list(values), acts, language)


def _shell(values: list[Value], acts: Acts, language: str) -> Value:
    """A command line, or a program and its arguments as separate values."""
    del language
    words = [each for each in values if each.items is None or each is values[0]]
    known = [each for each in words if each.text is not None or each.items is not None]
    if words and words[0].items is not None:  # a list: no shell
        acts.start(words[0].items)
    elif len(known) > 1 and words[0].text is not None and " " not in words[0].text:
        acts.start(known)
    else:
        acts.run(first(words), "shell")
    return Value(taints=frozenset({"local"}))


def _start(values: list[Value], acts: Acts, language: str) -> Value:
    """A program and a list of its arguments. With a shell asked for, or words in one text, it is a command line."""
    del language
    program, rest = first(values), values[1:]
    if program.items is not None:
        acts.start(program.items)
    else:
        words = next((each.items for each in rest if each.items is not None), ())
        if program.text and " " in program.text.strip():
            acts.run(joined((program, *words), " "), "shell")
        else:
            acts.start((program, *words))
    return Value(name="child_process.spawn()")


def _delete(values: list[Value], acts: Acts, language: str) -> Value:
    for each in values if language in {"perl", "ruby"} else values[:1]:
        if each.text is not None or each.items or each is values[0]:
            acts.delete(each)
    return UNKNOWN_VALUE


def _delete_tree(values: list[Value], acts: Acts, language: str) -> Value:
    del language
    acts.delete(first(values), recursive=True)
    return UNKNOWN_VALUE


def _write(values: list[Value], acts: Acts, language: str) -> Value:
    acts.write(values[1] if language == "r" and len(values) > 1 else first(values))
    return UNKNOWN_VALUE


def _add(values: list[Value], acts: Acts, language: str) -> Value:
    del language
    acts.write(first(values), "a")
    return UNKNOWN_VALUE


def _open(values: list[Value], acts: Acts, language: str) -> Value:
    """Opening: the mode says whether it is written, and in Perl and Ruby a `|` that a command is run."""
    rest = values[1:] if language == "perl" else values
    if (first(rest).text or "").startswith((">&", "<&", "+<&", "+>&")):  # input or output become another's
        acts.hand_over()
        return UNKNOWN_VALUE
    path, mode = first(rest), (rest[1].text or "" if len(rest) > 1 else "")
    if language == "perl" and len(rest) > 1:
        path, mode = rest[1], rest[0].text or ""
        if "|" in mode:
            return _shell(list(rest[1:]), acts, language)
    text = (path.text or "").strip()
    if text.startswith("|") or text.endswith("|"):
        acts.run(path._replace(text=text.strip("| ")), "shell")
        return Value(taints=frozenset({"local"}))
    if text.startswith(("http://", "https://", "ftp://")):
        return acts.fetch(path)
    if language == "perl" and len(rest) == 1:
        mode, path = text[: len(text) - len(text.lstrip("+<> "))], path._replace(text=text.lstrip("+<> "))
    if set(mode) & set("wax+>"):
        acts.write(path, "a" if "a" in mode or ">>" in mode else "w")
        return UNKNOWN_VALUE
    return acts.read(path)


def _move(values: list[Value], acts: Acts, language: str) -> Value:
    del language
    acts.move(first(values), first(values[1:]))
    return UNKNOWN_VALUE


def _copy(values: list[Value], acts: Acts, language: str) -> Value:
    del language
    acts.read(first(values))
    acts.write(first(values[1:]))
    return UNKNOWN_VALUE


def _read(values: list[Value], acts: Acts, language: str) -> Value:
    del language
    path = first(values)
    if (path.text or "").startswith(("http://", "https://", "ftp://")):
        return acts.fetch(path)
    if path.text in {"php://input", "php://stdin", "0", "/dev/stdin"}:
        return _input(values, acts, "")
    return acts.read(path)


def _permit(values: list[Value], acts: Acts, language: str) -> Value:
    path = first(values[1:] if language in {"ruby", "perl"} else values)
    acts.on_path("change_permissions", path)
    return UNKNOWN_VALUE


def _eval(values: list[Value], acts: Acts, language: str) -> Value:
    text = first(values)
    known = text.text or ""
    if known.startswith(("http://", "https://", "ftp://", "data:", "php://input")):
        acts.effect("run_fetched", known)
    elif (
        text.text is not None
        and not text.taints
        and language in {"perl", "php"}
        and known.rpartition(".")[2] in {"pl", "pm", "php", "inc"}
    ):
        return UNKNOWN_VALUE  # a file of the project
    elif text.taints or text.text is not None or not text.name:
        acts.run(text, language)
    return UNKNOWN_VALUE


def _fetch(values: list[Value], acts: Acts, language: str) -> Value:
    del language
    return acts.fetch(first(values), values[1:])


def _connect(values: list[Value], acts: Acts, language: str) -> Value:
    del language
    texts = [each for each in values if each.text and not each.text.isdigit()]
    acts.connect(first(texts) if texts else constant("a connection"))
    return Value(name="net.Socket()", taints=frozenset({"fetched"}), origin=first(texts).text or "the network")


def _hand_over(values: list[Value], acts: Acts, language: str) -> Value:
    del values, language
    acts.hand_over()
    return UNKNOWN_VALUE


def _kill(values: list[Value], acts: Acts, language: str) -> Value:
    target = first(values[1:] if language in {"ruby", "perl"} else values).text
    acts.stop(target or HOLE)
    return UNKNOWN_VALUE


def _variable(values: list[Value], acts: Acts, language: str) -> Value:
    """A variable of the environment; that of the home folder is known."""
    del language
    return variable(first(values).text or "", acts)


def variable(name: str, acts: Acts) -> Value:
    """What a variable of the environment holds, as far as it is known."""
    return Value(text=acts.world.home if name in {"HOME", "USERPROFILE"} else acts.call.env.get(name))


def _mapped(values: list[Value], acts: Acts, language: str) -> Value:
    """`array_map("unlink", glob("*"))`: a function by its name, done to each."""
    act = table_of(language).get((first(values).text or "").lower())
    return perform(act, values[1:], acts, language) if act else UNKNOWN_VALUE


def _input(values: list[Value], acts: Acts, language: str) -> Value:
    del values, language
    stream = acts.call.stdin
    return Value(text=stream.text or None, taints=stream.taints, origin=stream.origin)


def _group(values: list[Value], acts: Acts, language: str) -> Value:
    del language
    if first(values).text == "0":
        acts.effect("gain_privilege", "root")
    return UNKNOWN_VALUE


def _from(values: list[Value], acts: Acts, language: str) -> Value:
    """`Buffer.from(text, "base64")`."""
    del acts, language
    how = (first(values[1:]).text or "").lower()
    return (
        based(first(values)) if how.startswith("base64") else from_hex(first(values)) if how == "hex" else first(values)
    )


def _character(values: list[Value], acts: Acts, language: str) -> Value:
    del acts, language
    codes = [each.text for each in values]
    if codes and all(code and code.isascii() and code.isdigit() and int(code) < 0x10FFFF for code in codes):
        return Value(text="".join(chr(int(code or 0)) for code in codes), taints=frozenset({"decoded"}))
    return Value(taints=frozenset({"decoded"}))


def _backwards(value: Value) -> Value:
    return value._replace(text=value.text[::-1] if value.text else None, taints=value.taints | {"decoded"})


def _simple(give: Callable[[Value], Value]) -> Callable[[list[Value], Acts, str], Value]:
    return lambda values, _acts, _language: give(first(values))


_ACTS: dict[str, Callable[[list[Value], Acts, str], Value]] = {
    "shell": _shell, "start": _start, "delete": _delete, "delete_tree": _delete_tree, "write": _write, "add": _add,
    "open": _open, "move": _move, "copy": _copy, "read": _read, "permit": _permit, "eval": _eval, "fetch": _fetch,
    "send": _fetch, "connect": _connect, "hand_over": _hand_over, "kill": _kill, "input": _input, "from": _from,
    "character": _character, "group": _group,
    "same": _simple(lambda value: value), "based": _simple(based), "hex": _simple(from_hex),
    "rotated": _simple(rotated), "reversed": _simple(_backwards),
    "hidden": _simple(lambda value: Value(taints=value.taints | {"decoded"}, origin=value.origin)),
    "path": lambda values, _acts, _language: joined(values, "/"),
    "variable": _variable, "mapped": _mapped,
    # A new folder among the temporary ones, by a name that nothing else has.
    "scratch": lambda _values, acts, _language: constant(f"{(*acts.world.temporary, '/tmp')[0]}/new"),  # noqa: S108
    "names": lambda _values, _acts, _language: constant("*"),
    "home": lambda _values, acts, _language: constant(acts.world.home),
}  # fmt: skip
