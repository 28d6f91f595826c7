"""Scoped grants: a person's word that a rule need not be asked about for some paths, a few times or for a while."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.factors.approval.rules.settings import Settings, Strength
from agentops_mcp.factors.approval.rules.standing import floor_of, suffices
from agentops_mcp.factors.approval.rules.subjects import Finding

LONGEST = timedelta(days=1)
MOST_USES = 100


@dataclass(frozen=True, slots=True)
class Grant:
    """A scoped grant."""

    id: str
    rule: str
    prefix: str
    """The path that a target must be or lie in; empty for every target."""

    uses: int | None
    """How many uses it was given for; None without a limit but the time."""

    until: datetime
    given_by: str
    strength: Strength
    reason: str
    at: datetime
    used: int = 0
    revoked: bool = False

    def holds(self, now: datetime) -> bool:
        """Whether it can be used now."""
        return not self.revoked and now < self.until and (self.uses is None or self.used < self.uses)


def check_grant(rule: str, prefix: str, uses: int | None, lasts: timedelta, severity: str) -> None:
    """Refuse what can not be granted in advance.

    Raises:
        InvalidInputError: it is for a critical class, has no end, or names no rule.
    """
    pack, dot, name = rule.partition(".")
    if not (dot and all(part.replace("-", "").isalnum() for part in (pack, name))):
        raise InvalidInputError(
            f"{rule[:60]!r} is no rule.", remedy="Name one as `pack.name`, as the request shows it."
        )
    if severity == "critical":
        raise InvalidInputError(
            f"{rule} is about critical effects; each is decided by itself.", remedy="Approve the one request."
        )
    if not timedelta(0) < lasts <= LONGEST:
        raise InvalidInputError("A grant lasts at most a day.", remedy="Give --for as 30m or 8h.")
    if uses is not None and not 0 < uses <= MOST_USES:
        raise InvalidInputError(f"A grant is for 1 to {MOST_USES} uses.", remedy="Give --uses as a number.")
    if "\0" in prefix or ".." in prefix.replace("\\", "/").split("/"):
        raise InvalidInputError("A path prefix has no `..` in it.", remedy="Write the folder itself.")


def covers(grant: Grant, finding: Finding, settings: Settings, *, root: str) -> bool:
    """Whether a grant is about a finding, and was given by a channel strong enough for it.

    A prefix that does not begin with a slash counts from `root`, the project, too. A target that is not known, or not
    the path itself, is covered only where every target is.
    """
    floor = floor_of([finding], settings)
    if finding.rule != grant.rule or finding.severity == "critical" or floor == "two_people":
        return False
    if not suffices(grant.strength, floor):
        return False
    if not grant.prefix:
        return True
    target, prefix = (each.replace("\\", "/") for each in (finding.target, grant.prefix))
    if ".." in target.split("/") or not target.isprintable():
        return False
    inside = prefix.removeprefix("./").rstrip("/")
    return any(target == each or target.startswith(each + "/") for each in (inside, f"{root}/{inside}"))
