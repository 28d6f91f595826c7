"""Clients of Redis and MongoDB."""

from collections.abc import Sequence

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, HOLE, NOTHING, Call, Code, Outcome, Stream
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import parse
from agentops_mcp.factors.guardrails.rules.programs.git import split

_REDIS_VALUED = "h p s a u n r i d D X t user pass askpass eval pipe-timeout cacert cacertdir cert key "
"tls-ciphers sni functions-rdb rdb"
_DESTROYED = {"flushall": "every database", "flushdb": "the database"}
_GROUPS = {
    # Commands of two words.
    ("script", "flush"): ("change_data", "scripts"), ("function", "flush"): ("change_data", "functions"),
    ("function", "delete"): ("change_data", "functions"), ("cluster", "reset"): ("destroy_data", "the cluster"),
    ("cluster", "flushslots"): ("destroy_data", "slots of the cluster"), ("cluster", "delslots"): ("change_data",
    "slots"),
    ("xgroup", "destroy"): ("change_data", "a consumer group"), ("acl", "deluser"): ("change_data", "users"),
    ("acl", "setuser"): ("change_data", "users"), ("module", "load"): ("load_code", "a module"),
    ("module", "loadex"): ("load_code", "a module"), ("debug", "segfault"): ("stop_service", "the server"),
    ("debug", "flushall"): ("destroy_data", "every database"), ("client", "kill"): ("change_data", "clients"),
}  # fmt: skip
_REMOVING = frozenset(
    {"del", "unlink", "xtrim", "ltrim", "hdel", "srem", "zrem", "zremrangebyrank", "zremrangebyscore"}
)
_ROLES = frozenset({"slaveof", "replicaof", "failover"})

# What a method of the mongo shell destroys, and whether it takes a filter that may leave documents out.
_MONGO = {
    "dropdatabase": ("destroy_data", "database"), "drop": ("destroy_data", "table"), "deletemany": ("rows", ""),
    "remove": ("rows", ""), "updatemany": ("updates", ""), "dropindexes": ("change_data", "drop"),
    "dropindex": ("change_data", "drop"), "dropuser": ("change_data", "drop"), "dropalluser": ("change_data", "drop"),
    "dropallusersfromdatabase": ("change_data", "drop"), "droprole": ("change_data", "drop"),
    "dropallrolesfromdatabase": ("change_data", "drop"), "shutdownserver": ("stop_service", "database"),
    "removeshard": ("destroy_data", "table"),
}  # fmt: skip
_LONGEST = 100_000


def redis(call: Call) -> Outcome:
    """What commands for Redis do, from operands or from the input, one a line."""
    given = parse(call.argv[1:], _REDIS_VALUED, operands_last=True)
    if given.operands:
        return _all(_redis_command(given.operands, call))
    if call.stdin == EMPTY:
        return NOTHING
    if call.stdin.text is None:
        return _all([Effect("change_data", call.stdin.origin or HOLE, "", call.traits | {"unknown"}, call.text)])
    effects = [
        each for line in call.stdin.text.splitlines() if line.strip() for each in _redis_command(split(line), call)
    ]
    return _all(effects)


def _redis_command(words: Sequence[str], call: Call) -> list[Effect]:
    verb, rest = words[0].lower(), words[1:]
    if verb in _DESTROYED:
        return [_effect(call, "destroy_data", _DESTROYED[verb], "everything")]
    if found := _GROUPS.get((verb, rest[0].lower() if rest else "")):
        return [_effect(call, *found)]
    if verb in _REMOVING:
        wide = {"everything"} if "repeated" in call.traits or HOLE in "".join(rest) else set[str]()
        return [_effect(call, "destroy_data" if wide else "change_data", " ".join(rest[:3]), "rows", *wide)]
    if verb == "config" and rest[:1] and rest[0].lower() == "set":
        risky = rest[1:2] and rest[1].lower() in {
            "dir",
            "dbfilename",
            "requirepass",
            "protected-mode",
            "slave-read-only",
        }
        return [_effect(call, "load_code" if risky else "change_data", " ".join(rest[1:3]), "settings")]
    if verb in _ROLES:
        return [_effect(call, "change_data", "the server's role", "role")]
    if verb == "shutdown":
        return [_effect(call, "stop_service", "the server", "database")]
    if verb in {"eval", "evalsha"} and rest and any(f"'{each}'" in rest[0].lower() for each in _DESTROYED):
        return [_effect(call, "destroy_data", "the database", "everything")]
    return []


def mongo(call: Call) -> Outcome:
    """What JavaScript for MongoDB does; other programs that it starts are judged as JavaScript."""
    given = parse(
        call.argv[1:], "eval f file host port u username p password authenticationDatabase db tls", single_dash=False
    )
    texts = list(given.values("eval"))
    if not texts and call.stdin != EMPTY:
        if call.stdin.text is None:
            return _all([Effect("change_data", call.stdin.origin or HOLE, "", call.traits | {"unknown"}, call.text)])
        texts = [call.stdin.text]
    effects = [each for text in texts for each in _mongo_text(text[:_LONGEST], call)]
    runs = tuple(Code("javascript", Stream(text), traits=call.traits) for text in texts)
    return Outcome(tuple(effects), runs=runs)


def _mongo_text(text: str, call: Call) -> list[Effect]:
    effects: list[Effect] = []
    lowered = text.lower()
    for name, (kind, trait) in _MONGO.items():
        at = lowered.find(f".{name}(")
        if at < 0:
            continue
        target = _owner(text, at)
        if kind in {"rows", "updates"}:
            arguments = "".join(lowered[at + len(name) + 2 :].split())
            wide = arguments.startswith(("{}", ")"))
            effects.append(
                _effect(
                    call, "destroy_data" if wide else "change_data", target, *(["everything"] if wide else ["rows"])
                )
            )
        else:
            effects.append(_effect(call, kind, target, *([trait] if trait else [])))
    if "{dropdatabase:" in "".join(lowered.split()).replace("'", "").replace('"', ""):
        effects.append(_effect(call, "destroy_data", "the database", "database"))
    return effects


def _owner(text: str, at: int) -> str:
    """What a method is called on: the name before its dot."""
    start = at
    while start and (text[start - 1].isalnum() or text[start - 1] in "._$"):
        start -= 1
    return text[start:at] or "?"


def _effect(call: Call, kind: str, target: str, *traits: str) -> Effect:
    return Effect(kind, target, "", call.traits | set(traits), call.text)


def _all(effects: Sequence[Effect]) -> Outcome:
    return Outcome(tuple(effects))
