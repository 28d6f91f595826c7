from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentops_mcp.factors.mining.rules.imports import header
from agentops_mcp.factors.mining.rules.imports.basic_memory import is_basic_memory, parse_basic_memory
from agentops_mcp.factors.mining.rules.imports.decisions import is_decision, parse_decision
from agentops_mcp.factors.mining.rules.imports.history import parse_commit
from agentops_mcp.factors.mining.rules.imports.markdown import parse_markdown
from agentops_mcp.factors.mining.rules.imports.memories import parse_claude, parse_codex
from agentops_mcp.factors.mining.rules.imports.memory_server import is_memory_server, parse_memory_server
from agentops_mcp.factors.mining.rules.imports.texts import MOST_CHARS, MOST_ITEMS, MOST_TAGS, Parsed, pieces

Parser = Callable[[str, str], Parsed]

PARSERS: dict[str, Parser] = {
    "adr": parse_decision,
    "markdown": parse_markdown,
    "claude-code": parse_claude,
    "codex": parse_codex,
    "basic-memory": parse_basic_memory,
    "memory-server": parse_memory_server,
    "git": lambda path, text: parse_commit(path, len(text), text, [text[:50]]),
}

# What the parsers look at, in any order, and text between.
MARKS = (
    "---\n", "# ", "## Status\n", "```\n", "~~~\n", "===\n", "- [fact] ", "[[", "]]", "tags: [", "description: |\n",
    "title: x\n", "rollout_summary_files:\n", "* Status: ", "Fixes: ", '{"type":"entity","name":', '"observations":[',
    "<!-- agentops-mcp:begin -->", "\x00", "\ud800", "\ufeff", "  ", ":", "#", "permalink: y\n", "revert", "1. ", "\r",
    "\n\n",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(MARKS) | st.text(max_size=20), max_size=40).map("".join)


def assert_bounded(parsed: Parsed) -> None:
    """Every item is storable and of bearable size, and something is said of what gave none."""
    assert parsed.notes or parsed.skipped
    assert len({note.origin for note in parsed.notes}) == len(parsed.notes)
    for note in parsed.notes:
        assert note.text.strip()
        assert note.title.strip()
        assert len(note.text) <= MOST_CHARS
        assert len(note.title) <= 200
        assert len(note.tags) <= MOST_TAGS
        assert "\0" not in note.title + note.text + note.origin
        (note.title + note.text + note.origin + "".join(note.tags)).encode()


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS.keys())
@given(text=TEXTS)
@settings(max_examples=300, deadline=None)
def test_no_text_is_too_strange_to_be_read(parse: Parser, text: str) -> None:
    assert_bounded(parse("folder/file.md", text))


@given(text=TEXTS)
@settings(max_examples=300, deadline=None)
def test_no_text_is_too_strange_to_be_told_apart(text: str) -> None:
    assert {is_decision(text), is_basic_memory(text), is_memory_server(text)} <= {True, False}


@given(text=st.text(alphabet="ab \n", max_size=300), limit=st.integers(1, 40))
def test_pieces_hold_the_whole_text_within_the_limit(text: str, limit: int) -> None:
    cut = pieces(text, limit)
    assert all(0 < len(piece) <= limit for piece in cut)
    assert [*"".join(cut).replace("\n", "").replace(" ", "")] == [*text.replace("\n", "").replace(" ", "")]


HOSTILE = {
    "a line of a million": "x" * 1_000_000,
    "a heading of a million": "# " + "x" * 1_000_000,
    "a heading of spaces": "# " + " \t" * 500_000,
    "a million hashes": "#" * 1_000_000,
    "a million backticks": "`" * 1_000_000,
    "a list of 100,000": "- [fact] x #t (c)\n" * 100_000,
    "100,000 headings": "# a\n\nb\n\n" * 100_000,
    "100,000 links": "- [a](b.md) text\n" * 50_000 + "x\n" * 100_000,
    "100,000 rules": "---\n" * 100_000,
    "100,000 keys": "---\n" + "a: b\n" * 100_000 + "---\ntext",
    "deep front matter": "---\n" + "".join(f"{' ' * depth}k:\n" for depth in range(250)) + "---\ntext",
    "deep lists in front matter": "---\ntags: " + "[" * 100_000 + "\n---\ntext",
    "aliases": "---\na: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n---\ntext",
    "open brackets": "- [" * 300_000,
    "open links": "- [[" * 300_000,
    "blank lines": "\n" * 1_000_000,
    "colons": "a:" * 500_000,
    "100,000 trailers": "Wait\n\n" + "Fixes: #1\n" * 100_000,
    "a subject of brackets": "fix(" * 250_000 + "\n\nthis is what was done",
    "stars": "*" * 1_000_000 + "status" + "*" * 100_000,
    "an entity of 100,000": '{"type":"entity","name":"n","observations":[' + '"x",' * 100_000 + '"y"]}',
    "20,000 relations": '{"type":"relation","from":"a","to":"b"}\n' * 20_000,
    "100,000 lines that are no JSON": "{\n" * 100_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS.keys())
def test_hostile_text_is_read_within_the_limits(parse: Parser, text: str) -> None:
    parsed = parse("a/b.md", text)
    assert len(parsed.notes) <= MOST_ITEMS or parse is PARSERS["git"]
    assert_bounded(parsed)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("---\ntitle: a # why\n---\nx", {"title": ("a",)}),
        ("---\ntags:\n  - 'a b'\n  - c\n---\nx", {"tags": ("a b", "c")}),
        ('---\ntags: [a, "b"]\n---\nx', {"tags": ("a", "b")}),
        ("---\nabout: >-\n  one\n  two: three\n---\nx", {"about": ("one two: three",)}),
        ("---\nmetadata:\n  type: user\n---\nx", {"metadata": (), "metadata.type": ("user",)}),
        ("---\nurl: http://x\nbad line\n: y\n---\nx", {"url": ("http://x",)}),
        ("---\ntitle: never closed\n", {}),
        ("--- title: a\n---\n", {}),
    ],
)  # fmt: skip
def test_front_matter_is_read_as_far_as_it_is_plain(text: str, expected: dict[str, tuple[str, ...]]) -> None:
    assert header.read(text)[0] == expected
