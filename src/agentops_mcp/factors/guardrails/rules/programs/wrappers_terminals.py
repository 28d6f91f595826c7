"""Terminals, and what keeps terminals open: `tmux`, `screen`."""

from collections.abc import Callable, Sequence

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, NOTHING, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import parse
from agentops_mcp.factors.guardrails.rules.programs.wrappers import inner

_WINDOWS = frozenset(
    (
        "new new-session new-window neww split-window splitw respawn-pane respawnp respawn-window "
        "respawnw popup display-popup"
    ).split()
)
_TEXTS = frozenset(
    "run run-shell if if-shell pipe-pane pipep set-hook bind bind-key confirm-before command-prompt".split()
)
_KEYS = frozenset({"send", "send-keys"})
_KEY_NAMES = frozenset({"Enter", "C-m", "C-j", "KPEnter", "Return"})
_TMUX = "S L f c"
_INNER = "c n s t x y F e l p h w b B T"
_BEFORE_COMMAND = frozenset({"-e", "-x", "--", "--execute", "--command", "--hold-and-execute"})


def outcome(call: Call, world: World) -> Outcome | None:
    """What runs in the terminal; None when nothing does, as with the commands that end one."""
    program = _PROGRAMS.get(call.name)
    call = call._replace(traits=call.traits | {"terminal"})
    found = program(call, world) if program else NOTHING
    return found if found.runs or found.effects else None


def _tmux(call: Call, world: World) -> Outcome:
    """Every command of tmux in the line that starts a program or types into one."""
    operands = parse(call.argv[1:], _TMUX, operands_last=True).operands
    runs: list[Code | Call] = []
    for words in _split(operands):
        name, given = words[0], parse(words[1:], _INNER, operands_last=True)
        if name in _WINDOWS and given.operands:
            runs.append(_started(given.operands, call))
        elif name in _TEXTS:
            texts = given.operands[1:] if name in {"bind", "bind-key", "set-hook"} else given.operands
            runs += [
                Code("shell", Stream(text), (), call.traits)
                for text in texts
                if " " in text or name in {"run", "run-shell"}
            ]
        elif name in _KEYS:
            typed = "".join("\n" if each in _KEY_NAMES else each for each in given.operands)
            runs.append(Code("shell", Stream(typed), (), call.traits))
    return Outcome(runs=tuple(runs))


def _split(words: Sequence[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word in {";", "\\;"}:
            parts.append([])
        else:
            parts[-1].append(word)
    return [part for part in parts if part]


def _started(words: Sequence[str], call: Call) -> Code | Call:
    """One word is a text for a shell, several are a program and its arguments."""
    if len(words) == 1:
        return Code("shell", Stream(words[0]), (), call.traits)
    return inner(call, words, stdin=EMPTY)


def _screen(call: Call, world: World) -> Outcome:
    """`screen PROGRAM …`; `-X stuff TEXT` types into one that runs."""
    given = parse(call.argv[1:], "c h p S t T e s Logfile", operands_last=True)
    operands = given.operands
    if given.has("X"):
        if operands[:1] == ("stuff",):
            text = " ".join(operands[1:]).replace("^M", "\n").replace("\\n", "\n")
            return Outcome(runs=(Code("shell", Stream(text), (), call.traits),))
        return (
            Outcome(runs=(inner(call, operands[1:], stdin=EMPTY),))
            if operands[:1] in {("exec",), ("screen",)}
            else NOTHING
        )
    return (
        Outcome(runs=(inner(call, operands, stdin=EMPTY),))
        if operands and not given.has("ls", "list", "wipe")
        else NOTHING
    )


def _terminal(call: Call, world: World) -> Outcome:
    """A terminal; one that is shown on another machine's screen is given to whoever sits there."""
    found = _in_terminal(call, world)
    screen = next(iter(parse(call.argv[1:], "display d", single_dash=True).values("display")), "")
    host = screen.rpartition(":")[0].partition("/")[0]
    if not host or host in {"localhost", "127.0.0.1", "unix"}:
        return found
    return found._replace(effects=(Effect("open_shell", host, "remote", call.traits, call.text),))


def _in_terminal(call: Call, world: World) -> Outcome:
    """What stands behind `-e` or `--`; with one word it is a text."""
    words = list(call.argv[1:])
    at = next((place for place, word in enumerate(words) if word in _BEFORE_COMMAND), -1)
    command = words[at + 1 :] if at >= 0 else []
    equals = next((word.partition("=")[2] for word in words if word.startswith(("--command=", "--execute="))), "")
    if equals or len(command) == 1:
        return Outcome(runs=(Code("shell", Stream(equals or command[0]), (), call.traits),))
    return Outcome(runs=(inner(call, command, stdin=EMPTY),)) if command else NOTHING


def _expect(call: Call, world: World) -> Outcome:
    """`expect -c TEXT`: what it spawns and what it types."""
    texts = parse(call.argv[1:], "c f").values("c")
    lines = [line.strip() for text in texts for part in text.splitlines() for line in part.split(";")]
    runs: list[Code | Call] = []
    for line in lines:
        word, _, rest = line.partition(" ")
        if word in {"spawn", "exec", "system", "send"}:
            typed = rest.strip().removeprefix("-- ").strip('"{}').replace("\\r", "").replace("\\n", "")
            runs.append(Code("shell", Stream(typed), (), call.traits))
    return Outcome(runs=tuple(runs))


_PROGRAMS: dict[str, Callable[[Call, World], Outcome]] = {
    "tmux": _tmux, "byobu": _tmux, "tmate": _tmux, "screen": _screen, "expect": _expect,
    **dict.fromkeys(
        "xterm uxterm urxvt rxvt gnome-terminal konsole alacritty kitty xfce4-terminal terminator "
        "mate-terminal lxterminal foot st x-terminal-emulator tilix wezterm zellij".split(), _terminal,
    ),
}  # fmt: skip
