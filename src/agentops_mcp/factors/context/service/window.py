"""Steps of factor II: what was loaded into a session's window, what it cost, and what to say about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from agentops_mcp.core.records import Actor, Draft
from agentops_mcp.core.tokens import TokenCounter
from agentops_mcp.factors.context import store
from agentops_mcp.factors.context.rules import window as rules
from agentops_mcp.factors.context.rules.window import LEVELS, Assessment, Load, LoadedItem, Thresholds
from agentops_mcp.storage.ledger import Ledger


class KnownSessions(Protocol):
    """What the window's ledger asks of sessions: is this handle one of ours, and alive?"""

    def require(self, handle: str) -> object:
        """Accept a live session's handle.

        Raises:
            NotFoundError: no session of this project has it.
            ExpiredError: it outlived its stated lifetime.
        """
        ...


class SavedSessions(Protocol):
    """What the window's ledger asks of states: when did this session save one?"""

    def last_saved_at(self, session: str) -> str | None:
        """The `at` of the newest state a session saved, None when it saved none."""
        ...


@dataclass(frozen=True, slots=True)
class Seen:
    """An item that is in a session's window already: as much of it as was sent, and when."""

    item: LoadedItem
    at: str


class WindowLedger:
    """Knows what was loaded through this server in each session.

    Loads are counted in o200k tokens, exactly as they were sent; a share of a window is taken from an estimate in
    the tokens of the client's model.
    """

    def __init__(
        self,
        ledger: Ledger,
        sessions: KnownSessions,
        saved: SavedSessions,
        *,
        tokens: TokenCounter,
        thresholds: Thresholds,
        new_id: Callable[[], str],
    ) -> None:
        self._ledger = ledger
        self._sessions = sessions
        self._saved = saved
        self._tokens = tokens
        self._thresholds = thresholds
        self._new_id = new_id

    def assess(
        self,
        session: str | None,
        window_tokens: int | None,
        used_tokens: int | None,
        loading_tokens: int,
        *,
        for_subagent: bool = False,
    ) -> Assessment:
        """Judge a load of `loading_tokens` o200k tokens before it is sent.

        What is not given is what the session's client said last, plus what was loaded since; or at least that.

        Raises:
            InvalidInputError: a number is not one of tokens.
            NotFoundError, ExpiredError: the session's handle is not usable.
        """
        known = store.Usage(None, None, 0)
        if session:
            self._sessions.require(session)
            with self._ledger.read() as tx:
                known = store.usage(tx, session)
        return rules.assess(
            known.window_tokens if window_tokens is None else window_tokens,
            used_tokens,
            self._tokens.from_o200k(loading_tokens),
            self._thresholds,
            known_tokens=(known.used_tokens or 0) + self._tokens.from_o200k(known.sent_since_tokens),
            is_brief=for_subagent,
            to_budget=self._tokens.to_o200k,
        )

    def record(self, load: Load, *, actor: Actor, load_id: str | None = None) -> str:
        """Store what was sent and return its id; when this returns it is on disk.

        `load_id` is for a caller that has to print the id in the text it counts.

        Raises:
            InvalidInputError: what the client said of its window cannot be.
            NotFoundError, ExpiredError: the session's handle is not usable.
        """
        rules.check_usage(load.window_tokens, load.used_tokens)
        if load.session:
            self._sessions.require(load.session)
        identifier = load_id or self._new_id()
        draft = Draft(
            f"context/{identifier}", store.LOADED, store.body_of_load(load),
            tracked=False, session=load.session or None, id=identifier,
        )  # fmt: skip
        self._ledger.append([draft], actor=actor)
        return identifier

    def already_loaded(self, session: str | None) -> Mapping[str, Seen]:
        """What is in a session's window by the items' ids, each as fully as it was ever sent."""
        if not session:
            return {}
        with self._ledger.read() as tx:
            rows = store.loaded_items(tx, session)
        seen: dict[str, Seen] = {}
        for row in rows:
            before = seen.get(row.item.id)
            if before is None or LEVELS.index(row.item.level) >= LEVELS.index(before.item.level):
                seen[row.item.id] = Seen(row.item, row.at)
        return seen

    def warnings(self, load: Load) -> tuple[str, ...]:
        """What to point out about a load before it is recorded, each in one sentence with the next call."""
        cost, window = load.tokens, load.window_tokens
        found: list[str | None] = []
        if load.session:
            earlier = {key: seen.item for key, seen in self.already_loaded(load.session).items()}
            saved_at = self._saved.last_saved_at(load.session)
            with self._ledger.read() as tx:
                since = store.loaded(tx, load.session, after=saved_at)
                cost += store.loaded(tx, load.session, task=load.task).tokens
                window = window or store.usage(tx, load.session).window_tokens
            if not load.for_subagent:
                found.append(rules.repeated(load.items, earlier))
            found.append(rules.growth(since.loads + 1, self._tokens.from_o200k(since.tokens + load.tokens)))
        if not load.for_subagent:
            found.append(rules.task_share(self._tokens.from_o200k(cost), window, self._thresholds))
        return tuple(each for each in found if each)
