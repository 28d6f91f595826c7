"""Every tool, with arguments nobody thought of: a result that keeps its schema, or one short error."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from mcp import Client
from mcp.types import CallToolResult, TextContent, Tool

from agentops_mcp.app import App
from agentops_mcp.core import tokens
from agentops_mcp.core.records import Actor
from agentops_mcp.server import build_server
from conftest import git

LONGEST_ERROR = 1_000
CEILING_TOKENS = 2_000
TOLERATED = (HealthCheck.too_slow,)  # on a busy machine

TEXTS = st.one_of(
    st.sampled_from(
        [
            "Cache parsed schedules by region", "Parsing took 40 ms of each request", "p95 from 180 ms to 95 ms",
            "fixed bug", "app.py", "../app.py", "/etc/passwd", ".", "HEAD", "-h", "HEAD^{/x", "@{u}", ":/", "ci/cache",
            "\x1b[2J\u202e", "a\0b", "x" * 501, "y" * 5_000, "é" * 500, "\u4e00" * 1_000, "👩‍👩‍👧" * 30,
            "a/b-" * 240, "字/" * 40, "{}", "[]", "null",
            "ghp_" + "A1b2" * 9, "postgresql://me:hunter2@db/x",
        ]
    ),
    st.text(max_size=80),
    st.text(st.characters(codec=None), max_size=30),  # half surrogate pairs, too
)  # fmt: skip

KEYS = st.text(max_size=40)  # without half surrogate pairs: the SDK's own client cannot send them in a key

ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


LOAD, APPROVAL = "the id of a load", "the id of a request that was decided: nothing waits for it"
ANNA = Actor("page", "anna", "page")

ACCEPTED: dict[str, dict[str, Any]] = {
    "start_session": {"goal": "Make the tests quick"},
    "record_entry": {"kind": "action", "action": "Cache parsed schedules", "context": "Parsing took 40 ms a request"},
    "save_state": {
        "goal": "Make schedules quick",
        "phase": "plan",
        "decisions": [{"choice": "cache by region", "why": "parsing took 40 ms"}],
        "parameters": [{"name": "SIZE", "value": "64"}],
        "next_steps": ["make test_midnight in app.py pass"],
    },
    "resume_state": {},
    "track_mission": {"op": "list"},
    "load_context": {"task": "Say hello to the person who runs it", "budget_tokens": 400},
    "report_outcome": {"of": LOAD, "outcome": "worked"},
    "search_knowledge": {"query": "where schedules are cached"},
    "save_pattern": {
        "title": "Cache what is parsed often",
        "problem": "Parsing the same schedule takes most of each request's time.",
        "context": "Requests that read the same file again and again.",
        "solution": "Keep the parsed schedule by path and time of change, and drop it when the file changes.",
        "consequences": ["benefit: requests take a tenth of the time"],
    },
    "mine_patterns": {},
    "check_action": {"kind": "shell", "action": "rm -rf build"},
    "request_approval": {
        "kind": "shell",
        "action": "npm publish",
        "summary": "Release version 2.4.0",
        "changes": "Everybody can install it",
        "rollback": "npm deprecate, then release 2.4.1",
        "impact": {"services": ["registry"], "level": "high"},
        "alternatives": ["a candidate first"],
        "risks": ["two callers use the old names"],
    },
    "check_approval": {"id": APPROVAL},
}


def fitting(schema: Mapping[str, Any], defined: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values of the type a schema asks for, though not always within its limits."""
    if "$ref" in schema:
        schema = defined[schema["$ref"].rpartition("/")[2]]
        fields = {name: fitting(each, defined) for name, each in schema["properties"].items()}
        return st.fixed_dictionaries({}, optional=fields) | st.fixed_dictionaries(fields)
    if "anyOf" in schema:
        return st.one_of([fitting(each, defined) for each in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "array":
        item, most = fitting(schema["items"], defined), schema.get("maxItems", 5)
        return st.lists(item, max_size=3) | st.lists(item, min_size=most, max_size=most)
    if schema["type"] == "object":
        values = st.floats() if isinstance(schema.get("additionalProperties"), dict) else TEXTS | st.integers()
        names = st.sampled_from(["command", "path", "name", "arguments", "tokens", "total"]) | TEXTS
        return st.dictionaries(names, values, max_size=4)
    simple = {
        "string": TEXTS,
        "null": st.none(),
        "integer": st.integers(),
        "number": st.floats(),
        "boolean": st.booleans(),
    }
    return simple[schema["type"]]


def joined(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    return first | second


def arguments_of(tool: Tool, accepted: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Accepted arguments with a few others, arguments by the schema, the same with some spoiled, and any object."""
    defined = tool.input_schema.get("$defs", {})
    fields = {name: fitting(schema, defined) for name, schema in tool.input_schema["properties"].items()}
    required = set(tool.input_schema.get("required", []))
    named = st.fixed_dictionaries(
        {name: fields[name] for name in fields if name in required},
        optional={name: fields[name] for name in fields if name not in required},
    )
    few = st.dictionaries(st.sampled_from([*fields]), st.none(), min_size=1, max_size=2)
    changed = few.flatmap(lambda chosen: st.fixed_dictionaries({name: fields[name] for name in chosen}))
    nearly = st.builds(joined, st.just(accepted), changed)
    spoiled = st.builds(joined, named, st.dictionaries(st.sampled_from([*fields]), ANYTHING))
    anything = st.dictionaries(KEYS | st.sampled_from([*fields]), ANYTHING, max_size=5)
    return st.one_of(nearly, nearly, named, spoiled, anything)


@dataclass
class Surface:
    """The real server in this process, and a client in the one task that opened it."""

    portal: BlockingPortal
    client: Client
    tools: dict[str, Tool]
    load: str = ""
    approval: str = ""

    def accepted(self, tool: str) -> dict[str, Any]:
        ids = {LOAD: self.load, APPROVAL: self.approval}
        return {
            name: ids.get(value, value) if isinstance(value, str) else value for name, value in ACCEPTED[tool].items()
        }

    def call(self, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        return self.portal.call(self.client.session.call_tool, tool, arguments)


@pytest.fixture(scope="module")
def surface(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surface]:
    project = tmp_path_factory.mktemp("any-arguments")
    git(project, "init", "--quiet", "--initial-branch=main")
    (project / "app.py").write_text("print('hello')\n", encoding="utf-8")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "first")
    with (
        App(project, environment={}) as app,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Client(build_server(app))) as client,
    ):
        listed = portal.call(client.list_tools)
        found = Surface(portal, client, {tool.name: tool for tool in listed.tools})
        (loaded,) = found.call("load_context", ACCEPTED["load_context"]).content
        assert isinstance(loaded, TextContent)
        found.load = loaded.text.split()[-1]
        assert not found.call("request_approval", ACCEPTED["request_approval"]).is_error
        requests = app.approving().requests
        (asked,) = requests.history()
        requests.decide(
            asked.request.id, "reject", by="person anna", digest=asked.request.digest, feedback="no", actor=ANNA
        )
        found.approval = asked.request.id
        yield found


def test_every_tool_is_driven(surface: Surface) -> None:
    assert set(surface.tools) == set(ACCEPTED)
    for tool in ACCEPTED:
        assert not surface.call(tool, surface.accepted(tool)).is_error


@pytest.mark.parametrize("tool", ACCEPTED)
@settings(
    max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(data=st.data())
def test_any_arguments_give_a_valid_result_or_one_short_error(surface: Surface, tool: str, data: Any) -> None:
    arguments = data.draw(arguments_of(surface.tools[tool], surface.accepted(tool)), label="arguments")

    result = surface.call(tool, arguments)

    event(f"{tool} {'refused' if result.is_error else 'accepted'}")
    (content,) = result.content
    assert isinstance(content, TextContent)
    assert 0 < tokens.count(content.text) < CEILING_TOKENS
    assert "\0" not in content.text
    if result.is_error:
        assert_short_and_clean(content.text)
    elif schema := surface.tools[tool].output_schema:
        validator: Any = Draft202012Validator(schema)
        validator.validate(result.structured_content)
    else:
        assert result.structured_content is None


def assert_short_and_clean(text: str) -> None:
    assert len(text) < LONGEST_ERROR
    for noise in ("Traceback", "pydantic", "input_value", "failed unexpectedly", "Error executing tool", "\x1b"):
        assert noise not in text


def test_the_longest_list_of_missing_files_stays_under_the_ceiling(surface: Surface) -> None:
    paths = [f"{number}/{'字-ạ/' * 180}" for number in range(20)]

    result = surface.call("record_entry", ACCEPTED["record_entry"] | {"files": paths})

    assert not result.is_error
    (content,) = result.content
    assert isinstance(content, TextContent)
    assert "15 more files not found" in content.text
    assert tokens.count(content.text) < CEILING_TOKENS
