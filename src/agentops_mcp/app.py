"""Everything built once and introduced to each other; what the server, the command line and the page share."""

import logging
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from agentops_mcp.briefing import LedgerApprovals, LedgerEntries, LedgerPatterns
from agentops_mcp.core import tokens
from agentops_mcp.core.clock import Clock, utc_now
from agentops_mcp.core.config import Config, load_config
from agentops_mcp.core.documents import Reader
from agentops_mcp.core.errors import AgentOpsError
from agentops_mcp.core.ids import new_id
from agentops_mcp.core.tokens import TokenCounter
from agentops_mcp.factors.approval.store import documents as approval_documents
from agentops_mcp.factors.approval.store import grants as grant_store
from agentops_mcp.factors.approval.store import request_events
from agentops_mcp.factors.approval.store import requests as request_store
from agentops_mcp.factors.context import store as context_store
from agentops_mcp.factors.context.rules.briefs import ReportLimits
from agentops_mcp.factors.context.rules.window import Thresholds
from agentops_mcp.factors.context.service.outcomes import Outcomes
from agentops_mcp.factors.context.service.window import WindowLedger
from agentops_mcp.factors.guardrails.store import calls as call_store
from agentops_mcp.factors.guardrails.store import charges as charge_store
from agentops_mcp.factors.guardrails.store import checks as check_store
from agentops_mcp.factors.guardrails.store import exemptions as exemption_store
from agentops_mcp.factors.guardrails.store import incidents as incident_store
from agentops_mcp.factors.guardrails.store import learned as learned_store
from agentops_mcp.factors.mining.store import documents as document_store
from agentops_mcp.factors.mining.store import notes as note_store
from agentops_mcp.factors.mining.store import patterns as pattern_store
from agentops_mcp.factors.resume.service.handles import Handles
from agentops_mcp.factors.resume.service.missions import Missions
from agentops_mcp.factors.resume.service.sessions import Sessions
from agentops_mcp.factors.resume.service.states import States
from agentops_mcp.factors.resume.store import missions as mission_store
from agentops_mcp.factors.resume.store import sessions as session_store
from agentops_mcp.factors.resume.store import states as state_store
from agentops_mcp.factors.tracking import store as tracking_store
from agentops_mcp.factors.tracking.service import Entries
from agentops_mcp.reporting import ActionOutcomes, Charges, LoadedTexts, PatternOutcomes, SavedSessions
from agentops_mcp.storage.citations import Citations
from agentops_mcp.storage.database import Database
from agentops_mcp.storage.git import Git
from agentops_mcp.storage.ledger import Ledger, Opened
from agentops_mcp.storage.mirror import Mirror
from agentops_mcp.storage.project import Project, database_url, locate, schema_name
from agentops_mcp.storage.snapshots import Snapshots
from agentops_mcp.storage.source_tree import SourceTree
from agentops_mcp.storage.worktree import Worktree

if TYPE_CHECKING:
    from agentops_mcp.approving import Approving
    from agentops_mcp.factors.context.service.contexts import Contexts
    from agentops_mcp.factors.guardrails.service.checks import Checks
    from agentops_mcp.factors.mining.service.evidence import LibraryEvidence
    from agentops_mcp.factors.mining.service.importing import Importing
    from agentops_mcp.factors.mining.service.mining import Mining
    from agentops_mcp.factors.mining.service.patterns import Patterns
    from agentops_mcp.factors.mining.service.search import Search
    from agentops_mcp.guarding import Guard
    from agentops_mcp.knowledge import Knowledge
    from agentops_mcp.storage.notifying import Notifier

logger = logging.getLogger(__name__)

_LAST_NOTIFICATIONS_S = 3.0
"""How long a command that ends waits for what it has to tell."""

