"""Frameworks' own command lines where they run text: `rails runner`, `manage.py shell`, `artisan tinker`, `wp eval`."""

from typing import NamedTuple

from agentops_mcp.factors.guardrails.rules.calls import Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.options import parse


class _Framework(NamedTuple):
    """How one framework is told to run a text."""

    language: str
    verbs: tuple[str, ...]
    options: str = ""
    """Options whose value is the text; empty: it is the operand after the verb."""

    valued: str = ""
    """Other options that take a value."""


_DJANGO = _Framework("python", ("shell", "shell_plus"), "c command", "i interface settings pythonpath v verbosity")
_FRAMEWORKS = {
    "rails": _Framework("ruby", ("runner", "r"), "", "e environment"),
    **dict.fromkeys(("manage.py", "django-admin", "django"), _DJANGO),
    "artisan": _Framework("php", ("tinker",), "execute", "env"),
    "wp": _Framework("php", ("eval",), "", "path url user exec require"),
    "drush": _Framework("php", ("php:eval", "php-eval", "eval", "ev"), "", "r root l uri"),
    "mix": _Framework("elixir", ("run", "eval"), "e eval", "r require"),
    "wrangler": _Framework("sql", ("d1",), "command", "env e config c file"),
    "arangosh": _Framework("javascript", (), "javascript.execute-string", "server.endpoint server.database"),
}


def outcome(call: Call, world: World) -> Outcome | None:
    """The text that a framework is told to run; None when it is told something else."""
    framework = _FRAMEWORKS.get(call.name)
    if framework is None:
        return None
    given = parse(call.argv[1:], f"{framework.options} {framework.valued}")
    operands = given.operands
    if (framework.verbs and operands[:1] not in {(verb,) for verb in framework.verbs}) or given.has("help", "h"):
        return None
    if framework.options:
        texts = given.values(*framework.options.split())
    else:  # a file by its name is no text
        texts = tuple(each for each in operands[1:2] if each != "-" and not each.endswith((".rb", ".php")))
    runs = tuple(Code(framework.language, Stream(each), traits=call.traits) for each in texts if each)
    return Outcome(runs=runs) if runs else None
