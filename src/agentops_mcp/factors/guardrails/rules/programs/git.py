"""git: its global options, the settings given for one command, and whose knowledge a subcommand needs."""

from collections.abc import Mapping
from importlib import import_module
from typing import NamedTuple

from agentops_mcp.factors.guardrails.rules.calls import HOLE, NOTHING, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.places import locate, locate_removed

_VALUED = frozenset(
    {"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--super-prefix", "--config-env", "--attr-source"}
)
_PRINT = frozenset({"-v", "--version", "-h", "--help", "--html-path", "--man-path", "--info-path"})
_DEEPEST = 4
"""Aliases that may lead to aliases; git itself refuses loops."""

_MOST_WORDS = 500
_LONGEST_BY = 2_000

_SUBCOMMANDS = {
    "git_work": (
        "reset checkout switch restore clean stash rm mv worktree submodule read-tree checkout-index merge rebase am "
        "cherry-pick revert bisect clear undo force-clone"
    ),
    "git_history": (
        "branch tag update-ref reflog gc prune filter-branch filter-repo replace commit lfs obliterate notes "
        "delete-branch delete-tag fast-import"
    ),
    "git_remote": "push send-pack http-push fetch pull clone remote ls-remote archive",
    "git_reading": "show cat-file blame annotate grep diff log credential credential-store config difftool init",
}
_REMEMBERED = ("clean.requireforce", "remote.origin.push")
"""Settings, beside aliases, that make a command out of the same text more than it looks."""

_MODULE_OF = {name: module for module, names in _SUBCOMMANDS.items() for name in names.split()}


class Git(NamedTuple):
    """A git command whose global options are taken off."""

    call: Call
    sub: str
    """In lower case: on some file systems `git RESET` finds the same program."""

    words: tuple[str, ...]
    """After the subcommand."""

    folder: str
    """Where it runs: the working directory after every `-C`."""

    tree: str
    """Where its files are: what `--work-tree` says, else `folder`."""

    settings: tuple[tuple[str, str], ...] = ()
    """Configuration for this command alone, from `-c` and the environment, keys in lower case."""

    by: str = ""
    """The command as text."""

    def setting(self, key: str) -> str:
        """The value a key is given for this command alone; empty when none."""
        return next((value for name, value in reversed(self.settings) if name == key), "")


def outcome(call: Call, world: World) -> Outcome | None:
    """What a git command does."""
    if call.name != "git":
        return None
    return _outcome(call, world, 0)


def _outcome(call: Call, world: World, depth: int) -> Outcome | None:
    from agentops_mcp.factors.guardrails.rules.programs.git_settings import one_shot

    git, helper_folders = _globals(call)
    before = one_shot(git, helper_folders, world)
    if not git.sub:
        return Outcome(before.effects, runs=before.runs)
    names = (f"alias.{git.sub}",) if git.sub not in _MODULE_OF else _REMEMBERED if git.sub in {"push", "clean"} else ()
    held = [(name, world.held(setting_file(name, world))) for name in names]
    git = git._replace(settings=(*((name, each.text or "") for name, each in held if each), *git.settings))
    alias = git.setting(f"alias.{git.sub}")
    after = _alias(git, alias, world, depth) if alias and git.sub not in _MODULE_OF else _subcommand(git, world)
    if git.sub == HOLE:
        unknown = Effect("unresolved", git.by, "", git.call.traits, git.by)
        return before._replace(effects=(*before.effects, unknown))
    if after is None:  # a subcommand that drops nothing, or one that somebody installed
        return before
    return after._replace(effects=before.effects + after.effects, runs=before.runs + after.runs)


def _subcommand(git: Git, world: World) -> Outcome | None:
    module = _MODULE_OF.get(git.sub)
    if module is None:
        return None
    if git.words[:1] in (("--help",), ("-h",)):
        return NOTHING
    limited = git._replace(words=git.words[:_MOST_WORDS])
    found: Outcome = import_module(f"{__package__}.{module}").act(limited, world)
    if len(git.words) > _MOST_WORDS:
        more = Effect("unresolved", "more words than are looked at", "", git.call.traits, git.by)
        return found._replace(effects=(*found.effects, more))
    return found


