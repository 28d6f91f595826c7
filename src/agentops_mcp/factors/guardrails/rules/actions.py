"""Actions of every kind: what each would do, and the digest by which an approval knows it again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, cast

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.factors.guardrails.rules import commands, judge, plain
from agentops_mcp.factors.guardrails.rules.calls import Analysis, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.places import locate
from agentops_mcp.factors.guardrails.rules.programs import registry
from agentops_mcp.factors.guardrails.rules.verdicts import Policy, Verdict

KINDS: Mapping[str, tuple[str, ...]] = {
    "shell": ("command",),
    "git": ("command",),
    "file_write": ("path",),
    "file_delete": ("path",),
    "patch": ("diff",),
    "tool_call": ("name",),
    "network": ("url",),
    "spend": ("amount",),
}
"""Every kind of action and the fields it must have."""

_OPTIONAL = {
    "file_write": ("content",), "tool_call": ("arguments",), "network": ("method", "body"),
    "spend": ("currency", "what"),
}  # fmt: skip

_SHELL_KEYS = ("command", "cmd", "script", "bash", "shell", "shell_command", "commandline")
_SQL_KEYS = ("sql", "query", "statement", "statements")
_DELETING_METHODS = frozenset({"DELETE", "PURGE"})
_SPENDING = frozenset({"pay", "purchase", "buy", "checkout", "refund", "payout", "transfer", "subscribe", "charge"})
_PUBLISHING = frozenset({"publish", "tweet", "release", "broadcast"})
_PATH_KEYS = ("path", "file_path", "filepath", "filename", "destination", "target_file")
_WRITING = frozenset({"write", "edit", "create", "append", "insert", "replace", "save", "overwrite", "move", "copy"})
_DELETING = frozenset({"delete", "remove", "unlink", "trash"})
_MOST_ARGUMENTS = 200
_DEEPEST = 4
_LARGEST_NUMBER = 2**53 - 1


class Action(NamedTuple):
    """Something an agent is about to do."""

    kind: str
    """A key of `KINDS`."""

    fields: Mapping[str, Any]


class Understood(NamedTuple):
    """What an action would do, and for shell text how that was found."""

    effects: tuple[Effect, ...]
    analysis: Analysis | None = None


def given(kind: str, action: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of an action that was given as its one field, or as all of them."""
    if isinstance(action, Mapping):
        return action
    first = KINDS.get(kind, ("",))[0]
    return {first: action}


def checked(kind: str, fields: Mapping[str, Any]) -> Action:
    """An action from what a caller gave.

    Raises:
        InvalidInputError: the kind is unknown, or a field is missing, unknown or no text.
    """
    if kind not in KINDS:
        raise InvalidInputError(f"No kind of action is called {kind[:40]!r}.", remedy=f"Known are {', '.join(KINDS)}.")
    known = (*KINDS[kind], *_OPTIONAL.get(kind, ()))
    if unknown := [key for key in fields if key not in known]:
        raise InvalidInputError(
            f"{kind} has no field {unknown[0][:40]!r}.", remedy=f"Its fields are {', '.join(known)}."
        )
    if missing := [key for key in KINDS[kind] if fields.get(key) in (None, "", [])]:
        raise InvalidInputError(f"{kind} needs the field {missing[0]!r}.", remedy=f"Its fields are {', '.join(known)}.")
    wrong = [key for key, value in fields.items() if not isinstance(value, str) and key not in {"arguments", "amount"}]
    if kind == "git" and isinstance(fields["command"], list):
        wrong.remove("command")
    if wrong:
        raise InvalidInputError(f"{kind}: {wrong[0]} must be text.", remedy="Send it as one string.")
    return Action(kind, fields)


def check(action: Action, policy: Policy, world: World, cwd: str, now: str) -> Verdict:
    """The verdict on an action in the working directory `cwd`; `now` is UTC, ISO 8601."""
    understood = understand(action, policy, world, cwd)
    return judge.judge(understood.effects, policy, now=now, text=text_of(action))


def understand(action: Action, policy: Policy, world: World, cwd: str) -> Understood:
    """What an action would do. What can not be understood is an effect, `unresolved`, never none."""
    try:
        return _EFFECTS[action.kind](action.fields, policy, world, cwd)
    except Exception as error:  # noqa: BLE001 - a mistake of the guard's own must ask, never allow
        trait = "deep" if isinstance(error, RecursionError) else "error"
        by = f"the guard failed: {type(error).__name__}: {error}"[:200]
        return Understood((Effect("unresolved", text_of(action)[:200], traits=frozenset({trait}), by=by),))


