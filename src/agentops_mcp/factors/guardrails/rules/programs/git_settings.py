"""git's configuration where it runs code or takes a protection away: for one command, and written down for later."""

from typing import TYPE_CHECKING

from agentops_mcp.factors.guardrails.rules.calls import HOLE, NOTHING, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.places import locate

if TYPE_CHECKING:
    from agentops_mcp.factors.guardrails.rules.programs.git import Git

_NETWORK = frozenset("fetch pull push clone ls-remote remote submodule archive lfs svn fetch-pack send-pack".split())
_EDITING = frozenset("commit rebase merge tag notes config am revert cherry-pick add branch stash".split())
_PAGING = frozenset(
    "log show diff blame branch tag grep help reflog shortlog stash config whatchanged range-diff".split()
)
_DIFFING = frozenset(
    "diff show log add stash checkout restore blame grep diff-tree diff-index diff-files whatchanged".split()
)
_READ_ONLY_REMOTE = frozenset({"-v", "--verbose", "get-url", "add", "rename", "remove", "rm", "set-url", "set-head"})

# Keys by git-config(1); `*` stands for a name in the middle.
_RUNS: tuple[tuple[str, str, frozenset[str]], ...] = (
    *(("key", key, _NETWORK) for key in (
        "core.sshcommand", "core.gitproxy", "remote.*.uploadpack", "remote.*.receivepack", "credential.helper",
        "credential.*.helper", "core.askpass", "remote.*.vcs",
    )),
    *(("key", key, _EDITING) for key in ("core.editor", "sequence.editor")),
    *(("key", key, _PAGING) for key in ("core.pager", "pager.*")),
    *(("key", key, _DIFFING) for key in ("diff.external", "diff.*.command", "diff.*.textconv",
    "interactive.difffilter")),
    *(("key", key, frozenset[str]()) for key in (
        "core.fsmonitor", "core.alternaterefscommand", "filter.*.clean", "filter.*.smudge", "filter.*.process",
        "gpg.program", "gpg.*.program", "merge.*.driver", "mergetool.*.cmd", "difftool.*.cmd", "man.*.cmd",
        "browser.*.cmd", "guitool.*.cmd", "uploadpack.packobjectshook", "trailer.*.command", "trailer.*.cmd",
        "submodule.*.update", "sendemail.smtpserver", "sendemail.tocmd", "sendemail.cccmd", "instaweb.httpd",
        "gpg.ssh.defaultkeycommand", "imap.tunnel", "receive.procreceiverefs", "tar.*.command", "hook.*.command",
    )),
    *(("env", name, _NETWORK) for name in ("GIT_SSH_COMMAND", "GIT_SSH", "GIT_PROXY_COMMAND", "GIT_ASKPASS",
    "SSH_ASKPASS")),
    *(("env", name, _EDITING) for name in ("GIT_EDITOR", "GIT_SEQUENCE_EDITOR", "EDITOR", "VISUAL")),
    *(("env", name, _PAGING) for name in ("GIT_PAGER", "PAGER")),
    ("env", "GIT_EXTERNAL_DIFF", _DIFFING),
)  # fmt: skip
_FOLDERS = frozenset({"core.hookspath", "init.templatedir", "include.path", "includeif.*.path", "core.attributesfile"})
"""Keys whose value is a place from which code, or settings that run code, are taken."""

_PROTECTIONS = {
    "http.sslverify": "false", "http.*.sslverify": "false", "protocol.allow": "always",
    "protocol.ext.allow": "always",
    "safe.directory": "*", "transfer.fsckobjects": "false", "receive.denynonfastforwards": "false",
    "receive.denydeletes": "false", "receive.fsckobjects": "false", "core.protectntfs": "false",
    "core.protecthfs": "false",
}  # fmt: skip
_HARMLESS_HELPERS = frozenset(
    "store cache osxkeychain manager manager-core libsecret wincred oauth gnome-keyring netrc gcloud.cmd".split()
)
_RUNNERS = (
    "sh bash zsh dash ksh fish ash csh tcsh busybox env sudo doas curl wget nc ncat netcat socat telnet eval "
    "exec xargs "
    "osascript powershell pwsh cmd awk gawk python perl ruby node php lua deno bun find rm dd mkfifo nohup setsid"
).split()
_SHELL_SIGNS = frozenset("|;&$`<>(){}\n\r" + HOLE)