READERS: Mapping[str, Reader] = {
    tracking_store.RECORDED: tracking_store.document,
    state_store.SAVED: state_store.document,
    pattern_store.SAVED: pattern_store.document,
    note_store.IMPORTED: note_store.document,
    incident_store.RECORDED: incident_store.document,
    request_events.REQUESTED: approval_documents.of_request,
    request_events.DECIDED: approval_documents.of_decision,
}
"""What search finds: how each kind of event is read as a document."""

VIEWS = (
    session_store.VIEW, state_store.VIEW, mission_store.VIEW, tracking_store.VIEW, context_store.VIEW,
    pattern_store.VIEW, note_store.VIEW, call_store.VIEW, charge_store.VIEW, check_store.VIEW, exemption_store.VIEW,
    incident_store.VIEW, learned_store.VIEW, request_store.VIEW, grant_store.VIEW, document_store.view(READERS),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parts:
    """An opened project and its factors."""

    project: Project
    config: Config
    opened: Opened
    ledger: Ledger
    mirror: Mirror | None
    worktree: Worktree
    citations: Citations
    handles: Handles
    entries: Entries
    sessions: Sessions
    states: States
    missions: Missions
    windows: WindowLedger
    outcomes: Outcomes


class App(AbstractContextManager["App"]):
    """One project, opened at first use: a start is quick, and a failure to open is an answer, not a dead server."""

    def __init__(
        self, start: Path | None = None, *, environment: Mapping[str, str] | None = None, clock: Clock = utc_now
    ) -> None:
        self._start = start or Path.cwd()
        self._environment = os.environ if environment is None else environment
        self._clock = clock
        self._lock = threading.Lock()
        self._parts: Parts | None = None
        self._contexts: Contexts | None = None
        self._knowledge: Knowledge | None = None
        self._guard: Guard | None = None
        self._approving: Approving | None = None
        self._notifier: Notifier | None = None
        self._last_failure = ""

    @property
    def parts(self) -> Parts:
        """Everything, opened if need be.

        Raises:
            AgentOpsError: the project cannot be opened; the next use tries again.
        """
        with self._lock:
            if self._parts is None:
                self._parts = open_parts(
                    self._start, self._environment, self._clock, lambda: self.knowledge().patterns, self.guard
                )
            return self._parts

    @property
    def clock(self) -> Clock:
        """What tells the time."""
        return self._clock

    def entries(self) -> Entries:
        """Factor I."""
        return self.parts.entries

    def sessions(self) -> Sessions:
        """Factor VI: the opening of a session."""
        return self.parts.sessions

    def states(self) -> States:
        """Factor VI: what was saved, found again."""
        return self.parts.states

    def missions(self) -> Missions:
        """Factor VI: what is worked towards, and by whom."""
        return self.parts.missions

    def contexts(self) -> "Contexts":
        """Factor II: what to load for a task. Made at its first use: NumPy alone takes as long to load as the rest."""
        parts = self.parts
        with self._lock:
            if self._contexts is None:
                self._contexts = open_contexts(parts.project, parts)
            return self._contexts

    def knowledge(self) -> "Knowledge":
        """Factor IX. Made at its first use, like `contexts`; its vectors are loaded by the first search."""
        parts = self.parts
        with self._lock:
            if self._knowledge is None:
                from agentops_mcp.knowledge import open_knowledge

                self._knowledge = open_knowledge(
                    parts.project, parts.config, parts.ledger, parts.citations, parts.handles,
                    readers=READERS, environment=self._environment, clock=self._clock,
                )  # fmt: skip
            return self._knowledge

    def guard(self) -> "Guard":
        """Factor XI. Made at its first use: a session that checks nothing does not wait for it."""
        parts = self.parts
        with self._lock:
            if self._guard is None:
                from agentops_mcp.approving import Words
                from agentops_mcp.guarding import open_guard

                self._guard = open_guard(
                    parts.project, self._environment, parts.ledger, parts.handles, self.search, parts.config.budgets,
                    Words(self.approving), clock=self._clock, new_id=new_id,
                )  # fmt: skip
            return self._guard

    def checks(self) -> "Checks":
        """Factor XI: actions judged before they are taken, in the light of what hooks have seen."""
        guard = self.guard()
        guard.take_reports()
        return guard.checks

    def approving(self) -> "Approving":
        """Factor VIII. Made at its first use, with the guard whose actions it is about."""
        parts, guard = self.parts, self.guard()
        with self._lock:
            if self._approving is None:
                from agentops_mcp.approval_settings import ApprovalSettings
                from agentops_mcp.approving import open_approving
                from agentops_mcp.storage.notifying import Notifier

                settings = ApprovalSettings(parts.project, self._environment)
                self._notifier = Notifier(settings.notify, self._environment)
                self._approving = open_approving(
                    parts.project, guard, parts.ledger, settings=settings, notify=self._notifier,
                    clock=self._clock, new_id=new_id,
                )  # fmt: skip
            return self._approving

    def running_page(self) -> str | None:
        """The address of the page that runs for this project, on which a person decides."""
        from agentops_mcp.storage.page_access import running_page, state_folder

        return running_page(state_folder(self.parts.project, self._environment))

    def search(self) -> "Search":
        """Factor IX: what was recorded, found again."""
        return self.knowledge().search

    def patterns(self) -> "Patterns":
        """Factor IX: the pattern library."""
        return self.knowledge().patterns

    def library(self) -> "LibraryEvidence":
        """Factor IX: how the pattern library does."""
        return self.knowledge().evidence

    def mining(self) -> "Mining":
        """Factor IX: what recurs."""
        return self.knowledge().mining

    def importing(self) -> "Importing":
        """Factor IX: what other tools and people wrote down."""
        return self.knowledge().importing

    def outcomes(self) -> Outcomes:
        """Factor II: how what was handed out went."""
        return self.parts.outcomes

    def settle(self) -> None:
        """Pay the git mirror what it is owed; what cannot be paid now is logged and stays owed. Never an error."""
        parts = self._parts
        if parts is None or parts.mirror is None:
            return
        try:
            parts.mirror.flush()
            self._last_failure = ""
        except AgentOpsError as error:  # also of the ledger: the record itself was committed before
            if str(error) != self._last_failure:
                logger.warning("The git mirror is behind: %s", error)
            self._last_failure = str(error)
        except Exception:
            logger.exception("The git mirror is behind")

    def warm(self) -> None:
        """Do now what the first call would otherwise wait for. Nothing is created; failures are left for that call."""
        try:
            tokens.count("")
            project = locate(self._start, self._environment)
            if database_file(project).exists() or database_url(self._environment):
                self.parts.worktree.facts()
                self.settle()
        except Exception:
            logger.info("Warming up failed; the first call will say why.", exc_info=True)

    def close(self) -> None:
        """Release the database."""
        with self._lock:
            if self._approving is not None:
                self._approving.time.stop()
            if self._notifier is not None:
                self._notifier.drain(_LAST_NOTIFICATIONS_S)
            if self._knowledge is not None:
                self._knowledge.semantic.close()
            if self._contexts is not None:
                self._contexts.close()
            if self._parts is not None:
                self._parts.ledger.database.close()
                self._parts = self._contexts = self._knowledge = self._guard = self._approving = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_parts(
    start: Path, environment: Mapping[str, str], clock: Clock, patterns: Callable[[], "Patterns"],
    guard: Callable[[], "Guard"],
) -> Parts:  # fmt: skip
    """Find the project around `start`, bring its storage up to date, and build the factors."""
    project = locate(start, environment)
    config = load_config(project.policy_dir / "config.toml")
    git = Git(project.repository) if project.repository else None
    database, place = _open_database(project, config, git, environment)
    ledger = Ledger(database, place=place, views=VIEWS, clock=clock, new_id=new_id)
    opened = ledger.open()
    worktree = Worktree(project.repository, git, root=project.root)
    citations = Citations(worktree, project.repository, git, root=project.root)
    snapshots = None
    if project.repository and git:
        snapshots = Snapshots(project.repository, git, prefix=project.snapshots_ref, excluded=project.data_dir)
    handles = Handles(ledger, clock=clock)
    missions = Missions(ledger, worktree, handles, clock=clock, new_id=new_id)
    states = States(ledger, worktree, citations, snapshots, handles, missions, new_id=new_id)
    sessions = Sessions(
        ledger, worktree, LedgerEntries(ledger), states, missions, LedgerPatterns(ledger),
        LedgerApprovals(ledger, clock), tokens=_token_counter(config), clock=clock, new_id=new_id,
    )  # fmt: skip
    entries = Entries(ledger, worktree, handles, learning=config.tracking.learning, new_id=new_id)
    limits = config.context
    windows = WindowLedger(
        ledger, handles, SavedSessions(ledger), tokens=_token_counter(config),
        thresholds=Thresholds(limits.warn, limits.block, limits.critical, limits.task_share), new_id=new_id,
    )  # fmt: skip
    tree = SourceTree(project.repository, git, root=project.root)
    outcomes = Outcomes(
        ledger,
        handles,
        windows,
        LoadedTexts(tree),
        limits=_report_limits(config),
        others=[PatternOutcomes(patterns), ActionOutcomes(guard)],
        charges=Charges(guard),
    )
    mirror = None
    if project.repository and git:
        lock = project.repository.common_dir / "agentops" / f"{project.ref.rpartition('/')[2]}.lock"
        mirror = Mirror(project.repository, git, ledger, ref=project.ref, lock_path=lock)
    return Parts(
        project, config, opened, ledger, mirror, worktree, citations, handles, entries, sessions, states, missions,
        windows, outcomes,
    )  # fmt: skip


def open_contexts(project: Project, parts: Parts | None) -> "Contexts":
    """Factor II for a project; without `parts` of an opened one nothing is recorded and nothing remembered."""
    from agentops_mcp.factors.context.service.contexts import Contexts
    from agentops_mcp.factors.context.service.index import Index
    from agentops_mcp.factors.context.service.ranking import Ranking
    from agentops_mcp.remembered import LedgerMemory
    from agentops_mcp.storage.blob_facts import BlobFacts
    from agentops_mcp.storage.commit_log import CommitLog

    git = Git(project.repository) if project.repository else None
    cache = BlobFacts(project.data_dir / "context-index.db")
    tree = SourceTree(project.repository, git, root=project.root)
    index = Index(tree, cache)
    return Contexts(
        tree, index, Ranking(index, CommitLog(git, cache) if git else None), root=project.root,
        windows=parts.windows if parts else None, memory=LedgerMemory(parts.ledger, parts.states) if parts else None,
        limits=_report_limits(parts.config) if parts else ReportLimits(), new_id=new_id,
    )  # fmt: skip


def _report_limits(config: Config) -> ReportLimits:
    return ReportLimits(config.context.report_tokens, config.context.report_hard_tokens)


def _token_counter(config: Config) -> TokenCounter:
    return TokenCounter(config.tokens.family, {**tokens.FAMILY_FACTORS, **config.tokens.factors})


def database_file(project: Project) -> Path:
    """The embedded database of a project."""
    return project.data_dir / "agentops.db"


def _open_database(
    project: Project, config: Config, git: Git | None, environment: Mapping[str, str]
) -> tuple[Database, str]:
    """The database, and the name of the place its origin is bound to."""
    if url := database_url(environment):
        from agentops_mcp.storage.postgres import PostgresDatabase  # 0.25 s of import only a team's server needs

        schema = schema_name(project, config.project.name, git)
        return PostgresDatabase(url, schema), "postgresql"
    from agentops_mcp.storage.sqlite import SqliteDatabase, damaged

    path = database_file(project)
    database = SqliteDatabase(path)
    if path.exists() and (findings := database.check()):
        raise damaged(path, findings)
    return database, str(path.resolve())
