"""Calls found in a text without a grammar: for languages that have none here, and for text that is no valid program.

Words, strings and signs are told apart, names that are known are taken as calls, and the constants behind them as
their arguments. What can not be told leaves a hole; nothing dangerous goes unseen because its line would not parse.
"""

from typing import NamedTuple

from agentops_mcp.factors.guardrails.rules.calls import HOLE
from agentops_mcp.factors.guardrails.rules.programs.interpreters_acts import Acts
from agentops_mcp.factors.guardrails.rules.programs.interpreters_values import UNKNOWN_VALUE, Value, constant, joined
from agentops_mcp.factors.guardrails.rules.programs.script_code_acts import perform
from agentops_mcp.factors.guardrails.rules.programs.script_code_tables import table_of

_LONGEST = 20_000
_MOST_ARGUMENTS = 12
_MOST_TOKENS = 40
"""Pieces of one argument that are looked at."""

_CLOSING = {"(": ")", "{": "}", "[": "]", "<": ">"}
_QUOTES = {"perl": ("q", "qq", "qx", "qw"), "ruby": ()}
_NAME_SIGNS = "_.:"
_VISITING = frozenset({"find", "finddepth", "File::Find::find", "File::Find::finddepth"})
_LABELLING = frozenset({"swift", "elixir"})
"""Languages in which an argument may have its name before a colon."""

_PRINTED = frozenset({"print", "puts", "echo", "say", "printf", "warn", "die"})


class Token(NamedTuple):
    """A piece of a text."""

    kind: str
    """`name`, `text`, `shell` (run by the shell where it stands), `number`, `sign`, `line`."""

    text: str


def scanned(text: str, language: str, acts: Acts) -> None:
    """Gather what calls in a text do."""
    table = table_of(language)
    tokens = tokens_of(text[:_LONGEST], language)
    names: dict[str, Value] = {}
    for place, token in enumerate(tokens):
        if acts.is_full():
            return
        if token.kind == "shell":
            acts.run(_filled(token.text), "shell")
        elif token.kind == "name":
            after = tokens[place + 1] if place + 1 < len(tokens) else Token("line", "")
            if after.text == "=" and after.kind == "sign":
                names[token.text] = _value(tokens, place + 2, names, table, acts, language)[0]
            elif place and tokens[place - 1].text == "->":
                acts.library(f"->.{token.text}", _arguments(tokens, place + 1, names, acts, language))
            elif act := table.get(token.text):
                _act(act, tokens, place, names, acts, language)
            elif language == "perl":
                _perl(tokens, place, names, acts)


def _perl(tokens: list[Token], place: int, names: dict[str, Value], acts: Acts) -> None:
    """What only Perl's one-liners do: `find(sub { unlink }, "/x")`, and `fork while fork`."""
    name = tokens[place].text
    if name in _VISITING:
        given = _arguments(tokens, place + 1, names, acts, "perl")
        inside = [each.text for each in tokens[place : place + _MOST_TOKENS] if each.kind == "name"]
        if any(table_of("perl").get(each) in {"delete", "delete_tree"} for each in inside):
            for each in given[1:]:
                acts.delete(each, recursive=True)
    elif (name == "while" and "fork" in {each.text for each in tokens[place + 1 : place + 3]}) or (
        name in {"while", "for"} and _is_endless(tokens, place) and any(each.text == "fork" for each in tokens)
    ):
        acts.effect("exhaust", "processes", "", "fork")


def _is_endless(tokens: list[Token], place: int) -> bool:
    """`while (1)`, `while 1`, `for (;;)`."""
    after = [each.text for each in tokens[place + 1 : place + 4]]
    return after[:1] == ["1"] or after[:3] in (["(", "1", ")"], ["(", ";", ";"])


def _act(act: str, tokens: list[Token], place: int, names: dict[str, Value], acts: Acts, language: str) -> None:
    after = tokens[place + 1] if place + 1 < len(tokens) else Token("line", "")
    called = (
        after.text == "(" or after.kind in {"text", "name", "number"} or (after.kind == "sign" and after.text == "{")
    )
    if act == "eval" and after.text == "{":  # Perl's eval of a block is a try
        return
    if not called or (place and tokens[place - 1].text in {"def", "sub", "function", "->", "use", "import", "from"}):
        return
    perform(act, _arguments(tokens, place + 1, names, acts, language), acts, language)


def _arguments(tokens: list[Token], place: int, names: dict[str, Value], acts: Acts, language: str) -> list[Value]:
    if place < len(tokens) and tokens[place].text == "(":
        place += 1
    found: list[Value] = []
    table = table_of(language)
    while place < len(tokens) and len(found) < _MOST_ARGUMENTS:
        value, place = _value(tokens, place, names, table, acts, language)
        found.append(value)
        if place >= len(tokens) or tokens[place].text not in {",", "=>"}:
            break
        place += 1
    return found


