"""A repository made of nothing: files of several languages and of realistic sizes, and commits that change them.

Sizes are log-normal with a median of 3.8 kB and a mean of 6.5 kB, as in large repositories; words follow Zipf's law.
The same arguments make the same repository.
"""

import math
import os
import random
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from string import Template

FUNCTIONS_A_LANGUAGE = 1_500
_MEDIAN_LINES, _SPREAD, _MOST_LINES = 65.0, 1.1, 3_000
_FILES_A_FOLDER = 14

_WORDS = """
    account action address agent alias batch block branch budget buffer bundle cache call cell channel check chunk
    class client clock column command commit config context cookie copy count cursor data date delay delta detail
    device digest domain draft edge editor email engine entry error event export factor fetch field file filter flag
    folder format frame gate graph group guard handle hash header history hook host image import index input item
    job journal key label layer ledger level limit line link list lock log mail map mark match media memory merge
    message method metric mirror mode model module name node note number object offset option order origin output
    owner page pair panel parent part patch path payload peer period pipe place plan point policy pool port price
    process profile project proxy query queue quota range rank rate reader record region remote report request
    result retry role root route row rule scan schema scope score search secret section segment sender server
    session shard share sheet signal size slot socket source span stack stage start state status step store stream
    string style table tag target task team template term test text thread ticket time title token tool topic trace
    track tree trigger type unit update upload user value vector version view volume watch weight widget window
    worker writer zone
""".split()


@dataclass(frozen=True, slots=True)
class Language:
    """How a file begins and what a function looks like; `$a` to `$j` are words, `$A` and `$B` capitalised ones."""

    ending: str
    head: str
    function: Template


