"""Subcommands of git that show what is stored, and those that only configure or begin a repository."""

from agentops_mcp.factors.guardrails.rules.calls import NOTHING, UNKNOWN, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.programs.git import Git, joined, place_of_path, setting_file
from agentops_mcp.factors.guardrails.rules.programs.git_settings import is_plain, written_down
from agentops_mcp.factors.guardrails.rules.programs.git_words import Words, parse
from agentops_mcp.factors.guardrails.rules.programs.reading import secret_kind

_CONFIG = (
    "file= f= blob= type= t= default= comment= global system local worktree unset unset-all add replace-all get "
    "get-all "
    "get-regexp get-urlmatch list edit rename-section remove-section value= url= null name-only show-origin "
    "bool int path help"
)
_SHOW = (
    "output= format= pretty= n= max-count= since= until= after= before= author= committer= grep= S= G= L= O? U= "
    "unified= "
    "stat name-only name-status numstat shortstat summary quiet files-with-matches c count e= f= m= max-depth= "
    "l p t s "
    "open-files-in-pager batch batch-check path= extcmd= x= tool= contents= exit-code no-patch help"
)
_NAMES_ONLY = (
    "stat",
    "name-only",
    "name-status",
    "numstat",
    "shortstat",
    "summary",
    "quiet",
    "no-patch",
    "s",
    "c",
    "count",
)


def act(git: Git, world: World) -> Outcome:
    """What one of these subcommands gives away, writes or runs."""
    if git.sub == "config":
        return _config(git, world)
    if git.sub == "init":
        folders = parse(git.words, "template= b= initial-branch= separate-git-dir= object-format= help").values(
            "template"
        )
        return written_down("init.templatedir", folders[-1], git, world) if folders else NOTHING
    if git.sub in {"credential", "credential-store"}:
        shows = bool({"fill", "get"} & set(git.words))
        effect = Effect(
            "read_secret", "credentials that git keeps", "secret", git.call.traits | {"credentials"}, git.by
        )
        return Outcome((effect,), Stream(None, frozenset({"secret"}))) if shows else NOTHING
    words = parse(git.words, _SHOW)
    if words.has("help", "h"):
        return NOTHING
    return _shown(git, words, world)


def _shown(git: Git, words: Words, world: World) -> Outcome:
    effects: list[Effect] = []
    secret = False
    shows = not words.has(*_NAMES_ONLY) and not (git.sub == "cat-file" and words.has("t", "s", "e"))
    for path in _paths(git, words):
        kind = secret_kind(joined(git.folder, path), git.call.cwd, world) if shows else ""
        if kind:
            secret = True
            effects.append(Effect("read_secret", path, "secret", git.call.traits | {kind, "committed"}, git.by))
    effects += [
        Effect("overwrite", path, place_of_path(path, git, world), git.call.traits, git.by)
        for path in words.values("output")
    ]
    commands = words.values("extcmd", "x") if git.sub == "difftool" else ()
    if git.sub == "grep":
        commands = words.values("O", "open-files-in-pager")
    runs = tuple(Code("shell", Stream(each), traits=git.call.traits) for each in commands if not is_plain("", each))
    effects += [
        Effect("load_code", code.text.text or "", "", git.call.traits | {"git", "now"}, git.by) for code in runs
    ]
    output = Stream(None, frozenset({"local", "secret"}), "git") if secret else UNKNOWN
    return Outcome(tuple(effects), output, runs=runs)


def _paths(git: Git, words: Words) -> list[str]:
    """Files that are shown: after `--`, as `REV:PATH`, and operands of what takes files."""
    found = list(words.paths)
    found += [each.partition(":")[2] for each in words.operands if ":" in each and "://" not in each]
    if git.sub in {"blame", "annotate", "diff", "log", "show"}:
        found += [each for each in words.operands if ":" not in each]
    if git.sub == "grep":
        found += words.operands if words.has("e", "f") else words.operands[1:]
    return [each for each in found if each] if git.sub != "log" or words.has("p", "patch", "u", "L") else []


def _config(git: Git, world: World) -> Outcome:
    words = parse(git.words, _CONFIG)
    if words.has(
        "help", "h", "get", "get-all", "get-regexp", "get-urlmatch", "list", "l", "unset", "unset-all", "remove-section"
    ):
        return NOTHING
    operands = list(words.every)
    if operands[:1] in (["get"], ["list"], ["unset"], ["edit"], ["rename-section"], ["remove-section"]):
        return NOTHING
    if operands[:1] == ["set"]:
        operands.pop(0)
    if len(operands) < len(("key", "value")):
        return NOTHING
    found = written_down(operands[0], operands[1], git, world)
    # What it means for a command is judged where the same text has that command.
    return found._replace(writes=((setting_file(operands[0], world), Stream(operands[1])),))
