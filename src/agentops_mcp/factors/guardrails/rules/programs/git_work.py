"""Subcommands of git that drop work which is in no commit."""

from collections.abc import Callable, Iterable

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, HOLE, NOTHING, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.places import locate
from agentops_mcp.factors.guardrails.rules.programs.git import Git, joined, place_of_path
from agentops_mcp.factors.guardrails.rules.programs.git_words import Words, parse

_OPTIONS = {
    "reset": "hard merge keep soft mixed patch pathspec-from-file= pathspec-file-nul U= unified= inter-hunk-context= "
    "quiet no-refresh recurse-submodules intent-to-add help",
    "checkout": "force ours theirs b= B= orphan= track t? detach patch conflict= pathspec-from-file= pathspec-file-nul "
    "overlay overwrite-ignore recurse-submodules progress guess ignore-other-worktrees ignore-skip-worktree-bits merge "
    "quiet U= unified= inter-hunk-context= help",
    "switch": "force discard-changes c= C= create= force-create= orphan= detach guess merge conflict= track t? quiet "
    "recurse-submodules progress ignore-other-worktrees overwrite-ignore help",
    "restore": "worktree staged source= s= patch ours theirs merge conflict= quiet ignore-unmerged overlay progress "
    "ignore-skip-worktree-bits recurse-submodules pathspec-from-file= pathspec-file-nul U= unified= "
    "inter-hunk-context= help",
    "clean": "force dry-run interactive quiet exclude= e= help",
    "stash": "message= m= include-untracked all patch staged keep-index quiet index pathspec-from-file= help",
    "rm": "force cached dry-run quiet ignore-unmatch sparse pathspec-from-file= pathspec-file-nul help",
    "mv": "force dry-run verbose sparse help",
    "worktree": "force detach checkout lock reason= b= B= orphan track dry-run expire= verbose help",
    "submodule": "force all quiet recursive init remote depth= reference= jobs= j= b= branch= name= help",
    "read-tree": "reset u m n dry-run index-output= prefix= exclude-per-directory= help",
    "checkout-index": "force all u index quiet prefix= temp stage= stdin help",
    "undo": "hard soft help",
    "force-clone": "branch= b= help",
}
_FILE_SUFFIX = 6
"""Letters a suffix of a file name has at most, by which a word is told from the name of a branch."""


def act(git: Git, world: World) -> Outcome:
    """What one of these subcommands drops, and what it runs."""
    words = parse(git.words, _OPTIONS.get(git.sub, "help"))
    if words.has("help", "h"):
        return NOTHING
    if git.sub in _RUNNING:
        return _RUNNING[git.sub](git, words)
    return Outcome(tuple(_DROPPING[git.sub](git, words, world)))


def _dropped(git: Git, target: str, world: World, *traits: str, path: bool = True) -> Effect:
    place = place_of_path(target, git, world) if path else ""
    return Effect("discard_work", target, place, git.call.traits.union(traits, _worth(place)), git.by)


def _tree(git: Git, world: World, *traits: str) -> Effect:
    place = locate(git.tree, git.call.cwd, world).place
    return Effect("discard_work", git.tree, place, git.call.traits.union({"everything"}, traits, _worth(place)), git.by)


def _worth(place: str) -> tuple[str, ...]:
    """What makes a loss smaller: git has the same content, or the whole copy lies among temporary files."""
    return ("kept",) if place == "kept" else ("scratch",) if place == "temporary" else ()


def _files(git: Git, paths: Iterable[str], world: World, *traits: str) -> list[Effect]:
    return [_dropped(git, path, world, *traits) for path in paths]


def _reset(git: Git, words: Words, world: World) -> list[Effect]:
    if words.on("hard", "merge"):
        return [_tree(git, world)]
    if words.on("keep"):  # refuses to touch changed files, but the branch leaves its commits behind
        target = words.every[0] if words.every else "HEAD"
        return [Effect("rewrite_history", target, "", git.call.traits | {"local", "moved"}, git.by)]
    return []


