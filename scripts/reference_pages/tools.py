"""tools.md: what a client is offered, from the server itself."""

import json
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
from mcp import Client
from mcp.types import Prompt, Resource, ResourceTemplate, Tool

from agentops_mcp.app import App
from agentops_mcp.server import INSTRUCTIONS, build_server
from reference_pages.markdown import code, document, sentence, sentences, table
from reference_pages.schema import in_words

_HINTS = (
    ("read_only_hint", "only reads", "writes"),
    ("destructive_hint", "may destroy", "destroys nothing"),
    ("idempotent_hint", "a repeated call changes nothing more", "a repeated call is a second one"),
    ("open_world_hint", "reaches beyond the project", "stays in the project"),
)


def page() -> str:
    """The page as Markdown."""
    return anyio.run(_page)


async def _page() -> str:
    with tempfile.TemporaryDirectory() as folder, App(Path(folder), environment={}) as app:
        async with Client(build_server(app), mode="2026-07-28") as client:
            tools = (await client.list_tools()).tools
            resources = (await client.list_resources()).resources
            templates = (await client.list_resource_templates()).resource_templates
            prompts = (await client.list_prompts()).prompts
        _stop_warming()
    return document(
        "Tools, resources and prompts",
        "What a client tells its model about the server:",
        "\n".join(f"> {line}" for line in sentences(INSTRUCTIONS).splitlines()),
        "A call that cannot be carried out is answered with an error of two sentences: what is wrong, and what to do.\n"
        "An argument the tool does not have is an error that names the ones it has.",
        "## Tools",
        *(_tool(tool) for tool in tools),
        "## Resources",
        table(["resource", "type", "what it is"], [_resource(each) for each in [*resources, *templates]]),
        "## Prompts",
        *(_prompt(prompt) for prompt in prompts),
    )


def _stop_warming() -> None:
    """End the timer that the listing set off: it would look into a folder that is gone."""
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.cancel()
            thread.join()


def _tool(tool: Tool) -> str:
    hints = tool.annotations
    said = [yes if getattr(hints, name) else no for name, yes, no in _HINTS]
    blocks = [
        f"### {tool.name}",
        sentences(tool.description or ""),
        _properties(tool.input_schema, "argument"),
        f"For clients: {', '.join(said)}.",
        _reply(tool),
    ]
    return "\n\n".join(block for block in blocks if block)


def _reply(tool: Tool) -> str:
    if not tool.output_schema:
        return "The reply is text."
    return f"The reply is a JSON object:\n\n{_properties(tool.output_schema, 'field')}"


def _properties(schema: Mapping[str, Any], noun: str) -> str:
    required = schema.get("required", [])
    rows = [
        (
            code(name),
            _whether_required(name, value, required),
            in_words(value, schema.get("$defs")),
            sentence(value.get("description", "")) if value.get("description") else "",
        )
        for name, value in schema["properties"].items()
    ]
    return table([noun, "", "type", "meaning"], rows)


def _whether_required(name: str, value: Mapping[str, Any], required: Sequence[str]) -> str:
    if name in required:
        return "required"
    return f"default `{json.dumps(value['default'])}`" if "default" in value else "optional"


def _resource(resource: Resource | ResourceTemplate) -> tuple[str, str, str]:
    uri = resource.uri_template if isinstance(resource, ResourceTemplate) else str(resource.uri)
    return code(uri), resource.mime_type or "", sentence(resource.description or "")


def _prompt(prompt: Prompt) -> str:
    rows = [
        (code(each.name), "required" if each.required else "optional", sentence(each.description or ""))
        for each in prompt.arguments or []
    ]
    blocks = [f"### {prompt.name}", sentences(prompt.description or ""), table(["argument", "", "meaning"], rows)]
    return "\n\n".join(block for block in blocks if block)
