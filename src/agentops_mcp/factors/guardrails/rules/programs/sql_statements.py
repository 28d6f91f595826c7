"""What SQL statements do, whichever database they are for: told by the words that every dialect reserves.

The words are looked for wherever a statement may begin or be nested (a `WITH`, an `IF`, a batch without semicolons),
so that no dialect's grammar is needed; the bodies of functions and triggers are not run now and are left out.
"""

from collections.abc import Sequence

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Code, Outcome, Stream
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.programs.sql_words import LONGEST, Word, words_of

_DEEPEST = 3
_MODIFIERS = frozenset(
    "if exists not temporary temp external foreign materialized unlogged global local cascade only".split()
)
_HOLDERS = {
    # What DROP destroys: the rows go with these …
    "table": "table", "tables": "table", "database": "database", "schema": "database", "keyspace": "database",
    "collection": "table", "measurement": "table", "series": "table", "tablespace": "database", "catalog": "database",
    "owned": "database", "warehouse": "database", "bucket": "database", "shard": "table", "dictionary": "table",
    "columnfamily": "table", "partition": "table", "stream": "table", "namespace": "database",
    # … and only a definition, or the access of somebody, with these.
    "view": "schema", "index": "schema", "function": "schema", "procedure": "schema", "trigger": "schema",
    "sequence": "schema", "type": "schema", "constraint": "schema", "user": "access", "role": "access",
    "login": "access", "policy": "access", "extension": "schema", "server": "schema", "rule": "schema",
    "event": "schema",
    "publication": "schema", "subscription": "schema", "aggregate": "schema", "synonym": "schema", "domain": "schema",
    "package": "schema", "materialized": "schema", "column": "column", "stage": "table", "pipe": "schema",
    "task": "schema",
}  # fmt: skip
_ALWAYS_TRUE = frozenset({"true", "1", "(1)", "(true)", "'1'"})
_KEYS = frozenset({"id", "pk", "uuid", "rowid", "_rowid_", "oid", "ctid"})
_OF_EVERY_KEY = frozenset(
    {("is", "not", "null"), (">", "0"), (">", "=", "0"), (">=", "0"), (">=", "1"), (">", "=", "1")}
)
_RUNNERS = frozenset({"program", "xp_cmdshell", "sys_exec", "sys_eval"})
_STORED = frozenset({"function", "procedure", "trigger", "event", "rule", "package", "view", "policy"})
_POWERS = frozenset({"superuser", "bypassrls", "createrole", "sysadmin", "replication"})
_NO_UPDATE = frozenset("on for do key grant , revoke after before or then".split())
"""Words after which UPDATE is a part of another statement."""

_WINDOW = 300
"""Words around a verb that are looked at; a condition that begins later is not seen."""

_MOST = 100
"""Effects of one text that are kept."""

_BOUNDS = frozenset({"select", "insert", "returning", "drop", "truncate", "alter", "create", "go"})


def statements(text: str, by: str, traits: frozenset[str], depth: int = 0) -> Outcome:
    """What the statements of `text` do; `by` and `traits` are those of the command that gives them to a database."""
    words = words_of(text)
    effects: list[Effect] = []
    runs: list[Code] = []
    if len(text) > LONGEST:
        effects.append(Effect("unresolved", "SQL that is too long to read", "", traits, by))
    for statement in _split(words):
        if _is_explained(statement):
            continue
        body = _run_now(statement)
        for place, word in enumerate(body):
            if len(effects) < _MOST and word.kind == "word" and word.text in _VERBS:
                found = _VERBS[word.text](body, place)
                effects += [Effect(kind, target, "", traits | extra, by) for kind, target, extra in found]
        runs += _programs(body, traits)
        effects += [Effect("load_code", each, "", traits | {"sql"}, by) for each in _libraries(body)]
        if depth < _DEEPEST:
            for inner in _inner(body):
                nested = statements(inner, by, traits, depth + 1)
                effects += nested.effects
                runs += [each for each in nested.runs if isinstance(each, Code)]
    effects += [Effect("load_code", code.text.text or HOLE, "", traits | {"sql"}, by) for code in runs]
    return Outcome(tuple(dict.fromkeys(effects)), runs=tuple(runs))


_Found = list[tuple[str, str, frozenset[str]]]


def _split(words: Sequence[Word]) -> list[list[Word]]:
    found: list[list[Word]] = [[]]
    for word in words:
        if word == Word("sign", ";"):
            found.append([])
        else:
            found[-1].append(word)
    return _joined_bodies([each for each in found if each])


def _joined_bodies(split: list[list[Word]]) -> list[list[Word]]:
    """Statements between BEGIN and END of a definition belong to it."""
    found: list[list[Word]] = []
    inside = False
    for statement in split:
        texts = [word.text for word in statement if word.kind == "word"]
        if inside:
            found[-1] += statement
            inside = texts[:1] != ["end"]
        else:
            found.append(list(statement))
            inside = (
                texts[:1] == ["create"]
                and bool(_STORED & set(texts[:6]))
                and "begin" in texts
                and texts[-1:] != ["end"]
            )
    return found


