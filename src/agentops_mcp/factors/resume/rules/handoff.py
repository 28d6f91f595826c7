"""A chain of states as one Markdown file that needs no server, and such a file read back."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from agentops_mcp.core.display import gist, visible
from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.core.ids import is_id, is_oid
from agentops_mcp.factors.resume.rules.bundle import PHASES, Bundle, Decision, Parameter, one_line, tidy
from agentops_mcp.factors.resume.rules.chain import DirtyFile, Kept, Merged, Place, Saved, merge
from agentops_mcp.factors.resume.rules.verdicts import Found

MOST_CHARS = 200_000
_MOST_LINES = 5_000  # each claim is compared with each cited file
_LONGEST_QUOTED = 60

UNNAMED = "handoff"
"""The id of a state that came without one."""

_TITLE = "# Handoff:"
_ABOUT = (
    "> The state of unfinished work, for whoever goes on with it. It is what somebody found, not an instruction; check "
    "a claim before you rely on it. In `backquotes`, a text in double quotes is a JSON string."
)
_CLOSING = (
    "> To have every claim re-checked against the repository, paste this whole file into `resume_state` of "
    "agentops-mcp, or run `agentops-mcp resume - < FILE`."
)
_BY_HAND = (
    "> Check a file with `git hash-object <path>`, which prints the id below while it is unchanged; a commit with "
    "`git merge-base --is-ancestor <commit> HEAD`."
)
_FOUND: dict[Found, str] = {
    "beside its name": "where it stood beside its name",
    "alone": "where it stood without its name",
    "no": "where it was not found",
}


def is_handoff(text: str) -> bool:
    """Whether a text is a handoff file, or begins like one."""
    return text.lstrip("\ufeff \t\r\n").startswith(_TITLE)


# Writing


def write_handoff(merged: Merged) -> str:
    """A chain as Markdown which says by itself how to go on; the oldest states are left out of one too long to read."""
    text = _written(merged)
    if not merged.older or (len(text) <= MOST_CHARS and text.count("\n") < _MOST_LINES):
        return text
    return write_handoff(merge((merged.newest, *merged.older[:-1])))


def _written(merged: Merged) -> str:
    bundle = merged.newest.bundle
    blocks = [
        f"{_TITLE} {_prose(bundle.goal)}".rstrip(),
        _ABOUT,
        "\n".join(_header(merged.newest)),
        _section("Done so far", [_prose(bundle.did)] if bundle.did else []),
        _section("Next steps", [f"{number}. {_prose(step)}" for number, step in enumerate(bundle.next_steps, start=1)]),
        _section("Blockers", _bullets(bundle.blockers)),
        _section("Parameters", [_parameter(each, saved) for each, saved in merged.parameters]),
        _section("Decisions", [line for each, _ in merged.decisions for line in _decision(each)]),
        _section("Findings", _bullets(each for each, _ in merged.findings)),
        _section("Open questions", _bullets(bundle.open_questions)),
        _section("Key files", [f"- {_code(path)}" for path, _ in merged.key_files]),
        _section("Uncommitted work", _uncommitted(merged.newest)),
        _section("Cited files and commits", [*_cited((merged.newest, *merged.older))], note=_BY_HAND),
        _CLOSING,
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _section(title: str, lines: Sequence[str], *, note: str = "") -> str:
    return "\n".join([f"## {title}", "", *([note, ""] if note else []), *lines]) if lines else ""


def _header(saved: Saved) -> list[str]:
    place, confidence = saved.place, saved.bundle.confidence
    given = {
        "State": _code(saved.id),
        "Saved (UTC)": _code(saved.at),
        "Client": _code(saved.client),
        "User": _code(saved.user),
        "Phase": saved.bundle.phase,
        "Confidence": None if confidence is None else f"{confidence} %",
        "Branch": place.branch and _code(place.branch),
        "Commit": place.head and _code(place.head),
        "Tracked files changed": None if place.dirty is None else "yes" if place.dirty else "no",
        "Operation under way": place.operation and _code(place.operation),
        "Mission": saved.mission and _code(saved.mission),
        "Continues": saved.parent and _code(saved.parent),
    }
    return [f"- {name}: {value}" for name, value in given.items() if value]


def _bullets(texts: Iterable[str]) -> list[str]:
    return [f"- {_prose(text)}" for text in texts]


def _parameter(parameter: Parameter, saved: Saved) -> str:
    line = f"- {_code(parameter.name)} = {_code(parameter.value)}"
    if not parameter.file:
        return line
    found = saved.found.get(parameter.name)
    return f"{line} in {_code(parameter.file)}" + (f", {_FOUND[found]}" if found else "")


def _decision(decision: Decision) -> list[str]:
    parts = (("why", decision.why), ("rejected", decision.rejected))
    return [f"- {_prose(decision.choice)}", *(f"  - {name}: {_prose(text)}" for name, text in parts if text)]


def _uncommitted(saved: Saved) -> list[str]:
    kept = saved.kept
    if not kept.total:
        return []
    lines = [f"- Files: {kept.total}"]
    lines += [f"- Files left out: {kept.left_out}"] if kept.left_out else []
    if kept.commit and is_oid(kept.commit):  # it stands in a command that somebody will run
        apply = f"git stash apply {kept.commit}" if saved.place.head else f"git checkout {kept.commit} -- ."
        look = f"git diff {kept.commit}^1 {kept.commit}" if saved.place.head else f"git show {kept.commit}"
        lines.append(f"- Kept in commit: {_code(kept.commit)}")
        lines += ["", f"> In the clone they were made in, `{apply}` writes them back and `{look}` shows them.", ""]
    return [*lines, *(f"- {_code(file.path)}, {_prose(file.status)}" for file in kept.files)]


def _cited(chain: Sequence[Saved]) -> Iterable[str]:
    """Every cited file and commit, each as the newest state has it that cites it."""
    newest = {path: saved for saved in reversed(chain) for path in saved.files}
    for path, saved in newest.items():
        blob, target = saved.files[path], saved.links.get(path)
        link = f", a link to {_code(target)}" if target is not None else ""
        yield f"- {_code(path)}: {_code(blob) if blob else 'not there'}{link}"
    commits = {commit: kept for saved in reversed(chain) for commit, kept in saved.commits.items()}
    yield from (f"- commit {_code(each)}: {'in' if commits[each] else 'outside'} HEAD's history" for each in commits)


# What Markdown would take for its own, in the middle of a line or at its beginning.
_EATEN = re.compile(
    r"[\\`*\[~]|<(?=[a-zA-Z/!?])|&(?=[#a-zA-Z])|(?<![^\W_])_|_(?![^\W_])|(?<!\S)#|^[-+>=]|^[0-9]+(?=[.)])"
)
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U(00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4})|([!-/:-@\[-`{-~]))")


def _prose(text: str) -> str:
    r"""A claim on one line that shows as it is: with a backslash before what Markdown eats, what hides as `\uXXXX`."""
    shown = _EATEN.sub(lambda eaten: f"{eaten[0]}\\" if eaten[0].isdigit() else f"\\{eaten[0]}", one_line(text))
    return visible(shown)


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: found[3] or chr(int(found[1] or found[2], 16)), text)


def _code(text: str) -> str:
    """An exact text between backquotes, as a JSON string where it would not survive there."""
    if text and text.isprintable() and text == text.strip() and text[0] != '"' and "`" not in text:
        return f"`{text}`"
    quoted = json.dumps(text, ensure_ascii=False).replace("`", r"\u0060")
    return f"`{''.join(each if each.isprintable() else json.dumps(each)[1:-1] for each in quoted)}`"


# Reading

_ITEM = re.compile(r"(\s*)(?:[-*+]|[0-9]{1,9}[.)])(?:\s+(.*))?")
_NO_ITEM = re.compile(r">|#{1,6}(?:\s|$)|[-*_= ]*$")  # a note, a small heading, a rule, an empty line
_FIELD = re.compile(r"([a-z][a-z ()]*):\s*(.*)", re.IGNORECASE)
_CODE = "`([^`]*)`"
_BARE_OR_CODE = re.compile("`[^`]*`|[^`]*")
_PARAMETER = re.compile(rf"{_CODE} = {_CODE}(?: in {_CODE}(?:, ({'|'.join(_FOUND.values())}))?)?")
_REASON = re.compile(r"(why|rejected):\s*(.*)", re.IGNORECASE)
_CHANGED_FILE = re.compile(rf"{_CODE}, (.*)")
_CITED = re.compile(
    rf"{_CODE}: (?:{_CODE}|not there)(?:, a link to {_CODE})?|commit {_CODE}: (in|outside) HEAD's history"
)
_NUMBER = re.compile(r"[0-9]{1,9}")
_PERCENT = re.compile(r"(100|[0-9]{1,2}) ?%?")


@dataclass(slots=True)
class _Item:
    """One item of a list, which may go on over several lines of the file; `line` is the number of the first."""

    line: int
    text: str
    is_nested: bool = False

    def refused(self, expected: str) -> InvalidInputError:
        """The error that says what should stand here."""
        return _refused(self.line, f"expected {expected}, found {gist(self.text, limit=60)!r}")

    def match(self, pattern: re.Pattern[str], expected: str) -> re.Match[str]:
        """The parts of what is written as expected."""
        found = pattern.fullmatch(self.text)
        if found is None:
            raise self.refused(expected)
        return found

    def exact(self, text: str | None = None) -> str:
        """The text that was put between backquotes; by default it is the whole item, with or without them."""
        if text is None:
            text = self.match(_BARE_OR_CODE, "one text between backquotes")[0].strip("`")
        if not text.startswith('"'):
            return text
        try:
            return str(json.loads(text))
        except ValueError as error:
            raise self.refused("a JSON string where a text begins with a double quote") from error

    def oid(self, text: str | None = None) -> str:
        """The same, if it is a full object id of git's."""
        found = self.exact(text)
        if not is_oid(found):
            raise self.refused("the full id of a git object")
        return found


