"""Bash parsed by tree-sitter, loaded for as little as a hook can pay."""

import sys
from _thread import allocate_lock
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any

from agentops_mcp.factors.guardrails.rules.shell.state import TooMuchError

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Tree

_SHORT = 2_000
_CHUNK = 16_384
_MOST_NODES = 6_000
_lock = allocate_lock()  # `threading` itself costs a hook 1 ms
_idle: list[Any] = []
_ASCII_ONLY = bytes(range(128)) + b"." * 128


def parse(text: bytes) -> "Node":
    """The root of the tree of some shell text. A parser is used by one thread at a time.

    The grammar's scanner looks characters up in a table of 256 (`isalnum` of C), and ends the process at those far
    beyond it. So it is given another character for each byte that is not ASCII, of a kind that is only ever part of a
    word; the nodes read their text from the same buffer, in which what was there is back by then.

    Raises:
        TooMuchError: the tree is too large, or a long text has an error, which costs a parser time that grows with the
            square of the length.
    """
    source = bytearray(text.translate(_ASCII_ONLY))
    with _lock:
        parser: Parser = _idle.pop() if _idle else _parser()
    try:
        root = _tree(parser, source).root_node
    except ValueError:  # it was stopped
        parser.reset()
        raise TooMuchError from None
    finally:
        with _lock:
            _idle.append(parser)
    source[:] = text
    if root.descendant_count > _MOST_NODES:
        raise TooMuchError
    return root


def _tree(parser: "Parser", text: bytearray) -> "Tree":
    if len(text) <= _SHORT:
        return parser.parse(text)
    return parser.parse(lambda at, _: bytes(text[at : at + _CHUNK]), progress_callback=lambda _, is_wrong: is_wrong)


def _parser() -> "Parser":
    try:
        tree_sitter, grammar = _binding("tree_sitter"), _binding("tree_sitter_bash")
    except (ImportError, AttributeError, TypeError):  # laid out otherwise than the versions that are tested
        import tree_sitter
        import tree_sitter_bash as grammar
    return tree_sitter.Parser(tree_sitter.Language(grammar.language()))


def _binding(package: str) -> Any:
    """The native part of a package without its `__init__`: `importlib.resources` and `typing` cost 10 and 5 ms."""
    name = f"{package}._binding"
    if name in sys.modules:
        return sys.modules[name]
    outer = PathFinder.find_spec(package)
    spec = PathFinder.find_spec(name, outer.submodule_search_locations) if outer else None
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = spec.loader.create_module(spec)
    if module is None:
        raise ImportError(name)
    spec.loader.exec_module(module)
    return module
