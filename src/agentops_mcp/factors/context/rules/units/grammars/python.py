"""Python."""

from agentops_mcp.factors.context.rules.units.grammars.grammar import Grammar, Look, constant, define, looks

PYTHON = Grammar(
    "tree_sitter_python",
    {
        "function_definition": define("function"),
        "class_definition": define("class"),
        "assignment": constant("left"),
        "type_alias_statement": constant("left", "type"),
        **looks(Look.WRAPPED, "decorated_definition expression_statement"),
        **looks(
            Look.INSIDE,
            "if_statement elif_clause else_clause try_statement except_clause finally_clause with_statement block",
        ),
        **looks(Look.LEAD, "comment decorator"),
    },
)
