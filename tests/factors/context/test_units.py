"""Source text cut into units: samples of each language, and what holds for any bytes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentops_mcp.factors.context.rules.units.cut import Unit, cut, language_of, line_count, qualified

PYTHON = """\
X = {
    1: 2,
    3: 4,
}
# why
@cached
async def f(a,
            b):
    return 1

class A(B):
    # says m
    @property
    def m(self): return 1

if X:
    def g():
        pass
"""
JAVASCRIPT = """\
#!/usr/bin/env node
/** doc */

app.use = function use(fn) {
}
export const f = async (a) => {
  return 1
}
exports.x = exports.y = function () {}
export default class extends A {
  #p = () => 1
  m() {}
}
module.exports = {
  a,
  b() {},
}
let one = 1 // not of g
function g() {}
"""
TYPESCRIPT = """\
/** what it is */
export interface I {
  a: string
}
@Injectable()
export abstract class C<T>
  extends D {
  handler = (c: Context) => {
    return c
  }
}
enum E { A }
namespace N {
  export type T = string
}
describe('it all', () => {
  it('works', () => {
  })
})
"""
GO = """\
package main

// Execute runs it.
func (c *Command) Execute(
	a int) error {
	return nil
}

type (
	// A is one.
	A struct {
		x int
	}
	B interface{ M() }
)

func (s Set[T]) Add() {}

const (
	X = 1
	Y = 2
)
"""
RUST = """\
/// doc
#[derive(Debug)]
pub struct A<T> { x: T }
impl<T> fmt::Display for A<T> {
    /// d
    #[inline]
    fn fmt(&self) -> bool {
        true
    }
}
"""
JAVA = """\
/** doc */
@Foo
public class A<T> {
  @Override
  public int m(int a) {
    return 1;
  }
  enum E { A; int k() { return 1; } }
}
"""
C = """\
/* doc */
static int *foo(int a)
{
  return 0;
}
#ifdef Q
typedef struct {
  int b;
} T;
#endif
struct S later(void);
"""
CPP = """\
namespace a::b {
template <typename T>
class A : public B {
  int m() const { return 1; }
};
int A<T>::m(int x) {
  return 1;
}
}
"""
CSHARP = """\
namespace A.B {
  /// <summary>
  [Attr]
  public class C : D {
    public void M(int a) => 1;
  }
}
"""
RUBY = """\
module A
  class B < C
    # says m
    def m(a)
      1
    end
    private def p; end
  end
end
RSpec.describe "x" do
end
"""
PHP = """\
<?php
/** doc */
final class C extends D {
  public function m(int $a): int {
    return 1;
  }
}
function f() {}
"""
SHELL = """\
#!/bin/sh
# says foo
foo() {
  echo 1
}
"""
SQL = """\
-- says bar
CREATE TABLE IF NOT EXISTS foo.bar (
  id INT PRIMARY KEY
);
CREATE FUNCTION f(a int) RETURNS int AS $$
BEGIN
  RETURN 1;
END;
$$ LANGUAGE plpgsql;
"""
MARKDOWN = """\
# A b
text
## C
```
# no heading
```

Setext
======
x
"""
YAML = """\
version: 1
# says b
b:
  c: 1
"q r":
  - x
"""
TOML = """\
x = 1
# says a.b
[a.b]
c = 1

# says t
[[t]]
d = 1
"""
RST = """\
=====
Title
=====

One
---
text