def _is_explained(statement: Sequence[Word]) -> bool:
    """EXPLAIN shows a plan; with ANALYZE the statement is run as well."""
    texts = [word.text for word in statement[:6]]
    return texts[:1] in (["explain"], ["describe"], ["desc"]) and not {"analyze", "analyse"} & set(texts)


def _run_now(statement: list[Word]) -> list[Word]:
    texts = [word.text for word in statement[:6]]
    if texts[:1] == ["create"] and _STORED & set(texts):
        return statement[:6]
    return statement


def _after(body: Sequence[Word], place: int, skipped: frozenset[str] = _MODIFIERS) -> int:
    while place < len(body) and body[place].text in skipped and body[place].kind == "word":
        place += 1
    return place


def _name(body: Sequence[Word], place: int) -> str:
    """A name with its dots, from a place on."""
    parts: list[str] = []
    for word in body[place : place + 7]:
        if word.kind == "sign" and word.text not in ".*":
            break
        if parts and parts[-1] != "." and word.text != ".":
            break
        parts.append(word.text)
    return "".join(parts) or "?"


def _remove(body: Sequence[Word], place: int) -> _Found:
    """SurrealQL's word for DROP, where a statement begins with it; elsewhere it takes a property away."""
    return _drop(body, place) if place == 0 and body[1:2] and body[1].text in _HOLDERS else []


def _drop(body: Sequence[Word], place: int) -> _Found:
    at = _after(body, place + 1)
    if body[place + 1 : place + 2] == [Word("word", "not")]:  # ALTER … DROP NOT NULL
        return []
    if at >= len(body) or body[at].kind != "word":
        # ALTER TABLE … DROP "column": what is dropped needs no word for its kind.
        altered = at < len(body) and body[0].text == "alter" and body[at].kind == "name"
        return [("destroy_data", body[at].text, frozenset({"column"}))] if altered else []
    kind = _HOLDERS.get(body[at].text)
    within = place > 0 and body[0].text == "alter"
    if body[at - 1].text == "materialized" and at > place + 1:
        kind = "schema"
    if kind is None:
        plain = within and body[at].text not in {
            "default",
            "not",
            "expression",
            "identity",
            "primary",
            "foreign",
            "check",
            "key",
        }
        return [("destroy_data", body[at].text, frozenset({"column"}))] if plain else []
    target = _name(body, _after(body, at + 1))
    if kind == "schema" or (within and kind in {"access", "database"}):
        return [("change_data", target, frozenset({"schema", "drop"}))]
    if kind == "access":
        return [("change_data", target, frozenset({"access", "drop"}))]
    return [("destroy_data", target, frozenset({kind, "drop"}))]


def _truncate(body: Sequence[Word], place: int) -> _Found:
    if place + 1 >= len(body) or body[place + 1].text in {"(", ",", "=", ")", "on"}:
        return []
    if place and body[place - 1].text in {"grant", ",", "revoke", "or", "before", "after"}:
        return []
    at = _after(body, place + 1, _MODIFIERS | {"table", "database", "all", "tables", "from"})
    return [("destroy_data", _name(body, at), frozenset({"table", "truncate"}))]


def _delete(body: Sequence[Word], place: int) -> _Found:
    before = body[place - 1].text if place else ""
    if before in {"on", "grant", ",", "revoke", "for", "after", "before", "or", "instead"}:
        return []
    rest = body[place + 1 : place + 1 + _WINDOW]
    if not rest or (rest[0].kind == "sign" and rest[0].text != "*"):
        return []
    earlier = [word.text for word in body[max(0, place - _WINDOW) : place]]
    if "match" in earlier:  # cypher: the pattern before it chooses
        target = _name(body, place + 1)
        chosen = bool({"where", "{", ":"} & set(earlier))
        return [_chosen("destroy_data", target, chosen)]
    at = _after(body, place + 1, frozenset({"from", "low_priority", "quick", "ignore", "only"}))
    if (
        at == place + 1
        and body[0].text not in {"delete", "alter"}
        and before not in {"(", ")", "then", "begin", "else"}
    ):
        return []  # the word alone, somewhere in a statement
    return [_chosen("destroy_data", _name(body, at), _chooses(rest))]


def _update(body: Sequence[Word], place: int) -> _Found:
    if place and body[place - 1].text in _NO_UPDATE:
        return []
    rest = body[place + 1 : place + 1 + _WINDOW]
    if "set" not in [word.text for word in rest[:8]]:
        return []
    at = _after(
        body, place + 1, frozenset({"only", "low_priority", "ignore", "or", "replace", "rollback", "abort", "fail"})
    )
    kind = "change_data" if _chooses(rest) else "destroy_data"
    return [_chosen(kind, _name(body, at), _chooses(rest), "update")]


def _chosen(kind: str, target: str, chosen: bool, *traits: str) -> tuple[str, str, frozenset[str]]:
    if chosen:
        return "change_data", target, frozenset({"rows", *traits})
    return kind, target, frozenset({"rows", "everything", *traits})


