"""Data that leaves in names and messages, and command lines of web services that take requests."""

from collections.abc import Callable

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import parse
from agentops_mcp.factors.guardrails.rules.programs.network_hosts import (
    MOST_OPERANDS,
    exact,
    is_given,
    sent,
    too_many,
    valued_by,
    worded,
)
from agentops_mcp.factors.guardrails.rules.programs.network_requests import effects as request_effects
from agentops_mcp.factors.guardrails.rules.programs.reading import of_file

_LONGEST_LABEL = 40
"""Letters and digits without a break that no host's name is made of, and encoded data is."""

_ASKED = frozenset({"whois", "finger"})
"""Programs that hand a whole word to a server, not only a name."""

_API_VALUED = "method hostname header raw-field field input jq template preview cache paginate form output"


def outcome(call: Call, world: World) -> Outcome | None:
    """What one of these programs sends."""
    found = _SENDERS.get(call.name)
    return found(call, world) if found else None


def _lookup(call: Call, world: World) -> Outcome | None:
    """A name that is looked up is seen by whoever owns its domain: what is put in front of the domain reaches them."""
    words = [each for each in call.argv[1:] if not each.startswith(("-", "+", "@"))]
    carrying = [each for each in words if _carries(each)]
    if call.name in _ASKED:
        carrying = [each for each in words if HOLE in each]
    part = "query" if call.name in _ASKED else "name"
    found = tuple(sent(call, each, worded(each, call), part) for each in carrying)
    return Outcome(found, Stream(None, frozenset({"fetched"}), " ".join(words)))


def _carries(name: str) -> bool:
    labels = name.rstrip(".").split(".")
    front = labels[:-2]
    return any((HOLE in label and label.strip(HOLE) == "") or _is_encoded(label) for label in front)


def _is_encoded(label: str) -> bool:
    """Encoded data: longer than names are, or with letters that no host's name may have (RFC 1123)."""
    return "=" in label or "+" in label or (len(label) > _LONGEST_LABEL and label.replace("_", "").isalnum())


def _ping(call: Call, world: World) -> Outcome | None:
    given = parse(call.argv[1:], "c i I l m M p Q s S t T w W F")
    patterns = given.values("p")
    found = [sent(call, each, worded(each, call), "name") for each in given.operands if _carries(each)]
    found += [sent(call, " ".join(given.operands), worded(each, call), "name") for each in patterns if HOLE in each]
    return Outcome(tuple(found))


def _update(call: Call, world: World) -> Outcome | None:
    """nsupdate: lines `update delete NAME`, `update add NAME …`."""
    lines = [line.split() for line in (call.stdin.text or "").splitlines()[:200]]
    deleting = [" ".join(words[2:]) for words in lines if [each.lower() for each in words[:2]] == ["update", "delete"]]
    deleting += [" ".join(words[1:]) for words in lines if words and words[0].lower() in {"del", "delete"}]
    found = [Effect("destroy_infrastructure", each, "", call.traits | {"record"}, call.text) for each in deleting]
    if call.stdin.text is None or _orders_file(call):
        target = _orders_file(call) or "updates that are not known"
        found.append(Effect("change_infrastructure", target, "", call.traits | {"record"}, call.text))
    return Outcome(tuple(found))


def _orders_file(call: Call) -> str:
    """The first operand: a file of orders."""
    return next(iter(parse(call.argv[1:], "y k t u r p d").operands), "")


def _mail(call: Call, world: World) -> Outcome | None:
    """Mailers: the input is the text, some options attach files, the operands are addresses."""
    letters = {"mail": "sabcrquSAX", "mailx": "sabcrquSAX", "s-nail": "sabcrquSAX"}.get(call.name, "asbceFiHQmfnp")
    given = exact(call.argv[1:], "attach subject body to from server header attachment", letters)
    attached = valued_by(given, ("a", "attach", "A", "attachment", "i"))
    host = " ".join(given.operands) or " ".join(valued_by(given, ("to",))) or "an address"
    streams = [of_file(each.removeprefix("@"), call.cwd, world)[0] for each in attached if each and ":" not in each]
    found = [sent(call, host, stream, "mail", "file") for stream in streams]
    if is_given(given, "H", "e", "f") and call.name in {"mail", "mailx", "s-nail"} and not given.operands:
        return Outcome()
    if call.stdin.text != "" or call.stdin.taints:
        found.append(sent(call, host, call.stdin, "mail", "stdin"))
    return Outcome((*found, *_told(call, host)))