_Fields = Mapping[str, _Item]


def parse_handoff(text: str) -> Saved:
    """The state that a handoff file describes, also after a person has edited it.

    Raises:
        InvalidInputError: it is none, it is too long, or a line of it, whose number is said, cannot be understood.
    """
    if len(text) > MOST_CHARS or text.count("\n") > _MOST_LINES:
        raise InvalidInputError(
            f"A handoff file has at most {MOST_CHARS:,} characters and {_MOST_LINES:,} lines.",
            remedy="Leave out its oldest claims.",
        )
    sections = _sections(text)
    title, *rest = sections[""]
    header = _fields(rest)
    for name in ("saved (utc)", "phase"):
        if name not in header:
            raise title.refused(f"a list below the title which says `{name}`")
    parameters = [_read_parameter(each) for each in sections["parameters"]]
    cited = [(each, each.match(_CITED, _CITED_EXPECTED)) for each in sections["cited files and commits"]]
    files = [(each, found) for each, found in cited if found[1] is not None]
    return Saved(
        id=_identifier(header, "state") or UNNAMED,
        at=_instant(header["saved (utc)"]),
        client=_exact(header, "client") or "unknown",
        user=_exact(header, "user") or "unknown",
        session=None,
        parent=_identifier(header, "continues"),
        mission=_identifier(header, "mission"),
        tokens=0,
        bundle=_bundle(title, header, sections, [parameter for parameter, _ in parameters]),
        place=_place(header),
        files={each.exact(found[1]): each.oid(found[2]) if found[2] else None for each, found in files},
        links={each.exact(found[1]): each.exact(found[3]) for each, found in files if found[3]},
        commits={each.oid(found[4]): found[5] == "in" for each, found in cited if found[4] is not None},
        found={parameter.name: found for parameter, found in parameters if found},
        kept=_kept(sections["uncommitted work"]),
    )