def _chooses(rest: Sequence[Word]) -> bool:
    """Whether a WHERE leaves rows out: `WHERE 1=1` and `WHERE true` do not."""
    depth = 0
    for place, word in enumerate(rest):
        depth += (word.text == "(") - (word.text == ")") if word.kind == "sign" else 0
        if depth < 0:
            return False
        if word.kind != "word" or depth:
            continue
        if word.text == "limit":
            return True
        if word.text == "where":
            return not _is_always_true(rest[place + 1 :])
        if place and word.text in _BOUNDS and rest[place - 1].text != "(":
            return False
    return False


def _is_always_true(condition: Sequence[Word]) -> bool:
    """`1=1`, `true`, `'a'='a'`, alone or after OR."""
    texts = [word.text for word in condition if word.text not in {"(", ")"}]
    ends = {"order", "limit", "returning", *_BOUNDS}
    texts = texts[: next((place for place, text in enumerate(texts) if text in ends), len(texts))]
    names = any(word.kind == "name" for word in condition)
    for part in _parts(texts):
        if len(part) == 1 and part[0] in _ALWAYS_TRUE:
            return True
        same = len(part) == 3 and part[1] == "=" and part[0] == part[2]
        if same and not names:
            return True
        # A row's own key is never missing, nor below zero.
        if part[:1] and part[0] in _KEYS and tuple(part[1:]) in _OF_EVERY_KEY:
            return True
    return False


def _parts(texts: Sequence[str]) -> list[list[str]]:
    """A condition at its ORs; a part with AND leaves out what its other half does."""
    parts: list[list[str]] = [[]]
    for text in texts:
        if text == "or":
            parts.append([])
        else:
            parts[-1].append(text)
    return parts


def _grant(body: Sequence[Word], place: int) -> _Found:
    if place and body[place - 1].text not in {"begin", "then"}:
        return []
    texts = [word.text for word in body[place + 1 :]]
    target = texts[texts.index("to") + 1] if "to" in texts[:-1] else "?"
    if texts[:1] == ["all"] or _POWERS & set(texts) or texts[:2] == ["with", "admin"]:
        return [("gain_privilege", target, frozenset({"database", "everything"}))]
    return [("change_data", target, frozenset({"access"}))]


def _role(body: Sequence[Word], place: int) -> _Found:
    texts = [word.text for word in body[place:]]
    if len(texts) > 1 and texts[1] in {"role", "user", "login", "server"} and _POWERS & set(texts[2:]):
        return [("gain_privilege", _name(body, place + 2), frozenset({"database"}))]
    return []


def _stop(body: Sequence[Word], place: int) -> _Found:
    return (
        [("stop_service", "the database", frozenset({"database"}))] if place == 0 and len(body) <= len("now ") else []
    )


def _purge(body: Sequence[Word], place: int) -> _Found:
    texts = [word.text for word in body[place : place + 3]]
    logs = texts[:2] in (["purge", "binary"], ["purge", "master"], ["reset", "master"])
    return [("destroy_data", "binary logs", frozenset({"backup"}))] if logs and place == 0 else []


_VERBS = {
    "drop": _drop, "truncate": _truncate, "delete": _delete, "update": _update, "grant": _grant, "create": _role,
    "remove": _remove, "alter": _role, "shutdown": _stop, "purge": _purge, "reset": _purge,
}  # fmt: skip


def _programs(body: Sequence[Word], traits: frozenset[str]) -> list[Code]:
    """Commands that the database's machine runs: `COPY … PROGRAM 'x'`, `xp_cmdshell 'x'` and the like."""
    return [
        Code("shell", Stream(text), traits=traits)
        for place, word in enumerate(body)
        if word.kind == "word" and word.text in _RUNNERS and (text := _string_after(body, place))
    ]


def _libraries(body: Sequence[Word]) -> list[str]:
    """Files of machine code that a database takes in."""
    return [
        _string_after(body, place) or HOLE
        for place, word in enumerate(body)
        if word.kind == "word" and (word.text == "load_extension" or (word.text in {"load", "install"} and place == 0))
        if word.text != "load" or body[1:2] != [Word("word", "data")]
    ]


def _string_after(body: Sequence[Word], place: int) -> str:
    return next((each.text for each in body[place + 1 : place + 6] if each.kind == "string"), "")


def _inner(body: Sequence[Word]) -> list[str]:
    """Texts that are themselves run: `DO $$ … $$`, `EXECUTE IMMEDIATE '…'`, `EXEC('…')`, `PREPARE x FROM '…'`."""
    found: list[str] = []
    for place, word in enumerate(body):
        starts = word.kind == "word" and word.text in {"do", "execute", "exec", "immediate", "prepare", "sp_executesql"}
        if starts and (place == 0 or body[place - 1].text in {"execute", "exec", "begin", "then"}):
            found += [each.text for each in body[place + 1 : place + 6] if each.kind == "string"]
    return found