Two
---
"""

SAMPLES = {
    "a.py": (
        PYTHON,
        "constant X 1-4/2, function f 5-9/9, class A 11-14/12, method A.m 12-14/15, function g 17-18/18",
    ),
    "a.js": (
        JAVASCRIPT,
        (
            "function app.use 2-5/5, function f 6-8/7, function x 9-9/10, class default 10-13/11, "
            "method default.#p 11-11/12, method default.m 12-12/13, constant module.exports 14-17/15, "
            "method module.exports.b 16-16/17, function g 19-19/20"
        ),
    ),
    "a.ts": (
        TYPESCRIPT,
        (
            "interface I 1-4/3, class C 5-11/8, method C.handler 8-10/9, enum E 12-12/13, module N 13-15/14, "
            "type N.T 14-14/15, test it all 16-19/17, test it all.works 17-18/18"
        ),
    ),
    "a.go": (
        GO,
        (
            "method Command.Execute 3-7/6, struct A 9-13/12, interface B 14-15/16, method Set.Add 17-17/18, "
            "constant X 19-22/20"
        ),
    ),
    "a.rs": (RUST, "struct A 1-3/4, impl A 4-10/5, method A.fmt 5-9/8"),
    "a.java": (JAVA, "class A 1-9/4, method A.m 4-7/6, enum A.E 8-8/9, method A.E.k 8-8/9"),
    "a.c": (C, "function foo 1-5/4, struct T 7-9/8"),
    "a.cpp": (CPP, "class A 2-5/4, method A.m 4-4/5, method A.m 6-8/7"),
    "a.cs": (CSHARP, "class C 2-6/5, method C.M 5-5/6"),
    "a.rb": (RUBY, "module A 1-9/2, class A.B 2-8/3, method A.B.m 3-6/5, method A.B.p 7-7/8, test x 10-11/11"),
    "a.php": (PHP, "class C 2-7/4, method C.m 4-6/5, function f 8-8/9"),
    "a.sh": (SHELL, "function foo 2-5/4"),
    "a.sql": (SQL, "table foo.bar 1-4/3, function f 5-9/6"),
    "a.md": (MARKDOWN, "section A b 1-6/2, section A b.C 3-6/4, section Setext 8-10/10"),
    "a.yml": (YAML, "key b 2-4/4, key q r 5-6/6"),
    "a.toml": (TOML, "table a.b 2-4/4, table t 6-8/8"),
    "a.rst": (RST, "section Title 1-10/4, section Title.One 5-7/7, section Title.Two 9-10/11"),
    "a.ini": ("[a]\nb = 1\n\n[c]\n", "block [a] 1-4/2"),
}
EXTENSIONS = "py js jsx ts tsx go rs java c cpp cs rb php sh sql md yaml toml rst txt html".split()


def _told(units: tuple[Unit, ...]) -> list[str]:
    return [f"{unit.kind} {qualified(units, i)} {unit.start}-{unit.end}/{unit.body}" for i, unit in enumerate(units)]


@pytest.mark.parametrize("path", SAMPLES)
def test_each_language_is_cut_at_what_it_names(path: str) -> None:
    text, expected = SAMPLES[path]
    assert ", ".join(_told(cut(path, text.encode()))) == expected


def _check(path: str, content: bytes) -> None:
    units = cut(path, content)
    lines = line_count(content)
    for index, unit in enumerate(units):
        assert 1 <= unit.start <= unit.end <= lines
        assert unit.start < unit.body <= unit.end + 1
        assert -1 <= unit.parent < index
        if unit.parent >= 0:
            around = units[unit.parent]
            assert around.start <= unit.start
            assert unit.end <= around.end
    order = [(unit.start, -unit.end) for unit in units]
    assert order == sorted(order)
    assert bool(units) == bool(content.strip())
    assert cut(path, content) == units


PIECES = [piece.encode() for text, _ in SAMPLES.values() for piece in text.splitlines(keepends=True)]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(EXTENSIONS),
    st.binary(max_size=300) | st.text(max_size=300).map(str.encode) | st.lists(st.sampled_from(PIECES)).map(b"".join),
)
def test_units_of_any_bytes_are_in_range_nested_and_in_order(extension: str, content: bytes) -> None:
    _check(f"a.{extension}", content)


HARD = {
    "brackets": b"(" * 10_000,
    "braces": b"{\n" * 10_000,
    "items": b"- " * 5_000 + b"x",
    "indents": b"".join(b" " * depth + b"a:\n" for depth in range(400)),
    "pairs": b"a: b " * 99 + b"\n",
    "calls": b"%w(" * 3_000,
    "comments": b"/* " * 3_000,
    "one line": b"x" * 1_000_000,
    "beyond ASCII": "".join(f"${chr(code)}\n" for code in range(0x10000, 0x10FFFF, 97)).encode(),
    "UTF-16": "class A:\n".encode("utf-16"),
    "blank": b"\n" * 5_000,
    "NUL": b"a\r\nb\r\n\xff\xfe\0",
    "empty": b"",
}


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("hard", HARD)
def test_text_that_is_hard_on_parsers_is_still_cut(extension: str, hard: str) -> None:
    _check(f"a.{extension}", HARD[hard])


def test_what_a_grammar_cannot_read_becomes_blocks_between_what_it_can() -> None:
    broken = "def f():\n    return 1\n\n" + "\n".join(f"}} ) ] {line} ( {{ [" for line in range(30)) + "\n"
    units = cut("a.py", broken.encode())
    assert {unit.kind for unit in units} >= {"block"}
    assert units[-1].end == 33


def test_a_long_function_is_cut_at_the_functions_in_it_and_a_short_one_is_not() -> None:
    inner = "    def inner():\n        pass\n"
    short = cut("a.py", f"def outer():\n{inner}".encode())
    long = cut("a.py", f"def outer():\n{inner}".encode() + b"    x = 1\n" * 40)
    assert [unit.name for unit in short] == ["outer"]
    assert [unit.name for unit in long] == ["outer", "inner"]


def test_plain_text_is_cut_before_unindented_lines_after_blank_ones() -> None:
    text = "".join(f"title {number}\n" + "  body\n" * 14 + "\n" for number in range(4))
    assert [(unit.start, unit.end, unit.name) for unit in cut("a.txt", text.encode())] == [
        (1, 15, "title 0"),
        (17, 31, "title 1"),
        (33, 47, "title 2"),
        (49, 63, "title 3"),
    ]


@pytest.mark.parametrize(
    ("path", "content", "language"),
    [
        ("src/A.PY", b"", "python"),
        ("bin/run", b"#!/usr/bin/env -S python3 -u\n", "python"),
        ("bin/run", b"#!/bin/bash -e\n", "shell"),
        ("Gemfile", b"", "ruby"),
        ("x.tsx", b"", "tsx"),
        ("LICENSE", b"", ""),
        (".gitignore", b"#!/bin/sh\n", "shell"),
        ("a.unknown", b"#!/bin/sh\n", ""),
    ],
)
def test_a_language_is_known_by_name_or_first_line(path: str, content: bytes, language: str) -> None:
    assert language_of(path, content) == language


@pytest.mark.parametrize(("content", "lines"), [(b"", 0), (b"\n", 1), (b"a", 1), (b"a\n", 1), (b"a\r\rb\nc", 2)])
def test_only_a_line_feed_ends_a_line(content: bytes, lines: int) -> None:
    assert line_count(content) == lines
