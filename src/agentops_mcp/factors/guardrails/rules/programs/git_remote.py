"""Subcommands of git that speak with another repository."""

from collections.abc import Iterable

from agentops_mcp.factors.guardrails.rules.calls import NOTHING, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.programs.git import Git, place_of_path
from agentops_mcp.factors.guardrails.rules.programs.git_history import MAIN, rewritten
from agentops_mcp.factors.guardrails.rules.programs.git_settings import is_plain, written_down
from agentops_mcp.factors.guardrails.rules.programs.git_words import Words, parse

_OPTIONS = {
    "push": "force force-with-lease force-if-includes delete mirror prune all branches tags dry-run repo= "
    "receive-pack= "
    "exec= push-option= o= set-upstream signed atomic follow-tags thin verbose quiet progress porcelain "
    "recurse-submodules verify no-verify ipv4 ipv6 help",
    "fetch": "force upload-pack= depth= deepen= shallow-since= shallow-exclude= prune prune-tags all append "
    "refmap= j= "
    "jobs= o= server-option= tags dry-run help",
    "clone": "upload-pack= u= config= c= template= branch= b= depth= origin= o= reference= reference-if-able= "
    "jobs= j= "
    "separate-git-dir= filter= shallow-since= shallow-exclude= server-option= bundle-uri= revision= help",
    "archive": "exec= remote= format= prefix= output= o= add-file= add-virtual-file= mtime= list help",
    "ls-remote": "upload-pack= exec= sort= o= server-option= help",
    "remote": "t= m= verbose help",
}
_OPTIONS["send-pack"] = _OPTIONS["http-push"] = _OPTIONS["push"] + " stdin stateless-rpc remote= exec= force dry-run"
_OPTIONS["pull"] = _OPTIONS["fetch"] + " strategy= s= strategy-option= X= cleanup= rebase"


def act(git: Git, world: World) -> Outcome:
    """What one of these subcommands does to the other repository and to this one."""
    words = parse(git.words, _OPTIONS[git.sub])
    if words.has("help", "h"):
        return NOTHING
    found = _called(git, words)
    effects: list[Effect] = list(found.effects)
    runs = list(found.runs)
    if git.sub in {"push", "send-pack", "http-push"}:
        effects += _push(git, words)
    elif git.sub in {"fetch", "pull"}:
        effects += _fetch(git, words)
    elif git.sub == "archive":
        effects += [
            Effect("write", each, place_of_path(each, git, world), git.call.traits, git.by)
            for each in words.values("o", "output")
        ]
    elif git.sub == "clone":
        for key, value in _clone_settings(words):
            stored = written_down(key, value, git, world)
            effects += stored.effects
            runs += stored.runs
    return Outcome(tuple(effects), runs=tuple(runs))


def _clone_settings(words: Words) -> Iterable[tuple[str, str]]:
    for setting in words.values("c", "config"):
        key, _, value = setting.partition("=")
        yield key, value
    for folder in words.values("template"):
        yield "init.templatedir", folder


def _called(git: Git, words: Words) -> Outcome:
    """Programs that stand in the place of git's own at the other end, and addresses that are commands."""
    named = ["upload-pack", "receive-pack", "exec"] + (["u"] if git.sub == "clone" else [])
    commands = [each for each in words.values(*named) if not is_plain("", each)]
    commands += [each.removeprefix("ext::") for each in words.every if each.lower().startswith("ext::")]
    traits = git.call.traits | {"git", "now"}
    effects = tuple(Effect("load_code", each, "", traits, git.by) for each in commands)
    return Outcome(effects, runs=tuple(Code("shell", Stream(each), traits=git.call.traits) for each in commands))


def _push(git: Git, words: Words) -> list[Effect]:
    if words.on("dry-run", "n"):
        return []
    remote, refs = (*words.every, "")[0], words.every[1:]
    remote = remote or next(iter(words.values("repo")), "the remote")
    if not refs:  # what the settings of this command say is pushed then
        refs = tuple(value for key, value in git.settings if key.startswith("remote.") and key.endswith(".push"))
    target = " ".join((remote, *refs))
    found: list[Effect] = []
    if words.on("mirror"):
        found.append(rewritten(git, target, "shared", "force", "everything"))
    elif words.on("force", "f"):
        found.append(_forced(git, target, refs, "force"))
    elif words.has("force-with-lease"):
        found.append(_forced(git, target, refs, "lease"))
    found += [
        rewritten(git, f"{remote} {ref[1:]}", "shared", "force", *_main(ref)) for ref in refs if ref.startswith("+")
    ]
    deletes = words.on("delete", "d")
    found += [
        rewritten(git, f"{remote} {ref.removeprefix(':')}", "shared", "delete", *_main(ref))
        for ref in refs
        if deletes or (ref.startswith(":") and len(ref) > 1)
    ]
    if words.on("prune"):
        found.append(rewritten(git, target, "shared", "delete", "everything"))
    if words.has("no-verify"):
        found.append(Effect("weaken", "hooks of the repository", "", git.call.traits | {"git", "hooks"}, git.by))
    if _is_address(remote):
        found.append(Effect("send_out", remote, "", git.call.traits | {"git", "repository"}, git.by))
    return found


def _forced(git: Git, target: str, refs: Iterable[str], how: str) -> Effect:
    main = {each for ref in refs for each in _main(ref)}
    return rewritten(git, target, "shared", how, *main)


def _main(ref: str) -> tuple[str, ...]:
    name = ref.lstrip("+").rpartition(":")[2].removeprefix("refs/heads/")
    return ("main",) if name.lower() in MAIN else ()


def _is_address(remote: str) -> bool:
    """Whether a push goes to an address and not to a remote that the repository names."""
    host, colon, _ = remote.partition(":")
    return "://" in remote or (bool(colon) and "@" in host and "/" not in host)


def _fetch(git: Git, words: Words) -> list[Effect]:
    """Local branches and tags that a refspec moves although they hold commits of their own."""
    found: list[Effect] = []
    for ref in words.every[1:]:
        source, colon, name = ref.partition(":")
        forced = source.startswith("+") or words.on("force", "f")
        if colon and forced and name and not name.startswith("refs/remotes/"):
            found.append(rewritten(git, name, "local", "moved"))
    return found