def _forge(call: Call, world: World) -> Outcome | None:
    """Gh and glab: `api` is a request, `gist create` and `snippet create` make files public."""
    words = [each for each in call.argv[1:] if not each.startswith("-")]
    if words[:1] == ["api"]:
        return _api(call)
    if words[:2] in (["release", "create"], ["release", "upload"]):
        streams = [of_file(each.partition("#")[0], call.cwd, world)[0] for each in words[3:MOST_OPERANDS]]
        secrets = tuple(sent(call, call.name, each, "file", "paste") for each in streams if "secret" in each.taints)
        return Outcome(secrets) if secrets else None
    if words[:2] in (["gist", "create"], ["gist", "new"], ["snippet", "create"]):
        given = exact(call.argv[3:], "desc filename title visibility description repo", "dftvR")
        files = given.operands[:MOST_OPERANDS]
        streams = [call.stdin if each == "-" else of_file(each, call.cwd, world)[0] for each in files]
        sendings = dict.fromkeys(sent(call, call.name, each, "file", "paste") for each in streams or [call.stdin])
        return Outcome((*sendings, *too_many(call, given.operands)))
    found = _told(call, call.name) if words[:1] not in (["secret"], ["variable"]) else ()
    return Outcome(found) if found else None


def _told(call: Call, host: str) -> tuple[Effect, ...]:
    """A secret that stands in the words of a message."""
    if "secret" not in call.taints or not any(HOLE in word for word in call.argv):
        return ()
    return (sent(call, host, Stream(None, call.taints, call.origin), "words"),)


def _api(call: Call) -> Outcome:
    given = exact(call.argv[2:], _API_VALUED, "XHfFqtp")
    path = next(iter(given.operands), "")
    fields = valued_by(given, ("f", "F", "field", "raw-field", "input", "form"))
    method = next(reversed(valued_by(given, ("X", "method"))), "POST" if fields else "GET")
    text = "\n".join(each.partition("=")[2] for each in fields)
    host = next(iter(valued_by(given, ("hostname",))), "api.github.com" if call.name == "gh" else "gitlab.com")
    return Outcome((*request_effects(call, method, f"{host}/{path.lstrip('/')}", text), *_told(call, host)))


def _ansible(call: Call, world: World) -> Outcome | None:
    """`ansible HOSTS -m MODULE -a ARGUMENTS`: a module that runs a text, or one that removes, on every host."""
    given = parse(
        call.argv[1:], "m a i u e f t o l B P c T M module-name args inventory user extra-vars forks tree limit "
        "connection timeout module-path private-key key-file background poll vault-id vault-password-file "
        "playbook-dir"
    )  # fmt: skip
    if not given.operands or given.has("C", "check", "list-hosts", "version", "help", "syntax-check"):
        return Outcome()
    module = next(reversed(given.values("m", "module-name")), "command").rpartition(".")[2]
    arguments = next(reversed(given.values("a", "args")), "")
    hosts = given.operands[0]
    if module in {"shell", "command", "raw", "script", "win_shell", "win_command", "expect"}:
        language = "powershell" if module == "win_shell" else "shell"
        return Outcome(runs=(Code(language, Stream(arguments), traits=call.traits | {"remote", "repeated"}),))
    traits = call.traits | {"remote", "repeated"}
    if "state=absent" in arguments.replace(" ", "").replace('"', "").replace(":", "=") or module in {
        "reboot",
        "win_reboot",
    }:
        kind = "stop_machine" if module.endswith("reboot") else "destroy_infrastructure"
        return Outcome((Effect(kind, f"{hosts}: {arguments}", "remote", traits, call.text),))
    if module in {"service", "systemd", "systemd_service"} and any(
        each in arguments for each in ("stopped", "restarted")
    ):
        return Outcome((Effect("stop_service", f"{hosts}: {arguments}", "remote", traits, call.text),))
    return Outcome()


_SENDERS: dict[str, Callable[[Call, World], Outcome | None]] = {
    **dict.fromkeys(("dig", "nslookup", "host", "drill", "kdig", "delv", "doggo", "resolvectl"), _lookup),
    **dict.fromkeys(sorted(_ASKED), _lookup),
    **dict.fromkeys(("ping", "ping6", "fping", "hping3", "nping"), _ping),
    **dict.fromkeys(("mail", "mailx", "s-nail", "mutt", "neomutt", "sendmail", "msmtp", "ssmtp", "swaks", "sendemail",
                     "mpack", "esmtp", "himalaya"), _mail),
    "nsupdate": _update, "knsupdate": _update, "gh": _forge, "glab": _forge, "ansible": _ansible,
}  # fmt: skip
