"""The commands that read and move the ledger, and the entry point that joins them with the others."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from agentops_mcp import __version__
from agentops_mcp.app import App
from agentops_mcp.cli import doctor, setup, transfer
from agentops_mcp.cli.output import EXIT_FOUND, errors_shown, event_title, say, say_json, say_table
from agentops_mcp.core.config import load_config
from agentops_mcp.core.display import visible
from agentops_mcp.core.errors import ConfigError, IntegrityError
from agentops_mcp.core.records import Event, readable
from agentops_mcp.factors.tracking.render import render_entry
from agentops_mcp.factors.tracking.rules import check_message
from agentops_mcp.factors.tracking.store import RECORDED, entry_of
from agentops_mcp.storage.verify import verify_chains

cli = typer.Typer(
    name="agentops-mcp",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Operate AI agents over MCP: durable memory that every session, client and process shares.",
    epilog="Exit codes: 0 done; 1 a check found a problem; 2 wrong usage; 3 the command could not be carried out.",
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")]
Project = Annotated[Path | None, typer.Option("--project", "-C", metavar="DIR", help="The project's folder.")]


def run() -> int:
    """Run the command line; returns the exit code."""
    try:
        with errors_shown():
            cli(prog_name="agentops-mcp")
    except typer.Exit as stop:
        return stop.exit_code
    except BrokenPipeError:  # the reader of `log | head` has seen enough
        sys.stderr.close()
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
    """Serve MCP to a client, over stdio or --http HOST:PORT (see `serve --help`)."""
    from agentops_mcp.cli.serve import serve as run_server

    raise typer.Exit(run_server(context.args))


@cli.command()
def demo(project: Project = None) -> None:
    """Start the server as a client would, and show what an agent and a person see. Leaves nothing behind."""
    from agentops_mcp.cli.demo import run_demo  # the only command that needs the SDK's client

    raise typer.Exit(run_demo(project or Path.cwd()))


cli.command()(setup.init)
cli.command()(doctor.doctor)


@cli.command()
def log(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many events.")] = 20,
    before: Annotated[int | None, typer.Option(min=1, help="Only events below this number.")] = None,
    json: Json = False,
    project: Project = None,
) -> None:
    """List the newest events, newest first: number, time, kind, id, what."""
    with App(project) as app:
        events = app.parts.ledger.newest(limit=limit, before=before)
    if json:
        say_json([{"number": number, **_document(event)} for number, event in events])
    elif events:
        say_table((str(seq), event.at[:16], event.kind, event.id, event_title(event)) for seq, event in events)
    else:
        say("No events yet. An agent's start_session and record_entry add them.")


@cli.command()
def show(
    record: Annotated[str, typer.Argument(metavar="ID", help="The id of an event, from `log` or a tool's reply.")],
    json: Json = False,
    project: Project = None,
) -> None:
    """Show one record whole."""
    with App(project) as app:
        event = app.parts.ledger.event(record)
    if json:
        say_json(_document(event))
    else:
        say(_rendered(event))


@cli.command()
def verify(json: Json = False, project: Project = None) -> None:
    """Walk every hash chain, and compare the git mirror with the ledger. Exit code 1 when something is wrong."""
    with App(project) as app:
        parts = app.parts
        chains = verify_chains(parts.ledger.database)
        mirrored = parts.mirror.verify() if parts.mirror else []
    problems = [problem for chain in chains for problem in chain.problems] + mirrored
    if json:
        say_json({"chains": [asdict(chain) for chain in chains], "mirror": mirrored, "ok": not problems})
    else:
        for chain in chains:
            kind = "tracked" if chain.tracked else "local"
            state = "in order" if not chain.problems else f"{len(chain.problems)} problems"
            say(f"{chain.origin} {kind}: {chain.events} events, {state}")
        for problem in problems:
            say(f"  {problem}")
        say("No events yet." if not chains else "All in order." if not problems else f"{len(problems)} problems.")
    if problems:
        raise typer.Exit(EXIT_FOUND)


@cli.command()
def rebuild(json: Json = False, project: Project = None) -> None:
    """Drop every view and replay the ledger into it. The ledger itself is not touched."""
    with App(project) as app:
        replayed = app.parts.ledger.rebuild()
    if json:
        say_json(replayed)
    else:
        for view, count in replayed.items():
            say(f"{view}: {count} events replayed")


@cli.command()
def sync(
    remote: Annotated[str, typer.Argument(help="A remote of this repository.")] = "origin",
    dry_run: DryRun = False,
    json: Json = False,
    project: Project = None,
) -> None:
    """Fetch the ledger of a git remote, unite it with ours, and push the union."""
    with App(project) as app:
        mirror = app.parts.mirror
        if mirror is None:
            raise ConfigError("There is no git repository here, so no remote either.", remedy="Use export and import.")
        app.settle()
        report = mirror.sync(remote, dry_run=dry_run)
    if json:
        say_json(asdict(report))
    else:
        for name, value in asdict(report).items():
            say(f"{name}: {value}")


cli.command("export")(transfer.export_events)
cli.command("import")(transfer.import_events)


@cli.command("check-message", hidden=True)
def check_commit_message(file: Path, project: Project = None) -> None:
    """Check a commit message for factor I's form, as `.agentops/config.toml` asks (run by the commit-msg hook)."""
    from agentops_mcp.storage.project import locate

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
    if event.kind == RECORDED:
        try:
            entry_of(event)
            return render_entry(event)
        except IntegrityError:  # made elsewhere, with a body this version does not know
            pass
    return readable(event).rstrip()


def _document(event: Event) -> dict[str, object]:
    return asdict(event)
