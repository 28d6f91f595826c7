"""Clients of SQL databases, SQL in their options, operands and input, and SQL typed where a command should be."""

from collections.abc import Sequence
from typing import NamedTuple

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, HOLE, NOTHING, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import Options, parse
from agentops_mcp.factors.guardrails.rules.places import locate
from agentops_mcp.factors.guardrails.rules.programs.reading import read
from agentops_mcp.factors.guardrails.rules.programs.shells_running import running
from agentops_mcp.factors.guardrails.rules.programs.sql_statements import statements


class _Client(NamedTuple):
    """How one client is told what to run."""

    texts: str
    """Options whose value is SQL."""

    files: str = ""
    """Options whose value is a file of it."""

    valued: str = ""
    """Other options that take a value."""

    operand: int = 99
    """From which operand on they are SQL."""

    verb: str = ""
    """The subcommand that runs SQL; another does something else."""

    single_dash: bool = False


_POSTGRES = _Client(
    "c command", "f file", "d dbname v set variable F field-separator h host o output p port P pset R "
    "record-separator "
    "T table-attr U username L log-file",
)  # fmt: skip
_MYSQL = _Client(
    "e execute init-command", "", "h host u user P port D database S socket protocol default-character-set ssl-ca "
    "ssl-cert ssl-key defaults-file defaults-extra-file login-path delimiter prompt max-allowed-packet plugin-dir",
)  # fmt: skip
_HIVE = _Client("e", "f i", "u n p d w hiveconf hivevar database define")
_CLIENTS = {
    "psql": _POSTGRES, "pgcli": _POSTGRES, "vsql": _POSTGRES, "usql": _POSTGRES, "gsql": _POSTGRES,
    "ysqlsh": _POSTGRES,
    "mysql": _MYSQL, "mariadb": _MYSQL, "mycli": _MYSQL, "mysqlsh": _Client("e execute sql", "f file", _MYSQL.valued),
    "sqlite3": _Client("cmd", "init", "separator nullvalue newline maxsize mmap vfs lookaside pagecache "
    "heap", 1, "", True),
    "sqlite": _Client("cmd", "init", "separator nullvalue", 1, "", True),
    "sqlcipher": _Client("cmd", "init", "separator nullvalue", 1, "", True),
    "litecli": _Client("e execute", "", "D database R prompt"),
    "duckdb": _Client("c s cmd", "init f file", "separator nullvalue newline", 1, "", True),
    "clickhouse-client": _Client("q query", "queries-file", "h host u user d database port password format"),
    "clickhouse": _Client("q query", "queries-file", "h host u user d database port password format"),
    "clickhouse-local": _Client("q query", "queries-file", "file structure format"),
    "sqlcmd": _Client("Q q query", "i input-file", "S U P d o v h s w t l H"),
    "mssql-cli": _Client("Q query", "i input_file", "S U P d o"), "osql": _Client("Q q", "i", "S U P d o"),
    "bq": _Client("", "", "project_id location dataset_id format n max_rows destination_table", 0, "query"),
    "snowsql": _Client("q query", "f filename", "a accountname u username d dbname s schemaname r rolename w "
    "warehouse c o"),
    "snow": _Client("q query", "f filename", "c connection", verb="sql"),
    "cockroach": _Client("e execute", "f file", "url host port user certs-dir d database", verb="sql"),
    "cqlsh": _Client("e execute", "f file", "u username p password k keyspace cqlshrc encoding"),
    "influx": _Client("execute", "f file", "host port username password database precision o org t token b "
    "bucket", 0, "query", True),
    "cypher-shell": _Client("", "f file", "a address u username p password d database format P param", 0),
    "trino": _Client("execute", "f file", "server catalog schema "
    "user"), "presto": _Client("execute", "f file", "server catalog schema"),
    "hive": _HIVE, "beeline": _HIVE, "spark-sql": _HIVE, "impala-shell": _Client("q query", "f query_file", "i d u"),
    "turso": _Client("", "", "", 3), "db2": _Client("", "f", "", 0), "isql": _Client("", "", "b d"),
    "sqlplus": _Client("", "", ""),
    "surreal": _Client("query", "", "e endpoint u username p password ns db", verb="sql"),
}  # fmt: skip
_TYPED = {
    # SQL at a prompt of a shell: the statement and a word that makes it one.
    "drop": ("table", "database", "schema", "view", "index", "user", "role", "keyspace", "collection",
    "materialized"),
    "truncate": ("table",), "delete": ("from",), "grant": ("all", "select", "insert", "update", "delete"),
    "alter": ("table", "database", "user", "role"), "update": ("",), "purge": ("binary", "master"),
    "merge": ("into",),
}  # fmt: skip
_IN_MEMORY = frozenset({"sqlite3", "sqlite", "sqlcipher", "duckdb"})
"""Clients whose database may be none but the process's own memory."""

_LOOKING = ("select", "explain", ".schema", ".tables", ".dump", ".mode", ".headers", "pragma integrity_check")
_CHANGES = frozenset({"destroy_data", "change_data"})


def outcome(call: Call, world: World) -> Outcome | None:
    """What a database client is told to do."""
    if call.name in _TYPED:
        return _typed(call)
    if call.name in {"redis-cli", "valkey-cli", "keydb-cli"}:
        from agentops_mcp.factors.guardrails.rules.programs.sql_stores import redis

        return redis(call)
    if call.name in {"mongosh", "mongo"}:
        from agentops_mcp.factors.guardrails.rules.programs.sql_stores import mongo

        return mongo(call)
    client = _CLIENTS.get(call.name)
    return _client(client, call, world) if client else None