def text_of(action: Action) -> str:
    """The action in one text, for people and for rules of people."""
    fields = action.fields
    match action.kind:
        case "shell":
            return str(fields["command"])
        case "git":
            return _git_line(fields["command"])
        case "file_write" | "file_delete":
            return f"{action.kind} {fields['path']}"
        case "patch":
            return str(fields["diff"])
        case "network":
            return f"{fields.get('method', 'GET')} {fields['url']}"
        case "spend":
            return f"spend {fields['amount']} {fields.get('currency', '')} {fields.get('what', '')}".rstrip()
        case _:
            return f"{fields['name']} {fields.get('arguments', '')}".rstrip()


def shell_text(action: Action) -> str:
    """The shell text of an action; empty when it has none."""
    return text_of(action) if action.kind in ("shell", "git") else ""


def named(action: Action) -> tuple[str, Mapping[str, Any]]:
    """The tool that would take the action, and its arguments, as calls are recorded."""
    if action.kind in ("shell", "git"):
        return "shell", {"command": text_of(action)}
    if action.kind == "tool_call":
        return str(action.fields["name"]), action.fields.get("arguments") or {}
    return action.kind, action.fields


def digest(action: Action, *, cwd: str, project: str, version: str) -> str:
    """SHA-256 in hex over the action, where it would happen and the policy's version (RFC 8785 JSON).

    Raises:
        InvalidInputError: a text in it is not Unicode.
    """
    import hashlib  # neither is on the way of a hook

    import rfc8785

    fields = _digestible(dict(action.fields))
    document = {"action": action.kind, "cwd": cwd, "fields": fields, "policy": version, "project": project}
    try:
        return hashlib.sha256(rfc8785.dumps(document)).hexdigest()
    except rfc8785.CanonicalizationError as error:
        raise InvalidInputError("Half a surrogate pair is no text.", remedy="Send it as valid UTF-8.") from error


def _digestible(value: Any) -> Any:
    """A value with the numbers that RFC 8785 has no form for as objects around their texts."""
    if isinstance(value, Mapping):
        return {str(key): _digestible(each) for key, each in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list):
        return [_digestible(each) for each in cast("list[Any]", value)]
    if isinstance(value, int | float) and not -_LARGEST_NUMBER <= value <= _LARGEST_NUMBER:  # NaN is neither
        return {"number": repr(value)}
    return value


def outcome_of(call: Call, world: World, policy: Policy) -> Outcome:
    """What one call does: by its program's own module, by the packs' rows, or by its words."""
    known = registry.outcome_of(call, world)
    rows = policy.commands.get(call.name, ())
    said = commands.from_rows(call, rows) if rows else None
    if known is None:
        return said or commands.generic(call) or Outcome()
    return known._replace(effects=(*known.effects, *said.effects)) if said else known


def _shell(fields: Mapping[str, Any], policy: Policy, world: World, cwd: str) -> Understood:
    command, told = fields["command"], partial(outcome_of, policy=policy)
    if (calls := plain.harmless(command, cwd, world, told)) is not None:
        return Understood((), Analysis((), calls))
    from agentops_mcp.factors.guardrails.rules.shell.analyse import analyse  # a fifth of a hook's time

    found = analyse(command, cwd, world, outcome_of=told, code_of=registry.code)
    return Understood(found.effects, found)


def _git(fields: Mapping[str, Any], policy: Policy, world: World, cwd: str) -> Understood:
    return _shell({**fields, "command": _git_line(fields["command"])}, policy, world, cwd)


def _git_line(command: str | Sequence[str]) -> str:
    line = command if isinstance(command, str) else " ".join(_quoted(str(word)) for word in command)
    return line if line.split(None, 1)[0:1] == ["git"] else f"git {line}"


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


def _file_write(fields: Mapping[str, Any], policy: Policy, world: World, cwd: str) -> Understood:  # noqa: ARG001
    return Understood(_written(fields["path"], world, cwd))


def _written(path: str, world: World, cwd: str) -> tuple[Effect, ...]:
    located = locate(path, cwd, world)
    kind = "write" if world.exists(located.path) is False else "overwrite"
    return (Effect(kind, located.path, located.place, frozenset({"edit"}), by=f"write {path}"),)


def _file_delete(fields: Mapping[str, Any], policy: Policy, world: World, cwd: str) -> Understood:
    return Understood(outcome_of(Call(("rm", "-r", "--", fields["path"]), cwd=cwd), world, policy).effects)


def _patch(fields: Mapping[str, Any], policy: Policy, world: World, cwd: str) -> Understood:
    from agentops_mcp.factors.guardrails.rules import patches

    touched = patches.touched(fields["diff"])
    effects: list[Effect] = []
    for path in touched.written:
        effects += _written(path, world, cwd)
    for path in touched.deleted:
        effects += outcome_of(Call(("rm", "--", path), cwd=cwd), world, policy).effects
    if not effects:
        effects = [Effect("unresolved", "a patch that names no file", by="patch")]
    return Understood(tuple(effects))


