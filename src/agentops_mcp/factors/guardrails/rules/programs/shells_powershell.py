"""PowerShell and the Windows command prompt: their texts are handed on, and never called safe by what is not known."""

import base64
import binascii
from collections.abc import Sequence

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, NOTHING, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.programs.shells_running import given_away, running

_VALUED = frozenset(
    "executionpolicy ex ep version v windowstyle w workingdirectory wd configurationname settingsfile outputformat o "
    "inputformat if psconsolefile custompipename".split()
)
_FETCHES = (
    "invoke-webrequest", "invoke-restmethod", "downloadstring", "downloadfile", "downloaddata", "iwr ", "irm ", "curl ",
    "wget ", "start-bitstransfer", "net.webclient", "httpclient",
)  # fmt: skip
_EVALUATES = (
    "iex", "invoke-expression", "scriptblock]::create", "invoke-command", "start-process", "| powershell",
    "|powershell",
)  # fmt: skip
_DASHES = frozenset({"-", "/", "\u2013"})
_DECODES = ("frombase64string", "-encodedcommand", "-enc ", "gzipstream", "deflatestream", "-bxor")


def outcome(call: Call, world: World) -> Outcome | None:
    """What PowerShell or `cmd` is told to run."""
    if call.name in {"powershell", "pwsh", "powershell_ise", "pwsh-preview"}:
        return _powershell(call)
    return _prompt(call) if call.name == "cmd" else None


def _powershell(call: Call) -> Outcome:
    words = list(call.argv[1:])
    while words and words[0][:1] in _DASHES and len(words[0]) > 1:
        name = words.pop(0).lower().lstrip("-/\u2013")
        if _is(name, "encodedcommand", 1) or name == "ec":
            return _encoded(words[0] if words else "", call)
        if _is(name, "command", 1) or name == "commandwithargs" or name == "cwa":
            return _from_input(call) if words[:1] == ["-"] else _text(" ".join(words), call)
        if _is(name, "file", 1):
            return _from_input(call) if words[:1] == ["-"] else Outcome(given_away(call))
        if name in {"help", "?", "h", "version"} and not words:
            return NOTHING
        if any(_is(name, each, len(each)) for each in _VALUED) and words:
            words.pop(0)
    if words and words[0].lower().endswith(".ps1"):
        return Outcome(given_away(call))
    return _text(" ".join(words), call) if words and words != ["-"] else _from_input(call)


def _is(given: str, name: str, least: int) -> bool:
    """Options may be cut anywhere: `-e`, `-enc` and `-EncodedCommand` are one."""
    return len(given) >= least and name.startswith(given)


def _from_input(call: Call) -> Outcome:
    if call.stdin == EMPTY:
        return NOTHING
    found = running(call.stdin, call, "powershell")
    return found._replace(effects=(*given_away(call), *found.effects))


def _encoded(packed: str, call: Call) -> Outcome:
    effect = Effect("run_decoded", "-EncodedCommand", "", call.traits, call.text)
    try:
        text = base64.b64decode(packed + "=" * (-len(packed) % 4)).decode("utf-16-le")
    except (binascii.Error, ValueError):
        return Outcome((effect,))
    found = _text(text, call)
    return Outcome((effect, *found.effects), runs=found.runs)


def _text(text: str, call: Call) -> Outcome:
    """A text, and what it plainly does: it is not parsed, so the most harmful things are looked for by name."""
    lowered = text.lower()
    effects: list[Effect] = []
    evaluates = any(each in lowered for each in _EVALUATES)
    if evaluates and any(each in lowered for each in _FETCHES):
        effects.append(Effect("run_fetched", "text from the network", "", call.traits, call.text))
    if evaluates and any(each in lowered for each in _DECODES):
        effects.append(Effect("run_decoded", "encoded text", "", call.traits, call.text))
    if "net.sockets.tcpclient" in lowered and ("getstream" in lowered or evaluates):
        effects.append(Effect("open_shell", "a TCP connection", "", call.traits, call.text))
    runs: Sequence[Code] = (Code("powershell", Stream(text), (), call.traits),) if text.strip() else ()
    return Outcome(tuple(effects), runs=tuple(runs))


def _prompt(call: Call) -> Outcome:
    """`cmd /c TEXT`: its simple commands, pipes and `&&` read as a shell's do; paths only have other slashes."""
    words = list(call.argv[1:])
    while words and words[0][:1] == "/":
        if words.pop(0).lower()[:2] in {"/c", "/k", "/r"}:
            text = " ".join(words)
            found = _text(text, call)._replace(runs=(Code("shell", Stream(text.replace("\\", "/")), (), call.traits),))
            return found if text.strip() else NOTHING
    return _from_input(call) if not words else NOTHING
