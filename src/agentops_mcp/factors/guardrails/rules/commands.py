"""Programs without a module of their own: rows of packs that say what their subcommands do, and what words give away.

A row is a table of a pack, plain data as `packs.compiled` checked it:

- `programs`: names, in lower case.
- `words`: patterns over the leading operands, one of which must fit. Word for word: `*` in a word is a glob, `a|b` is
  either, a word `**` stands for up to five words. What follows the fitted words is the target. A pattern that begins
  with `!` takes back: where one fits, the row does not hold, and the command is known to be harmless unless another
  row holds. A row without `words` holds for every call of its programs.
- `when`: options that must all be given; `force|f` is either, `replicas=0|00` also asks for a value
  (globs, whatever the case).
- `unless`: options with which nothing happens, spelled the same way. Help, version and dry runs are always among them.
- `valued`: options that take a value, so that it is taken for no operand. A word after an option that is not named here
  may be its value or an operand; both are tried.
- `effect`, `traits`, `reversible`: what happens then, once for each row that holds. What is printed by a call that
  reads a secret is secret.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from agentops_mcp.factors.guardrails.rules.calls import NOTHING, UNKNOWN, Call, Outcome, Stream
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.globs import fits

Row = Mapping[str, Any]

_MOST_WORDS = 60
"""Words of a call that are looked at: subcommands and their options stand at the beginning."""

_DEEPEST = 5
_LONGEST_TARGET = 200
_ALWAYS_VALUED = frozenset(
    "region profile output endpoint-url project context namespace kubeconfig subscription query format "
    "log-level".split()
)
_HARMLESS = frozenset(
    "help dry-run dryrun dry whatif what-if simulate preview preview-only plan-only noop help-all".split()
)
_OFF = frozenset({"none", "false", "0", "no"})
_FLAGS = frozenset("y yes f force q quiet v verbose json debug silent no-input non-interactive".split())
"""Options that never take a value, whatever the program."""

_DESTROYING = frozenset(
    "delete destroy drop purge terminate wipe nuke flush revoke deprovision decommission erase obliterate truncate "
    "unregister deregister delete-all deleteall flushall flushdb dropdb teardown expunge annihilate".split()
)
_REMOVING = frozenset("remove rm del removeall".split())
"""Destroys after a noun (`bucket remove`, `users rm`); straight after a program it is how package managers speak."""

_ELSEWHERE = frozenset(
    "help explain describe list ls show get search find view info inspect create add new init run exec edit "
    "test check plan preview diff log logs status cat print echo grep watch open read query restore "
    "undelete ask chat say can-i who-can".split()
)
"""Subcommands after which the words are names, text or a command, no subcommands."""

_SPARED = frozenset(
    "no not non never un dont skip list get show describe is can has test check plan undo cache".split()
)
_BOOKKEEPING = frozenset(
    "plugin plugins extension extensions alias aliases cache caches completion completions context contexts "
    "theme themes hook hooks template templates bookmark bookmarks keybinding keybindings snippet snippets "
    "tab pane window".split()
)
"""What a tool keeps about itself on this machine, and makes again in a moment."""

_LOCAL = frozenset(
    # Managers of packages, versions and plugins: they remove what they installed, and install it again.
    "apt apt-get aptitude dnf yum zypper pacman yay paru pamac apk brew port pkg pkgin emerge nix nix-env "
    "guix snap flatpak winget choco scoop npm pnpm yarn bun deno volta nvm fnm n pip pip3 pipx uv poetry "
    "pdm hatch rye conda mamba micromamba pyenv rbenv gem bundle rvm cargo rustup go gvm jenv sdk mise rtx "
    "asdf composer pecl pear mix rebar3 stack cabal ghcup opam luarocks cpan cpanm dart flutter pub pod "
    "carthage swift code code-insiders codium cursor vim nvim emacs tmux screen krew mas softwareupdate "
    "fisher omf zinit antigen chezmoi direnv "
    # Their operands are text, names of files or commands, never subcommands.
    "echo printf grep egrep fgrep rg ag ack sed awk jq yq cat head tail less more sort uniq cut tr wc diff "
    "cmp comm paste find fd locate which whereis type man apropos info tldr cheat whatis file stat ls tree "
    "du touch mkdir cd pushd cp mv ln test expr let read export declare local set seq true false sleep date "
    "cal bc python python3 node ruby perl php java make cmake ninja just task rake gradle mvn ant bazel "
    "pytest tox nox jest vitest mocha nano micro hx ed ex view open xdg-open start notify-send say figlet "
    "cowsay espeak wall write logger fzf select dialog whiptail gum claude codex gemini aider llm ollama".split()
)

_Word = tuple[str, bool]
"""A word that is no option, and whether it may be the value of the option before it."""


class _Read(NamedTuple):
    words: tuple[_Word, ...]
    options: tuple[tuple[str, str], ...]
    """Names without dashes and values; letters of a cluster also one by one."""

    whole: tuple[tuple[str, str], ...]
    """As written: no letters of clusters."""


def from_rows(call: Call, rows: Sequence[Row]) -> Outcome | None:
    """What rows of packs say that a call does; None when they say nothing of it.

    An outcome without effects means that a row knows the call to be harmless.
    """
    effects: dict[Effect, None] = {}
    spared = False
    for row in rows:
        given = _read(call.argv[1:], _ALWAYS_VALUED.union(row.get("valued", ())))
        if _does_nothing(given) or _asks_for_help(call, given):
            return NOTHING
        patterns = row.get("words", ())
        if any(_end_of(each[1:], given.words) is not None for each in patterns if each.startswith("!")):
            spared = True
            continue
        end = _first_end((each for each in patterns if not each.startswith("!")), given.words) if patterns else 0
        if end is None or not _is_asked(row, given):
            continue
        traits = call.traits.union(row.get("traits", ()))
        target = _target(given, end)
        effects[Effect(row["effect"], target, "", traits, call.text, bool(row.get("reversible")))] = None
    if not effects:
        return NOTHING if spared else None
    secret = any(each.kind == "read_secret" for each in effects)
    return Outcome(tuple(effects), Stream(None, frozenset({"secret", "local"}), call.text) if secret else UNKNOWN)


def generic(call: Call) -> Outcome | None:
    """What the words of a program give away that nobody knows: `tool bucket delete x` destroys a bucket.

    The verb is among the first four words, alone or as a part of one with hyphens (`delete-stage`). Managers of
    packages and the like, and programs whose operands are text, have no such words.
    """
    if not call.name or call.name in _LOCAL:
        return None
    given = _read(call.argv[1:], _ALWAYS_VALUED)
    if _does_nothing(given):
        return None
    words = _subcommands(call)
    place = 0 if call.name in _DESTROYING and words else _place_of_verb(words)
    if place is None:
        return None
    target = " ".join((*words[place:], *(word for word, _ in given.words if word.lower() not in words)))
    traits = call.traits | {"unlisted"}
    return Outcome((Effect("destroy_infrastructure", target[:_LONGEST_TARGET], "", traits, call.text),))


def _subcommands(call: Call) -> tuple[str, ...]:
    """The first four words that could be subcommands, up to one after which there are none."""
    found: list[str] = []
    previous = ""
    for word in call.argv[1:_MOST_WORDS]:
        takes = previous.startswith("-") and "=" not in previous and previous.lstrip("-") not in _FLAGS
        previous = word
        if word == "--" or len(found) == 4:
            break
        if word.startswith("-") or takes:
            continue
        lowered = word.lower()
        if not lowered.replace("-", "").replace("_", "").replace(":", "").isalpha() or not lowered.isascii():
            break
        if lowered in _ELSEWHERE:
            break
        found.append(lowered)
        if lowered in _BOOKKEEPING:
            break
    return tuple(found)


def _place_of_verb(words: Sequence[str]) -> int | None:
    for place, word in enumerate(words):
        parts = word.replace("_", "-").replace(":", "-").split("-")
        if _SPARED.intersection(parts):
            continue
        is_removal = _REMOVING.intersection(parts) and (place or len(parts) > 1)
        if word in _DESTROYING or _DESTROYING.intersection(parts) or is_removal:
            after = words[place + 1 : place + 2]
            return None if _BOOKKEEPING.intersection(after) else place
    return None


def _read(argv: Sequence[str], valued: frozenset[str]) -> _Read:
    words: list[_Word] = []
    options: list[tuple[str, str]] = []
    whole: list[tuple[str, str]] = []
    before = ""
    only_words = False
    limited = argv[:_MOST_WORDS]
    for place, word in enumerate(limited):
        if only_words or not word.startswith("-") or word == "-":
            name = before.lstrip("-")
            if not before or name not in valued:
                words.append((word, bool(before) and "=" not in before))
            before = ""
            continue
        only_words = word == "--"
        before = "" if only_words else word
        following = limited[place + 1] if place + 1 < len(limited) else ""
        name, equals, value = word.lstrip("-").partition("=")
        value = value if equals else "" if following.startswith("-") else following
        whole.append((name, value if equals else ""))
        options.append((name, value))
        if not word.startswith("--") and len(name) > 1:
            options.append((name[0], word[2:]))
            options += [(letter, value) for letter in name if letter.isalpha()]
    return _Read(tuple(words), tuple(options), tuple(whole))


def _does_nothing(given: _Read) -> bool:
    """Whether help, a version or a dry run is asked for."""
    if any(name in _HARMLESS and value.lower() not in _OFF for name, value in given.whole):
        return True
    last = given.whole[-1][0] if given.whole else ""
    asks = last == "h" or (last in {"version", "V"} and not given.words)
    return asks or bool(given.words and given.words[0][0] == "help")


def _asks_for_help(call: Call, given: _Read) -> bool:
    """Whether the last word asks for the manual, as with AWS's command line."""
    return call.name in {"aws", "awslocal", "aliyun", "tccli"} and given.words[-1:] == (("help", False),)