def _checkout(git: Git, words: Words, world: World) -> list[Effect]:
    found: list[Effect] = []
    branches = words.values("b", "B", "orphan")
    if words.has("B"):
        found.append(_reset_branch(git, words.values("B")[-1]))
    if words.on("f", "force"):
        return [*found, _tree(git, world)]
    asks = ("interactive",) if words.on("p", "patch") and git.call.stdin == EMPTY else ()
    if words.has("pathspec-from-file"):
        return [*found, _dropped(git, words.values("pathspec-from-file")[-1], world, "listed", *asks, path=False)]
    if branches or words.on("track", "t", "detach", "d"):  # these refuse paths
        return found
    paths = _checked_out(git, words, world)
    merging = ("conflict",) if words.on("ours", "theirs", "merge", "m") and "." not in paths else ()
    return found + _files(git, paths, world, *asks, *merging)


def _checked_out(git: Git, words: Words, world: World) -> tuple[str, ...]:
    """The paths among the operands of `git checkout`, which takes branches and paths alike."""
    if words.divided:
        return words.paths
    if len(words.operands) > 1:
        first_is_path = _is_path(words.operands[0], git, world)
        return words.operands if first_is_path else words.operands[1:]
    return tuple(word for word in words.operands if _is_path(word, git, world))


def _is_path(word: str, git: Git, world: World) -> bool:
    """Whether a word is a path and no branch: by its form, and by what is there (git refuses what is both)."""
    if word in {".", ".."} or word.startswith(("./", "../", ":", "/")) or word.endswith("/") or set("*?[") & set(word):
        return True
    if word.startswith("-") or HOLE in word or "~" in word or "@{" in word:
        return False
    there = world.exists(locate(joined(git.tree, word), git.call.cwd, world).path)
    if there is not None:
        return there
    stem, dot, suffix = word.rpartition("/")[2].rpartition(".")
    return bool(dot and stem and suffix.isalpha()) and len(suffix) <= _FILE_SUFFIX


def _switch(git: Git, words: Words, world: World) -> list[Effect]:
    found = [_reset_branch(git, name) for name in words.values("C", "force-create")]
    return [*found, _tree(git, world)] if words.on("f", "force", "discard-changes") else found


def _reset_branch(git: Git, name: str) -> Effect:
    return Effect("rewrite_history", name, "", git.call.traits | {"local", "moved"}, git.by)


def _restore(git: Git, words: Words, world: World) -> list[Effect]:
    if words.on("staged", "S") and not words.on("worktree", "W"):
        return []
    asks = ("interactive",) if words.on("p", "patch") and git.call.stdin == EMPTY else ()
    if words.has("pathspec-from-file"):
        return [_dropped(git, words.values("pathspec-from-file")[-1], world, "listed", *asks, path=False)]
    merging = words.on("ours", "theirs", "2", "3", "merge", "m") and "." not in words.every
    traits = (*asks, "conflict") if merging else asks
    return _files(git, words.every or ((".",) if asks else ()), world, *traits)


def _clean(git: Git, words: Words, world: World) -> list[Effect]:
    forced = words.on("f", "force") or git.setting("clean.requireforce").lower() in {"false", "no", "off", "0"}
    if words.on("n", "dry-run") or not forced:
        return []
    traits = ["untracked"] + (["ignored"] if words.has("x", "X") else []) + (["recursive"] if words.has("d") else [])
    if words.on("i", "interactive") and git.call.stdin == EMPTY:
        traits.append("interactive")
    if words.every:
        return _files(git, words.every, world, *traits)
    return [_tree(git, world, *traits)]


def _stash(git: Git, words: Words, world: World) -> list[Effect]:
    verb, name = (*words.operands, "", "")[:2]
    if verb.lower() not in {"drop", "clear"}:
        return []
    target = name or "stash@{0}" if verb.lower() == "drop" else "every stash"
    traits = {"stash", "everything"} if verb.lower() == "clear" else {"stash"}
    return [Effect("discard_work", target, "git", git.call.traits | traits, git.by)]


def _rm(git: Git, words: Words, world: World) -> list[Effect]:
    # Without force git refuses to remove what is not in a commit.
    if not words.on("f", "force") or words.on("cached") or words.on("n", "dry-run"):
        return []
    paths = words.every or words.values("pathspec-from-file")
    return _files(git, paths, world, *(("recursive",) if words.has("r") else ()))


