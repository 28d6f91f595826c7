"""What each language names beyond functions and classes."""

import pytest

from agentops_mcp.factors.context.rules.units.cut import cut, qualified

CASES = {
    "a table in a Java class": (
        "a.java",
        "class A {\n  int[] X = {\n    1,\n    2,\n  };\n  int y = 1;\n}\n",
        ["class A 1-7", "constant A.X 2-5"],
    ),
    "members of a C# class that are no methods": (
        "a.cs",
        (
            "class A {\n  public int P {\n    get { return 1; }\n    set { }\n  }\n  int Q { get; }\n"
            "  static int[] F = {\n    1,\n    2,\n  };\n  int g = 1;\n"
            "  int this[int i] { get { return 1; } }\n  ~A() {}\n  public static A operator +(A a) { return a; }\n}\n"
        ),
        [
            "class A 1-15",
            "property A.P 2-5",
            "constant A.F 7-10",
            "method A.this 12-12",
            "method A.~A 13-13",
            "method A.operator + 14-14",
        ],
    ),
    "functions that return a reference, in C++": (
        "a.cpp",
        (
            "std::string &x::y::z() { return s; }\nenum class E { A };\nusing X = int;\n"
            "static const int t[] = {\n  1,\n  2,\n};\n"
        ),
        ["method x.y.z 1-1", "enum E 2-2", "type X 3-3", "constant t 4-7"],
    ),
    "Go types and variables": (
        "a.go",
        (
            "package a\n\ntype F func()\n\ntype A = int\n\nvar (\n\tx = 1\n\ty = 2\n)\n\nvar z = map[string]int{\n"
            '\t"a": 1,\n\t"b": 2,\n}\n\nvar w = 1\n\nfunc main() {}\n'
        ),
        ["type F 3-3", "type A 5-5", "constant x 7-10", "constant z 12-15", "function main 19-19"],
    ),
    "a Rust macro, trait and module": (
        "a.rs",
        (
            "macro_rules! m {\n    () => {}\n}\ntrait T {\n    fn a(&self);\n}\n"
            "mod tests {\n    #[test]\n    fn t() {}\n}\nconst X: &[u8] = &[\n    1,\n    2,\n];\n"
        ),
        [
            "macro m 1-3",
            "trait T 4-6",
            "method T.a 5-5",
            "module tests 7-10",
            "function tests.t 8-9",
            "constant X 11-14",
        ],
    ),
    "a PHP configuration": (
        "config.php",
        "<?php\nreturn [\n  'a' => [\n" + "    1,\n" * 10 + "  ],\n  'b' => 1,\n  2,\n];\n",
        ["constant return 2-17", "key return.a 3-14"],
    ),
    "tables in a PHP class": (
        "a.php",
        (
            "<?php\nclass C {\n  const X = 1;\n  private $arr = [\n    1,\n    2,\n  ];\n}\n"
            "return 1;\n$x = [\n  1,\n  2,\n];\n"
        ),
        ["class C 2-8", "constant C.$arr 4-7", "constant $x 10-13"],
    ),
    "SQL statements that create nothing": (
        "a.sql",
        "-- name: all\nSELECT a,\n  b,\n  c\nFROM d;\nSELECT 1;\nCREATE INDEX idx ON foo (a);\n",
        ["statement SELECT a, 1-5", "index idx 7-7"],
    ),
    "a YAML list of plays": (
        "a.yaml",
        "- name: x\n  a: 1\n- name: y\n  b: 1\n- z\n",
        ["item name: x 1-2", "item name: y 3-4"],
    ),
    "a long list in a TOML table": (
        "a.toml",
        "x = [\n  1,\n  2,\n]\n[a]\nb = [\n  1,\n  2,\n]\n",
        ["key x 1-4", "table a 5-9", "key a.b 6-9"],
    ),
    "JavaScript objects with functions": (
        "a.js",
        "const o = {\n  f: function () {},\n  'g': () => 1,\n  h: 1,\n  k: {\n" + "    x: 1,\n" * 10 + "  },\n}\n",
        ["constant o 1-17", "method o.f 2-2", "method o.g 3-3", "key o.k 5-16"],
    ),
    "a TypeScript table that is constant": (
        "a.ts",
        "export const t = {\n  a() {},\n  b: 1,\n} as const\nlet v: number\n",
        ["constant t 1-4", "method t.a 2-2"],
    ),
    "JavaScript that is called where it stands": (
        "a.js",
        "(function () {\n  function inner() {}\n})()\nrun('x', () => {})\nrun()\nimport('x').then(1)\n`a`\n",
        ["module  1-3", "function inner 2-2"],
    ),
    "definitions that share a line": (
        "a.js",
        "const A = class { m() {} }; function b() {\n}\n",
        ["function b 1-2", "class A 1-1", "method A.m 1-1"],
    ),
    "a comment behind other code": (
        "a.py",
        "x = 1  # of x\ndef f(): pass\n",
        ["function f 2-2"],
    ),
    "values inside a long function": (
        "a.py",
        "def f():\n    x = [\n        1,\n        2,\n    ]\n    def g(): pass\n" + "    y = 1\n" * 40,
        ["function f 1-46", "function f.g 6-6"],
    ),
    "classes more than five deep": (
        "a.py",
        (
            "class A:\n    class B:\n        class C:\n            class D:\n                class E:\n"
            "                    class F: pass\n"
        ),
        ["class A 1-6", "class A.B 2-6", "class A.B.C 3-6", "class A.B.C.D 4-6", "class A.B.C.D.E 5-6"],
    ),
    "headings below the sixth level": (
        "a.rst",
        "".join(f"T{mark}\n{mark * 4}\n\n" for mark in "=-~^#*"),
        [
            "section T= 1-17",
            "section T=.T- 4-17",
            "section T=.T-.T~ 7-17",
            "section T=.T-.T~.T^ 10-17",
            "section T=.T-.T~.T^.T# 13-17",
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_language_names(case: str) -> None:
    path, text, expected = CASES[case]
    units = cut(path, text.encode())
    assert [f"{unit.kind} {qualified(units, i)} {unit.start}-{unit.end}" for i, unit in enumerate(units)] == expected
