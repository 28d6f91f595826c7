"""The commands that read and move the ledger, and the entry point that joins them with the others."""

import io
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, cast

import typer

from agentops_mcp import __version__
from agentops_mcp.app import App
from agentops_mcp.cli import (
    approvals,
    check,
    context,
    deciding,
    doctor,
    guard,
    importing,
    mine,
    patterns,
    search,
    setup,
    states,
    transfer,
    web,
)
from agentops_mcp.cli.opening import DryRunOption, JsonOption, ProjectOption, reading
from agentops_mcp.cli.output import EXIT_FOUND, counted, errors_shown, event_title, say, say_json, say_table
from agentops_mcp.core.config import load_config
from agentops_mcp.core.display import visible
from agentops_mcp.core.errors import ConfigError, IntegrityError, NewerSchemaError
from agentops_mcp.core.ids import is_id
from agentops_mcp.core.records import Event, readable
from agentops_mcp.factors.resume.store.states import SAVED, saved_of
from agentops_mcp.factors.tracking.render import render_entry
from agentops_mcp.factors.tracking.rules import check_message
from agentops_mcp.factors.tracking.store import RECORDED, entry_of
from agentops_mcp.storage.mirror import Mirror, SyncReport
from agentops_mcp.storage.project import locate
from agentops_mcp.storage.verify import ChainReport, verify_chains

cli = typer.Typer(
    name="agentops-mcp",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # boxes drawn around the help are noise in a pipe, a log and a screen reader
    context_settings={"help_option_names": ["--help", "-h"]},
    help="Operate AI agents over MCP: durable memory that every session, client and process shares.",
    epilog="Exit codes: 0 done; 1 a check found a problem; 2 wrong usage; 3 the command could not be carried out.",
)


def run() -> int:
    """Run the command line; returns the exit code."""
    with suppress(AttributeError):  # there may be no standard output
        # What an old encoding lacks is escaped, not a crash.
        cast("io.TextIOWrapper", sys.stdout).reconfigure(errors="backslashreplace")
    try:
        with errors_shown():
            cli(prog_name="agentops-mcp")
    except typer.Exit as stop:
        return stop.exit_code
    return 0


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"agentops-mcp {__version__}")
        raise typer.Exit


@cli.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options that stand before any command."""


@cli.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def serve(context: typer.Context) -> None:
    """Serve MCP over stdio or HTTP; clients start this."""
    from agentops_mcp.cli.serve import serve as run_server

    raise typer.Exit(run_server(context.args))


@cli.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def hook(context: typer.Context) -> None:
    """Answer a client's hook; `init --hooks` installs it."""
    from agentops_mcp.hooks.run import main as answer

    raise typer.Exit(answer(context.args))


@cli.command()
def demo(project: ProjectOption = None) -> None:
    """Show what an agent and a person see, step by step.

    Starts the server as a client would, on a ledger of its own that is removed at the end: your worktree, index, HEAD
    and memory stay as they are.
    """
    from agentops_mcp.cli.demo import run_demo  # the only command that needs the SDK's client

    raise typer.Exit(run_demo(project or Path.cwd()))


cli.command()(setup.init)
cli.command()(doctor.doctor)


@cli.command()
def log(
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=10_000, metavar="NUMBER", help="How many events.")
    ] = 20,
    before: Annotated[int | None, typer.Option(min=1, metavar="NUMBER", help="Only events below this number.")] = None,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """List the newest events, newest first.

    Each line has the event's number, its time in UTC, its kind, its id and what it says.
    """
    with reading(project) as app:
        events = app.parts.ledger.newest(limit=limit, before=before)
    if json:
        say_json([{"number": number, **asdict(event)} for number, event in events])
    elif events:
        say_table((str(seq), _minute(event.at), event.kind, event.id, event_title(event)) for seq, event in events)
        if sys.stdout.isatty() and len(events) == limit and events[-1][0] > 1:
            say(f"Older ones: agentops-mcp log --before {events[-1][0]}")
    else:
        say(f"No events below {before}." if before else "No events yet. An agent's tool calls add them.")


@cli.command()
def show(
    record: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="The id of an event, from `log` or a tool's reply; of a state also its beginning."
        ),
    ],
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """Show one event whole."""
    with reading(project) as app:
        event = app.parts.ledger.event(record if is_id(record) else app.states().load(record).id)
    if json:
        say_json(asdict(event))
    else:
        say(_rendered(event))


cli.command()(states.states)
cli.command()(states.resume)
cli.command()(states.handoff)
cli.command()(states.diff)
cli.command()(states.restore)
cli.command("context")(context.load)
cli.command()(search.search)
cli.command()(search.release)
cli.add_typer(patterns.commands, name="patterns")
cli.command()(mine.mine)
cli.command()(check.check)
cli.add_typer(guard.commands, name="rules")
cli.command()(web.web)
cli.command()(approvals.approvals)
cli.command()(deciding.approve)
cli.command()(deciding.reject)
cli.command()(deciding.revise)
cli.command()(approvals.grants)
cli.command()(approvals.revoke)
cli.command()(guard.exempt)


