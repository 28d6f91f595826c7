"""A few programs that stand for all, so that these tests are about the shell alone."""

from collections.abc import Callable

import pytest

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, Analysis, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.places import locate
from agentops_mcp.factors.guardrails.rules.shell.analyse import analyse
from agentops_mcp.factors.guardrails.rules.worlds import Anywhere

WORLD = Anywhere()


def _removes(call: Call, world: World) -> Outcome:
    paths = [word for word in call.argv[1:] if not word.startswith("-")]
    return Outcome(tuple(Effect("delete", locate(path, call.cwd, world).path, traits=call.traits) for path in paths))


def _fetches(call: Call, world: World) -> Outcome:
    found = Stream(None, frozenset({"fetched"}), call.argv[-1])
    if "-o" in call.argv:
        path = call.argv[call.argv.index("-o") + 1]
        return Outcome(output=EMPTY, writes=((locate(path, call.cwd, world).path, found),))
    return Outcome(output=found)


def _prints(call: Call, world: World) -> Outcome:
    return Outcome(output=Stream(" ".join(call.argv[1:]) + "\n"))


def _shows(call: Call, world: World) -> Outcome:
    if len(call.argv) == 1:
        return Outcome(output=call.stdin)
    held = world.held(locate(call.argv[1], call.cwd, world).path)
    secret = frozenset({"secret"} if "id_rsa" in call.argv[1] else {"local"})
    return Outcome(output=held or Stream(None, secret, call.argv[1]))


def _decodes(call: Call, world: World) -> Outcome:
    return Outcome(output=call.stdin._replace(taints=call.stdin.taints | {"decoded"}))


def _runs_text(call: Call, world: World) -> Outcome:
    if "-c" in call.argv:
        at = call.argv.index("-c") + 1
        text = Stream(call.argv[at], call.taints, call.origin)
        arguments = call.argv[at + 1 :]
    else:
        text, arguments = call.stdin, ()
    origins = [call.stdin.origin, call.stdout]
    effects = [Effect("open_shell", each) for each in origins if each.startswith("/dev/tcp/")]
    effects += [Effect("run_fetched", text.origin) for _ in range("fetched" in text.taints)]
    effects += [Effect("run_decoded", text.origin) for _ in range("decoded" in text.taints)]
    return Outcome(tuple(effects), EMPTY, (Code("shell", text, arguments),) if text.text else ())


def _wraps(call: Call, world: World) -> Outcome:
    inner = call._replace(argv=call.argv[1:], traits=call.traits | {"privileged"})
    return Outcome(runs=(inner,) if inner.argv else ())


def _sends(call: Call, world: World) -> Outcome:
    return Outcome((Effect("send_out", "host", traits=call.stdin.taints & {"secret", "local"}),), EMPTY)


_PROGRAMS: dict[str, Callable[[Call, World], Outcome]] = {
    "rm": _removes, "curl": _fetches, "echo": _prints, "cat": _shows, "decode": _decodes, "sh": _runs_text,
    "bash": _runs_text, "sudo": _wraps, "nc": _sends,
}  # fmt: skip


def _outcome(call: Call, world: World) -> Outcome:
    program = _PROGRAMS.get(call.name)
    return program(call, world) if program else Outcome()


def _code(code: Code, cwd: str, world: World) -> Outcome:
    return Outcome((Effect("delete", code.language),) if "remove" in (code.text.text or "") else ())


@pytest.fixture(scope="session")
def analysed() -> Callable[..., Analysis]:
    """What some text would do in the project, or in another folder, where only a few programs do anything."""

    def run(text: str, cwd: str = WORLD.project) -> Analysis:
        return analyse(text, cwd, WORLD, outcome_of=_outcome, code_of=_code)

    return run


@pytest.fixture(scope="session")
def done(analysed: Callable[..., Analysis]) -> Callable[[str], list[str]]:
    """Each effect as `kind target`, but for writing to files, which most texts do."""

    def effects(text: str) -> list[str]:
        found = analysed(text).effects
        return [f"{each.kind} {each.target}" for each in found if each.kind not in {"write", "overwrite"}]

    return effects
