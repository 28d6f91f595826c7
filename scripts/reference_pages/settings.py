"""settings.md: the environment variables the code reads, and every key of .agentops/config.toml."""

import inspect
import json
from collections.abc import Mapping
from typing import Any

from agentops_mcp.cli.tracing import ENDPOINTS
from agentops_mcp.core.config import Config
from agentops_mcp.core.tokens import FAMILY_FACTORS
from agentops_mcp.storage.project import Variable
from reference_pages.markdown import code, document, sentences, table
from reference_pages.schema import in_words


def page() -> str:
    """The page as Markdown."""
    variables = [(code(each), each.meaning) for each in Variable]
    variables += [(code(name), "Where traces of the protocol are sent; needs the extra `otel`.") for name in ENDPOINTS]
    schema = Config.model_json_schema()
    return document(
        "Settings",
        "## Environment variables",
        "Set where the server is started, and for the commands a person runs.",
        table(["variable", "meaning"], variables),
        "## `.agentops/config.toml`",
        "What people decide for a project, in its worktree, reviewed like code.\n"
        "Every section and key may be left out; an unknown one is an error.",
        *(_section(name, schema) for name in Config.model_fields),
        f"Built-in families for `[tokens]`: {_families()}.",
    )


def _families() -> str:
    return ", ".join(f"`{family}` {factor:g}" for family, factor in FAMILY_FACTORS.items())


def _section(name: str, schema: Mapping[str, Any]) -> str:
    kind: Any = Config.model_fields[name].annotation
    properties: Mapping[str, Any] = schema["$defs"][kind.__name__]["properties"]
    rows = [
        (code(key), in_words(value), code(_toml(value["default"])) or "not set", value["description"])
        for key, value in properties.items()
    ]
    about = sentences(inspect.cleandoc(kind.__doc__ or ""))
    return f"### `[{name}]`\n\n{about}\n\n{table(['key', 'type', 'default', 'meaning'], rows)}"


def _toml(value: object) -> str:
    return "" if value is None else json.dumps(value)
