from pathlib import Path

import pytest

from agentops_mcp.core.config import Config, ContextSection, PersonConfig, load_config, parsed
from agentops_mcp.core.errors import ConfigError


def written(folder: Path, text: str | bytes) -> Path:
    """A configuration file with this text."""
    path = folder / "config.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_without_a_file_every_setting_has_its_default(tmp_path: Path) -> None:
    config = load_config(tmp_path / "config.toml")
    assert config == Config()
    assert (config.project.name, config.tracking.learning, config.tracking.commit_message) == (None, "warn", "warn")


def test_an_empty_file_is_the_same_as_none(tmp_path: Path) -> None:
    assert load_config(written(tmp_path, "")) == Config()


def test_a_file_sets_what_it_names(tmp_path: Path) -> None:
    text = """
        [project]
        name = "payments-2"
        [tracking]
        learning = "refuse"
        commit_message = "block"
        [tokens]
        family = "house"
        factors = { house = 1.3 }
        [context]
        warn = 0.5
        block = 0.5
        critical = 1
        report_tokens = 900
    """
    config = load_config(written(tmp_path, text))
    assert config.project.name == "payments-2"
    assert (config.tracking.learning, config.tracking.commit_message) == ("refuse", "block")
    assert (config.tokens.family, config.tokens.factors) == ("house", {"house": 1.3})
    assert config.context == ContextSection(warn=0.5, block=0.5, critical=1, task_share=0.2, report_tokens=900)


def test_the_bands_of_a_window_are_those_of_the_factor_unless_set() -> None:
    context = Config().context
    assert (context.warn, context.block, context.critical, context.task_share) == (0.35, 0.40, 0.60, 0.20)
    assert (context.report_tokens, context.report_hard_tokens) == (2_000, 5_000)


WRONG = {
    "not TOML": ("[tracking", "cannot be read: "),
    "not UTF-8": (b"\xff", "cannot be read: "),
    "an unknown section": ("[trakcing]\n", ": trakcing: "),
    "an unknown key": ("[tracking]\nlerning = 'warn'\n", ": tracking.lerning: "),
    "a wrong value": (
        "[tracking]\nlearning = 'sometimes'\n",
        ": tracking.learning: Input should be 'warn' or 'refuse'.",
    ),
    "a wrong type": ("[tokens]\nfactors = 'many'\n", ": tokens.factors: "),
    "a section that is a value": ("tracking = 1\n", ": tracking: "),
    "a name a schema cannot have": ("[project]\nname = 'Pay ments'\n", ": project.name: "),
    "a share above the whole": ("[context]\ncritical = 40\n", ": context.critical: "),
    "a share of nothing": ("[context]\ntask_share = 0\n", ": context.task_share: "),
    "a share that is no number": ("[context]\nwarn = nan\n", ": context.warn: "),
    "a limit before its warning": (
        "[context]\nblock = 0.3\n",
        ": context: Value error, warn, block and critical must not decrease in this order.",
    ),
    "a limit after the end": ("[context]\nblock = 0.7\n", ": context: Value error, warn, block and critical"),
    "a report that may be longer than it can": (
        "[context]\nreport_tokens = 6000\n",
        ": context: Value error, report_tokens must not be above report_hard_tokens.",
    ),
    "an approval that never ends": ("[approval]\ngrant_minutes = 43201\n", ": approval.grant_minutes: "),
    "an approval of no time": ("[approval]\ngrant_minutes = 0\n", ": approval.grant_minutes: "),
    "a wait that is no number": ("[approval]\nexpire_hours = nan\n", ": approval.expire_hours: "),
    "a review of no time": ("[approval]\nreview_seconds = 0\n", ": approval.review_seconds: "),
    "an unknown key of approval": ("[approval]\ngrants = 1\n", ": approval.grants: "),
    "a severity that does not exist": ("[approval.severity]\ngrave = 'page'\n", ": approval.severity.grave."),
    "a floor that does not exist": ("[approval.severity]\nhigh = 'mail'\n", ": approval.severity.high: "),
    "a critical action left to a client": (
        "[approval.severity]\ncritical = 'client'\n",
        ": approval.severity: Value error, critical must be page, terminal or two_people",
    ),
    "an effect that is no word": ("[approval.effect]\n'Spend!' = 'page'\n", ": approval.effect.Spend!."),
    "a measure that does not exist": ("[approval.matrix]\nfun.high = 'none'\n", ": approval.matrix.fun.high."),
    "a level that does not exist": ("[approval.matrix]\n'risk.huge' = 'none'\n", ": approval.matrix.risk.huge."),
    "a need that does not exist": ("[approval.matrix]\nrisk.high = 'perhaps'\n", ": approval.matrix.risk.high: "),
    "a matrix that is a value": ("[approval]\nmatrix = 1\n", ": approval.matrix: "),
    "a program that a clone would start": (
        "[notify]\ncommand = ['bell']\n",
        ": Value error, [notify] is read from your own config.toml alone: a repository that was cloned must not start",
    ),
    "a name that is too long": (f"[project]\nname = '{'a' * 42}'\n", ": project.name: "),
}


@pytest.mark.parametrize(("text", "problem"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_used_names_the_file_and_the_key(tmp_path: Path, text: str | bytes, problem: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as refused:
        load_config(path)
    assert refused.value.problem.startswith(str(path))
    assert problem in refused.value.problem
    assert "\n" not in refused.value.problem
    assert refused.value.remedy == "Correct it; docs/reference/settings.md lists every key."


def test_a_folder_in_the_place_of_the_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "config.toml")


def test_a_measure_can_be_written_with_and_without_quotes(tmp_path: Path) -> None:
    text = '[approval.matrix]\nimpact.high = "optional"\nrisk = { low = "required" }\n"cost.low" = "none"\n'
    assert load_config(written(tmp_path, text)).approval.matrix == {
        "impact.high": "optional", "risk.low": "required", "cost.low": "none",
    }  # fmt: skip


def test_a_persons_own_file_says_how_they_are_told() -> None:
    text = '[notify]\ncommand = ["notify-send", "Asked"]\nurl = "https://example.org:8443/hook?key=1"\n'
    notify = parsed(PersonConfig, text, Path("config.toml")).notify
    assert (notify.command, notify.url) == (["notify-send", "Asked"], "https://example.org:8443/hook?key=1")


@pytest.mark.parametrize(
    "text",
    [
        "url = 'ftp://example.org'", "url = 'file:///etc/passwd'", "url = 'https://'", "url = 'example.org'",
        "url = 'https://user:sesame@example.org'", "url = 'https://example.org:port/'", "url = 'https://exa mple.org'",
        'url = "https://example.org/\\n"', "command = 'notify-send'", "command = ['']",
        'command = ["bell", "a\\u0000"]', "command = [1]", "shell = true",
    ],
)  # fmt: skip
def test_a_way_to_be_told_that_cannot_be_used_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parsed(PersonConfig, f"[notify]\n{text}\n", Path("config.toml"))
    assert refused.value.problem.startswith("config.toml: notify.")
    assert "sesame" not in refused.value.problem


def test_a_persons_file_sets_nothing_of_a_project() -> None:
    with pytest.raises(ConfigError, match="tracking"):
        parsed(PersonConfig, "[tracking]\n", Path("config.toml"))
