"""The commands for saved states: the tree of them, what they say, and how to go on from one."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from agentops_mcp.app import App
from agentops_mcp.cli.opening import DryRunOption, JsonOption, ProjectOption, reading
from agentops_mcp.cli.output import counted, say, say_json, say_table
from agentops_mcp.core.display import gist
from agentops_mcp.core.errors import AgentOpsError, ConfigError, InvalidInputError, NotFoundError
from agentops_mcp.factors.resume.render.states import Detail, render_resumed
from agentops_mcp.factors.resume.rules.bundle import decision_line, one_line, parameter_line
from agentops_mcp.factors.resume.rules.chain import Saved, merge
from agentops_mcp.factors.resume.rules.handoff import MOST_CHARS, is_handoff, write_handoff
from agentops_mcp.factors.resume.rules.tree import Node, draw
from agentops_mcp.storage.git import Git
from agentops_mcp.storage.restore import RestorePlan, Restorer

_COMPLETED = 60
_ID_LENGTHS = (13, 18, 23, 36)  # where a dash stands; 13 characters are the millisecond of the save
_DONE = {"write": "written", "delete": "deleted", "merge": "merged", "present": "there already"}


def _state_ids(context: typer.Context, incomplete: str) -> list[str]:
    with suppress(AgentOpsError), reading(context.params.get("project")) as app:
        return [node.id for node in app.states().newest(_COMPLETED) if node.id.startswith(incomplete)]
    return []


_ID_HELP = "The id of a state, or its first 8 characters or more."


def states(
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=10_000, metavar="NUMBER", help="How many states.")
    ] = 30,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """Show the tree of saved states, newest first.

    Each line has the beginning of a state's id, its time in UTC, its phase, its goal and its client; the marks in front
    are those of `git log --graph`.
    """
    with reading(project) as app:
        nodes = app.states().newest(limit)
    if json:
        say_json([asdict(node) for node in nodes])
    elif nodes:
        say_table(_rows(nodes))
    else:
        say("No states yet. An agent's save_state adds them.")


def resume(
    query: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="QUERY",
            help="The id of a state, words of its goal, or - for a handoff file on standard input; by default the "
            "newest unfinished state.",
            autocompletion=_state_ids,
        ),
    ] = None,
    detail: Annotated[
        Detail, typer.Option(metavar="LEVEL", help="How much to say: summary, steps, work or all.")
    ] = "work",
    budget: Annotated[
        int, typer.Option(min=100, max=8000, metavar="NUMBER", help="The most it may cost, in tokens.")
    ] = 1500,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """Show where work stopped, every claim re-checked.

    It is what resume_state tells an agent.
    """
    asked = _standard_input() if query == ["-"] else " ".join(query or [])
    with reading(project) as app:
        resumed = app.states().recall(asked)
    if json:
        say_json(asdict(resumed))
    else:
        say(render_resumed(resumed, detail=detail, budget_tokens=budget))


def handoff(
    state: Annotated[
        str,
        typer.Argument(
            metavar="STATE", help=f"{_ID_HELP} By default the newest unfinished one.", autocompletion=_state_ids
        ),
    ] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to; standard output by default.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
    project: ProjectOption = None,
) -> None:
    """Write a state as Markdown to hand to somebody else.

    The file says how to go on without this server, and resume_state or `resume -` takes it back.
    """
    with reading(project) as app:
        known = app.states()
        found, notes = (state, []) if state else known.unfinished()
        if found is None:
            raise NotFoundError("No unfinished state in this project.", remedy="`agentops-mcp states` lists them all.")
        chain, more = known.chain(found)
    for note in [*notes, *more]:
        typer.echo(f"note: {note}", err=True)
    content = write_handoff(merge(chain)).encode()
    if output is None:
        typer.echo(content, nl=False)
        return
    try:
        with output.open("wb" if force else "xb") as file:
            file.write(content)
    except FileExistsError as error:
        raise ConfigError(f"{output} exists.", remedy="Give another name, or --force to replace it.") from error
    except OSError as error:
        raise ConfigError(f"{output} cannot be written: {error.strerror}.", remedy="Give another place.") from error
    say(f"state {chain[0].id} written to {output}")


def diff(
    before: Annotated[str, typer.Argument(metavar="A", help=_ID_HELP, autocompletion=_state_ids)],
    after: Annotated[str, typer.Argument(metavar="B", help="That of another.", autocompletion=_state_ids)],
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """Show what differs between two states.

    What B does not say is marked -, what only B says +, and what it says otherwise ~.
    """
    with reading(project) as app:
        old, new = app.states().load(before), app.states().load(after)
    then, now = _parts(old), _parts(new)
    found = [each for part in then if (each := _difference(part, then[part], now[part]))]
    if json:
        say_json({"before": old.id, "after": new.id, "differences": [asdict(each) for each in found]})
        return
    say(f"- {old.id} {old.at[:16]}\n+ {new.id} {new.at[:16]}")
    for each in found:
        say("\n".join([each.part, *(f"  {line}" for line in each.lines())]))
    if not found:
        say("They say the same.")


def restore(
    state: Annotated[str, typer.Argument(metavar="STATE", help=_ID_HELP, autocompletion=_state_ids)],
    dry_run: DryRunOption = False,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """Write a state's uncommitted work back.

    All of it or nothing, onto a clean tree, and staged again where it was. HEAD stays where it is.
    """
    with reading(project) as app:
        saved = app.states().load(state)
        if saved.kept.commit is None:
            raise NotFoundError(
                f"State {saved.id} kept no uncommitted work.", remedy="`agentops-mcp show` says what was uncommitted."
            )
        restorer = _restorer(app)
        plan = restorer.plan(saved.kept.commit) if dry_run else restorer.restore(saved.kept.commit)
    if json:
        say_json({**asdict(plan), "dry_run": dry_run})
    else:
        for line in _plan_lines(plan, saved, would="would be " if dry_run else ""):
            say(line)


def state_text(saved: Saved) -> str:
    """Everything a state holds, as it was saved."""
    who = f"saved {saved.at[:16]} UTC by {saved.client} ({saved.user})"
    lines = [f"# State {saved.id}", one_line(f"{who}, in session {saved.session}" if saved.session else who)]
    lines += [f"continues {one_line(saved.parent)}"] if saved.parent else []
    for part, claims in _parts(saved).items():
        if claims:
            lines += [f"## {part}", *(f"- {_claim(key, value)}" for key, value in claims.items())]
    return "\n".join(lines)


def _rows(nodes: Sequence[Node]) -> Iterator[tuple[str, ...]]:
    length = next(each for each in _ID_LENGTHS if len({node.id[:each] for node in nodes}) == len(nodes))
    children = Counter(node.parent for node in nodes)
    drawn = draw(nodes)
    width = max(len(marks) for marks, _ in drawn)
    for marks, node in drawn:
        told = [node.phase if node.phase == "done" or not node.is_tip else f"{node.phase}, unfinished"]
        told += [f"{children[node.id]} branches"] if children[node.id] > 1 else []
        text = f"{', '.join(told)}: {gist(node.goal, limit=100)}, by {gist(node.client, limit=40)}"
        yield f"{marks:<{width}} {node.id[:length]}", f"{node.at[:10]} {node.at[11:16]}", node.why_unreadable or text


def _parts(saved: Saved) -> dict[str, dict[str, str]]:
    """What a state says, part by part: each claim by what it is about."""
    bundle, place, kept = saved.bundle, saved.place, saved.kept
    dirty = None if place.dirty is None else "changed" if place.dirty else "as in HEAD"
    where = {
        "branch": place.branch, "HEAD": place.head and place.head[:12], "tracked files": dirty,
        "operation under way": place.operation,
    }  # fmt: skip
    links = {path: f", a link to {target}" for path, target in saved.links.items()}
    counts = {"in all": kept.total, "left out": kept.left_out}
    return {
        "goal": {"": bundle.goal},
        "phase": {"": bundle.phase},
        "confidence": {} if bundle.confidence is None else {"": f"{bundle.confidence} %"},
        "did": {"": bundle.did} if bundle.did else {},
        "next steps": dict.fromkeys(bundle.next_steps, ""),
        "blockers": dict.fromkeys(bundle.blockers, ""),
        "parameters": {each.name: parameter_line(each).removeprefix(f"{each.name} = ") for each in bundle.parameters},
        "decisions": {each.choice: decision_line(each).removeprefix(f"{each.choice} — ") for each in bundle.decisions},
        "findings": dict.fromkeys(bundle.findings, ""),
        "open questions": dict.fromkeys(bundle.open_questions, ""),
        "key files": dict.fromkeys(bundle.key_files, ""),
        "place": {name: value for name, value in where.items() if value},
        "mission": {"": saved.mission} if saved.mission else {},
        "cited files": {
            path: (blob[:12] if blob else "not there") + links.get(path, "") for path, blob in saved.files.items()
        },
        "cited commits": {
            each[:12]: f"{'in' if known else 'outside'} HEAD's history" for each, known in saved.commits.items()
        },
        "values in their files": dict(saved.found),
        "uncommitted": {
            **{name: str(count) for name, count in counts.items() if count},
            **({"kept in": kept.commit[:12]} if kept.commit else {}),
            **{file.path: file.status for file in kept.files},
        },
    }


def _claim(key: str, value: str) -> str:
    return one_line(f"{key}: {value}" if key and value else key or value)


@dataclass(frozen=True, slots=True)
class _Difference:
    """What two states say differently in one part; `changed` has what was and what is said of the same thing."""

    part: str
    removed: dict[str, str]
    added: dict[str, str]
    changed: dict[str, tuple[str, str]]

    def lines(self) -> Iterator[str]:
        """It as text, a line each."""
        yield from (f"- {_claim(key, value)}" for key, value in self.removed.items())
        yield from (f"+ {_claim(key, value)}" for key, value in self.added.items())
        yield from (f"~ {_claim(key, f'{old} → {new}')}" for key, (old, new) in self.changed.items())


def _difference(part: str, old: dict[str, str], new: dict[str, str]) -> _Difference | None:
    if old == new:
        return None
    return _Difference(
        part,
        removed={key: value for key, value in old.items() if key not in new},
        added={key: value for key, value in new.items() if key not in old},
        changed={key: (value, new[key]) for key, value in old.items() if key in new and new[key] != value},
    )


def _standard_input() -> str:
    # A character has at most four bytes; what is longer is refused when it is read.
    text = sys.stdin.buffer.read(4 * MOST_CHARS + 1).decode("utf-8", "replace")
    if not is_handoff(text):
        raise InvalidInputError(
            "Standard input has no handoff file.", remedy="`agentops-mcp handoff` writes one, in UTF-8."
        )
    return text


def _restorer(app: App) -> Restorer:
    repository = app.parts.project.repository
    if repository is None:
        raise ConfigError("There is no git repository here.", remedy="Restore in the clone the state was saved in.")
    return Restorer(repository, Git(repository))


def _plan_lines(plan: RestorePlan, saved: Saved, *, would: str) -> Iterator[str]:
    for file in plan.files:
        yield f"{would}{_DONE[file.action]}: {file.path}"
    if plan.staged:
        yield f"{would}staged: {counted(plan.staged, 'file')}"
    for path in plan.submodules:
        yield f"left as it is, a submodule: {path}"
    if saved.kept.left_out:
        yield f"never kept: {counted(saved.kept.left_out, 'file')} (secret, ignored or too large)"
    if plan.base and plan.head and plan.base != plan.head:
        yield f"It was made on {plan.base[:12]}; HEAD is {plan.head[:12]}."
    if not would:
        yield "To undo: git stash --include-untracked"
