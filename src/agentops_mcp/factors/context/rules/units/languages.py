"""Which language a file is in, and its grammar."""

import re
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from agentops_mcp.factors.context.rules.units.grammars.c import CPP, C
from agentops_mcp.factors.context.rules.units.grammars.data import TOML, YAML
from agentops_mcp.factors.context.rules.units.grammars.golang import GO
from agentops_mcp.factors.context.rules.units.grammars.grammar import Grammar
from agentops_mcp.factors.context.rules.units.grammars.java import CSHARP, JAVA
from agentops_mcp.factors.context.rules.units.grammars.javascript import JAVASCRIPT, TSX, TYPESCRIPT
from agentops_mcp.factors.context.rules.units.grammars.php import PHP
from agentops_mcp.factors.context.rules.units.grammars.python import PYTHON
from agentops_mcp.factors.context.rules.units.grammars.ruby import RUBY
from agentops_mcp.factors.context.rules.units.grammars.rust import RUST
from agentops_mcp.factors.context.rules.units.grammars.shell import SHELL
from agentops_mcp.factors.context.rules.units.grammars.sql import SQL

if TYPE_CHECKING:
    from tree_sitter import Language

GRAMMARS: dict[str, Grammar] = {
    "python": PYTHON,
    "javascript": JAVASCRIPT,
    "typescript": TYPESCRIPT,
    "tsx": TSX,
    "go": GO,
    "rust": RUST,
    "java": JAVA,
    "c": C,
    "cpp": CPP,
    "csharp": CSHARP,
    "ruby": RUBY,
    "php": PHP,
    "shell": SHELL,
    "sql": SQL,
    "markdown": Grammar("tree_sitter_markdown", {}),
    "yaml": YAML,
    "toml": TOML,
}

_EXTENSIONS = {
    "python": "py pyi pyw",
    "javascript": "js mjs cjs jsx es6",
    "typescript": "ts mts cts",
    "tsx": "tsx",
    "go": "go",
    "rust": "rs",
    "java": "java",
    "c": "c",
    "cpp": "cc cpp cxx c++ h hh hpp hxx h++ inl ipp tpp cu cuh",
    "csharp": "cs csx",
    "ruby": "rb rake gemspec ru podspec jbuilder",
    "php": "php phtml php5 php7",
    "shell": "sh bash zsh ksh bats ebuild",
    "sql": "sql ddl psql pgsql",
    "markdown": "md markdown mdown mkd mdx",
    "yaml": "yaml yml",
    "toml": "toml",
    "rst": "rst rest",
}
_BY_EXTENSION = {extension: language for language, listed in _EXTENSIONS.items() for extension in listed.split()}
_BY_NAME = {
    **dict.fromkeys("gemfile rakefile guardfile capfile vagrantfile brewfile podfile fastfile".split(), "ruby"),
    **dict.fromkeys(".bashrc .bash_profile .profile .zshrc .envrc pkgbuild apkbuild".split(), "shell"),
    **dict.fromkeys("sconstruct sconscript wscript".split(), "python"),
    **dict.fromkeys("pipfile".split(), "toml"),
    "jakefile": "javascript",
}
_INTERPRETERS = {
    **dict.fromkeys("python pypy".split(), "python"),
    **dict.fromkeys("node nodejs bun".split(), "javascript"),
    **dict.fromkeys("deno ts-node tsx".split(), "typescript"),
    **dict.fromkeys("sh bash dash zsh ksh ash bats".split(), "shell"),
    "ruby": "ruby",
    "php": "php",
}
_SHEBANG = re.compile(rb"#![ \t]*(?:\S*/env[ \t]+(?:-\S+[ \t]+)*)?(?:\S*/)?([A-Za-z-]+)")


def language_of(path: str, content: bytes = b"") -> str:
    """The language by the name of the file or its first line; empty when none is known."""
    name = path.rpartition("/")[2].lower()
    if name in _BY_NAME:
        return _BY_NAME[name]
    stem, dot, extension = name.rpartition(".")
    if dot and stem:
        return _BY_EXTENSION.get(extension, "")
    shebang = _SHEBANG.match(content[:200])
    return _INTERPRETERS.get(shebang[1].decode("ascii"), "") if shebang else ""


@cache
def load(language: str) -> "Language":
    """The compiled grammar of a language in `GRAMMARS`; the import waits for the first file that needs it."""
    from tree_sitter import Language

    grammar = GRAMMARS[language]
    compiled: object = getattr(import_module(grammar.module), grammar.function)()
    return Language(compiled)
