"""What a program in a scripting language does, gathered while its text is read: the same acts in every language."""

from collections.abc import Iterable, Sequence

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, HOLE, Call, Code, Outcome, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.places import locate
from agentops_mcp.factors.guardrails.rules.programs.files_effects import deleted, made, moved, written
from agentops_mcp.factors.guardrails.rules.programs.interpreters_values import UNKNOWN_VALUE, Value
from agentops_mcp.factors.guardrails.rules.programs.reading import of_file
from agentops_mcp.factors.guardrails.rules.programs.shells_running import running

_LONGEST_BY = 2_000
_MOST_WORDS = 50
_MOST = 200
"""Effects and runs that are kept of one text."""

_QUERYING = frozenset("execute executescript executemany query raw executeRaw unsafe mysqli_query pg_query".split())
_MAY_QUERY = frozenset("exec exec_query exec_params do sql run prepare multi_query select_all".split())
"""Methods that something else than a database may have too."""

_STATEMENTS = ("drop ", "truncate ", "delete ", "update ", "alter ", "grant ", "create ", "with ", "begin", "pragma ")
_DESTROYING = frozenset(
    "flushall flushdb dropdatabase dropcollection droptable dropschema dropall deleteall destroyall clearobjects "
    "clearindex deleteindex deleteindices deletebucket deletetable deletedatabase deletecollection deletecluster "
    "deletedbinstance terminateinstances deletestack deleteproject purgequeue deletequeue deletetopic".split()
)
"""Methods of clients of databases and clouds, in every spelling of their words: each destroys all that it names."""

_SENT = frozenset({"secret", "local"})


class Acts:
    """The effects of one text so far, and what it runs in its turn."""

    def __init__(self, call: Call, world: World) -> None:
        """Gather for `call`, whose text, folder and traits the effects carry."""
        self.call = call._replace(argv=tuple(word[:_LONGEST_BY] for word in call.argv[:_MOST_WORDS]))
        self._by = call.text[:_LONGEST_BY]
        self.world = world
        self._effects: list[Effect] = []
        self._runs: list[Code | Call] = []
        self._more = Effect("unresolved", "more than is looked at", "", call.traits, self._by)
        self._connected = ""
        self._handed = False

    def is_full(self) -> bool:
        """Whether there is more than is looked at, which is then among the effects."""
        full = max(len(self._effects), len(self._runs)) >= _MOST
        if full and self._effects[-1:] != [self._more]:
            self._effects.append(self._more)
        return full

    def outcome(self) -> Outcome:
        """Everything that was gathered."""
        if self._connected and self._handed:
            self.effect("open_shell", self._connected)
        return Outcome(tuple(dict.fromkeys(self._effects)), runs=tuple(self._runs))

    def effect(self, kind: str, target: str, place: str = "", *traits: str) -> None:
        """Something that is done."""
        if len(self._effects) < _MOST:
            self._effects.append(Effect(kind, target, place, self.call.traits | set(traits), self._by))

    def on_path(self, kind: str, path: Value, *traits: str) -> None:
        """Something that is done to a file, or to each of a list of them."""
        for each in _each(path):
            located = locate(each, self.call.cwd, self.world)
            self.effect(kind, located.path, located.place, *traits)

    def delete(self, path: Value, *, recursive: bool = False) -> None:
        """A file, or with `recursive` a folder and all in it, is deleted."""
        self._effects += deleted(_each(path), self.call, self.world, ("recursive",) if recursive else ())

    def write(self, path: Value, mode: str = "w") -> None:
        """A file is opened for writing: `a`, `x` and `r+` keep what is there."""
        how = written if "w" in mode else made
        extra = ("append",) if "a" in mode else ()
        self._effects += [how(each, self.call, self.world, extra) for each in _each(path)]

    def move(self, source: Value, goal: Value) -> None:
        """A file is renamed."""
        self._effects += moved(_each(source), self.call, self.world)
        self.write(goal)

    def read(self, path: Value) -> Value:
        """The content of a file, which is a secret for some."""
        if path.text is None:
            return Value(taints=path.taints | {"local"})
        stream, kind = of_file(path.text, self.call.cwd, self.world)
        if kind:
            self.effect("read_secret", stream.origin, "secret", kind)
        return Value(text=stream.text, taints=stream.taints, origin=stream.origin)

    def fetch(self, url: Value, data: Iterable[Value] = ()) -> Value:
        """The answer of a server, to which `data`, and what the address is made of, are sent."""
        sent = frozenset[str]().union(url.every_taint, *(each.every_taint for each in data)) & _SENT
        if sent:
            self.effect("send_out", url.text or HOLE, "", *sent)
        return Value(taints=frozenset({"fetched"}), origin=url.text or "the network")

    def connect(self, host: Value) -> None:
        """A connection is opened, to which a shell may be handed."""
        self._connected = host.text or "a connection"

    def hand_over(self) -> None:
        """The input and output of a process become a connection, or a shell is started on a terminal of its own."""
        self._handed = True

    def run(self, value: Value, language: str, arguments: tuple[str, ...] = ()) -> None:
        """A text is run."""
        if value.text is not None and ("<&" in value.text or ">&" in value.text) and "sh" in value.text:
            self.hand_over()
        found = running(value.stream, self.call, language, arguments)
        self._effects += found.effects[:_MOST]
        if len(self._runs) < _MOST:
            self._runs += found.runs

    def stop(self, process: str) -> None:
        """A process is ended, by its number: -1 is all of them, 1 the one that started the machine."""
        wide = {"-1": ("everything",), "1": ("critical",)}.get(process, ())
        self.effect("stop_service", process, "", "process", *wide)

    def library(self, name: str, values: Sequence[Value]) -> None:
        """A method of some library, of which only the name is known: SQL that it is given, or all that it destroys."""
        owner, _, method = name.rpartition(".")
        text = values[0] if values else UNKNOWN_VALUE
        queries = method in _QUERYING or (
            method in _MAY_QUERY and (text.text or "").lstrip().lower().startswith(_STATEMENTS)
        )
        if queries and text.text is not None and len(self._runs) < _MOST:
            self._runs.append(Code("sql", text.stream, traits=self.call.traits))
            return
        every = name.endswith(".objects.all().delete") or (method in {"deleteMany", "delete_many"} and not values)
        if owner and (every or method.lower().replace("_", "") in _DESTROYING):
            self.effect("destroy_data", name, "", "library")

    def start(self, words: Iterable[Value]) -> None:
        """A program is started without a shell."""
        every = tuple(words)
        if not every:
            return
        tainted = every[0].taints & {"fetched", "decoded"}
        if every[0].text is None or tainted:
            self.run(every[0], "shell")
        elif len(self._runs) < _MOST:
            argv = tuple(word.path for word in every)
            self._runs.append(Call(argv, EMPTY, self.call.cwd, self.call.env, self.call.traits, "", self.call.depth))


def _each(path: Value) -> tuple[str, ...]:
    return tuple(item.path for item in path.items) if path.items else (path.path,)


def first(values: Iterable[Value]) -> Value:
    """The first of some values; nothing is known when there is none."""
    return next(iter(values), UNKNOWN_VALUE)
