"""Subcommands of git that drop, move or replace commits and the names that keep them."""

from collections.abc import Callable

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, NOTHING, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.programs.git import Git
from agentops_mcp.factors.guardrails.rules.programs.git_words import Words, parse

MAIN = frozenset({"main", "master", "trunk", "develop", "production", "prod", "release", "stable", "default"})
"""Names of branches that others build on."""

_OPTIONS = {
    "branch": "delete D d force f move M m copy C c all remotes list set-upstream-to= u= sort= format= "
    "contains? merged? "
    "no-merged? points-at= edit-description show-current unset-upstream track quiet help",
    "tag": "delete force list annotate sign local-user= u= message= m= file= F= n? sort= format= contains? "
    "points-at= "
    "merged? verify cleanup= help",
    "update-ref": "delete d stdin no-deref create-reflog m= help",
    "reflog": "expire= expire-unreachable= all dry-run stale-fix updateref rewrite verbose single-worktree help",
    "gc": "prune? aggressive auto quiet force keep-largest-pack help",
    "prune": "dry-run expire= verbose progress help",
    "filter-branch": "tree-filter= index-filter= env-filter= msg-filter= commit-filter= parent-filter= "
    "tag-name-filter= "
    "setup= subdirectory-filter= original= d= force prune-empty state-branch= help",
    "filter-repo": "analyze dry-run force help",
    "fast-import": "force quiet stats date-format= done max-pack-size= depth= export-marks= import-marks= help",
    "replace": "delete force list edit graft raw format= help",
    "commit": "amend message= m= F= file= C= c= reuse-message= reedit-message= author= date= template= t= "
    "fixup= squash= "
    "S? gpg-sign u? untracked-files cleanup= trailer= verify no-verify n all patch pathspec-from-file= dry-run help",
}
_NOW = frozenset({"now", "all", "0"})


def act(git: Git, world: World) -> Outcome:
    """What one of these subcommands does to commits and their names."""
    words = parse(git.words, _OPTIONS.get(git.sub, "help"))
    if words.has("help", "h"):
        return NOTHING
    if git.sub == "filter-branch":
        return _filter_branch(git, words)
    return Outcome(tuple(_ACTS[git.sub](git, words)))


def rewritten(git: Git, target: str, *traits: str) -> Effect:
    """Names or commits that are no longer what they were."""
    main = {"main"} if target.rpartition("/")[2].lower() in MAIN else set[str]()
    return Effect("rewrite_history", target, "", git.call.traits | set(traits) | main, git.by)


def _branch(git: Git, words: Words) -> list[Effect]:
    forced = words.on("f", "force")
    remote = ("remote-tracking",) if words.has("r", "remotes") else ()
    if words.has("D", "d", "delete"):
        kind = "drop" if words.has("D") or forced else "merged-only"
        return [rewritten(git, name, "local", kind, *remote) for name in words.every]
    if words.has("M", "C") or (words.has("m", "move", "c", "copy") and forced):
        return [rewritten(git, words.every[-1], "local", "renamed")] if words.every else []
    return [rewritten(git, words.every[0], "local", "moved")] if forced and words.every else []


def _tag(git: Git, words: Words) -> list[Effect]:
    if words.has("d", "delete"):
        return [rewritten(git, name, "local", "drop", "tag") for name in words.every]
    if words.on("f", "force") and words.every and not words.has("l", "list", "v", "verify"):
        return [rewritten(git, words.every[0], "local", "moved", "tag")]
    return []


def _update_ref(git: Git, words: Words) -> list[Effect]:
    if words.has("d", "delete"):
        return [rewritten(git, name, "local", "drop") for name in words.every[:1]]
    if words.has("stdin"):
        known = git.call.stdin.text
        drops = known is None or any(line.split(" ")[0] in {"delete", "update"} for line in known.splitlines())
        return [rewritten(git, "refs from its input", "local", "moved")] if drops and git.call.stdin != EMPTY else []
    return [rewritten(git, words.every[0], "local", "moved")] if len(words.every) > 1 else []


def _reflog(git: Git, words: Words) -> list[Effect]:
    if words.operands[:1] not in (("expire",), ("delete",), ("drop",)) or words.on("n", "dry-run"):
        return []
    when = words.values("expire", "expire-unreachable")
    if words.operands[0] == "expire" and when and all(each in {"never", "false"} for each in when):
        return []
    target = " ".join(words.every[1:]) or "the reflog"
    wide = {"everything"} if words.has("all") else set[str]()
    return [Effect("discard_work", target, "git", git.call.traits | {"reflog"} | wide, git.by)]


def _gc(git: Git, words: Words) -> list[Effect]:
    if git.sub == "prune":
        return [] if words.on("n", "dry-run") else [_unreachable(git)]
    return [_unreachable(git)] if any(value.lower() in _NOW for value in words.values("prune")) else []


def _unreachable(git: Git) -> Effect:
    return Effect("discard_work", "commits that no ref holds", "git", git.call.traits | {"unreachable"}, git.by)


def _filter_branch(git: Git, words: Words) -> Outcome:
    filters = words.values(
        "tree-filter",
        "index-filter",
        "env-filter",
        "msg-filter",
        "commit-filter",
        "parent-filter",
        "tag-name-filter",
        "setup",
    )
    runs = tuple(Code("shell", Stream(each), traits=git.call.traits) for each in filters)
    return Outcome((rewritten(git, " ".join(words.every) or "HEAD", "local", "everything"),), runs=runs)


def _whole(git: Git, words: Words) -> list[Effect]:
    if git.sub == "lfs":
        rewrites = words.operands[:2] in (("migrate", "import"), ("migrate", "export"))
        return [rewritten(git, "history", "local", "everything")] if rewrites else []
    if words.on("analyze", "dry-run") or (git.sub == "obliterate" and not words.every):
        return []
    return [rewritten(git, "history", "local", "everything")]


def _replace(git: Git, words: Words) -> list[Effect]:
    if words.has("d", "delete") or (words.on("f", "force") and words.every):
        return [rewritten(git, name, "local", "replaced") for name in words.every[:1]]
    return []


def _commit(git: Git, words: Words) -> list[Effect]:
    if words.on("dry-run"):
        return []
    found = [rewritten(git, "HEAD", "local", "amend")] if words.on("amend") else []
    if words.has("no-verify", "n"):
        found.append(Effect("weaken", "hooks of the repository", "", git.call.traits | {"git", "hooks"}, git.by))
    return found


def _notes(git: Git, words: Words) -> list[Effect]:
    verb, dry = words.operands[:1], words.has("n", "dry-run")
    return [rewritten(git, "notes", "local", "notes")] if verb in (("remove",), ("prune",)) and not dry else []


def _imported(git: Git, words: Words) -> list[Effect]:
    return [rewritten(git, "the imported branches", "local", "moved")] if words.on("force") else []


def _extras(git: Git, words: Words) -> list[Effect]:
    """git-extras: `delete-branch` and `delete-tag` drop the local name and the remote one."""
    return [rewritten(git, name, "local", "shared", "delete") for name in words.every]


_ACTS: dict[str, Callable[[Git, Words], list[Effect]]] = {
    "branch": _branch, "tag": _tag, "update-ref": _update_ref, "reflog": _reflog, "gc": _gc, "prune": _gc,
    "filter-repo": _whole, "obliterate": _whole, "lfs": _whole, "replace": _replace, "commit": _commit,
    "notes": _notes, "fast-import": _imported,
    "delete-branch": _extras, "delete-tag": _extras,
}  # fmt: skip