def _mv(git: Git, words: Words, world: World) -> list[Effect]:
    if not words.on("f", "force") or words.on("n", "dry-run") or len(words.every) < len(("from", "to")):
        return []
    path = words.every[-1]
    return [Effect("overwrite", path, place_of_path(path, git, world), git.call.traits, git.by)]


def _worktree(git: Git, words: Words, world: World) -> list[Effect]:
    found = [_reset_branch(git, name) for name in words.values("B")]
    if words.operands[:1] == ("remove",) and words.on("f", "force"):
        return found + _files(git, words.every[1:], world, "worktree")
    return found


def _submodule(git: Git, words: Words) -> Outcome:
    verb, rest = words.operands[:1], (*words.operands[1:], *words.paths)
    traits = git.call.traits | {"submodule"}
    if verb == ("foreach",) and rest:
        after = git.words[git.words.index("foreach") + 1 :]
        command = tuple(
            word for place, word in enumerate(after) if place or word not in {"--recursive", "--quiet", "-q"}
        )
        text = command[0] if len(command) == 1 else " ".join(command)
        return Outcome(runs=(Code("shell", Stream(text), traits=git.call.traits | {"repeated"}),))
    if verb in (("deinit",), ("update",)) and words.on("f", "force"):
        targets = rest or ("every submodule",)
        return Outcome(tuple(Effect("discard_work", each, "", traits, git.by) for each in targets))
    return NOTHING


def _read_tree(git: Git, words: Words, world: World) -> list[Effect]:
    return [_tree(git, world)] if words.on("reset") and words.on("u") and not words.on("n", "dry-run") else []


def _checkout_index(git: Git, words: Words, world: World) -> list[Effect]:
    if not words.on("f", "force") or words.has("prefix", "temp"):
        return []
    return [_tree(git, world)] if words.on("a", "all") else _files(git, words.every, world)


def _clear(git: Git, words: Words, world: World) -> list[Effect]:
    return [_tree(git, world, "untracked", "ignored", "recursive")]


def _undo(git: Git, words: Words, world: World) -> list[Effect]:  # git-extras: -h is --hard, not help
    return [_tree(git, world)] if words.has("hard") else []


def _force_clone(git: Git, words: Words, world: World) -> list[Effect]:
    return _files(git, words.every[1:2], world)


def _sequence(git: Git, words: Words) -> Outcome:
    """`--abort` of an operation that stopped half way, and what `rebase` and `bisect` run."""
    if git.sub == "bisect":
        verb, command = words.operands[:1], git.words[1:]
        runs = (
            (Call(command, EMPTY, git.folder, git.call.env, git.call.traits),) if verb == ("run",) and command else ()
        )
        return Outcome(runs=runs)
    options = parse(
        git.words, "abort exec= x= onto= strategy= s= strategy-option= X= m= message= autostash root verify n"
    )
    effects: list[Effect] = []
    if options.has("abort"):
        effects.append(Effect("discard_work", git.sub, "", git.call.traits | {"abort"}, git.by))
    elif git.sub == "rebase" and not options.has("continue", "skip", "quit", "edit-todo", "show-current-patch"):
        effects.append(Effect("rewrite_history", "HEAD", "", git.call.traits | {"local", "rebase"}, git.by))
    if options.has("no-verify"):
        effects.append(Effect("weaken", "hooks of the repository", "", git.call.traits | {"git", "hooks"}, git.by))
    commands = options.values("x", "exec") if git.sub == "rebase" else ()
    return Outcome(tuple(effects), runs=tuple(Code("shell", Stream(each), traits=git.call.traits) for each in commands))


_DROPPING: dict[str, Callable[[Git, Words, World], list[Effect]]] = {
    "reset": _reset, "checkout": _checkout, "switch": _switch, "restore": _restore, "clean": _clean, "stash": _stash,
    "rm": _rm, "mv": _mv, "worktree": _worktree, "read-tree": _read_tree, "checkout-index": _checkout_index,
    "clear": _clear, "undo": _undo, "force-clone": _force_clone,
}  # fmt: skip
_RUNNING: dict[str, Callable[[Git, Words], Outcome]] = {
    "submodule": _submodule, "bisect": _sequence, "rebase": _sequence, "merge": _sequence, "am": _sequence,
    "cherry-pick": _sequence, "revert": _sequence,
}  # fmt: skip
