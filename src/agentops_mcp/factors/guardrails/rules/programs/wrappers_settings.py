"""Variables that make another program run code or load it."""

from collections.abc import Iterable

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.places import locate

_LIBRARIES = frozenset(
    "LD_PRELOAD LD_AUDIT DYLD_INSERT_LIBRARIES DYLD_FORCE_FLAT_NAMESPACE GCONV_PATH OPENSSL_CONF OPENSSL_MODULES "
    "GLIBC_TUNABLES LD_PROFILE".split()
)
_SCRIPTS = frozenset(
    "BASH_ENV ENV ZDOTDIR PYTHONSTARTUP PERL5DB GIT_CONFIG_GLOBAL GIT_CONFIG_SYSTEM GIT_TEMPLATE_DIR".split()
)
_COMMANDS = frozenset(
    "GIT_SSH_COMMAND GIT_SSH GIT_PROXY_COMMAND GIT_EXTERNAL_DIFF GIT_ASKPASS SSH_ASKPASS SUDO_ASKPASS GIT_PAGER PAGER "
    "MANPAGER GH_PAGER AWS_PAGER BAT_PAGER SYSTEMD_PAGER EDITOR VISUAL GIT_EDITOR GIT_SEQUENCE_EDITOR SUDO_EDITOR "
    "KUBE_EDITOR FCEDIT LESSOPEN LESSCLOSE PROMPT_COMMAND BROWSER RSYNC_RSH CVS_RSH SVN_SSH RSYNC_CONNECT_PROG "
    "CARGO_BUILD_RUSTC_WRAPPER RUSTC_WRAPPER CMAKE_C_COMPILER_LAUNCHER TAR_RSH FZF_DEFAULT_COMMAND".split()
)
_OPTIONS = {
    # variable: the beginnings of words in it that load code
    "NODE_OPTIONS": ("/", "data:", "http:", "https:", "--require=/", "--import=/", "--import=data:", "--import=http"),
    "PERL5OPT": ("-M", "-I", "-d"),
    "RUBYOPT": ("-r/", "-r.", "-I/tmp", "-e"),
    "JAVA_TOOL_OPTIONS": ("-javaagent", "-agentpath", "-agentlib", "-XX:OnOutOfMemoryError", "-XX:OnError"),
    "_JAVA_OPTIONS": ("-javaagent", "-agentpath", "-agentlib", "-XX:OnOutOfMemoryError", "-XX:OnError"),
    "JDK_JAVA_OPTIONS": ("-javaagent", "-agentpath", "-agentlib"),
    "MAVEN_OPTS": ("-javaagent", "-agentpath"),
    "GIT_CONFIG_PARAMETERS": ("'core.", "'alias.", "'diff.", "'filter.", "'credential", "'protocol", "'include"),
    "TAR_OPTIONS": (
        "--checkpoint-action",
        "--to-command",
        "--use-compress-program",
        "-I",
        "--info-script",
        "--rsh-command",
    ),
}
_SEARCHED = frozenset(
    "PATH PYTHONPATH NODE_PATH PERL5LIB RUBYLIB LUA_PATH CLASSPATH LD_LIBRARY_PATH DYLD_LIBRARY_PATH".split()
)
_GIT_CODE = (
    "core.sshcommand", "core.pager", "core.editor", "core.fsmonitor", "core.hookspath", "core.askpass", "core.gitproxy",
    "alias.", "diff.external", "sequence.editor", "credential.", "pager.", "gpg.program", "include.path",
)  # fmt: skip
_ORDINARY = frozenset(
    "ssh less more most cat bat batcat delta diff-so-fancy vim vi nvim view nano emacs emacsclient code "
    "codium subl mate gedit "
    "micro hx helix true false : echo plink.exe open xdg-open firefox google-chrome sccache ccache difft "
    "lesspipe lesspipe.sh "
    "pr sh bash zsh rsh git ksshaskpass ssh-askpass head tail fd rg find".split()
)


def assignment(word: str) -> tuple[str, str] | None:
    """`NAME=value` as a pair; None when a word is no assignment."""
    name, equals, value = word.partition("=")
    if not equals or not name or name[0].isdigit() or not name.replace("_", "a").isalnum() or not name.isascii():
        return None
    return name, value


def loaded(variables: Iterable[tuple[str, str]], call: Call, world: World) -> Outcome:
    """What setting these variables for a program makes it load or run.

    A value that is a command is judged as one; it has the trait `ordinary` when it starts one of the programs that
    such a variable usually names.
    """
    effects: list[Effect] = []
    runs: list[Code] = []
    for name, value in variables:
        if value and (traits := _ways(name, value)):
            place = _place(name, value, call, world)
            if place != "nowhere" and ("search_path" not in traits or place == "temporary"):
                every = call.traits | traits | {"variable"} | ({"of_system"} if place == "system" else set[str]())
                effects.append(Effect("load_code", f"{name}={value}".replace(HOLE, "…"), place, every, call.text))
            if name in _COMMANDS:
                runs.append(Code("shell", Stream(value), (), call.traits))
    return Outcome(tuple(effects), runs=tuple(runs))


def _ways(name: str, value: str) -> set[str]:
    """How a variable brings in code; empty when this one, or this value, does not."""
    if name in _COMMANDS:
        return {"command", *_ordinary(value)}
    if name in _LIBRARIES:
        return {"library"}
    if name in _SCRIPTS:  # `ENV=production` is no script
        return {"script"} if value.startswith(("/", ".", "~", HOLE)) else set()
    if name.startswith("GIT_CONFIG_KEY_"):
        return {"command"} if value.lower().startswith(_GIT_CODE) else set()
    if name in _OPTIONS:
        return {"options"} if any(word.startswith(_OPTIONS[name]) for word in value.split()) else set()
    return {"search_path"} if name in _SEARCHED else set()


def _place(name: str, value: str, call: Call, world: World) -> str:
    if name in _SEARCHED:
        return _searched(value, call, world)
    if name in _LIBRARIES or name in _SCRIPTS:
        return locate(value.split(":")[0].split(" ")[0], call.cwd, world).place
    return ""


def _ordinary(value: str) -> tuple[str, ...]:
    words = value.replace("|", " ").split()
    first = words[0].rpartition("/")[2] if words else ""
    shell = first in {"sh", "bash", "zsh"}
    return ("ordinary",) if first in _ORDINARY and not shell and not set(value) & set(";&`$()<>\n") else ()


def _searched(value: str, call: Call, world: World) -> str:
    """The place of a folder that anybody can write to, among those in which programs or modules are looked for."""
    for folder in value.split(":"):
        if folder and HOLE not in folder and not folder.startswith("$"):
            place = locate(folder, call.cwd, world).place
            if place == "temporary":
                return place
    return ""