def one_shot(git: "Git", folders: tuple[str, ...], world: World) -> Outcome:
    """What settings for this command alone make it run."""
    effects = [_load(f"--exec-path={each}", git, {"now", "folder"}) for each in folders]
    runs: list[Code] = []
    given = [("key", key, value) for key, value in git.settings] + [
        ("env", key, value) for key, value in git.call.env.items()
    ]
    for source, key, value in given:
        kinds = _kinds(source, key, git)
        if "folder" in kinds:
            effects += _of_folder(key, value, git, world, "now")
        elif "runs" in kinds and not is_plain(key, value):
            effects.append(_load(f"{key}={value}", git, {"now"}))
            runs.append(Code("shell", Stream(value.removeprefix("!")), traits=git.call.traits))
        elif source == "key" and _weakens(key, value):
            effects.append(Effect("weaken", f"{key}={value}", "", git.call.traits | {"git", "now"}, git.by))
    if git.call.env.get("GIT_SSL_NO_VERIFY") and git.sub in _NETWORK:
        effects.append(Effect("weaken", "GIT_SSL_NO_VERIFY", "", git.call.traits | {"git", "now"}, git.by))
    return Outcome(tuple(effects), runs=tuple(runs)) if effects else NOTHING


def written_down(key: str, value: str, git: "Git", world: World) -> Outcome:
    """What it means that a setting is written to a configuration file."""
    lowered = key.lower()
    if lowered.startswith("alias."):
        if not value.startswith("!"):
            return NOTHING
        # An alias runs when it is called; what it would do then is judged now, while its text is here.
        return Outcome((_load(f"{key}={value}", git, {"later", "alias"}),), runs=(Code("shell", Stream(value[1:])),))
    if _fits_any(lowered, _FOLDERS):
        return Outcome(tuple(_of_folder(lowered, value, git, world, "later")))
    if any(kind == "key" and _fits(lowered, pattern) for kind, pattern, _ in _RUNS) and not is_plain(lowered, value):
        code = Code("shell", Stream(value.removeprefix("!")))
        return Outcome((_load(f"{key}={value}", git, {"later"}),), runs=(code,))
    if _weakens(lowered, value):
        return Outcome((Effect("weaken", f"{key}={value}", "", git.call.traits | {"git", "later"}, git.by),))
    return NOTHING


def is_plain(key: str, value: str) -> bool:
    """Whether a setting names a program, from the search path and with plain options, that runs nothing else."""
    words = value.split()
    if not words or value.lower() in {"true", "false", "yes", "no", "on", "off", "1", "0", ":", "-"}:
        return True
    if _SHELL_SIGNS & set(value) or value.startswith("!"):
        return False
    if key.startswith("credential.") and words[0] in _HARMLESS_HELPERS:
        return True
    name = words[0].lower().removesuffix(".exe").rstrip("0123456789.")
    if key.startswith("submodule.") and name in {"checkout", "rebase", "merge", "none"}:
        return True
    if key.lower().replace("git_", "core.").removeprefix("core.") in {"sshcommand", "ssh_command", "ssh"}:
        return name in {"ssh", "plink", "tortoiseplink"} and "proxycommand" not in value.lower()
    return not any(sign in name for sign in "/\\") and name not in _RUNNERS


def _kinds(source: str, key: str, git: "Git") -> frozenset[str]:
    if source == "key" and _fits_any(key, _FOLDERS):
        return frozenset({"folder"})
    if source == "env" and key in {"GIT_TEMPLATE_DIR", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"}:
        return frozenset({"folder"})
    for kind, pattern, subs in _RUNS:
        if kind == source and (_fits(key, pattern) if kind == "key" else key == pattern) and _uses(git, subs):
            return frozenset({"runs"})
    return frozenset()


def _uses(git: "Git", subs: frozenset[str]) -> bool:
    if not subs:
        return bool(git.sub)
    if git.sub == "remote" and (not git.words or git.words[0] in _READ_ONLY_REMOTE):
        return False
    return git.sub in subs


def _of_folder(key: str, value: str, git: "Git", world: World, when: str) -> list[Effect]:
    if value in {"/dev/null", "", "NUL"}:
        if key == "core.hookspath":
            return [Effect("weaken", f"{key}={value}", "", git.call.traits | {"git", "hooks", when}, git.by)]
        return []
    place = locate(value, git.folder, world).place
    ours = {"ours"} if place in {"project", "in_project", "kept", "unkept"} else set[str]()
    return [_load(f"{key}={value}", git, {when, "folder"} | ours)._replace(place=place)]


def _load(target: str, git: "Git", traits: set[str]) -> Effect:
    return Effect("load_code", target, "", git.call.traits | {"git"} | traits, git.by)


def _weakens(key: str, value: str) -> bool:
    return any(_fits(key, pattern) and value.lower() == bad for pattern, bad in _PROTECTIONS.items())


def _fits_any(key: str, patterns: frozenset[str]) -> bool:
    return any(_fits(key, pattern) for pattern in patterns)


def _fits(key: str, pattern: str) -> bool:
    head, star, tail = pattern.partition("*")
    if not star:
        return key == pattern
    return key.startswith(head) and key.endswith(tail) and len(key) > len(head) + len(tail)