@cli.command()
def verify(json: JsonOption = False, project: ProjectOption = None) -> None:
    """Walk every hash chain; compare the git mirror.

    Exit code 1 when something is missing, changed or unknown.
    """
    with reading(project) as app:
        parts = app.parts
        chains = verify_chains(parts.ledger.database)
        mirrored = parts.mirror.verify() if parts.mirror else []
    problems = [problem for chain in chains for problem in chain.problems] + mirrored
    if json:
        say_json({"chains": [asdict(chain) for chain in chains], "mirror": mirrored, "ok": not problems})
    else:
        _say_verdict(chains, problems)
    if problems:
        raise typer.Exit(EXIT_FOUND)


@cli.command()
def rebuild(json: JsonOption = False, project: ProjectOption = None) -> None:
    """Drop every view and replay the ledger into it.

    The ledger itself is not touched. Nothing is lost when this is interrupted.
    """
    with App(project) as app:
        replayed = app.parts.ledger.rebuild()
    if json:
        say_json(replayed)
    else:
        for view, count in replayed.items():
            say(f"{view}: {counted(count, 'event')} replayed")


@cli.command()
def sync(
    remote: Annotated[str, typer.Argument(metavar="REMOTE", help="A remote of this repository.")] = "origin",
    dry_run: DryRunOption = False,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """Unite the ledger with that of a git remote.

    Fetches the remote's ledger, adds what is new here, and pushes the union, never by force. Exit code 1 when the
    remote has files that are not taken.
    """
    with reading(project) if dry_run else App(project) as app:
        report = _mirror(app).sync(remote, dry_run=dry_run)
    _say_report(report, json=json)


@cli.command("restore-mirror")
def restore_mirror(json: JsonOption = False, project: ProjectOption = None) -> None:
    """Bring back what a lost database had recorded.

    Adds the events that only this clone's git mirror still has. It needs no remote. Exit code 1 when the mirror has
    files that are not taken.
    """
    with App(project) as app:
        report = _mirror(app).restore()
        app.settle()
    _say_report(report, json=json)


cli.command("export")(transfer.export_events)
cli.command("import")(importing.import_knowledge)


@cli.command("check-message", hidden=True)
def check_commit_message(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file git keeps the message in.")],
    project: ProjectOption = None,
) -> None:
    """Check a commit message for factor I's form.

    The policy is that of `.agentops/config.toml`; exit code 1 when it blocks the message.
    """
    policy = load_config(locate(project or Path.cwd(), {}).policy_dir / "config.toml").tracking.commit_message
    if policy == "off":
        return
    findings = check_message(file.read_text(encoding="utf-8", errors="replace"))
    for finding in findings:
        typer.echo(f"commit message: {visible(finding)}", err=True)
    if findings and policy == "block":
        typer.echo('Not committed: [tracking] commit_message = "block" in .agentops/config.toml.', err=True)
        raise typer.Exit(EXIT_FOUND)


def _rendered(event: Event) -> str:
    # What was made elsewhere may have a body this version does not know.
    with suppress(IntegrityError, NewerSchemaError):
        if event.kind == RECORDED:
            entry_of(event)
            return render_entry(event)
        if event.kind == SAVED:
            return states.state_text(saved_of(event))
    return readable(event).rstrip()


def _minute(at: str) -> str:
    return f"{at[:10]} {at[11:16]}"


def _say_verdict(chains: list[ChainReport], problems: list[str]) -> None:
    for chain in chains:
        kind = "tracked" if chain.tracked else "local"
        state = "in order" if not chain.problems else counted(len(chain.problems), "problem")
        say(f"{chain.origin} {kind}: {counted(chain.events, 'event')}, {state}")
    for problem in problems:
        say(f"  {problem}")
    if problems:
        say(f"{counted(len(problems), 'problem')}.")
    else:
        say("All in order." if chains else "No events yet.")


def _mirror(app: App) -> Mirror:
    if app.parts.mirror is None:
        raise ConfigError("There is no git repository here, so no mirror.", remedy="Use export and import.")
    return app.parts.mirror


def _say_report(report: SyncReport, *, json: bool) -> None:
    if json:
        say_json(asdict(report))
    else:
        done = [f"{report.restored} restored from our own mirror"] if report.restored or not report.remote else []
        if report.remote:
            done += [f"{report.fetched} fetched, {report.merged} of them new here", f"{report.pushed} pushed"]
        say(f"{'would be: ' if report.dry_run else ''}{', '.join(done)}, {report.refused_total} refused")
        for refusal in report.refused:
            say(f"  {refusal.path}: {refusal.reason}")
    if report.refused_total:
        raise typer.Exit(EXIT_FOUND)
