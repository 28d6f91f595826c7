from pathlib import Path

import pytest

from agentops_mcp.core.config import Config, ContextSection, load_config
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
