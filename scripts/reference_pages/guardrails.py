"""guardrails.md: effects, places, and every rule of the packs with its examples; and the form of a policy file."""

from collections.abc import Iterator, Mapping
from typing import Any

from agentops_mcp.factors.guardrails.rules.effects import EFFECTS, PLACES
from agentops_mcp.storage.policy_files import builtin_tables
from reference_pages.markdown import code, document, fenced, sentence, table

_FILE = """
headless = false                      # nobody is there to be asked: ask becomes deny

[switch]                              # a rule or a whole pack: off, shadow, ask or deny
"git.discard-work" = "ask"
kubernetes = "deny"

[[allow]]                             # effects on targets that are fine, until a date
effects = ["delete"]
targets = ["*/build/*"]
reason = "the build makes it again"
until = 2027-01-01

[[command]]                           # what a program of your own does
programs = ["deployctl"]
words = ["destroy *", "* purge"]      # leading operands, word by word; a last ** takes the rest
unless = ["dry-run"]                  # options with which nothing happens
effect = "destroy_infrastructure"

[[rule]]
id = "no-production"
effects = ["destroy_infrastructure"]
targets = ["prod*"]                   # also places, traits, without, programs; pattern is an RE2 expression
decision = "deny"
severity = "critical"
reason = "Production is changed by the pipeline alone."
safer = "deployctl plan {target}"
hits = ["deployctl destroy prod-eu"]  # `agentops-mcp rules test` tries these
misses = ["deployctl destroy staging"]
"""


def page() -> str:
    """The page as Markdown."""
    packs = builtin_tables()
    return document(
        "Guardrails",
        "What an action would do is one or more *effects* on *targets* that lie in *places*.\n"
        "Rules decide about them; the strictest that holds decides, and what no rule names is allowed.\n"
        "[Guardrails, explained](../explanation/guardrails.md) says how commands are understood.",
        "## A policy file",
        "`.agentops/guardrails.toml` in the project, and `agentops/guardrails.toml` in your configuration folder.\n"
        "What your own file says of a rule, and any critical rule, a project's file can only make stricter.",
        fenced(_FILE, "toml"),
        "## Effects",
        table(["effect", "what happens"], [[code(name), text] for name, text in EFFECTS.items()]),
        "## Places",
        table(["place", "where"], [[code(name), text] for name, text in PLACES.items()]),
        "## Packs",
        *(block for pack in packs for block in _pack(pack)),
    )


def _pack(pack: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {pack['name']}"
    yield sentence(str(pack.get("about", "")))
    yield table(
        ["rule", "decision", "severity", "why", "fires for", "not for"],
        [
            [
                code(f"{pack['name']}.{rule['id']}"), rule["decision"], rule["severity"], rule["reason"],
                _first(rule.get("hits", ())), _first(rule.get("misses", ())),
            ]
            for rule in pack.get("rule", ())
        ],
    )  # fmt: skip


def _first(examples: list[str]) -> str:
    """The shortest example: a table has little room."""
    lines = [" ".join(each.split()) for each in examples]
    shortest = min(lines, key=len, default="")
    fence = "``" if "`" in shortest else "`"
    return f"{fence}{shortest}{fence}" if shortest else ""
