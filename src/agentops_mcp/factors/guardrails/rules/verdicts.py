"""Rules over effects, the policy they form, and the verdict they lead to."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from agentops_mcp.factors.guardrails.rules.effects import Effect

Decision = Literal["allow", "ask", "deny"]
Severity = Literal["low", "medium", "high", "critical"]

DECISIONS: tuple[Decision, ...] = ("allow", "ask", "deny")
"""From the mildest to the strictest."""


class Rule(NamedTuple):
    """What is decided about one kind of effect. Empty conditions hold for everything; all of them must hold."""

    id: str
    """`pack.name`, as `git.discard-work`."""

    effects: frozenset[str]
    decision: Decision
    severity: Severity
    reason: str
    """One sentence for the model: what would be lost, not what was matched."""

    places: frozenset[str] = frozenset()
    traits: frozenset[str] = frozenset()
    """All of these must be among the effect's."""

    without: frozenset[str] = frozenset()
    """None of these may be."""

    programs: frozenset[str] = frozenset()
    targets: tuple[str, ...] = ()
    """Globs over the effect's target (`*` goes over `/`), one of which must hold."""

    pattern: str = ""
    """A regular expression (RE2) over the command's text; only rules of people and learned ones have one."""

    safer: str = ""
    """A command to paste instead; `{target}` is the effect's."""

    shadow: bool = False
    """Recorded, not enforced."""


class Release(NamedTuple):
    """A person's word that some effects on some targets are fine, until a moment."""

    effects: frozenset[str]
    targets: tuple[str, ...]
    reason: str
    until: str
    """When it ends (UTC, ISO 8601)."""

    owner: str
    """`person` or `project`: whose file says so."""


class Policy(NamedTuple):
    """Everything that decides, in one value that is built when files change and only read by a check."""

    rules: Mapping[str, tuple[Rule, ...]]
    """By kind of effect; under the empty text those that look at the command's text alone."""

    released: tuple[Release, ...] = ()
    fixed: frozenset[str] = frozenset()
    """Ids of rules that are critical or that a person's own file speaks of: of the project's file no release is heard
    against them."""

    commands: Mapping[str, tuple[Mapping[str, Any], ...]] = {}
    """Rows about programs that have no module of their own, by program; `commands.py` reads them."""

    version: str = ""
    """A digest of all of it; an approval holds for one version."""

    headless: bool = False
    """Nobody is there to be asked: what would be asked is denied."""


class Finding(NamedTuple):
    """An effect and the rule that decided about it."""

    effect: Effect
    rule: Rule
    decision: Decision
    """The rule's, or what a release made of it."""


class Verdict(NamedTuple):
    """What is decided about an action."""

    decision: Decision
    findings: tuple[Finding, ...]
    """What fired, the strictest first."""

    effects: tuple[Effect, ...]
    """Everything that the action would do, as far as it was found."""

    shadowed: tuple[Finding, ...] = ()
    """What would have fired if its rule were enforced."""