def _network(fields: Mapping[str, Any], policy: Policy, world: World, cwd: str) -> Understood:
    argv = ["curl", "-X", fields.get("method", "GET").upper()]
    if fields.get("body"):
        argv += ["--data-raw", fields["body"]]
    return Understood(outcome_of(Call((*argv, fields["url"]), cwd=cwd), world, policy).effects)


def _spend(fields: Mapping[str, Any], policy: Policy, world: World, cwd: str) -> Understood:  # noqa: ARG001
    text = f"{fields['amount']} {fields.get('currency', '')} {fields.get('what', '')}".strip()
    return Understood((Effect("spend", text, by=f"spend {text}"),))


def _tool_call(fields: Mapping[str, Any], policy: Policy, world: World, cwd: str) -> Understood:
    """A tool of another server: its name says what it does, and text in its arguments may be run."""
    name = str(fields["name"])
    words = _words_of(name)
    effects: list[Effect] = []
    if _PUBLISHING & set(words):
        effects.append(Effect("publish", name, by=name))
    if _SPENDING & set(words):
        effects.append(Effect("spend", name, by=name))
    speaks = commands.generic(Call((words[0] if words else name, *words[1:])))
    effects += [each._replace(by=name) for each in speaks.effects] if speaks else ()
    arguments: Any = fields.get("arguments")
    if isinstance(arguments, Mapping):
        for key, value in _texts_in(cast("Mapping[str, Any]", arguments), 0):
            effects += _in_argument(key.lower(), value, frozenset(words), policy, world, cwd)
        effects += _requested(cast("Mapping[str, Any]", arguments), policy, world, cwd)
    return Understood(tuple(effects))


def _words_of(name: str) -> list[str]:
    """The words of a tool's name: `mcp__files__deleteFile` is mcp, files, delete, file."""
    pairs = zip("_" + name, name, strict=False)
    spaced = "".join(f"_{each}" if each.isupper() and not before.isupper() else each for before, each in pairs)
    return [word for word in spaced.replace("-", "_").replace(".", "_").lower().split("_") if word]


def _texts_in(arguments: Mapping[str, Any], depth: int) -> Iterator[tuple[str, str]]:
    """Every text among some arguments with its key; the words of a command given as a list are one text."""
    for key, value in list(arguments.items())[:_MOST_ARGUMENTS]:
        if isinstance(value, str):
            yield key, value
        elif isinstance(value, Mapping) and depth < _DEEPEST:
            yield from _texts_in(cast("Mapping[str, Any]", value), depth + 1)
        elif isinstance(value, list):
            listed = cast("list[Any]", value)[:_MOST_ARGUMENTS]
            texts = [each for each in listed if isinstance(each, str)]
            if key.lower() in _SHELL_KEYS and texts:
                yield key, " ".join(map(_quoted, texts))
            else:
                yield from ((key, each) for each in texts)
            if depth < _DEEPEST:
                for each in listed:
                    yield from (
                        _texts_in(cast("Mapping[str, Any]", each), depth + 1) if isinstance(each, Mapping) else ()
                    )


def _in_argument(
    key: str, value: str, words: frozenset[str], policy: Policy, world: World, cwd: str
) -> tuple[Effect, ...]:
    """What a tool with these words in its name does with one text."""
    if key in _SHELL_KEYS:
        return _shell({"command": value}, policy, world, cwd).effects
    if key in _SQL_KEYS:
        return registry.code(Code("sql", Stream(value)), cwd, world).effects
    if key in _PATH_KEYS and words & _WRITING:
        return _written(value, world, cwd)
    if key in _PATH_KEYS and words & _DELETING:
        return _file_delete({"path": value}, policy, world, cwd).effects
    return ()


def _requested(arguments: Mapping[str, Any], policy: Policy, world: World, cwd: str) -> tuple[Effect, ...]:
    method, url = arguments.get("method"), arguments.get("url")
    if not (isinstance(method, str) and isinstance(url, str) and method.upper() in _DELETING_METHODS):
        return ()
    return _network({"method": method, "url": url}, policy, world, cwd).effects


_EFFECTS: Mapping[str, Callable[[Mapping[str, Any], Policy, World, str], Understood]] = {
    "shell": _shell,
    "git": _git,
    "file_write": _file_write,
    "file_delete": _file_delete,
    "patch": _patch,
    "tool_call": _tool_call,
    "network": _network,
    "spend": _spend,
}
