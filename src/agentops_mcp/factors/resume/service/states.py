"""Steps of factor VI: save a state, find it again, and check what it claims."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agentops_mcp.core import tokens
from agentops_mcp.core.display import gist, listed
from agentops_mcp.core.errors import AgentOpsError, GitError, IntegrityError, InvalidInputError, NotFoundError
from agentops_mcp.core.ids import is_id
from agentops_mcp.core.records import Actor, Draft, Event
from agentops_mcp.factors.resume.rules import bundle as rules
from agentops_mcp.factors.resume.rules import goals, verdicts
from agentops_mcp.factors.resume.rules.bundle import Bundle
from agentops_mcp.factors.resume.rules.chain import DirtyFile, Kept, Place, Saved, merge
from agentops_mcp.factors.resume.rules.handoff import is_handoff, parse_handoff
from agentops_mcp.factors.resume.rules.resumed import Resumed
from agentops_mcp.factors.resume.rules.tree import Node
from agentops_mcp.factors.resume.service.checking import Checking
from agentops_mcp.factors.resume.service.handles import Handles
from agentops_mcp.factors.resume.service.missions import Missions
from agentops_mcp.factors.resume.store import states as store
from agentops_mcp.storage.citations import Citations
from agentops_mcp.storage.ledger import Ledger
from agentops_mcp.storage.snapshots import Snapshots
from agentops_mcp.storage.worktree import Worktree

NO_PARENT = "none"

_MOST_ANCESTORS = 30
_MOST_FILES_NAMED = 40
_MOST_COMMITS_NAMED = 20
_SIBLINGS_SHOWN = 5
_TIPS_TRIED = 20
_SHORTEST_PREFIX = 8
_ID_START = re.compile(r"(?=.*\d)[0-9a-f][0-9a-f-]{7,35}")
_LIST_THEM = "Read agentops://states (or run `agentops-mcp states`) for ids."
_SAVE_ONE = "save_state makes one; agentops://states lists finished ones."


@dataclass(frozen=True, slots=True)
class SaveResult:
    """A saved state, and what its author should know about it."""

    saved: Saved
    findings: tuple[str, ...]


class States:
    """Saves states and finds them again. A save is a new node under its parent; nothing is ever overwritten."""

    def __init__(
        self,
        ledger: Ledger,
        worktree: Worktree,
        citations: Citations,
        snapshots: Snapshots | None,
        handles: Handles,
        missions: Missions,
        *,
        new_id: Callable[[], str],
    ) -> None:
        self._ledger = ledger
        self._worktree = worktree
        self._citations = citations
        self._without_git = Citations(worktree, None, None, root=worktree.root)
        self._snapshots = snapshots
        self._handles = handles
        self._missions = missions
        self._new_id = new_id

    def save(
        self, bundle: Bundle, *, actor: Actor, session: str | None = None, parent: str = "", mission: str = ""
    ) -> SaveResult:
        """Store a state; when this returns it is on disk.

        Raises:
            InvalidInputError: a part is missing, says nothing, or cites a file outside the project.
            NotFoundError, ExpiredError: the session, the parent or the mission is not usable.
        """
        row = self._handles.require(session) if session else None
        bundle = rules.tidy(bundle)
        cost = rules.check_bundle(bundle, count=tokens.count)
        before, kept_before, findings = self._parent(parent, session, row.continues if row else None)
        held = self._mission(mission, session)
        identifier = self._new_id()
        draft = Saved(
            id=identifier, at="", client=actor.client, user=actor.user, session=session,
            parent=before, mission=held, tokens=cost, bundle=bundle,
            place=self._place(), files={}, links={}, commits={}, found={}, kept=Kept(),
        )  # fmt: skip
        try:
            saved, doubts = self._with_citations(draft, self._citations)
        except GitError as error:  # a state is saved even where git does not work
            saved, doubts = self._with_citations(draft, self._without_git)
            doubts.append(f"commits were not looked up, as git could not say: {error.problem}")
        findings += [*rules.advise(saved.bundle, tokens=cost, source_tokens=self._source_tokens(saved)), *doubts]
        kept, more = self._keep_uncommitted(identifier, kept_before)
        saved = replace(saved, kept=kept)
        body = store.body_of(saved)
        (written,) = self._ledger.append(
            [Draft(f"state/{identifier}", store.SAVED, body, session=session, id=identifier)], actor=actor
        )
        if held and session:
            self._missions.renew(held, session=session, actor=actor)
        findings += more
        if before and (others := self.siblings(saved)):
            findings.append(f"a branch: {before} is also continued by {', '.join(others)}")
        findings += [f"replaced a secret by a marker: {kind}" for kind in written.redacted]
        return SaveResult(store.saved_of(written.event), tuple(findings))

    def load(self, state_id: str) -> Saved:
        """One state, by its id or the beginning of it.

        Raises:
            NotFoundError: there is no such state, or it is the id of something else.
            NewerSchemaError, IntegrityError: it cannot be read; every other one can.
        """
        event = self._ledger.event(self._whole_id(state_id))
        if event.kind != store.SAVED:
            raise NotFoundError(f"{event.id} is not a state but {event.kind}.", remedy=_LIST_THEM)
        return store.saved_of(event)

    def recall(self, query: str) -> Resumed:
        """What a query means: an id or the beginning of one, a handoff file, words of a goal, or the newest unfinished.

        Raises:
            NotFoundError: nothing fits it.
            InvalidInputError: it is a handoff file that cannot be read, or the beginning of several ids.
            NewerSchemaError, IntegrityError: the state cannot be read; every other one can.
        """
        query = query.strip()
        if is_handoff(query):
            notes = ["from a handoff file, not from this project's ledger"]
            return replace(self._check([parse_handoff(query)], notes=notes), is_here=False)
        if is_id(query) or _ID_START.fullmatch(query):
            return self.resume(query)
        if not query:
            found, notes = self.unfinished()
            if found is None:
                raise NotFoundError("No unfinished state in this project.", remedy=" ".join([*notes, _SAVE_ONE]))
            return self.resume(found, notes=notes)
        by_goal = self.find(query)
        if by_goal is None:
            raise NotFoundError(f"No state has a goal like {query[:80]!r}.", remedy=_LIST_THEM)
        return self.resume(by_goal, notes=["found by the words of its goal"])

    def resume(self, state_id: str, *, notes: Sequence[str] = ()) -> Resumed:
        """A state merged with those it continues, every claim looked up again.

        Raises:
            NotFoundError, NewerSchemaError, IntegrityError: as of `load`; also when its parents form a circle.
        """
        chain, more = self.chain(state_id)
        newest = chain[0]
        with self._ledger.read() as tx:
            children = store.children(tx, newest.id, limit=_SIBLINGS_SHOWN)
        return self._check(chain, siblings=self.siblings(newest), children=children, notes=[*notes, *more])

    def chain(self, state_id: str) -> tuple[list[Saved], list[str]]:
        """A state and those it continues, newest first, and a note where the chain could not be followed to its end.

        Raises:
            NotFoundError, NewerSchemaError, IntegrityError: as of `load`; also when its parents form a circle.
        """
        chain = [self.load(state_id)]
        while (parent := chain[-1].parent) is not None:
            if parent in {saved.id for saved in chain}:
                raise IntegrityError(
                    f"The parents of state {chain[0].id} form a circle at {parent}.",
                    remedy="Resume another state (agentops://states); whoever made this one must save it again.",
                )
            if len(chain) > _MOST_ANCESTORS:
                return chain, [f"older states are not merged; the next is {parent}"]
            try:
                chain.append(self.load(parent))
            except AgentOpsError as error:
                return chain, [f"what it continues cannot be read: {error.problem}"]
        return chain, []

    def _check(
        self,
        chain: Sequence[Saved],
        *,
        siblings: Sequence[str] = (),
        children: Sequence[str] = (),
        notes: Sequence[str] = (),
    ) -> Resumed:
        """A chain, newest first, from wherever it came, looked up against this project."""
        merged = merge(chain)
        try:
            checking = Checking(self._citations, merged)
            return checking.result(siblings=siblings, children=children, notes=notes)
        except GitError as error:  # what can be said without git is worth more than an error
            checking = Checking(self._without_git, merged)
            notes = [*notes, f"only bytes were compared, as git could not say: {error.problem}"]
            return replace(checking.result(siblings=siblings, children=children, notes=notes), head=None)

    def find(self, goal: str) -> str | None:
        """The id of the newest state whose goal has the words of this one."""
        with self._ledger.read() as tx:
            return store.find_by_goal(tx, sorted(goals.goal_words(goal)))

    def unfinished(self) -> tuple[str | None, list[str]]:
        """The id of the newest state that is neither done nor continued, and a note on each that is unreadable."""
        with self._ledger.read() as tx:
            tips = store.open_tips(tx, limit=_TIPS_TRIED)
        notes: list[str] = []
        for identifier in tips:
            try:
                return self.load(identifier).id, notes
            except AgentOpsError as error:
                notes.append(f"skipped: {error.problem}")
        return None, notes

    def newest(self, limit: int) -> list[Node]:
        """The newest states of all branches, newest first."""
        with self._ledger.read() as tx:
            rows = store.newest(tx, limit=limit)
        return [_node(row, event) for row, event in rows]

    def saved_in(self, sessions: Sequence[str]) -> frozenset[str]:
        """Those of these sessions that saved a state."""
        with self._ledger.read() as tx:
            return frozenset(each for each in sessions if store.last_in_session(tx, each))

    def siblings(self, saved: Saved) -> list[str]:
        """Other states that continue the same parent."""
        if saved.parent is None:
            return []
        with self._ledger.read() as tx:
            found = store.children(tx, saved.parent, limit=_SIBLINGS_SHOWN + 1)
        return [each for each in found if each != saved.id][:_SIBLINGS_SHOWN]

    def _whole_id(self, state_id: str) -> str:
        if is_id(state_id) or len(state_id) < _SHORTEST_PREFIX:
            return state_id
        with self._ledger.read() as tx:
            found = store.with_prefix(tx, state_id.casefold(), limit=2)
        if len(found) > 1:
            raise InvalidInputError(f"Several states begin with {state_id[:40]!r}.", remedy="Give more of the id.")
        return found[0] if found else state_id

    def _parent(
        self, given: str, session: str | None, continued: str | None
    ) -> tuple[str | None, str | None, list[str]]:
        """The state to continue, the snapshot it kept, and what to tell about it."""
        if given == NO_PARENT:
            return None, None, []
        if given:
            saved = self.load(given)
            return saved.id, saved.kept.commit, []
        last = None
        if session:
            with self._ledger.read() as tx:
                last = store.last_in_session(tx, session)
        chosen = last or continued
        if chosen is None:
            return None, None, []
        try:
            return chosen, self.load(chosen).kept.commit, []
        except AgentOpsError as error:  # nobody asked for it by name: what is saved now must not be lost for it
            return chosen, None, [f"what this continues cannot be read: {error.problem}"]

    def _mission(self, given: str, session: str | None) -> str | None:
        if given:
            return self._missions.read(given).mission.id
        held = self._missions.held_by(session) if session else ()
        return held[0] if len(held) == 1 else None

    def _place(self) -> Place:
        facts = self._worktree.facts()
        return Place(facts.branch, facts.head, facts.dirty, facts.operation)

    def _with_citations(self, saved: Saved, citations: Citations) -> tuple[Saved, list[str]]:
        """The state with the hashes of all it cites, and what to tell about them."""
        bundle = saved.bundle
        texts = _texts(bundle)
        given = [*bundle.key_files, *(each.file for each in bundle.parameters if each.file)]
        named = citations.named_files(texts, limit=_MOST_FILES_NAMED)
        refs = citations.cite([*given, *named])
        path_of = {path: ref.path for path, ref in zip([*given, *named], refs, strict=True)}
        files = {ref.path: ref.blob for ref in refs}
        links = citations.targets(list(files))
        files |= {ref.path: ref.blob for ref in citations.cite(list(links.values()))}
        bundle = replace(
            bundle,
            key_files=tuple(dict.fromkeys(path_of[path] for path in bundle.key_files)),
            parameters=tuple(replace(each, file=path_of.get(each.file, "")) for each in bundle.parameters),
        )
        found: dict[str, verdicts.Found] = {}
        for each in bundle.parameters:
            if each.file:
                text = citations.read_text(each.file)
                found[each.name] = "no" if text is None else verdicts.find_value(text, each.name, each.value)
        names = citations.named_commits(texts, limit=_MOST_COMMITS_NAMED)
        commits = {now.id: now.state == "in history" for now in citations.commits_now(names)}
        missing = [gist(path, limit=100) for path in dict.fromkeys(path_of.values()) if files[path] is None]
        unseen = [gist(name, limit=60) for name, how in found.items() if how == "no"]
        findings = [f"file not found: {listed(missing)}"] if missing else []
        findings += [f"value not found in its file: {listed(unseen)}"] if unseen else []
        return replace(saved, bundle=bundle, files=files, links=links, commits=commits, found=found), findings

    def _source_tokens(self, saved: Saved) -> int:
        """About how many tokens the key files hold, at four bytes each."""
        sizes = (_size(self._worktree.root / path) for path in saved.bundle.key_files)
        return sum(sizes) // 4

    def _keep_uncommitted(self, identifier: str, previous: str | None) -> tuple[Kept, list[str]]:
        if self._snapshots is None:
            return Kept(), []
        try:
            snapshot = self._snapshots.take(identifier, previous=previous)
        except GitError as error:  # a state is saved even where git does not work
            return Kept(), [f"uncommitted work was not kept: {error}"]
        files = tuple(DirtyFile(file.path, file.status, file.blob) for file in snapshot.files)
        findings = [f"uncommitted files kept: {snapshot.total - snapshot.left_out_total}"] if snapshot.commit else []
        if left_out := [f"{gist(each.path, limit=100)} ({each.reason})" for each in snapshot.left_out]:
            findings.append(f"not kept: {listed(left_out, total=snapshot.left_out_total)}")
        return Kept(snapshot.total, files, snapshot.commit, snapshot.left_out_total), findings


def _node(row: store.StateRow, event: Event) -> Node:
    node = Node(row.id, row.parent, event.at, "", "", event.actor["client"], row.leaf)
    try:
        bundle = store.saved_of(event).bundle
    except AgentOpsError as error:
        return replace(node, why_unreadable=error.problem)
    return replace(node, phase=bundle.phase, goal=bundle.goal)


def _texts(bundle: Bundle) -> list[str]:
    """Every text of a bundle that may name a file or a commit."""
    lines = rules.as_lines(bundle)
    return [line for part in lines if part not in ("phase", "key_files", "confidence") for line in lines[part]]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):  # not there, or a name that only git can spell
        return 0
