"""Bytes to a syntax tree, with an end to the effort: what a grammar cannot read can cost it any time."""

import re
from typing import TYPE_CHECKING

from agentops_mcp.factors.context.rules.units.languages import load

if TYPE_CHECKING:
    from tree_sitter import Node, Point

_LARGEST_BYTES = 1_000_000
_LONGEST_LINE_BYTES = 20_000
_CHUNK_BYTES = 4096
# Source that parses takes at most two reads for a chunk and one report of progress for 58 bytes, measured on five
# repositories; text of no language reaches hundreds of times as many. Counting, unlike a clock, repeats exactly.
_READS_PER_CHUNK = 8
_READS_TO_BEGIN = 200
_BYTES_PER_REPORT = 30
_REPORTS_TO_BEGIN = 50
_MOST_REPORTS_OF_ERRORS = 200
# The scanner of the YAML grammar crashes the process at 256 collections inside one another.
_DEEP_YAML = re.compile(rb"^[ \t]{100}|^(?>[^\n]*?[-?:][ \t]){100}", re.MULTILINE)
# The scanner of the shell grammar looks letters up in a table without a bound, which crashes on some beyond ASCII.
_ASCII_LETTERS = bytes(byte if byte < 128 else ord("x") for byte in range(256))


class _Effort:
    """Hands out the text in chunks, and stops when that is asked for too often for the distance made."""

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)
        self._reads = self._reports = self._errors = self._furthest = 0

    def read(self, offset: int, _: "Point") -> memoryview:
        self._reads += 1
        self._furthest = max(self._furthest, offset)
        return self._content[offset : offset + _CHUNK_BYTES]

    def is_too_much(self, offset: int, is_recovering: bool) -> bool:
        self._reports += 1
        self._errors += is_recovering
        self._furthest = max(self._furthest, offset)
        return self.is_spent

    @property
    def is_spent(self) -> bool:
        return (
            self._reads > _READS_TO_BEGIN + _READS_PER_CHUNK * self._furthest / _CHUNK_BYTES
            or self._reports > _REPORTS_TO_BEGIN + self._furthest / _BYTES_PER_REPORT
            or self._errors > _MOST_REPORTS_OF_ERRORS
        )


def parse(language: str, content: bytes) -> "Node | None":
    """The root of the syntax tree; None for text its grammar cannot read, or not with a fair effort."""
    from tree_sitter import Parser

    if language == "yaml" and _DEEP_YAML.search(content):
        return None
    effort = _Effort(content.translate(_ASCII_LETTERS) if language == "shell" else content)
    try:
        root = (
            Parser(load(language)).parse(effort.read, encoding="utf8", progress_callback=effort.is_too_much).root_node
        )
    except ValueError:  # it was stopped
        return None
    return None if effort.is_spent else root


def is_parsable(content: bytes) -> bool:
    """Whether it is text of a size people write."""
    if len(content) > _LARGEST_BYTES or b"\0" in content:
        return False
    return len(content) <= _LONGEST_LINE_BYTES or max(map(len, content.split(b"\n"))) <= _LONGEST_LINE_BYTES


def is_broken(root: "Node") -> bool:
    """Whether the grammar could not read most of it."""
    if not root.has_error:
        return False
    unread = sum(node.end_byte - node.start_byte for node in root.children if node.is_error)
    return root.is_error or 2 * unread > root.end_byte - root.start_byte
