"""Factor IX for a project: the ledger, the worktree and the sessions in its words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agentops_mcp.core.clock import Clock
from agentops_mcp.core.config import Config
from agentops_mcp.core.documents import CitedFile, Reader
from agentops_mcp.core.errors import AgentOpsError
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.mining.rules.hits import Freshness
from agentops_mcp.factors.mining.rules.imports.notes import Note
from agentops_mcp.factors.mining.service.evidence import LibraryEvidence
from agentops_mcp.factors.mining.service.importing import Importing
from agentops_mcp.factors.mining.service.mining import Mining
from agentops_mcp.factors.mining.service.pattern_files import PatternFiles
from agentops_mcp.factors.mining.service.patterns import KnownSessions, Patterns
from agentops_mcp.factors.mining.service.ranking import Ranking
from agentops_mcp.factors.mining.service.search import Search
from agentops_mcp.factors.mining.service.semantic import Semantic
from agentops_mcp.factors.mining.service.starters import Starter, starters
from agentops_mcp.factors.mining.store import notes as note_store
from agentops_mcp.factors.resume.store import sessions as session_store
from agentops_mcp.storage.blobs import FileRef
from agentops_mcp.storage.citations import Citations, FileState
from agentops_mcp.storage.embedders import Embedder, EmbedderChoice, open_embedder
from agentops_mcp.storage.git import Git
from agentops_mcp.storage.ledger import Ledger
from agentops_mcp.storage.project import Project, Variable, current_user, schema_name
from agentops_mcp.storage.vectors import VectorIndex
from agentops_mcp.storage.vectors_remote import ChromaServer, RemoteVectorIndex
from agentops_mcp.storage.vectors_values import Vectors

_UNCHANGED: frozenset[FileState] = frozenset({"same", "still missing"})


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Factor IX, put together."""

    search: Search
    patterns: Patterns
    evidence: LibraryEvidence
    mining: Mining
    semantic: Semantic
    importing: Importing


def open_knowledge(
    project: Project,
    config: Config,
    ledger: Ledger,
    citations: Citations,
    sessions: KnownSessions,
    *,
    readers: Mapping[str, Reader],
    environment: Mapping[str, str],
    clock: Clock,
) -> Knowledge:
    """Factor IX for a project. Nothing heavy is loaded before the first search."""
    library = starters if config.knowledge.starter_library else tuple[Starter, ...]
    semantic = Semantic(
        ledger, lambda: _embedder(environment), lambda embedder: _vectors(project, config, embedder, environment),
        readers=readers, starters=library,
    )  # fmt: skip
    files = PatternFiles(project.policy_dir / "patterns", root=project.root)
    ranking = Ranking(ledger, library, clock=clock)
    evidence = LibraryEvidence(ledger, _SessionsInLedger(ledger), library, clock=clock)
    patterns = Patterns(ledger, files, evidence, ranking, semantic, sessions, user=current_user())
    search = Search(
        ledger, ranking, semantic, _FilesNow(citations), evidence, sessions, readers=readers, refresh=patterns.take_over
    )
    mining = Mining(ledger, semantic, patterns)
    return Knowledge(search, patterns, evidence, mining, semantic, Importing(_NotesInLedger(ledger), root=project.root))


def _embedder(environment: Mapping[str, str]) -> Embedder:
    chosen = {
        key: environment.get(Variable[f"EMBEDDER_{key.upper()}"]) or None for key in ("directory", "url", "model")
    }
    key_env = Variable.EMBEDDER_KEY if environment.get(Variable.EMBEDDER_KEY) else None
    return open_embedder(EmbedderChoice(**chosen, key_env=key_env), environment)


def _vectors(project: Project, config: Config, embedder: Embedder, environment: Mapping[str, str]) -> Vectors:
    if url := environment.get(Variable.CHROMA_URL):
        git = Git(project.repository) if project.repository else None
        return RemoteVectorIndex(
            ChromaServer.at(url), collection=schema_name(project, config.project.name, git), model=embedder.name,
            dimension=embedder.dimension, token=environment.get(Variable.CHROMA_TOKEN),
            lock=project.data_dir / "vectors.indexing.lock",
        )  # fmt: skip
    return VectorIndex(project.data_dir / "vectors", model=embedder.name, dimension=embedder.dimension)


@dataclass(frozen=True, slots=True)
class _FilesNow:
    """The worktree in the words of search."""

    citations: Citations

    def judge(self, files: Sequence[CitedFile], head: str | None) -> tuple[Freshness, str]:
        """FRESH when every cited file is as it was; without one, or when git fails, nothing can be said."""
        if not files:
            return "UNVERIFIABLE", "cites no file"
        try:
            now = self.citations.files_now([FileRef(file.path, file.blob) for file in files], head_then=head)
        except AgentOpsError as error:
            return "UNVERIFIABLE", error.problem
        stale = [f"{each.ref.path} {each.state}" for each in now if each.state not in _UNCHANGED]
        if not stale:
            return "FRESH", ""
        return "STALE", ", ".join(stale[:3]) + (f" and {len(stale) - 3} more" if len(stale) > 3 else "")


@dataclass(frozen=True, slots=True)
class _SessionsInLedger:
    """Factor VI's sessions in the words of factor IX."""

    ledger: Ledger

    def goals(self) -> Mapping[str, str]:
        with self.ledger.read() as tx:
            return session_store.goals(tx)

    def started_after(self, at: str) -> int:
        with self.ledger.read() as tx:
            return session_store.count_after(tx, at)


@dataclass(frozen=True, slots=True)
class _NotesInLedger:
    """Imported notes as events."""

    ledger: Ledger

    def digests(self, keys: Sequence[str]) -> Mapping[str, str]:
        with self.ledger.read() as tx:
            return note_store.digests(tx, keys)

    def add(self, notes: Sequence[Note], *, actor: Actor) -> Sequence[str]:
        written = self.ledger.append([note_store.imported(note) for note in notes], actor=actor)
        return sorted({kind for each in written for kind in each.redacted})
