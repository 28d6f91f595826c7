"""How factor VIII is set: what a person's own file says, tightened by what the project's file asks for."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from agentops_mcp.core.config import ApprovalSection, Config, NotifySection, PersonConfig, parsed
from agentops_mcp.core.errors import ConfigError
from agentops_mcp.factors.approval.rules.settings import Settings, tightened
from agentops_mcp.factors.guardrails.rules.effects import EFFECTS
from agentops_mcp.storage.project import Project
from agentops_mcp.storage.settings_files import SettingsFile, person_config_file


class ApprovalSettings:
    """The settings of a project as both files say them at the moment of the question.

    A file that can not be used keeps what it last said rightly. Before it said anything, the person's counts as absent
    and the project's as asking for no less than the defaults: neither loosens anything by being wrong.
    """

    def __init__(self, project: Project, environment: Mapping[str, str]) -> None:
        """Nothing is read before it is asked for."""
        own, theirs = person_config_file(environment), project.policy_dir / "config.toml"
        self._person = SettingsFile(
            own, convert=lambda text: _person(text, own), absent=PersonConfig(), broken=PersonConfig()
        )
        self._project = SettingsFile[ApprovalSection | None](
            theirs, convert=lambda text: _project(text, theirs), absent=ApprovalSection(), broken=None
        )
        self._made: tuple[PersonConfig, ApprovalSection | None, Settings] | None = None

    def __call__(self) -> Settings:
        """What holds now."""
        person, project, made = self._person.value(), self._project.value(), self._made
        if made is None or person is not made[0] or project is not made[1]:
            made = self._made = (person, project, effective(person.approval, project))
        return made[2]

    def notify(self) -> NotifySection:
        """How the person wants to hear of approvals."""
        return self._person.value().notify

    def person_file(self) -> Path:
        """Where the person's own file is, whether there is one or not."""
        return self._person.path

    def problems(self) -> list[str]:
        """What is wrong with the files now, a sentence each."""
        return [problem for each in (self._person, self._project) if (problem := each.problem())]


def effective(person: ApprovalSection, project: ApprovalSection | None) -> Settings:
    """The person's settings over the defaults, tightened by what the project's set; by the defaults for None."""
    fixed = _over(Settings(), person)
    return tightened(fixed, Settings() if project is None else _over(fixed, project))


def _over(base: Settings, section: ApprovalSection) -> Settings:
    """`base` with what a file sets; what it leaves out stays."""
    times: dict[str, Any] = {
        "grant_lasts": ("grant_minutes", timedelta(minutes=section.grant_minutes)),
        "escalates_after": ("escalate_hours", timedelta(hours=section.escalate_hours)),
        "expires_after": ("expire_hours", timedelta(hours=section.expire_hours)),
        "review": ("review_seconds", timedelta(seconds=section.review_seconds)),
        "accept_elsewhere": ("accept_elsewhere", section.accept_elsewhere),
    }
    given = {name: value for name, (key, value) in times.items() if key in section.model_fields_set}
    return replace(
        base, **given, by_severity={**base.by_severity, **section.severity},
        by_effect={**base.by_effect, **section.effect}, matrix={**base.matrix, **section.matrix},
    )  # fmt: skip


def _person(text: str, path: Path) -> PersonConfig:
    config = parsed(PersonConfig, text, path)
    _check_effects(config.approval, path)
    return config


def _project(text: str, path: Path) -> ApprovalSection:
    section = parsed(Config, text, path).approval
    _check_effects(section, path)
    return section


def _check_effects(section: ApprovalSection, path: Path) -> None:
    if unknown := section.effect.keys() - EFFECTS.keys():
        raise ConfigError(
            f"{path}: approval.effect.{min(unknown)}: no effect has this name.",
            remedy=f"Use one of {', '.join(sorted(EFFECTS))}.",
        )