def setting_file(key: str, world: World) -> str:
    """Under which name a setting is remembered that the same command line makes before."""
    return f"{world.home}/.gitconfig/{key.lower()}"


def _alias(git: Git, alias: str, world: World, depth: int) -> Outcome | None:
    if alias.startswith("!"):
        text = " ".join((alias[1:], '"$@"')) if git.words else alias[1:]
        return Outcome(runs=(Code("shell", Stream(text), ("sh", *git.words), git.call.traits),))
    if depth >= _DEEPEST:
        return None
    settings = tuple(word for key, value in git.settings for word in ("-c", f"{key}={value}"))
    argv = (git.call.argv[0], "-C", git.folder, *settings, *split(alias), *git.words)
    return _outcome(git.call._replace(argv=argv), world, depth + 1)


def _globals(call: Call) -> tuple[Git, tuple[str, ...]]:
    """The command without its global options, and folders that it would take programs from."""
    folder, tree, words = call.cwd, call.env.get("GIT_WORK_TREE", ""), list(call.argv[1:])
    settings = list(_of_environment(call.env))
    folders = [call.env["GIT_EXEC_PATH"]] if call.env.get("GIT_EXEC_PATH") else []
    while words and words[0].startswith("-"):
        word = words.pop(0)
        if word in _PRINT:
            return Git(
                call, "help" if word.endswith("help") or word == "-h" else "version", tuple(words), folder, folder
            ), ()
        name, equals, value = word.partition("=")
        if not equals and name in _VALUED:
            value = words.pop(0) if words else ""
        if name == "-C":
            folder = joined(folder, value)
        elif name == "-c":
            settings.append(_setting(value))
        elif name == "--config-env":
            key, _, variable = value.partition("=")
            settings.append((key.lower(), call.env.get(variable, HOLE)))
        elif name == "--work-tree":
            tree = value
        elif name == "--exec-path" and equals:
            folders.append(value)
    sub = words[0].lower() if words else ""
    settled = joined(folder, tree) if tree else folder
    by = call.text[:_LONGEST_BY]
    return Git(call, sub, tuple(words[1:]), folder, settled, tuple(settings), by), tuple(folders)


def _of_environment(env: Mapping[str, str]) -> list[tuple[str, str]]:
    count = env.get("GIT_CONFIG_COUNT", "")
    number = min(int(count), 100) if count.isascii() and count.isdigit() else 0
    found = [
        (env.get(f"GIT_CONFIG_KEY_{each}", "").lower(), env.get(f"GIT_CONFIG_VALUE_{each}", ""))
        for each in range(number)
    ]
    found += [_setting(each) for each in split(env.get("GIT_CONFIG_PARAMETERS", ""))]
    return [each for each in found if each[0]]


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    return key.lower(), value if equals else "true"


def joined(folder: str, path: str) -> str:
    """A path as it is seen from a folder."""
    if path.startswith(("/", "~")) or path[1:2] == ":":
        return path
    return f"{folder.rstrip('/')}/{path}" if path not in {"", "."} else folder


def split(text: str) -> list[str]:
    """Words of an alias or a list of settings: at spaces, with quotes."""
    words: list[str] = []
    word, quote, begun = "", "", False
    for letter in text:
        if quote:
            quote, word = ("", word) if letter == quote else (quote, word + letter)
        elif letter in "'\"":
            quote, begun = letter, True
        elif letter.isspace():
            words += [word] if word or begun else []
            word, begun = "", False
        else:
            word += letter
    return [*words, word] if word or begun else words


def place_of_path(path: str, git: Git, world: World) -> str:
    """Where a path of a git command lies; pathspec magic (`:/`, `:(top)`) means the whole tree."""
    if path.startswith(":"):
        return locate(git.tree, git.call.cwd, world).place
    return locate_removed(joined(git.tree, path), git.call.cwd, world).place
