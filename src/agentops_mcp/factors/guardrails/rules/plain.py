"""Commands of plain words, which need no parser: most of what is run all day, and most of what a hook is asked.

Only what such a command is found to do without any effect is said here; everything else goes the whole way.
"""

from collections.abc import Callable, Iterator

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, Call, Outcome, Stream, World

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@=+,*%")
_SIGNS = frozenset("&|;>")
_BETWEEN = frozenset({"&&", "||", ";", "|"})
_ASIDE = frozenset({"2>&1", "2>/dev/null", ">/dev/null"})
_IN_DOUBLE_QUOTES = frozenset('$`\\"\n')
_LONGEST = 500
_SIGN, _NOT_PLAIN = "\0", "\0\0"

SHELL_WORDS = frozenset(
    "alias bg break builtin case cd chdir command compgen complete continue coproc declare dirs disown do done echo "
    "elif else enable esac eval exec exit export false fc fg fi for function getopts hash help history if in jobs let "
    "local logout mapfile nocorrect noglob popd printf pushd read readarray readonly return select set shift shopt "
    "source suspend test then time times trap true type typeset ulimit umask unalias unset until wait while . :".split()
)
"""Words that the shell itself understands, so that what they do is not a program's to say."""

_RUN_FILES = frozenset(
    "sh bash zsh dash ksh ash fish python python2 python3 node deno bun ruby perl php pwsh powershell".split()
)


def harmless(
    command: str, cwd: str, world: World, outcome_of: Callable[[Call, World], Outcome]
) -> tuple[Call, ...] | None:
    """The calls of a command that is plain and has no effect; None when it is not, or may have one."""
    words = _words(command) if len(command) <= _LONGEST else None
    calls: list[Call] = []
    stdin = EMPTY
    for part, piped in _parts(words or []):
        if not part or not _is_program(part[0]):
            return None
        call = Call(tuple(part), stdin if piped else EMPTY, cwd)
        outcome = outcome_of(call, world)
        taints = outcome.output.taints | call.stdin.taints
        if outcome.effects or outcome.runs or outcome.writes or taints - {"local"}:
            return None
        stdin = Stream(None, taints)
        calls.append(call)
    return tuple(calls) or None


def _is_program(name: str) -> bool:
    """Whether a word is a program's name and no word of the shell, path, assignment, pattern or interpreter."""
    return bool(name) and not set(name) & set("/=*") and name not in SHELL_WORDS and name not in _RUN_FILES


def _parts(words: list[str]) -> Iterator[tuple[list[str], bool]]:
    """The words of each program, and whether it reads what the one before it prints."""
    part: list[str] = []
    piped = False
    for word in words:
        if word[:1] != _SIGN:
            part.append(word)
        elif word[1:] in _BETWEEN:
            yield part, piped
            part, piped = [], word[1:] == "|"
    if words:
        yield part, piped


def _words(command: str) -> list[str] | None:
    """The words of a plain command, signs of the shell behind `_SIGN`; None when there is more to it."""
    found: list[str] = []
    for word, is_sign in _split(command):
        if not is_sign:
            found.append(word)
        elif word in _BETWEEN or word in _ASIDE:
            found.append(_SIGN + word)
        else:
            return None
    return found if _NOT_PLAIN not in found else None


def _split(command: str) -> Iterator[tuple[str, bool]]:
    """Words, and whether a sign of the shell stands in them outside of quotes; `_NOT_PLAIN` ends it."""
    word, quote, there, is_sign = "", "", False, False
    for each in f"{command} ":
        if quote:
            if each == quote:
                quote = ""
            elif each == "\n" or (quote == '"' and each in _IN_DOUBLE_QUOTES) or not each.isprintable():
                break
            else:
                word += each
        elif each == " ":
            if there:
                yield word, is_sign
            word, there, is_sign = "", False, False
        elif each in ("'", '"'):
            quote, there = each, True
        elif each in _PLAIN or each in _SIGNS:
            word, there, is_sign = word + each, True, is_sign or each in _SIGNS
        else:
            break
    else:
        if not quote:
            return
    yield _NOT_PLAIN, False
