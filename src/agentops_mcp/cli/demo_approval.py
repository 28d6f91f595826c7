"""The approvals' part of the demo: asked, decided, used once, and what a client's dialog can not decide.

In a scratch repository, with nobody present: a script answers the client's dialog, and every step says so.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mcp import Client
from mcp.client import ClientRequestContext
from mcp.types import ElicitRequestParams, ElicitResult

from agentops_mcp.cli.demo_client import Stage, StepError, call, say_indented, text_of

_ACTION = "rm -rf notes"
_WORDS: Mapping[str, Any] = {
    "summary": "Remove the notes of 2024, which nobody reads",
    "changes": "notes/ is deleted, with 1 file that is in no commit",
    "rollback": "none: git does not have it",
    "impact": {"files": 1, "services": [], "cost": "none", "level": "medium"},
    "alternatives": ["Commit it first: keeps what nobody reads"],
    "risks": ["Somebody may miss a note"],
}
_CRITICAL = "terraform destroy -auto-approve"
_CRITICAL_WORDS: Mapping[str, Any] = {
    "summary": "Take down the test environment, which is not used any more",
    "changes": "All its machines and databases are destroyed",
    "rollback": "terraform apply makes them again, without their data",
    "impact": {"services": ["test"], "cost": "saves 40 a day", "level": "high"},
    "alternatives": ["Stop the machines: keeps the databases, costs 15 a day"],
    "risks": ["Somebody may still test there"],
}


async def show_approval(say_step: Callable[[str], None], environment: Mapping[str, str]) -> None:
    """Run the steps."""
    with _scratch(environment) as stage:
        async with stage.client("2026-07-28", "first-agent", answers=_scripted) as client:
            say_step(
                f"It asks for a person's word on: {_ACTION}. Nobody is here, so a script approves in the client's "
                "dialog; such an answer counts as `client`, the weakest"
            )
            told = await _say(client, "request_approval", {"kind": "shell", "action": _ACTION, **_WORDS})
            approval = told.split()[1].strip(".:,")
            use = {"kind": "shell", "action": _ACTION, "approval": approval}
            say_step("It has the action checked with that approval, which uses it")
            await _say(client, "check_action", use, start="ALLOW")
            say_step("Once more: an approval is used once")
            await _say(client, "check_action", use, start="ASK")
            say_step(f"What can not be undone is not even shown in the dialog; a person has to come: {_CRITICAL}")
            await _say(
                client, "request_approval", {"kind": "shell", "action": _CRITICAL, **_CRITICAL_WORDS}, start="PENDING"
            )
        say_step("You would decide on the page (agentops-mcp web) or here. What waits: agentops-mcp approvals")
        say_indented(stage.command("approvals"))
        say_step("What became of the first, from check to use: agentops-mcp approvals ID --audit")
        say_indented(stage.command("approvals", approval, "--audit"))


async def _scripted(
    context: ClientRequestContext,  # noqa: ARG001 - the signature is the SDK's
    params: ElicitRequestParams,
) -> ElicitResult:
    """What stands in for a person: the dialog's required choice, made by a script."""
    say_indented(f"(the dialog, answered by a script) {params.message}")
    return ElicitResult(action="accept", content={"decision": "approve", "feedback": "approved by the demo's script"})


async def _say(client: Client, tool: str, arguments: dict[str, Any], *, start: str = "APPROVED") -> str:
    told = text_of(await call(client, tool, arguments))
    if not told.startswith(start):
        raise StepError(f"{tool} did not answer {start}: {told}")
    say_indented(told)
    return told


@contextmanager
def _scratch(environment: Mapping[str, str]) -> Generator[Stage]:
    with TemporaryDirectory(prefix="agentops-demo-", ignore_cleanup_errors=True) as place:
        folder = Path(place).resolve()
        (folder / "notes").mkdir()
        (folder / "notes" / "ideas.md").write_text("In no commit yet.\n", encoding="utf-8")
        yield Stage(folder, environment)