_LANGUAGES = (
    Language(
        ".py",
        '"""The $a $b of the $c $d."""\n\nimport json\nimport logging\n\nfrom .$c import $A\n\n\n',
        Template(
            "class ${A}${B}:\n"
            '    """Keeps the $a of each $b, and tells the $c when a $d is over its $e."""\n\n'
            "    def ${a}_$b(self, ${c}_$d: int, *, $e: str = '') -> dict[str, int]:\n"
            '        """Return the $f of a $a, without what the $g has already seen."""\n'
            "        ${f}_$g = self._$h.get(${c}_$d)\n"
            "        if ${f}_$g is None:\n"
            "            raise ${A}Error(f'no $f for {${c}_$d} in $e')\n"
            "        # The $i comes first: a $j without one would be taken for new.\n"
            "        for ${i} in sorted(${f}_$g.${j}s, key=lambda each: each.${h}_$i):\n"
            "            if $i.$h and $i.$a not in self.${b}_$c:\n"
            "                self.${b}_$c[$i.$a] = $i.${d}_$e\n"
            "        return {'$f': len(self.${b}_$c), '${g}_$h': ${c}_$d}\n\n\n"
        ),
    ),
    Language(
        ".ts",
        "import { $A } from './$b';\nimport { $B, $a$A } from '../$c/$d';\n\n",
        Template(
            "/** Finds the $a of a $b; the $c is asked once a $d. */\n"
            "export async function $a$B($c$A: string, options: { $d?: number } = {}): Promise<$A$B> {\n"
            "  const $e$B = await this.$f.$g($c$A);\n"
            "  if (!$e$B || $e$B.$h > (options.$d ?? 10)) {\n"
            "    throw new $A$B$A(`the $h of ${$$c}$A is too large`);\n"
            "  }\n"
            "  const $i = $e$B.$j.filter(($a) => $a.$b$A !== undefined);\n"
            "  return { $f: $i.length, $g$B: $i.map(({ $h }) => $h) };\n"
            "}\n\n"
        ),
    ),
    Language(
        ".go",
        'package $a\n\nimport (\n\t"context"\n\t"fmt"\n\n\t"example.org/$b/$c"\n)\n\n',
        Template(
            "// $A$B returns the $c of a $d, or an error if its $e is gone.\n"
            "func (s *$A) $A$B(ctx context.Context, $c$B string, $d int) ($e []$B, err error) {\n"
            "\ts.mu.Lock()\n"
            "\tdefer s.mu.Unlock()\n"
            "\t$f$B, ok := s.$g[$c$B]\n"
            "\tif !ok {\n"
            '\t\treturn nil, fmt.Errorf("$a $b: no $g for %q", $c$B)\n'
            "\t}\n"
            "\tfor _, $h := range $f$B.$i {\n"
            "\t\tif $h.$j > $d {\n"
            "\t\t\t$e = append($e, $h.$a$B)\n"
            "\t\t}\n"
            "\t}\n"
            "\treturn $e, nil\n"
            "}\n\n"
        ),
    ),
    Language(
        ".java",
        "package org.example.$a.$b;\n\nimport java.util.List;\nimport org.example.$c.$A;\n\n",
        Template(
            "/** The $a of a $b. */\n"
            "class $A$B {\n"
            "  private final List<$A> $c$B;\n\n"
            "  public int $d$A(String $e$B, long $f) {\n"
            "    // A $g that was read before its $h has no $i.\n"
            "    if ($c$B.isEmpty() || $f < 0) {\n"
            '      throw new IllegalStateException("no $c for " + $e$B);\n'
            "    }\n"
            "    return $c$B.stream().mapToInt(each -> each.$g$A($e$B)).filter($h -> $h > $f).sum();\n"
            "  }\n"
            "}\n\n"
        ),
    ),
    Language(
        ".rs",
        "use crate::$a::$A;\nuse std::collections::HashMap;\n\n",
        Template(
            "/// The $a that a $b keeps for each $c.\n"
            "pub fn ${a}_$b(${c}_$d: &HashMap<String, $A$B>, $e: usize) -> Result<Vec<$A>, ${B}Error> {\n"
            "    let mut ${f}_$g = Vec::with_capacity($e);\n"
            "    for ($h, $i) in ${c}_$d.iter() {\n"
            "        // Without a $j the $h is still open.\n"
            "        if $i.${j}_$a.is_none() {\n"
            "            return Err(${B}Error::$A($h.clone()));\n"
            "        }\n"
            "        ${f}_$g.push($i.${b}_$c());\n"
            "    }\n"
            "    Ok(${f}_$g)\n"
            "}\n\n"
        ),
    ),
    Language(
        ".md",
        "# $A $b\n\nHow the $c of a $d is found.\n\n",
        Template(
            "## $A the $b\n\nA $c has one $d for each $e. When the $f is full, the $g moves to the next $h,\n"
            "and the $i is told. Set `${a}_$b` to change that; the $j is not asked again.\n\n"
            "```sh\n$a $b --$c=$d\n```\n\n"
        ),
    ),
)
# Of ten files, three are Python, two TypeScript, two Go, and so on.
_MIX = (0, 1, 2, 3, 4, 0, 1, 2, 0, 5)


