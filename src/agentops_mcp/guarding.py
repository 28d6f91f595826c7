"""Factor XI put together: the policy's files and the machine in the words of the factor that judges."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from agentops_mcp import __version__
from agentops_mcp.core.clock import Clock
from agentops_mcp.core.config import BudgetsSection
from agentops_mcp.core.errors import AgentOpsError, StorageError
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.guardrails.rules import actions, packs, trying
from agentops_mcp.factors.guardrails.rules.budgets import Amounts, Limits
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.exemptions import to_kept
from agentops_mcp.factors.guardrails.service.action_outcomes import ActionOutcomes
from agentops_mcp.factors.guardrails.service.checks import Approvals, Checks, Ground, KnownSessions
from agentops_mcp.factors.guardrails.service.everyday import everyday
from agentops_mcp.factors.guardrails.service.exemptions import Exemptions
from agentops_mcp.factors.guardrails.service.incidents import Incidents
from agentops_mcp.factors.guardrails.service.rule_review import RuleReview
from agentops_mcp.factors.guardrails.service.runtime import Runtime
from agentops_mcp.storage import outcome_spool, policy_files
from agentops_mcp.storage.ledger import Ledger
from agentops_mcp.storage.machine import Machine, Place, is_headless
from agentops_mcp.storage.policy_kept import keep_exemptions
from agentops_mcp.storage.project import Project, current_user

if TYPE_CHECKING:
    from agentops_mcp.factors.mining.service.search import Search

_MOST_LIKE = 10


@dataclass(frozen=True, slots=True)
class Guard:
    """The services of factor XI."""

    ground: Callable[[], Ground]
    checks: Checks
    runtime: Runtime
    incidents: Incidents
    exemptions: Exemptions
    review: RuleReview
    outcomes: ActionOutcomes
    place: Place

    def take_reports(self) -> int:
        """Keep what hooks left since the last time, and return how many calls that were."""
        rows = outcome_spool.take(self.place.data_dir)
        actor = Actor(client=f"agentops-mcp hook {__version__}", user=current_user(), via="cli")
        return self.runtime.record_calls(rows, actor=actor).kept if rows else 0

    def write_rules(self) -> None:
        """Write the learned rules, with their examples, where hooks and people read them, if they are others now."""
        rules = self.review.as_toml()
        file = Path(policy_files.learned_folder(self.place)) / "learned.toml"
        written = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
        if rules != written and (written or "[[rule]]" in rules):
            _replace(file, rules)

    def write_exemptions(self) -> None:
        """Keep the exemptions that hold now where hooks read them.

        Raises:
            StorageError: it can not be written; hooks go on as before.
        """
        live = [to_kept(each) for each in self.exemptions.live()]
        try:
            keep_exemptions(self.place, live)
        except OSError as error:
            raise StorageError(
                f"The exemptions can not be written for hooks: {error.strerror or error}.",
                remedy="check_action hears them all the same; make the data directory writable, and repeat it.",
            ) from error


def open_guard(
    project: Project, environment: Mapping[str, str], ledger: Ledger, sessions: KnownSessions,
    search: Callable[[], "Search"], budgets: BudgetsSection, approvals: Approvals, *, clock: Clock,
    new_id: Callable[[], str],
) -> Guard:  # fmt: skip
    """Build the services for an opened project; `approvals` are asked about what is not allowed."""
    place = place_of(project)
    ground = partial(ground_of, place, environment)
    root, home = str(project.root), str(Path.home())
    runtime = Runtime(ledger, project=root, home=home, limits=limits_of(budgets), clock=clock)
    review = RuleReview(ledger, evaluator=partial(_evaluator, ground), everyday=everyday, project=root, home=home)
    incidents = Incidents(
        ledger, review, find_like=partial(_incidents_like, search), project=root, home=home, new_id=new_id
    )
    exemptions = Exemptions(ledger, clock=clock, new_id=new_id)
    checks = Checks(ledger, ground, runtime, incidents, exemptions, sessions, approvals, clock=clock)
    outcomes = ActionOutcomes(ledger, runtime, incidents)
    return Guard(ground, checks, runtime, incidents, exemptions, review, outcomes, place)


def _replace(file: Path, text: str) -> None:
    """Write a file whole or not at all, in the project and nowhere a link leads.

    Raises:
        StorageError: it can not be written.
    """
    folder = file.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _refuse_links(folder)
        with NamedTemporaryFile("w", encoding="utf-8", dir=folder, delete=False, suffix=".tmp") as new:
            new.write(text)
        Path(new.name).replace(file)
    except OSError as error:
        raise StorageError(
            f"{file} can not be written: {error.strerror or error}.",
            remedy="The rule is kept; make it writable and retry.",
        ) from error


def _refuse_links(folder: Path) -> None:
    """The last two parts of a path must be folders of their own."""
    root = folder.parent.parent
    if folder.resolve() != root.resolve() / folder.parent.name / folder.name:
        raise OSError("a link leads elsewhere")


def place_of(project: Project) -> Place:
    """A project as hooks know it."""
    repository = project.repository
    return Place(
        str(project.root), str(project.data_dir), str(repository.common_dir) if repository else "",
        worktree=repository is not None and repository.worktree is not None,
    )  # fmt: skip


def ground_of(place: Place, environment: Mapping[str, str]) -> Ground:
    """The policy as its files say it now, and a machine that is asked anew.

    Raises:
        ConfigError: the packs of the package can not be read.
    """
    compiling = partial(trying.compiled, builtin=policy_files.builtin_names)
    loaded = policy_files.load(place, environment, compiling)
    policy = packs.policy_of(loaded.data, version=loaded.version, headless=is_headless(environment))
    problems = tuple(map(_problem_line, loaded.problems))
    return Ground(policy, problems, Machine(place, environment))


def _problem_line(problem: policy_files.Problem) -> str:
    line = f", line {problem.line}" if problem.line else ""
    return f"{problem.path}{line}: {problem.what} Its last good version holds, if it had one."


def limits_of(section: BudgetsSection) -> Limits:
    """The budgets of a configuration in the factor's units."""

    def amounts(scope: str) -> Amounts:
        tokens, cost, seconds, retries, runs = (
            getattr(section, f"{scope}_{each}") for each in ("tokens", "cost", "seconds", "retries", "runs")
        )
        micros = None if cost is None else round(cost * 1_000_000)
        return Amounts(tokens, micros, None if seconds is None else seconds * 1_000, retries, runs)

    return Limits(amounts("session"), amounts("project"), section.project_days, section.over)


def _evaluator(ground: Callable[[], Ground]) -> Callable[[str], Sequence[Effect]]:
    """What commands would do, by the policy and on the machine as they are now."""
    now = ground()

    def effects(command: str) -> Sequence[Effect]:
        action = actions.checked("shell", {"command": command})
        return actions.understand(action, now.policy, now.world, now.world.project).effects

    return effects


def _incidents_like(search: Callable[[], "Search"], text: str) -> Sequence[str]:
    """Refs of incidents that search finds, by words alone where vectors are not loaded: a check does not wait."""
    from agentops_mcp.factors.mining.store.documents import Filter, Request

    try:
        found = search().search(Request(text, Filter(tag="incident"), k=_MOST_LIKE), patience_s=0)
    except AgentOpsError:
        return []
    return [hit.document.ref for hit in found.hits]
