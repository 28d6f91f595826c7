"""awk: the programs that its language runs, the files it writes, and the hosts it speaks to."""

from collections.abc import Sequence

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import parse
from agentops_mcp.factors.guardrails.rules.programs.filters import written
from agentops_mcp.factors.guardrails.rules.programs.filters_escapes import unescaped
from agentops_mcp.factors.guardrails.rules.programs.reading import of_file, read
from agentops_mcp.factors.guardrails.rules.programs.shells_running import running

Token = tuple[str, str]
"""What it is (`string`, `name`, `mark`) and its text."""

_BEFORE_REGEX = frozenset("(,=~!&|{};\n[?:+-*%<>^")
_ENDS = frozenset({";", "}", "\n"})
_SHELLS = frozenset("sh bash zsh dash ksh ash".split())
_PRINTS = frozenset({("name", "print"), ("name", "printf")})
_LONGEST = 50_000
_WINDOW = 200
"""Tokens of one command that are looked at."""

_MOST_COMMANDS = 100


def outcome(call: Call, world: World) -> Outcome | None:
    """What a call of awk shows, writes and runs."""
    given = parse(call.argv[1:], "F v f e i l E L field-separator assign file source include load exec")
    programs, operands = given.values("e", "source"), given.operands
    if not given.has("e", "f", "E", "source", "file", "exec"):
        programs, operands = operands[:1], operands[1:]
    sources = [_source(each, call, world) for each in given.values("f", "file", "E", "exec")]
    tokens = tokens_of("\n".join((*programs, *(each.text or "" for each in sources))))
    files = [each for each in operands if "=" not in each.partition("/")[0]]
    reading = read((*(files or ("-",)), *_read_files(tokens)), call, world)
    effects = [*reading.effects, *(written(path, call, world) for path in _written_files(tokens))]
    effects += [effect for each in sources if each.text is None for effect in running(each, call, "awk").effects]
    commands = _commands(tokens)
    inet = next((text for kind, text in tokens if kind == "string" and text.startswith("/inet")), "")
    if inet:
        kind = "open_shell" if commands else "send_out"
        effects.append(Effect(kind, inet, "", call.traits, call.text))
    effects += [
        Effect("run_dynamic", HOLE, "", call.traits, call.text) for each in commands if not each.strip(HOLE + " ")
    ]
    runs = tuple(Code("shell", Stream(each)) for each in commands if each.strip(HOLE + " "))
    taints = reading.stream.taints - {"local"} | {"dynamic"}
    return Outcome(tuple(effects), Stream(None, taints, reading.stream.origin), runs)


def _source(path: str, call: Call, world: World) -> Stream:
    """A program that stands in a file: what is known of it."""
    return call.stdin if path == "-" else of_file(path, call.cwd, world)[0]


def tokens_of(program: str) -> list[Token]:
    """The tokens of an awk program; regular expressions and comments are left out."""
    tokens: list[Token] = []
    place, text = 0, program[:_LONGEST]
    while place < len(text):
        letter = text[place]
        if letter == '"':
            end = _closing(text, place + 1, '"')
            tokens.append(("string", unescaped(text[place + 1 : end])))
            place = end + 1
        elif letter == "/" and (not tokens or (tokens[-1][0] == "mark" and tokens[-1][1] in _BEFORE_REGEX)):
            place = _closing(text, place + 1, "/") + 1
            tokens.append(("name", "regex"))
        elif letter == "#":
            end = text.find("\n", place)
            place = end if end >= 0 else len(text)
        elif letter.isalnum() or letter in "_$" or letter == HOLE:
            end = place + 1
            while end < len(text) and (text[end].isalnum() or text[end] == "_"):
                end += 1
            tokens.append(("name", text[place:end]))
            place = end
        else:
            if letter not in " \t\r":
                tokens.append(("mark", letter))
            place += 1
    return tokens


def _closing(text: str, place: int, mark: str) -> int:
    while place < len(text) and text[place] != mark:
        place += 2 if text[place] == "\\" else 1
    return place


def _commands(tokens: Sequence[Token]) -> list[str]:
    """Every command that goes to a shell: `system(…)`, `print | "…"`, `"…" | getline`."""
    found: list[str] = []
    for place, token in enumerate(tokens):
        if len(found) == _MOST_COMMANDS:
            return [*found, HOLE]
        following = tokens[place + 1] if place + 1 < len(tokens) else ("", "")
        if token == ("name", "system") and following == ("mark", "("):
            found.append(_joined(_in_brackets(tokens[place + 2 : place + _WINDOW])))
        elif _is_pipe(tokens, place):
            first = place + 2 if following == ("mark", "&") else place + 1
            after = tokens[first : first + _WINDOW]
            if after[:1] == [("name", "getline")]:
                found.append(_joined(_before(tokens[max(place - _WINDOW, 0) : place])))
            else:
                command = _joined(_statement(after))
                found += [command, *_given_to_shell(command, tokens[max(place - _WINDOW, 0) : place])]
    return [each for each in found if each and not each.startswith("/inet")]


def _given_to_shell(command: str, tokens: Sequence[Token]) -> list[str]:
    """What `print "…" | "sh"` gives to the shell, which runs it."""
    if command.split(" ", 1)[0].rpartition("/")[2] not in _SHELLS:
        return []
    printed = [token for token in _before(tokens) if token not in _PRINTS]
    return [_joined(printed)]


def _is_pipe(tokens: Sequence[Token], place: int) -> bool:
    bar = ("mark", "|")
    return tokens[place] == bar and bar not in (*tokens[place + 1 : place + 2], *tokens[max(place - 1, 0) : place])


def _joined(tokens: Sequence[Token]) -> str:
    """Tokens that are put together to one text: strings as they are, the rest unknown."""
    out: list[str] = []
    for kind, text in tokens:
        if kind == "string":
            out.append(text)
        elif not out or out[-1] != HOLE:
            out.append(HOLE)
    return "".join(out)


def _in_brackets(tokens: Sequence[Token]) -> Sequence[Token]:
    depth = 1
    for place, (kind, text) in enumerate(tokens):
        if kind == "mark":
            depth += {"(": 1, ")": -1}.get(text, 0)
        if not depth:
            return tokens[:place]
    return tokens


def _statement(tokens: Sequence[Token]) -> Sequence[Token]:
    for place, (kind, text) in enumerate(tokens):
        if kind == "mark" and text in _ENDS | {")"}:
            return tokens[:place]
    return tokens


def _before(tokens: Sequence[Token]) -> Sequence[Token]:
    """The text that stands before `| getline`, back to where its expression begins."""
    place = len(tokens)
    while place and not (tokens[place - 1][0] == "mark" and tokens[place - 1][1] in _ENDS | {"(", "{", "="}):
        place -= 1
    return tokens[place:]


def _written_files(tokens: Sequence[Token]) -> list[str]:
    """Files named after `print >` and `print >>`; a `>` elsewhere compares."""
    found: list[str] = []
    prints = False
    for place, (kind, text) in enumerate(tokens):
        if kind == "name" and text in {"print", "printf"}:
            prints = True
        elif kind == "mark" and text in _ENDS:
            prints = False
        elif (
            prints
            and kind == "string"
            and tokens[place - 1] == ("mark", ">")
            and text not in {"/dev/stderr", "/dev/stdout"}
        ):
            found.append(text)
    return found


def _read_files(tokens: Sequence[Token]) -> list[str]:
    """Files named after `getline <`."""
    return [
        text
        for place, (kind, text) in enumerate(tokens)
        if kind == "string" and tokens[max(place - 1, 0)] == ("mark", "<") and not text.startswith("/inet")
    ]