def code(code: Code, cwd: str, world: World) -> Outcome:
    """What SQL text does by itself, whoever is given it."""
    text = code.text.text
    return statements(text, f"sql {text[:200]}", code.traits) if text else NOTHING


def _client(client: _Client, call: Call, world: World) -> Outcome | None:
    given = parse(call.argv[1:], f"{client.texts} {client.files} {client.valued}", single_dash=client.single_dash)
    if given.has("help", "version") or given.operands[:1] == ("help",):
        return NOTHING
    operands = given.operands
    if client.verb and operands:
        if operands[0] != client.verb:
            return None
        operands = operands[1:]
    texts = [*given.values(*client.texts.split()), *operands[client.operand :]]
    found = [_text(text, call) for text in texts if text]
    found += [_unknown(path, call, "file") for path in given.values(*client.files.split()) if path]
    if not found or call.name == "sqlite3":
        found.append(_input(call))
    effects = tuple(effect for each in found for effect in each.effects)
    if _reads_only(given, call):
        # What is not seen may be a command of the client: those are not held back.
        effects = tuple(each for each in effects if each.kind not in _CHANGES or "unknown" in each.traits)
    if call.name in _IN_MEMORY and operands[:1] in (("",), (":memory:",), ("file::memory:",)):
        effects = tuple(each for each in effects if each.kind not in _CHANGES)
    if call.name in _IN_MEMORY and operands and not _reads_only(given, call):
        effects += _written_itself(_database(operands[0]), texts, call, world)
    runs = tuple(code for each in found for code in each.runs)
    opened = read([_database(operands[0])], call, world) if client.operand == 1 and operands else None
    return Outcome((*(opened.effects if opened else ()), *effects), opened.stream if opened else Stream(), runs)


def _written_itself(path: str, texts: Sequence[str], call: Call, world: World) -> tuple[Effect, ...]:
    """The ledger is a database like others, but what is put into it by hand decides what is allowed."""
    located = locate(path, call.cwd, world)
    if located.place != "guard":
        return ()
    given = [*texts, *([] if call.stdin == EMPTY else [call.stdin.text or HOLE])]
    parts = (part.strip().lower() for text in given for part in text.split(";"))
    if all(part.startswith(_LOOKING) for part in parts if part):
        return ()
    return (Effect("write", located.path, "guard", call.traits, call.text),)


def _reads_only(given: Options, call: Call) -> bool:
    if call.name in {"psql", "pgcli"}:
        return "default_transaction_read_only=on" in call.env.get("PGOPTIONS", "")
    return given.has("readonly")


def _database(operand: str) -> str:
    """The file that SQLite opens, also when it is given as an address."""
    return operand.removeprefix("file:").partition("?")[0] if operand.startswith("file:") else operand


def _text(text: str, call: Call) -> Outcome:
    if text.strip() == HOLE:
        return _unknown(HOLE, call)
    meta = _meta(text, call)
    return _with(statements(text, call.text, call.traits), meta)


def _unknown(target: str, call: Call, *traits: str) -> Outcome:
    """SQL whose text is not known: it may change anything the client may."""
    return Outcome((Effect("change_data", target, "", call.traits.union({"unknown"}, traits), call.text),))


def _input(call: Call) -> Outcome:
    stream = call.stdin
    if stream == EMPTY:
        return NOTHING
    if stream.text is not None:
        return _with(_text(stream.text, call), running(stream, call, "sql")._replace(runs=()))
    if stream.taints & {"fetched", "decoded", "dynamic"}:
        return running(stream, call, "sql")
    return _unknown(stream.origin or HOLE, call)


def _meta(text: str, call: Call) -> Outcome:
    r"""Commands of the clients themselves that run a shell: `\! x`, `\o |x`, `.shell x`, `.import |x`, `system x`."""
    runs: list[Code] = []
    effects: list[Effect] = []
    for line in text[:100_000].splitlines():
        command, _, rest = line.strip().partition(" ")
        shell = ""
        if command.startswith("\\!"):
            shell = f"{command[2:]} {rest}".strip() or "sh"
        elif command in {".shell", ".system"} or (command == "system" and call.name in {"mysql", "mariadb"}):
            shell = rest
        elif command[:1] in {"\\", "."} and "|" in rest:
            shell = rest.partition("|")[2].strip(" '\"")
        elif command in {"\\copy", "\\COPY"} and " program " in rest.lower():
            shell = rest[rest.lower().index(" program ") + len(" program ") :].strip(" '\"")
        if command == ".restore" and rest and call.name in _IN_MEMORY:
            effects.append(Effect("destroy_data", rest, "", call.traits | {"restore"}, call.text))
        if shell:
            runs.append(Code("shell", Stream(shell), traits=call.traits))
    return Outcome(tuple(effects), runs=tuple(runs))


def _with(first: Outcome, second: Outcome) -> Outcome:
    return Outcome((*first.effects, *second.effects), runs=(*first.runs, *second.runs))


def _typed(call: Call) -> Outcome | None:
    words = [word.lower() for word in call.argv]
    nexts = _TYPED[words[0]]
    if nexts == ("",):  # UPDATE name SET …
        return statements(" ".join(call.argv), call.text, call.traits | {"typed"}) if "set" in words[2:4] else None
    if len(words) < len(("drop", "table", "name")) or words[1] not in nexts:
        return None
    return statements(" ".join(call.argv), call.text, call.traits | {"typed"})
