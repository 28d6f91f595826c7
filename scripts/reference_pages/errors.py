"""errors.md: every error a caller can act on, and how each surface shows it."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import agentops_mcp
from agentops_mcp.core.errors import AgentOpsError
from reference_pages.markdown import code, document, sentences, table


def page() -> str:
    """The page as Markdown."""
    rows = [(code(each.code), code(each.__name__), sentences(inspect.getdoc(each) or "")) for each in errors()]
    return document(
        "Errors",
        "Every error that is raised on purpose says in one sentence what is wrong and in another what to do.\n"
        "An agent gets both as the text of a failed tool call; a person gets them on stderr, with exit code 3.",
        table(["code", "class", "meaning"], rows),
        "Anything else is a defect: an agent is told that the call failed unexpectedly, and the details are in the "
        "server's log on stderr.",
        "The exit codes of every command are in [the command line's page](cli.md).",
    )


def errors() -> list[type[AgentOpsError]]:
    """Every class of error in the package, by code."""
    for module in pkgutil.walk_packages(agentops_mcp.__path__, "agentops_mcp."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return sorted((each for each in _below(AgentOpsError) if each.__module__.startswith("agentops_mcp.")), key=_code)


def _below(base: type[AgentOpsError]) -> Iterator[type[AgentOpsError]]:
    for each in base.__subclasses__():
        yield each
        yield from _below(each)


def _code(error: type[AgentOpsError]) -> str:
    return error.code
