"""Text of JavaScript, Ruby, PHP, Perl, Lua, R and Julia: what its calls would do.

The first three have grammars here, which are loaded when the first text is met; the others are read without one.
"""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, HOLE, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.programs.interpreters_acts import Acts
from agentops_mcp.factors.guardrails.rules.programs.shells_running import running

if TYPE_CHECKING:
    from tree_sitter import Language, Parser

_LONGEST = 20_000
_GRAMMARS = {"javascript": "tree_sitter_javascript", "ruby": "tree_sitter_ruby", "php": "tree_sitter_php"}


def code(code: Code, cwd: str, world: World) -> Outcome:
    """What a text does."""
    return code_of(code, Call((code.language, "-e", code.text.text or ""), EMPTY, cwd, traits=code.traits), world)


def code_of(code: Code, call: Call, world: World) -> Outcome:
    """What a text does that `call` runs, whose input it may read."""
    text = code.text.text
    if text is None:
        return running(code.text, call, code.language)
    acts = Acts(call, world)
    if len(text) > _LONGEST:
        acts.effect("unresolved", f"{code.language} text that is too long to read")
    _judged(text[:_LONGEST], code.language, acts)
    found = acts.outcome()
    return found._replace(runs=found.runs + meant_for_a_shell(text, code))


def _judged(text: str, language: str, acts: Acts) -> None:
    from agentops_mcp.factors.guardrails.rules.programs.script_code_scan import scanned

    if language not in _GRAMMARS:
        scanned(text, language, acts)
        return
    from agentops_mcp.factors.guardrails.rules.programs.script_code_tree import walked

    tree = _parser(language, open_tag="<?" in text).parse(text.replace(HOLE, "_HOLE_").encode("utf-8", "replace"))
    walked(tree.root_node, language, acts)
    if tree.root_node.has_error:
        scanned(text, language, acts)


def meant_for_a_shell(text: str, code: Code) -> tuple[Code, ...]:
    """The same text for the shell, when it is a command line and no program of its language.

    `ruby -e "rm -rf /"` is a mistake that its writer repeats without the `ruby`; what it was meant to do is judged.
    """
    if "\n" in text.strip() or not _is_command_line(text.strip()):
        return ()
    return (Code("shell", Stream(text), traits=code.traits),)


def _is_command_line(text: str) -> bool:
    """A bare word, a space, and an option or a path: no expression of these languages begins like that."""
    name, _, rest = text.partition(" ")
    first = rest.split(" ", 1)[0]
    if (
        not name.replace("-", "").replace("_", "").isalnum()
        or not name[:1].islower()
        or name in {"print", "puts", "require", "use", "return"}
    ):
        return False
    return (first[:1] == "-" and first[1:2].isalpha()) or first.startswith(("--", "/", "~", "./", "../"))


def _parser(language: str, *, open_tag: bool) -> "Parser":
    """A parser of its own for each text: one is not for two threads at once, and costs next to nothing."""
    from tree_sitter import Parser

    return Parser(_grammar(language, open_tag=open_tag))


@cache
def _grammar(language: str, *, open_tag: bool) -> "Language":
    from tree_sitter import Language

    name = "language" if language != "php" else "language_php" if open_tag else "language_php_only"
    compiled: object = getattr(import_module(_GRAMMARS[language]), name)()
    return Language(compiled)
