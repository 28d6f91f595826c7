"""What flows beside the pipes: unknown words that carry data out, secrets that are shown, files that are copied."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Call, Outcome
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.places import locate

if TYPE_CHECKING:
    from agentops_mcp.factors.guardrails.rules.shell.state import State

_COPIES = frozenset({"cp", "mv", "ln", "install", "rsync", "ditto"})
_CREDENTIALS_GO = ("-h", "--header", "-u", "--user", "--oauth2-bearer", "--proxy-user", "-b", "--cookie")
"""Options of clients for what proves who asks: that it is sent is its purpose."""

_PRINTS_SETTINGS = frozenset(
    # Programs that print shell text to be run, which their manuals say to do, with the word that asks for it.
    "ssh-agent: gpg-agent: dircolors: direnv:hook direnv:export brew:shellenv pyenv:init rbenv:init nodenv:init "
    "jenv:init goenv:init plenv:init phpenv:init swiftenv:init tfenv:init starship:init zoxide:init atuin:init "
    "oh-my-posh:init mcfly:init navi:widget fnm:env mise:activate mise:hook-env rtx:activate asdf:env opam:env "
    "luarocks:path luarocks-5.1:path conda:shell.bash conda:shell.zsh conda:shell.posix mamba:shell "
    "micromamba:shell minikube:docker-env minikube:podman-env docker-machine:env keychain: thefuck:--alias "
    "hub:alias perl:-mlocal::lib register-python-argcomplete: kubectl:completion helm:completion gh:completion "
    "docker:completion npm:completion pip:completion poetry:completions rustup:completions k9s:completion "
    "kind:completion minikube:completion oc:completion flux:completion argocd:completion eksctl:completion "
    "doctl:completion hugo:completion cobra-cli:completion istioctl:completion deno:completions pnpm:completion "
    "fzf:--bash fzf:--zsh uv:generate-shell-completion glab:completion op:completion chezmoi:completion "
    "just:--completions packer:-autocomplete-install resize: tset: stack:--bash-completion-script "
    "pipenv:--completion volta:completions ng:completion getopt: locale: vault:-autocomplete-install".split()
)


def given(call: Call, outcome: Outcome) -> tuple[Effect, ...]:
    """The effects of a call, in which what its unknown words carry is told: `curl -d "$(cat key)" …`."""
    carried = call.taints & {"secret"} if call.taints and _carries(call) else frozenset[str]()
    if not carried:
        return outcome.effects
    effects = tuple(
        each._replace(traits=each.traits | carried) if each.kind == "send_out" else each for each in outcome.effects
    )
    if "fetched" in outcome.output.taints and not any(each.kind == "send_out" for each in effects):
        target = outcome.output.origin or HOLE
        effects += (Effect("send_out", target, "remote", call.traits | carried, call.text),)
    return effects


def _carries(call: Call) -> bool:
    """Whether a word with something unknown in it is more than the proof of who asks."""
    for before, word in zip(("", *call.argv), call.argv, strict=False):
        if HOLE in word and before.lower() not in _CREDENTIALS_GO and not word.lower().startswith(("--header", "-h")):
            return True
    return False


def shown(call: Call, outcome: Outcome, opened: Mapping[str, str]) -> tuple[Effect, ...]:
    """A secret that came in by `< file` and goes out again, as with `cat < key`.

    `opened` has the kinds of such files by their paths.
    """
    kind = opened.get(call.stdin.origin, "")
    if not kind or not {"secret"} <= outcome.output.taints & call.stdin.taints:
        return ()
    return (Effect("read_secret", call.stdin.origin, "secret", call.traits | {kind}, call.text),)


def copied(call: Call, state: "State") -> None:
    """What a file that this text wrote holds is also in what it is copied or moved to."""
    if call.name not in _COPIES or not state.world.files:
        return
    words = [word for word in call.argv[1:] if not word.startswith("-")]
    if len(words) < 2:
        return
    to = locate(words[-1], call.cwd, state.world).path
    for word in words[:-1]:
        content = state.world.files.get(locate(word, call.cwd, state.world).path)
        if content is not None:
            state.world.files[to] = content
            state.world.files[f"{to}/{word.rpartition('/')[2]}"] = content


def settings(call: Call) -> frozenset[str]:
    """The mark of what a program prints to be run in the shell, as its manual says."""
    asked = ("", *(word.lower() for word in call.argv[1:3]))
    return frozenset({"settings"} if any(f"{call.name}:{word}" in _PRINTS_SETTINGS for word in asked) else ())
