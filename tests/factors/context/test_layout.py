"""The files looked into as rows, and the pieces of them that are sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.factors.context.rules.corpus import Corpus
from agentops_mcp.factors.context.rules.facts import LineKind, read_facts
from agentops_mcp.factors.context.rules.layout import Layout, shape_of
from agentops_mcp.factors.context.rules.pieces import Piece, pieces_of, seen_rows
from agentops_mcp.factors.context.rules.units.cut import cut

CLIENT = """\
import time

class Client:
    limit = 3

    def get(self):

        return 1

    def put(self):
        return 2

print(Client())
"""
README = "# Use\n\nRun it.\n"


@dataclass(frozen=True)
class Project:
    """Files in order of path, and the layout of those looked into."""

    paths: tuple[str, ...]
    corpus: Corpus
    layout: Layout

    def pieces(self, *stretches: tuple[int, int], values: Sequence[float] = (), bonus: float = 0.0) -> list[Piece]:
        count = self.layout.row_count
        worth = np.array(values or [1.0 / count] * count, np.float64)
        rising = np.arange(count, dtype=np.float64)
        return pieces_of(self.layout, stretches, worth, np.full(count, bonus), {"words": -rising, "name": rising})

    def piece(self, start: int, end: int) -> Piece:
        (piece,) = self.pieces((start, end))
        return piece


def project(texts: Mapping[str, str], *, only: Sequence[str] | None = None) -> Project:
    paths = tuple(sorted(texts))
    contents = [texts[path].encode() for path in paths]
    facts = list(read_facts(contents))
    corpus = Corpus(paths, facts)
    files = [number for number, path in enumerate(paths) if only is None or path in only]
    units = {number: cut(paths[number], contents[number]) for number in files}
    shapes = {each: shape_of(units[each], facts[each]) for each in files}
    return Project(
        paths,
        corpus,
        Layout(corpus, files[::-1], dict(enumerate(facts)), shapes),
    )


BOTH = project({"README.md": README, "a.py": "x = 1\n", "client.py": CLIENT}, only=["README.md", "client.py"])
ALONE = project({"client.py": CLIENT})


def test_rows_are_the_lines_of_the_chosen_files_in_order_of_path() -> None:
    layout = BOTH.layout
    assert (layout.files.tolist(), layout.starts, layout.row_count) == ([0, 2], {0: 0, 2: 3}, 16)
    assert layout.line.tolist() == [*range(3), *range(13)]
    assert layout.file.tolist() == [0] * 3 + [2] * 13
    assert layout.width.tolist() == [len(line) + 1 for line in (README + CLIENT).splitlines()]
    assert layout.indent.tolist()[3:9] == [0, 0, 0, 4, 0, 4]
    assert layout.kind.tolist()[3:6] == [LineKind.IMPORT, LineKind.BLANK, LineKind.CODE]


def test_lines_of_files_that_were_not_chosen_have_no_row() -> None:
    lines = np.array([0, 2, 3, 4, 16])
    assert BOTH.layout.rows_of(lines, BOTH.corpus.file_of(lines)).tolist() == [0, 2, 3, 15]


def test_a_row_is_in_its_innermost_unit_and_a_unit_knows_what_is_around_it() -> None:
    layout = ALONE.layout
    titles = layout.places.titles
    names: list[str] = [titles[place] for place in layout.place.tolist()]
    assert names[2:6] == ["Client", "Client", "Client", "Client.get"]
    assert names[9] == "Client.put"
    assert (names[0], names[12]) == ("", "")
    assert layout.places.names[layout.places.parents[titles.index("Client.get")]] == "Client"
    assert layout.places.is_open.tolist() == [name == "Client" for name in layout.places.names]
    assert len(layout.places) == len(layout.places.sizes) == len(layout.places.names)


def test_a_unit_without_a_body_says_what_it_is_in_its_first_line() -> None:
    source = project({"a.ts": "interface A {\n  b: string\n  c: string\n}\ntype B = string\n"}).layout
    assert all(
        start < body <= end
        for start, body, end in zip(source.places.starts, source.places.bodies, source.places.ends, strict=True)
        if end
    )


def test_no_files_have_no_rows() -> None:
    for texts in ({}, {"a.py": ""}):
        layout = project(texts).layout
        assert (layout.row_count, len(layout.fragments), len(layout.places)) == (0, 0, 1)
        assert list(seen_rows(layout, ["a.py"], {"a.py": [(1, 5)]})) in ([], [(0, 0)])


def test_a_long_stretch_is_cut_after_a_blank_line() -> None:
    lines = ["    x = 1"] * 120
    lines[33] = lines[70] = ""
    layout = project({"a.py": "\n".join(["def f():", *lines]) + "\n"}).layout
    assert layout.fragments.tolist()[:2] == [[0, 35], [35, 72]]
    quoted = ['    """Text', *["at the margin"] * 58, '    """']
    quoted[24] = ""
    layout = project({"a.py": "\n".join(["def f():", *quoted]) + "\n"}).layout
    assert layout.fragments.tolist() == [[0, 26], [26, 61]]


def test_without_a_blank_line_a_long_stretch_is_cut_where_it_is_least_indented() -> None:
    lines = ["        x = 1"] * 60
    lines[24] = "    y = 2"
    layout = project({"a.txt": "\n".join(lines) + "\n"}).layout
    assert layout.fragments.tolist() == [[0, 25], [25, 60]]


LINES = st.lists(
    st.sampled_from(
        ["", "    ", "def f():", "    return f()", "class A:", "    def g(self):", "        x = [1]", "# why"]
    ),
    max_size=150,
)
PROJECTS = st.lists(LINES, min_size=1, max_size=3).map(
    lambda files: project({f"{number}.py": "".join(f"{line}\n" for line in each) for number, each in enumerate(files)})
)


@given(PROJECTS)
def test_fragments_are_all_rows_in_order_and_each_inside_one_file_and_unit(some: Project) -> None:
    layout = some.layout
    edges = layout.fragments.tolist()
    assert [row for start, end in edges for row in range(start, end)] == list(range(layout.row_count))
    for number, (start, end) in enumerate(edges):
        assert 0 < end - start <= 45
        assert set(layout.fragment[start:end].tolist()) == {number}
        assert len(set(layout.file[start:end].tolist())) == len(set(layout.place[start:end].tolist())) == 1


@given(PROJECTS, st.data())
def test_pieces_are_stretches_inside_their_files_without_those_that_are_blank(
    some: Project, data: st.DataObject
) -> None:
    layout = some.layout
    stretches: list[tuple[int, int]] = []
    for file, base in layout.starts.items():
        count = int(some.corpus.line_counts[file])
        cuts = data.draw(st.lists(st.integers(0, count), max_size=6, unique=True).map(sorted))
        stretches += [(base + start, base + end) for start, end in zip(cuts[::2], cuts[1::2], strict=False)]
    pieces = some.pieces(*stretches) if layout.row_count else []
    assert pieces == sorted(pieces, key=lambda piece: (piece.file, piece.start))
    for piece in pieces:
        first, last = piece.rows
        base = layout.starts[piece.file]
        assert piece.rows in stretches
        assert (first - base, last - base) == (piece.start - 1, piece.end)
        assert 1 <= piece.start <= piece.end <= some.corpus.line_counts[piece.file]
        assert set(layout.kind[first:last].tolist()) != {LineKind.BLANK}


def test_a_piece_is_lines_of_a_file_with_their_unit_their_value_and_the_reason() -> None:
    values = [0.0] * 16
    values[8], values[10] = 0.25, 0.5
    (piece,) = BOTH.pieces((8, 11), values=values)
    assert piece == Piece(
        file=2, start=6, end=8, rows=(8, 11), level="full", title="Client.get", reason="name", value=0.75
    )


def test_the_first_piece_of_a_file_has_what_the_file_is_worth() -> None:
    pieces = BOTH.pieces((0, 3), (3, 4), (8, 9), values=[0.125] * 16, bonus=1.0)
    assert [piece.value for piece in pieces] == [1.375, 1.125, 0.125]


def reason(*stretches: tuple[int, int], best: int, **says: float) -> str:
    """Why a piece of one file is sent whose best line is `best`; each reason says so much for every line below 8."""
    values, count = np.zeros(13), 13
    values[best] = 1.0
    reasons = {name: np.where(np.arange(count) < 8, much, 5.0) for name, much in says.items()}
    return pieces_of(ALONE.layout, stretches, values, np.zeros(count), reasons)[0].reason


def test_the_reason_is_what_says_most_for_the_best_line() -> None:
    assert reason((0, 8), (8, 13), best=3, words=9.0, name=6.0) == "words"
    assert reason((0, 8), (8, 13), best=3, words=6.0, name=9.0) == "name"


def test_what_speaks_for_no_line_is_no_reason() -> None:
    assert reason((0, 8), best=3, words=-9.0, name=6.0) == "name"
    assert reason((0, 8), best=3, words=-9.0, name=-6.0) not in ("words", "name")
    assert reason((0, 8), best=3) == reason((0, 8), best=3, words=-1.0)


@pytest.mark.parametrize(
    ("rows", "level"),
    [
        ((5, 6), "pointer"),
        ((5, 8), "full"),
        ((2, 11), "full"),
        ((0, 13), "full"),
        ((5, 11), "excerpt"),
        ((3, 6), "excerpt"),
        ((2, 6), "excerpt"),
        ((7, 8), "pointer"),
    ],
)
def test_a_piece_says_how_much_of_its_units_it_has(rows: tuple[int, int], level: str) -> None:
    assert ALONE.piece(*rows).level == level


def test_a_piece_of_signatures_is_an_outline() -> None:
    source = project({"a.py": "def f(a,\n      b):\n    return a\n"})
    assert [source.piece(0, end).level for end in (2, 3)] == ["outline", "full"]


def test_a_piece_in_no_unit_has_no_title_and_is_an_excerpt() -> None:
    piece = ALONE.piece(0, 1)
    assert (piece.title, piece.level) == ("", "pointer")
    piece = project({"a.py": "import a\nimport b\n\n\ndef f():\n    pass\n"}).piece(0, 3)
    assert (piece.title, piece.level) == ("", "excerpt")


def test_a_title_is_the_first_unit_and_how_many_more() -> None:
    assert ALONE.piece(5, 8).title == "Client.get"
    assert ALONE.piece(5, 11).title.startswith("Client.get +")
    assert len(project({"a.py": f"def {'x' * 70}():\n    pass\n"}).piece(0, 2).title) == 60


def test_a_stretch_of_blank_lines_is_no_piece() -> None:
    assert ALONE.pieces((1, 2), (4, 5)) == []


def test_rows_that_were_seen_are_those_of_the_lines_that_are_still_there() -> None:
    seen = {"README.md": [(2, 10**9)], "client.py": [(0, 1), (5, 6)], "a.py": [(1, 1)], "gone.py": [(1, 2)]}
    assert list(seen_rows(BOTH.layout, BOTH.paths, seen)) == [(1, 3), (3, 4), (7, 9)]


@given(st.integers(0, 40), st.integers(0, 40))
def test_seen_rows_are_never_those_of_another_file(start: int, length: int) -> None:
    seen = {"README.md": [(start, start + length)]}
    rows = [row for first, end in seen_rows(BOTH.layout, BOTH.paths, seen) for row in range(first, end)]
    assert rows == [line - 1 for line in range(start, start + length + 1) if 1 <= line <= 3]
