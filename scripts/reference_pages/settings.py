"""settings.md: the environment variables the code reads, and every key of both config.toml files."""

import inspect
import json
import tomllib
from collections.abc import Mapping
from typing import Any

from agentops_mcp.cli.tracing import ENDPOINTS
from agentops_mcp.core.config import Config, PersonConfig
from agentops_mcp.core.tokens import FAMILY_FACTORS
from agentops_mcp.storage.notifying import EVENT_VARIABLE, ID_VARIABLE
from agentops_mcp.storage.project import Variable
from reference_pages.markdown import code, document, sentences, table
from reference_pages.schema import in_words

_TOLD = (
    (ID_VARIABLE, "The id of the request, as in the last argument."),
    (EVENT_VARIABLE, "`asked`, or `escalated` where nobody decided for long."),
)

_EXAMPLE = """\
[approval]
grant_minutes = 30

[approval.severity]
high = "page"

[approval.effect]
publish = "two_people"

[approval.matrix]
novelty.high = "optional"

[notify]
command = ["notify-send", "An agent asks for approval"]
"""


def page() -> str:
    """The page as Markdown."""
    variables = [(code(each), each.meaning) for each in Variable]
    variables += [(code(name), "Where traces of the protocol are sent; needs the extra `otel`.") for name in ENDPOINTS]
    return document(
        "Settings",
        "## Environment variables",
        "Set where the server is started, and for the commands a person runs.",
        table(["variable", "meaning"], variables),
        "## `.agentops/config.toml`",
        "What people decide for a project, in its worktree, reviewed like code.\n"
        "Every section and key may be left out; an unknown one is an error.",
        *(_section(name, Config) for name in Config.model_fields),
        f"Built-in families for `[tokens]`: {_families()}.",
        "## Your own `config.toml`",
        "`agentops/config.toml` in your configuration folder: `~/.config` or `$XDG_CONFIG_HOME`, `%APPDATA%` on\n"
        "Windows. It counts for all your projects, and is heard as soon as it is saved. What it says of approvals,\n"
        "a project's file can only tighten: floors rise, times get shorter. A file that can not be used leaves what\n"
        "it last said rightly; `agentops-mcp doctor` names what is wrong.",
        "### `[approval]`\n\nThe same keys as the project's. Here they may also ask for less than the defaults do.",
        _example(),
        _section("notify", PersonConfig),
        "The program gets two variables besides:",
        table(["variable", "meaning"], [(code(name), meaning) for name, meaning in _TOLD]),
    )


def _example() -> str:
    """A file as it may be, read once here so that it stays right."""
    PersonConfig.model_validate(tomllib.loads(_EXAMPLE))
    return f"```toml\n{_EXAMPLE}```"


def _families() -> str:
    return ", ".join(f"`{family}` {factor:g}" for family, factor in FAMILY_FACTORS.items())


def _section(name: str, file: type[Config] | type[PersonConfig]) -> str:
    schema = file.model_json_schema()
    kind: Any = file.model_fields[name].annotation
    properties: Mapping[str, Any] = schema["$defs"][kind.__name__]["properties"]
    rows = [
        (code(key), in_words(value), code(_toml(value["default"])) or "not set", value["description"])
        for key, value in properties.items()
    ]
    about = sentences(inspect.cleandoc(kind.__doc__ or ""))
    return f"### `[{name}]`\n\n{about}\n\n{table(['key', 'type', 'default', 'meaning'], rows)}"


def _toml(value: object) -> str:
    return "" if value is None else json.dumps(value)
