"""Shell."""

from agentops_mcp.factors.context.rules.units.grammars.grammar import (
    Grammar,
    Look,
    constant,
    define,
    looks,
)

SHELL = Grammar(
    "tree_sitter_bash",
    {
        "function_definition": define("function"),
        "variable_assignment": constant("name"),
        **looks(Look.WRAPPED, "declaration_command"),
        **looks(Look.INSIDE, "if_statement else_clause elif_clause"),
        **looks(Look.LEAD, "comment"),
    },
)
