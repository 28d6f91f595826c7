"""cli.md: every command and option, from the parsers themselves."""

import argparse
import inspect
from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from agentops_mcp.cli.commands import cli
from agentops_mcp.cli.serve import parser
from reference_pages.markdown import code, document, sentence, sentences, table

PROGRAM = "agentops-mcp"


def page() -> str:
    """The page as Markdown."""
    root: Any = get_command(cli)
    return document(
        "Command line",
        sentences(root.help),
        "Every command shows its own help with `--help` or `-h`.",
        "## Exit codes",
        _exit_codes(root.epilog),
        "An error is two lines on stderr: what is wrong, and what to do.",
        "## Options before any command",
        _options(root),
        *(_serve() if name == "serve" else _command(name, each) for name, each in _commands(root)),
    )


def _commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with its whole name, those of groups after their group."""
    for name, each in group.commands.items():
        yield f"{before}{name}", each
        if hasattr(each, "commands"):
            yield from _commands(each, f"{before}{name} ")


def _exit_codes(epilog: str) -> str:
    rows = (part.strip().rstrip(".").split(" ", 1) for part in epilog.removeprefix("Exit codes:").split(";"))
    return table(["exit code", "meaning"], [(number, meaning) for number, meaning in rows])


def _command(name: str, command: Any) -> str:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    words = [each.metavar if each.required else f"[{each.metavar}]" for each in (_named(each) for each in arguments)]
    rows = [(code(each.metavar), sentence(each.help or "")) for each in arguments]
    blocks = [
        f"## {name}",
        f"`{' '.join([PROGRAM, name, '[OPTIONS]', *words])}`",
        sentences(inspect.cleandoc(command.help or "")),
        "Not in the list of `--help`: a git hook calls it." if command.hidden else "",
        table(["argument", "meaning"], rows),
        _options(command),
    ]
    return "\n\n".join(block for block in blocks if block)


def _named(argument: Any) -> Any:
    argument.metavar = argument.metavar or argument.name.upper()
    return argument


def _options(command: Any) -> str:
    options = (each for each in command.params if each.param_type_name == "option")
    return table(["option", "meaning"], [_option(each) for each in options])


def _option(option: Any) -> tuple[str, str]:
    value = "" if option.is_flag else f" {option.metavar}"
    names = ", ".join(code(name + value) for name in sorted(option.opts, key=len, reverse=True))
    meaning = sentence(option.help)
    if not option.is_flag and option.default not in (None, ""):
        meaning += f" The default is {option.default}."
    return names, meaning


class _Listed(argparse.HelpFormatter):
    """Collects options instead of formatting them, whose look differs between Python versions."""

    actions: list[argparse.Action]

    def add_argument(self, action: argparse.Action) -> None:
        self.actions.append(action)


def _serve_options() -> Iterator[tuple[str, str]]:
    actions: list[argparse.Action] = []
    serve = parser()
    serve.formatter_class = type("Listed", (_Listed,), {"actions": actions})
    serve.format_help()
    for action in actions:
        value = f" {action.metavar}" if action.metavar else ""
        if action.dest != "help":
            yield ", ".join(code(name + value) for name in action.option_strings), sentence(action.help or "")


def _serve() -> str:
    serve = parser()
    return "\n\n".join(
        [
            "## serve",
            f"`{serve.prog} [OPTIONS]`",
            sentences(serve.description or ""),
            sentences(serve.epilog or ""),
            table(["option", "meaning"], _serve_options()),
        ]
    )