def _value(
    tokens: list[Token], place: int, names: dict[str, Value], table: dict[str, str], acts: Acts, language: str
) -> tuple[Value, int]:
    """One argument: constants put together, up to the comma or bracket that ends it."""
    parts: list[Value] = []
    depth = 0
    if place < len(tokens) and tokens[place] == Token("sign", "["):
        return _list(tokens, place + 1, names, table, acts, language)
    end = min(len(tokens), place + _MOST_TOKENS)
    while place < end:
        token = tokens[place]
        if token.kind == "line" or (
            depth == 0 and token.text in {",", ";", ")", "]", "}", "=>"} and token.kind == "sign"
        ):
            break
        depth += (token.text in {"(", "[", "{"}) - (token.text in {")", "]", "}"}) if token.kind == "sign" else 0
        if token.kind in {"text", "number"}:
            below = token.kind == "number" and not parts and place and tokens[place - 1] == Token("sign", "-")
            parts.append(_filled(f"-{token.text}" if below else token.text))
        elif token.kind == "name" and token.text in names:
            parts.append(names[token.text])
        elif token.kind == "name" and table.get(token.text) in {"fetch", "based", "hex", "reversed", "same", "read"}:
            inner = _arguments(tokens, place + 1, names, acts, language)
            return perform(table[token.text], inner, acts, language), _behind(tokens, place + 1)
        elif token.kind == "name" and table.get(token.text) in {"variable", "scratch", "home"}:
            inner = _arguments(tokens, place + 1, names, acts, language)
            parts.append(perform(table[token.text], inner, acts, language))
            place = _behind(tokens, place + 1)
            continue
        elif token.kind == "name" and language in _LABELLING and tokens[place + 1 : place + 2] == [Token("sign", ":")]:
            place += 2
            continue
        elif token.kind == "name" and token.text not in {"qw", "my", "our", "local"}:
            parts.append(UNKNOWN_VALUE)
        place += 1
    return joined(parts) if parts else UNKNOWN_VALUE, place


def _list(
    tokens: list[Token], place: int, names: dict[str, Value], table: dict[str, str], acts: Acts, language: str
) -> tuple[Value, int]:
    """`["-rf", "/"]`: values of their own."""
    items: list[Value] = []
    while place < len(tokens) and len(items) < _MOST_ARGUMENTS and tokens[place].text != "]":
        value, after = _value(tokens, place, names, table, acts, language)
        items.append(value)
        place = max(after, place + 1) if tokens[min(after, len(tokens) - 1)].text != "," else after + 1
    return Value(items=tuple(items)), place + 1


def _behind(tokens: list[Token], place: int) -> int:
    """The place after an argument list."""
    depth = 0
    while place < len(tokens) and tokens[place].kind != "line":
        if tokens[place].kind == "sign":
            depth += (tokens[place].text == "(") - (tokens[place].text == ")")
            if depth <= 0 and tokens[place].text in {")", ";", ","}:
                return place + (depth == 0 and tokens[place].text == ")")
        place += 1
    return place


def _filled(text: str) -> Value:
    return constant(text)


def tokens_of(text: str, language: str) -> list[Token]:
    """The pieces of a text, without comments."""
    found: list[Token] = []
    place = 0
    while place < len(text):
        letter = text[place]
        if letter in "\n;":
            found.append(Token("line", letter))
            place += 1
        elif letter.isspace():
            place += 1
        elif (letter == "#" and language != "javascript") or text.startswith(
            ("//", "--") if language == "lua" else "//", place
        ):
            end = text.find("\n", place)
            place = len(text) if end < 0 else end
        elif letter in "'\"`":
            inner, place = _quoted(text, place + 1, letter)
            found.append(Token("shell" if letter == "`" and language in {"perl", "ruby", "php"} else "text", inner))
        elif letter.isalpha() or letter in "_$@%&":
            place = _name(text, place, language, found)
        elif letter.isdigit():
            end = place
            while end < len(text) and text[end].isalnum():
                end += 1
            found.append(Token("number", text[place:end]))
            place = end
        else:
            size = 2 if text[place : place + 2] in {"=>", "->", "==", "=~"} else 1
            found.append(Token("sign", text[place : place + size]))
            place += size
    return found


def _name(text: str, place: int, language: str, found: list[Token]) -> int:
    end = place + 1
    while end < len(text) and (text[end].isalnum() or text[end] in _NAME_SIGNS or text.startswith("->new", end)):
        end += 5 if text.startswith("->new", end) else 1
    name = text[place:end].rstrip(".:")
    if language == "elixir" and text[end : end + 1] == "!":
        name, end = text[place : end + 1], end + 1
    end = place + len(name) if name and not name.endswith("!") else end
    name = name.removeprefix("CORE::").removeprefix("GLOBAL::")
    if language == "perl" and name in _QUOTES["perl"]:
        begins = end
        while begins < len(text) and text[begins].isspace():
            begins += 1
        mark = text[begins : begins + 1]
        if mark and not mark.isalnum() and mark not in ",;=)":
            inner, after = _quoted(text, begins + 1, _CLOSING.get(mark, mark))
            found.append(Token("shell" if name == "qx" else "text", inner))
            return after
    if language == "perl" and name in _PRINTED:
        found.append(Token("sign", name))
    else:
        found.append(Token("name", name or text[place:end]))
    return end


def _quoted(text: str, place: int, closing: str) -> tuple[str, int]:
    """What is inside quotes that opened before `place`, and the place after them."""
    parts: list[str] = []
    while place < len(text) and text[place] != closing:
        if text[place] == "\\" and place + 1 < len(text):
            place += 1
        parts.append(text[place])
        place += 1
    inner = "".join(parts)
    return (inner if closing == "'" else _without_names(inner)), place + 1


def _without_names(text: str) -> str:
    """Names inside double quotes become holes: `"rm $x"`."""
    if "$" not in text and "#{" not in text:
        return text
    parts: list[str] = []
    place = 0
    while place < len(text):
        if text.startswith(("#{", "${"), place):
            end = text.find("}", place)
            place = len(text) if end < 0 else end + 1
            parts.append(HOLE)
        elif text[place] in "$@" and text[place + 1 : place + 2].isalpha():
            place += 1
            while place < len(text) and (text[place].isalnum() or text[place] == "_"):
                place += 1
            parts.append(HOLE)
        else:
            parts.append(text[place])
            place += 1
    return "".join(parts)