_CITED_EXPECTED = "`path`: `id of its content`, `path`: not there, or commit `id`: in HEAD's history"
_FOUND_BY_WORDS: dict[str | None, Found] = {words: found for found, words in _FOUND.items()}


def _sections(text: str) -> Mapping[str, list[_Item]]:
    """The items of each section; "" has the title and what stands below it.

    A line that begins no item goes on with the one before, as an editor wraps it.
    """
    lines = enumerate((line.rstrip() for line in text.removeprefix("\ufeff").split("\n")), start=1)
    number, title = next(((number, line) for number, line in lines if line), (1, ""))
    if not title.startswith(_TITLE):
        raise _refused(number, f"a handoff file begins with {_TITLE}")
    found = defaultdict[str, list[_Item]](list)
    current = found[""]
    current.append(_Item(number, title.removeprefix(_TITLE).strip()))
    goes_on = False
    for number, line in lines:
        item = _ITEM.fullmatch(line)
        if line.startswith(("# ", "## ")):
            current, goes_on = found[line.lstrip("#").strip().casefold()], False
        elif _NO_ITEM.match(line.lstrip()):
            goes_on = False
        elif item is None and goes_on:
            current[-1].text += f" {line.strip()}"
        elif item is None or item[2]:
            goes_on = True
            is_nested = item is not None and len(item[1].expandtabs()) > 1
            current.append(_Item(number, item[2] if item else line.strip(), is_nested))
    return found


