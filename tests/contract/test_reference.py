"""The reference says what the code says now, and leaves nothing out."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.main import get_command

from agentops_mcp.app import App
from agentops_mcp.cli.commands import cli
from agentops_mcp.core import errors
from agentops_mcp.core.config import Config
from agentops_mcp.core.records import parse_event
from agentops_mcp.server import build_server
from agentops_mcp.storage.project import Variable

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
SOURCES = sorted((ROOT / "src").rglob("*.py"))


def page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """The script that writes the pages."""
    spec = importlib.util.spec_from_file_location("reference", ROOT / "scripts" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_is_what_the_code_says_now(reference: ModuleType) -> None:
    """After a wanted change: `python scripts/reference.py` writes the pages."""
    assert reference.drift() == []


def test_a_page_that_is_out_of_date_or_is_no_page_fails_the_check(
    reference: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reference, "FOLDER", tmp_path / "reference")
    assert reference.main([]) == 0
    assert reference.main(["--check"]) == 0
    errors_page = tmp_path / "reference" / "errors.md"
    errors_page.write_text(errors_page.read_text(encoding="utf-8") + "More.\n", encoding="utf-8")
    (tmp_path / "reference" / "notes.md").write_text("", encoding="utf-8")
    assert reference.main(["--check"]) == 1
    shown = capsys.readouterr().out
    assert "-More." in shown
    assert "docs/reference/notes.md is not generated." in shown
    assert reference.main(["--chekc"]) == 2


async def test_every_tool_argument_resource_and_prompt_is_there(tmp_path: Path) -> None:
    text = page("tools.md")
    with App(tmp_path, environment={}) as app:
        server = build_server(app)
        tools = {tool.name: tool.input_schema["properties"] for tool in await server.list_tools()}
        uris = [str(each.uri) for each in await server.list_resources()]
        uris += [each.uri_template for each in await server.list_resource_templates()]
        prompts = [each.name for each in await server.list_prompts()]
    for name, arguments in tools.items():
        section = text.partition(f"### {name}\n")[2].partition("\n### ")[0]
        assert [argument for argument in arguments if f"| `{argument}` |" not in section] == []
    assert [uri for uri in uris if f"| `{uri}` |" not in text] == []
    assert [prompt for prompt in prompts if f"### {prompt}\n" not in text] == []


def test_every_command_and_option_is_there() -> None:
    root: Any = get_command(cli)
    for name, command in root.commands.items():
        section = page("cli.md").partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert section, name
        options = [word for each in command.params if each.param_type_name == "option" for word in each.opts]
        assert [word for word in options if f"`{word}" not in section] == []


def test_every_variable_named_in_the_code_is_there_and_has_one_place_in_it() -> None:
    text = page("settings.md")
    named = {
        (found, str(source.relative_to(ROOT)))
        for source in SOURCES
        for found in re.findall(r"\b(?:AGENTOPS|OTEL)_[A-Z_]+\b", source.read_text(encoding="utf-8"))
    }
    assert {name for name, _ in named if f"| `{name}` |" not in text} == set()
    assert {each.value for each in Variable} <= {name for name, _ in named}


def test_every_key_of_the_configuration_file_is_there() -> None:
    text = page("settings.md")
    for section, field in Config.model_fields.items():
        kind: Any = field.annotation
        part = text.partition(f"### `[{section}]`")[2].partition("\n###")[0]
        assert [key for key in kind.model_fields if f"| `{key}` |" not in part] == []


def test_every_error_is_there_with_a_code_of_its_own(reference: ModuleType) -> None:
    known = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)]
    found: list[type[errors.AgentOpsError]] = reference.errors.errors()
    assert set(known) - {errors.AgentOpsError} <= set(found)
    assert len({each.code for each in found} | {errors.AgentOpsError.code}) == len(found) + 1
    assert [each for each in found if f"| `{each.code}` | `{each.__name__}` |" not in page("errors.md")] == []


def test_the_example_of_an_event_verifies() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", page("storage.md"), re.DOTALL)
    event = parse_event(example)
    assert event.kind == "entry.recorded"
    assert json.loads(example)["hash"] == event.hash


def test_the_pages_hold_no_path_and_no_time_of_the_machine_they_were_written_on(reference: ModuleType) -> None:
    for name in reference.PAGES:
        assert str(ROOT) not in page(name)
        if name == "guardrails.md":
            continue  # its examples of commands name folders and dates that are of no machine
        assert "/tmp" not in page(name)
        assert set(re.findall(r"\b20\d\d-\d\d-\d\d\b", page(name))) <= {"2026-11-22"}, name


COMMAND = re.compile(r"(?:^\s*(?:\$ )?|`)agentops-mcp ([a-z][a-z-]*)(?=[ `\n])", re.MULTILINE)


def test_every_command_the_documents_name_exists() -> None:
    root: Any = get_command(cli)
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    named = {
        (name, str(document.relative_to(ROOT)))
        for document in documents
        for name in COMMAND.findall(document.read_text(encoding="utf-8"))
    }
    assert {(name, document) for name, document in named if name not in root.commands} == set()
    assert named