class Author:
    """Writes files and changes."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        rare = [f"{first}{second}" for first in _WORDS for second in _WORDS[::9]]
        self._words = [*_WORDS, *rare]
        self._cumulated = list(accumulate(1 / (rank + 20) for rank in range(len(self._words))))
        self._pools = [
            [self._filled(each.function) for _ in range(FUNCTIONS_A_LANGUAGE if each.ending != ".md" else 400)]
            for each in _LANGUAGES
        ]

    def words(self, count: int) -> list[str]:
        """Some words, common ones more often."""
        return self._random.choices(self._words, cum_weights=self._cumulated, k=count)

    def paths(self, count: int) -> list[str]:
        """Paths of new files."""
        found: list[str] = []
        folder = ""
        for number in range(count):
            if number % _FILES_A_FOLDER == 0:
                folder = "/".join(["src", *self.words(self._random.randint(1, 3))])
            name = "_".join(self.words(2))
            found.append(f"{folder}/{name}_{number}{_LANGUAGES[_MIX[number % len(_MIX)]].ending}")
        return found

    def content(self, number: int) -> bytes:
        """What the file with a number contains at first."""
        which = _MIX[number % len(_MIX)]
        language, pool = _LANGUAGES[which], self._pools[which]
        lines = min(self._random.lognormvariate(math.log(_MEDIAN_LINES), _SPREAD), _MOST_LINES)
        each = pool[0].count("\n")
        parts = self._random.choices(pool, k=max(1, round(lines / each)))
        return (self._filled(Template(language.head)) + "".join(parts)).encode()

    def changed(self, number: int, content: bytes) -> bytes:
        """The file with a number after one function more."""
        return content + self._filled(_LANGUAGES[_MIX[number % len(_MIX)]].function).encode()

    def message(self) -> str:
        """What a commit or a task says."""
        words = self.words(6)
        forms = (
            "Fix the {} of a {} when its {} has no {}",
            "{}: keep the {} {} until the {} is closed",
            "Add a {} option to {} the {} {} {}",
            "The {} {} is no longer read twice by the {} {}",
        )
        return self._random.choice(forms).format(*words).capitalize()

    def some(self, count: int, among: int) -> list[int]:
        """Numbers of files to change together."""
        return self._random.sample(range(among), count)

    def _filled(self, template: Template) -> str:
        words = self.words(10)
        fields = dict(zip("abcdefghij", words, strict=True))
        return template.safe_substitute(fields, A=words[0].capitalize(), B=words[1].capitalize())


@dataclass(frozen=True, slots=True)
class Generated:
    """A checkout, and what is needed to go on with it."""

    folder: Path
    author: Author
    paths: Sequence[str]

    def commit_changes(self, files: int) -> None:
        """Commit changes of so many files."""
        for number in self.author.some(files, len(self.paths)):
            file = self.folder / self.paths[number]
            file.write_bytes(self.author.changed(number, file.read_bytes()))
        git(self.folder, "commit", "--quiet", "--all", "--message", self.author.message())


def generate(folder: Path, *, files: int, commits: int) -> Generated:
    """Make a repository with one commit of all files and `commits` more, and check it out."""
    author = Author(seed=files)
    paths = author.paths(files)
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    command = ["git", "fast-import", "--quiet"]
    with subprocess.Popen(command, cwd=folder, env=environment(), stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.writelines(_stream(author, paths, commits))
    if process.returncode:
        raise SystemExit("git fast-import failed.")
    git(folder, "reset", "--quiet", "--hard", "main")
    # Files as young as the index are read again by every `git status`, until the index is written later than they.
    time.sleep(1.1)
    git(folder, "update-index", "--refresh", "--really-refresh")
    (folder / ".git" / "index").touch()
    return Generated(folder, author, paths)


def _stream(author: Author, paths: Sequence[str], commits: int) -> Iterator[bytes]:
    """What `git fast-import` reads; only the content of files that change again is kept."""
    changes = [author.some(1 + number % 4, len(paths)) for number in range(commits)]
    later = {number for change in changes for number in change}
    contents: dict[int, bytes] = {}
    for commit in range(commits + 1):
        message = author.message().encode()
        yield b"commit refs/heads/main\ncommitter Benchmark <benchmark@example.org> %d +0000\n" % (
            1_700_000_000 + commit
        )
        yield b"data %d\n%s\n" % (len(message), message)
        for number in changes[commit - 1] if commit else range(len(paths)):
            content = author.changed(number, contents[number]) if commit else author.content(number)
            if number in later:
                contents[number] = content
            yield b"M 100644 inline %s\ndata %d\n%s\n" % (paths[number].encode(), len(content), content)


def git(folder: Path, *arguments: str) -> bytes:
    """What a git command prints."""
    command = ["git", "-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.org", *arguments]
    return subprocess.run(command, cwd=folder, env=environment(), check=True, capture_output=True).stdout


def environment() -> dict[str, str]:
    """One that knows nothing of the user's own git settings."""
    return {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