def _fields(items: Iterable[_Item]) -> _Fields:
    """What is written as `name: value`, by name."""
    found = ((item, _FIELD.fullmatch(item.text)) for item in items)
    return {parts[1].casefold(): _Item(item.line, parts[2]) for item, parts in found if parts}


def _exact(fields: _Fields, name: str) -> str | None:
    return fields[name].exact() if name in fields else None


def _oid(fields: _Fields, name: str) -> str | None:
    return fields[name].oid() if name in fields else None


def _identifier(fields: _Fields, name: str) -> str | None:
    """An id of ours; None for anything else."""
    given = _exact(fields, name)
    return given if given and is_id(given) else None


def _instant(item: _Item) -> str:
    try:
        at = datetime.fromisoformat(item.exact())
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError) as error:
        raise item.refused("a time like 2026-11-22 12:00") from error


def _place(header: _Fields) -> Place:
    dirty = None
    if item := header.get("tracked files changed"):
        dirty = item.match(re.compile("yes|no"), "yes or no")[0] == "yes"
    return Place(_exact(header, "branch"), _oid(header, "commit"), dirty, _exact(header, "operation under way"))


def _bundle(
    title: _Item, header: _Fields, sections: Mapping[str, Sequence[_Item]], parameters: Iterable[Parameter]
) -> Bundle:
    phase = header["phase"]
    if phase.exact() not in PHASES:
        raise phase.refused(f"one of {', '.join(PHASES)}")
    confidence = header.get("confidence")
    return tidy(Bundle(
        goal=_unescaped(title.text),
        phase=PHASES[PHASES.index(phase.exact())],
        did=" ".join(_texts(sections["done so far"])),
        decisions=_decisions(sections["decisions"]),
        parameters=tuple(parameters),
        findings=_texts(sections["findings"]),
        next_steps=_texts(sections["next steps"]),
        open_questions=_texts(sections["open questions"]),
        blockers=_texts(sections["blockers"]),
        key_files=tuple(each.exact() for each in sections["key files"]),
        confidence=int(confidence.match(_PERCENT, "a percentage")[1]) if confidence else None,
    ))  # fmt: skip


def _texts(items: Iterable[_Item]) -> tuple[str, ...]:
    return tuple(_unescaped(each.text) for each in items)


def _read_parameter(item: _Item) -> tuple[Parameter, Found | None]:
    found = item.match(_PARAMETER, "`name` = `value`, or `name` = `value` in `file`")
    name, value, file = (item.exact(found[group] or "") for group in (1, 2, 3))
    return Parameter(one_line(name), value, file), _FOUND_BY_WORDS.get(found[4])


def _decisions(items: Iterable[_Item]) -> tuple[Decision, ...]:
    found: list[Decision] = []
    for item in items:
        if not item.is_nested:
            found.append(Decision(_unescaped(item.text), ""))
            continue
        reason = item.match(_REASON, "why: …, or rejected: …")
        if not found:
            raise item.refused("a decision before the reason for it")
        found[-1] = replace(found[-1], **{reason[1].casefold(): _unescaped(reason[2])})
    return tuple(found)


def _kept(items: Iterable[_Item]) -> Kept:
    listed = list(items)
    fields = _fields(listed)
    changed = [
        (each, each.match(_CHANGED_FILE, "`path`, what happened to it")) for each in listed if each.text[0] == "`"
    ]
    files = tuple(DirtyFile(each.exact(found[1]), _unescaped(found[2]), None) for each, found in changed)
    return Kept(_number(fields, "files"), files, _oid(fields, "kept in commit"), _number(fields, "files left out"))


def _number(fields: _Fields, name: str) -> int:
    return int(fields[name].match(_NUMBER, "a number")[0]) if name in fields else 0


def _refused(line: int, problem: str) -> InvalidInputError:
    return InvalidInputError(
        f"Line {line} of the handoff file: {problem}.",
        remedy="Correct that line, or have the file written again with `agentops-mcp handoff`.",
    )
