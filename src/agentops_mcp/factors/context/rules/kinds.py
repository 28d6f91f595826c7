"""What a file is there for, by its path."""

import re
from typing import Literal

FileKind = Literal["source", "test", "doc", "other"]

_TEST = re.compile(
    r"(?:^|/)(?:tests?|testing|specs?|__tests__|test_\w+|e2e|testdata|fixtures?|benchmarks?)/|(?:^|/)test_[^/]*$"
    r"|[_.-](?:tests?|spec)\.\w+$|(?:^|/)conftest\.py$|Tests?\.(?:java|cs|kt|swift|php)$"
)
_DOC = re.compile(
    r"\.(?:md|mdx|rst|txt|adoc)$|(?:^|/)(?:docs?|docs_src|examples?)/|(?:^|/)(?:CHANGES|HISTORY|AUTHORS|LICEN[CS]E|NOTICE)\b[^/]*$"
)
_SOURCE = re.compile(
    r"\.(?:py|pyi|pyx|js|jsx|mjs|cjs|ts|tsx|mts|cts|vue|svelte|go|rs|java|kt|kts|scala|groovy|c|h|cc|cpp|cxx|hh|hpp|hxx|cs|fs"
    r"|rb|php|sh|bash|zsh|fish|ps1|sql|swift|m|mm|lua|pl|pm|r|jl|ex|exs|erl|hs|ml|mli|clj|cljs|dart|zig|nim|vim|el|tf|proto)$"
)
_TEST_NAME = re.compile(r"^test[_-]?|[_.-]?(?:tests?|spec)$")


def kind_of(path: str) -> FileKind:
    """What a file is there for."""
    if _TEST.search(path):
        return "test"
    if _DOC.search(path):
        return "doc"
    return "source" if _SOURCE.search(path) else "other"


def subject_of(path: str) -> str:
    """The name a test file and what it tests have in common: `tests/test_cli.py` and `src/_cli.py` are about `cli`."""
    name = path.rpartition("/")[2].partition(".")[0] if not path.startswith(".") else path
    return _TEST_NAME.sub("", name.lower()).strip("_-")