def _is_asked(row: Row, given: _Read) -> bool:
    if not all(_has(each, given.options) for each in row.get("when", ())):
        return False
    return not any(_has(each, given.whole) for each in row.get("unless", ()))


def _has(asked: str, options: Iterable[tuple[str, str]]) -> bool:
    names, equals, value = asked.partition("=")
    known = names.split("|")
    values = value.lower().split("|")
    return any(
        name in known and (not equals or any(fits(each, given.lower()) for each in values)) for name, given in options
    )


def _first_end(patterns: Iterable[str], words: Sequence[_Word]) -> int | None:
    return next((end for each in patterns if (end := _end_of(each, words)) is not None), None)


def _end_of(pattern: str, words: Sequence[_Word]) -> int | None:
    """Where the target begins, if the leading words fit the pattern."""
    return _fit(pattern.lower().split(), 0, words, 0)


def _fit(pattern: Sequence[str], at: int, words: Sequence[_Word], place: int) -> int | None:
    if at == len(pattern):
        return place
    if pattern[at] == "**":
        tries = (_fit(pattern, at + 1, words, place + skipped) for skipped in range(_DEEPEST + 1))
        return next((end for end in tries if end is not None), None)
    if place >= len(words):
        return None
    word, may_be_value = words[place]
    if any(fits(each, word.lower()) for each in pattern[at].split("|")):
        end = _fit(pattern, at + 1, words, place + 1)
        if end is not None:
            return end
    return _fit(pattern, at, words, place + 1) if may_be_value else None


def _target(given: _Read, end: int) -> str:
    rest = [word for word, _ in given.words[end:]]
    values = [value for _, value in given.whole if value]
    named = rest or values or [word for word, _ in given.words[:end]]
    return " ".join(named)[:_LONGEST_TARGET]
