"""Steps of patterns: check, save, take over what people wrote by hand, report how one went, retire one."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from agentops_mcp.core.display import gist, listed
from agentops_mcp.core.errors import AgentOpsError, ConflictError, InvalidInputError, NotFoundError
from agentops_mcp.core.ids import is_id
from agentops_mcp.core.records import Actor, Event
from agentops_mcp.core.redaction import redact_json
from agentops_mcp.factors.mining.rules import checks
from agentops_mcp.factors.mining.rules.checks import Check
from agentops_mcp.factors.mining.rules.library import FileFinding, Member, Saved
from agentops_mcp.factors.mining.rules.markdown import parse_markdown, to_markdown
from agentops_mcp.factors.mining.rules.patterns import Pattern, check_limits, from_body, to_body
from agentops_mcp.factors.mining.rules.terms import terms
from agentops_mcp.factors.mining.service.evidence import LibraryEvidence
from agentops_mcp.factors.mining.service.pattern_files import PatternFile, PatternFiles, digest
from agentops_mcp.factors.mining.service.ranking import Ranking
from agentops_mcp.factors.mining.service.semantic import Semantic
from agentops_mcp.factors.mining.store import documents, patterns
from agentops_mcp.factors.mining.store.documents import Filter
from agentops_mcp.factors.mining.store.patterns import Outcome
from agentops_mcp.storage.ledger import Ledger

DUPLICATE_COSINE = 0.8
"""From this cosine on two patterns say the same. The highest among the starter library, whose patterns are different on
purpose, is .65 (n = 561 pairs)."""
DUPLICATE_SHARE = 0.5
"""The same without vectors: the share of terms in common (Jaccard)."""

_COMPARED = 10
_PATIENCE_S = 1.5
_FROM_FILE = "pattern file"


class KnownSessions(Protocol):
    """What patterns ask of sessions: is this handle one of ours, and alive?"""

    def require(self, handle: str) -> object:
        """Accept a live session's handle.

        Raises:
            NotFoundError: no session of this project has it.
            ExpiredError: it outlived its stated lifetime.
        """
        ...


class Patterns:
    """The project's pattern library."""

    def __init__(
        self,
        ledger: Ledger,
        files: PatternFiles,
        evidence: LibraryEvidence,
        ranking: Ranking,
        semantic: Semantic,
        sessions: KnownSessions,
        *,
        user: str,
    ) -> None:
        self._ledger = ledger
        self._files = files
        self._evidence = evidence
        self._ranking = ranking
        self._semantic = semantic
        self._sessions = sessions
        self._user = user

    def save(self, pattern: Pattern, *, actor: Actor, session: str | None = None, trial: bool = False) -> Saved:
        """Keep a pattern, or its next revision, when it passes the checks; `trial` only says what they find.

        Raises:
            InvalidInputError: a field is over its limit, or a check refuses it: then nothing was saved.
            ConflictError: somebody else saved it at the same time, or its file holds an edit of a person.
            NotFoundError, ExpiredError: the session's handle is not usable.
        """
        if session is not None:
            self._sessions.require(session)
        check_limits(pattern)
        pattern = from_body(redact_json(to_body(pattern)).document)
        self.take_over()
        found, nearest = self._check(pattern)
        refused = checks.refusals(found)
        if trial or refused:
            if refused and not trial:
                raise InvalidInputError(_refusal(refused), remedy=_REMEDY)
            return Saved(self._evidence.trial(pattern), found, nearest, 0, "", ())
        path, warnings = self._append(pattern, actor, session)
        self._retire_superseded(pattern, actor)
        warnings += tuple(check.message for check in checks.warnings(found))
        with self._ledger.read() as tx:
            revision = len(patterns.revisions(tx, pattern.name))
        return Saved(self.member(pattern.name), found, nearest, revision, path, warnings)

    def member(self, name: str) -> Member:
        """One pattern and how it does.

        Raises:
            NotFoundError: the library has none of this name.
        """
        members = self._evidence.members()
        name = name.strip().rpartition("/")[2]
        if name not in members:
            near = [each for each in members if name[:4] and each.startswith(name[:4])]
            remedy = f"Did you mean {listed(near, limit=3)}?" if near else "Read agentops://patterns for the names."
            raise NotFoundError(f"No pattern is called {gist(name, limit=80)!r}.", remedy=remedy)
        return members[name]

    def members(self) -> list[Member]:
        """The whole library by name, the project's own and the starters."""
        self.take_over()
        return [member for _, member in sorted(self._evidence.members().items())]

    def revisions(self, name: str) -> list[Event]:
        """The events of every revision, newest first; none for a pattern that came with the package."""
        with self._ledger.read() as tx:
            return patterns.revisions(tx, self.member(name).pattern.name)

    def report(
        self, name: str, outcome: Outcome, *, actor: Actor, note: str = "", session: str | None = None, place: str = ""
    ) -> Event:
        """Keep how a pattern went: its evidence.

        Raises:
            NotFoundError: the library has none of this name, or the session is unknown.
            ExpiredError: the session's handle outlived its lifetime.
        """
        if session is not None:
            self._sessions.require(session)
        known = self.member(name).pattern.name
        draft = patterns.cited(known, outcome, note=note, place=place, session=session)
        (written,) = self._ledger.append([draft], actor=actor)
        return written.event

    def deprecate(self, name: str, *, reason: str, successor: str = "", actor: Actor) -> Member:
        """Retire a pattern; it stays readable and points to its successor.

        Raises:
            NotFoundError: the library has no such pattern or successor.
            InvalidInputError: there is no reason.
        """
        pattern = self.member(name).pattern
        if successor:
            successor = self.member(successor).pattern.name
        self._append(replace(pattern, status="deprecated", reason=reason, successor=successor), actor, None)
        return self.member(pattern.name)

    def promote(self, name: str, *, actor: Actor) -> Member:
        """Make a pattern of the starter library the project's own, or bring a deprecated one back.

        Raises:
            NotFoundError: the library has none of this name.
            InvalidInputError: it is the project's own and active already.
        """
        member = self.member(name)
        if member.saved_at and member.pattern.status == "active":
            raise InvalidInputError(
                f"{member.pattern.name} is in the project's library already.",
                remedy="Its stage follows from evidence: cite it with report_outcome.",
            )
        self._append(replace(member.pattern, status="active", reason="", successor=""), actor, None)
        return self.member(member.pattern.name)

    def take_over(self) -> list[str]:
        """Save what people wrote in the folder and what passes the checks; the names of what was saved.

        A text that was a revision before is not saved again: switching branches back and forth changes nothing.
        Likeness is judged by words alone here, so that a search that finds a new file does not wait.
        """
        if not self._files.changed():
            return []
        with self._ledger.read() as tx:
            known = patterns.files(tx)
        actor = Actor(client=_FROM_FILE, user=self._user, via="cli")
        new = (file for file in self._files.read() if file.text and file.digest not in known.get(file.name, ()))
        return [file.name for file in new if self._take(file, actor)]

    def check_files(self) -> list[FileFinding]:
        """What the checks say about every file in the folder; those that pass are in the library afterwards."""
        self.take_over()
        with self._ledger.read() as tx:
            known = patterns.files(tx)
        return [self._finding(file, known.get(file.name, set())) for file in self._files.read()]

    def write_draft(self, pattern: Pattern) -> str:
        """Write a pattern's file with every section, for a person to complete; its path. Nothing is saved.

        Raises:
            ConflictError: there is a file or a pattern of this name.
            StorageError: it cannot be written.
        """
        if pattern.name in self._evidence.members():
            raise ConflictError(f"There is a pattern {pattern.name} already.", remedy="Choose another name.")
        return str(self._files.write(pattern.name, to_markdown(pattern, to_fill=True), known=frozenset()))

    def complete_name(self, prefix: str, limit: int = 20) -> list[str]:
        """Known names that begin with `prefix`."""
        return [name for name in sorted(self._evidence.members()) if name.startswith(prefix)][:limit]

    # Steps

    def _retire_superseded(self, pattern: Pattern, actor: Actor) -> None:
        members = self._evidence.members()
        for relation in pattern.related:
            old = members.get(relation.name)
            if relation.kind == "supersedes" and _is_active(old) and relation.name != pattern.name:
                self.deprecate(
                    relation.name, reason=f"superseded by {pattern.name}", successor=pattern.name, actor=actor
                )

    def _append(self, pattern: Pattern, actor: Actor, session: str | None) -> tuple[str, tuple[str, ...]]:
        text = to_markdown(pattern)
        stream = f"pattern/{pattern.name}"
        with self._ledger.read() as tx:
            known = frozenset(patterns.files(tx).get(pattern.name, ()))
        last = self._ledger.last_in(stream)
        path = self._files.folder / f"{pattern.name}.md"
        self._files.refuse_foreign_edit(pattern.name, text, known=known)
        draft = patterns.saved(pattern, digest=digest(text), session=session)
        (written,) = self._ledger.append([draft], actor=actor, expected={stream: last})
        warnings = tuple(f"replaced a secret by a marker: {kind}" for kind in written.redacted)
        try:
            self._files.write(pattern.name, text, known=known)
        except AgentOpsError as error:  # it is in the ledger; the file can be written later
            warnings += (f"saved, but the file is not written: {error}",)
        self._files.changed()
        return self._files.shown(path), warnings

    def _take(self, file: PatternFile, actor: Actor) -> bool:
        try:
            stream = f"pattern/{file.name}"
            # Read before the digests: whoever saves this text in between moves the stream.
            last = self._ledger.last_in(stream)
            with self._ledger.read() as tx:
                known = patterns.files(tx).get(file.name, set())
            pattern = parse_markdown(file.name, file.text)
            check_limits(pattern)
            if (
                file.digest in known
                or redact_json(to_body(pattern)).found
                or checks.refusals(self._check(pattern, patience_s=None)[0])
            ):
                return False
            draft = patterns.saved(pattern, digest=file.digest, session=None)
            self._ledger.append([draft], actor=actor, expected={stream: last})
        except AgentOpsError:  # `patterns check` says what is in its way; another process may have been first
            return False
        return True

    def _finding(self, file: PatternFile, known: set[str]) -> FileFinding:
        if file.problem:
            return FileFinding(file.name, (file.problem,), (), "not read")
        try:
            pattern = parse_markdown(file.name, file.text)
            check_limits(pattern)
            found, _ = self._check(pattern)
        except AgentOpsError as error:
            return FileFinding(file.name, (str(error),), (), "not valid")
        problems = [check.message for check in checks.refusals(found)]
        problems += [f"it holds a secret: {kind}" for kind in redact_json(to_body(pattern)).found]
        hints = tuple(check.message for check in checks.warnings(found))
        state = "saved" if file.digest in known else "not saved"
        return FileFinding(file.name, tuple(problems) if file.digest not in known else (), hints, state)

    def _check(
        self, pattern: Pattern, *, patience_s: float | None = _PATIENCE_S
    ) -> tuple[tuple[Check, ...], tuple[tuple[str, float], ...]]:
        nearest, duplicate_from = self.nearest(pattern, patience_s=patience_s)
        count = self._count_evidence(pattern)
        found = checks.check(pattern, nearest=nearest, duplicate_from=duplicate_from, evidence_count=count)
        return found, tuple(nearest)

    def _count_evidence(self, pattern: Pattern) -> int:
        ids = [each for each in pattern.evidence if is_id(each)]
        with self._ledger.read() as tx:
            known = documents.events_by_id(tx, ids)
        return len(known) + len(pattern.evidence) - len(ids)

    def nearest(
        self, pattern: Pattern, *, patience_s: float | None = _PATIENCE_S
    ) -> tuple[list[tuple[str, float]], float]:
        """The patterns that are most like this one, with how much, and from where on one is the same.

        Without patience they are compared by words alone.
        """
        members = self._evidence.members()
        text = documents.searchable(patterns.document_of(pattern))
        among = Filter(kinds=("pattern", "anti-pattern"))
        loaded = None
        if patience_s is not None:
            with suppress(AgentOpsError):
                loaded = self._semantic.ready(patience_s=patience_s)
        ranked, _ = self._ranking.rank(text, among, loaded, self._evidence.reputations())
        names = [each.ref.partition("/")[2] for each in ranked]
        others = [name for name in names if name != pattern.name and _is_active(members.get(name))][:_COMPARED]
        texts = [documents.searchable(patterns.document_of(members[name].pattern)) for name in others]
        if loaded is not None and others:
            vectors = loaded.embedder.embed([text, *texts])
            likeness = [float(each) for each in vectors[1:] @ vectors[0]]
        else:
            words = set(terms(text))
            likeness = [_share(words, set(terms(each))) for each in texts]
        nearest = sorted(zip(others, likeness, strict=True), key=lambda pair: (-pair[1], pair[0]))
        return nearest, DUPLICATE_COSINE if loaded is not None else DUPLICATE_SHARE


_REMEDY = "Correct it and call save_pattern again; to change an existing pattern, save under its name."


def _refusal(refused: Sequence[Check]) -> str:
    return "Not saved. " + " ".join(f"{check.name}: {check.message.rstrip('.')}." for check in refused)


def _is_active(member: Member | None) -> bool:
    return member is not None and member.pattern.status == "active"


def _share(left: set[str], right: set[str]) -> float:
    return len(left & right) / len(left | right) if left or right else 0.0
