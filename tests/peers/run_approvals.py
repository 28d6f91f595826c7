"""Let programs by others ask for approvals and answer the dialogs, over stdio, in both protocol eras.

Usage: python tests/peers/run_approvals.py

The Inspector's `mcpdo` keeps a connection in a daemon of its own and answers a dialog with a second command; the
two TypeScript SDKs answer from a handler. Whatever they say, the project's ledger must say the same afterwards,
and an approved action is allowed once. Prints a line per step and ends with 1 when an answer is not as it must be.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import node
import processes

MCPDO = node.MODULES / "@modelcontextprotocol" / "inspector" / "clients" / "mcpdo" / "build" / "mcp-bin.js"
SDK_CLIENT = node.PEERS / "approvals_client.mjs"

_STEP_TIMEOUT_S = 120
_SERVER = ("-m", "agentops_mcp", "serve")
_WORDS = "Say which version it is."

_BECOMES = {"approve": "approved", "reject": "rejected", "revise": "revise"}
_SDKS = (("v2", "modern"), ("v2", "legacy"), ("v1", "legacy"))

_REQUEST: dict[str, Any] = {
    "kind": "shell",
    "summary": "Publish the candidate",
    "changes": "The candidate can be installed by its tag, and by nobody who does not name it.",
    "rollback": "npm unpublish within 72 hours",
    "impact": {"files": 0, "services": ["registry"], "cost": "none", "level": "low"},
    "alternatives": ["A dry run: it proves less"],
    "risks": ["The tag may be used before the candidate is tested"],
}


def must(condition: object, problem: str) -> None:
    """Insist on something about an answer.

    Raises:
        PeerError: it is not so.
    """
    if not condition:
        raise processes.PeerError(problem)


@dataclass(frozen=True, slots=True)
class Case:
    """One request, and the decision that is to be given about it."""

    peer: str
    decision: str

    @property
    def action(self) -> str:
        """An action that a client's word is enough for, and that no other case asks about."""
        return f"npm publish --tag next ./packages/{self.peer}-{self.decision}"

    @property
    def request(self) -> dict[str, Any]:
        """The arguments of request_approval."""
        return {**_REQUEST, "action": self.action}

    def used(self, approval: str) -> dict[str, Any]:
        """The arguments of check_action that use its approval."""
        return {"kind": "shell", "action": self.action, "approval": approval}

    @property
    def words(self) -> str:
        """What the person says beside the decision."""
        return _WORDS if self.decision == "revise" else ""

    def check(self, said: str, uses: Sequence[str], place: processes.Place) -> None:
        """The replies and the ledger agree with what was decided.

        Raises:
            PeerError: they do not.
        """
        becomes = _BECOMES[self.decision]
        must(said.startswith(becomes.upper()), f"{self.peer}: {self.decision} became {said}")
        must(self.words in said, f"{self.peer}: the person's words are not in {said}")
        allowed = [text.startswith("ALLOW") for text in uses]
        must(allowed == [self.decision == "approve", False], f"{self.peer}: {self.decision} let pass {uses}")
        events = _events(place, self.action)
        decided = [event for event in events if event["kind"] == "approval.decided"]
        must([event["body"]["decision"] for event in decided] == [self.decision], f"{self.peer}: kept {decided}")
        must({event["actor"]["via"] for event in decided} == {"elicitation"}, f"{self.peer}: by {decided}")
        used = sum(event["kind"] == "approval.used" for event in events)
        must(used == int(self.decision == "approve"), f"{self.peer}: {self.decision} was used {used} times")
        print(f"  ok   {self.peer}: {self.decision}", flush=True)


def _events(place: processes.Place, action: str) -> list[dict[str, Any]]:
    """The events of the request for an action, from the command line."""
    exported = _run([sys.executable, "-m", "agentops_mcp", "export"], place)
    events: list[dict[str, Any]] = [json.loads(line) for line in exported.splitlines()]
    asked = [
        event["id"] for event in events
        if event["kind"] == "approval.requested" and event["body"]["subject"]["text"] == action
    ]  # fmt: skip
    must(len(asked) == 1, f"{action} was requested {len(asked)} times")
    return [event for event in events if event["body"].get("approval") == asked[0]]


def _run(command: Sequence[str], place: processes.Place, *, stdin: str = "") -> str:
    """Run a command to its end and return what it printed.

    Raises:
        PeerError: it failed, or did not end in time.
    """
    try:
        done = subprocess.run(
            command, cwd=place.project, env=place.environment, input=stdin, capture_output=True, encoding="utf-8",
            timeout=_STEP_TIMEOUT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise processes.PeerError(f"{command[1:4]}: no end within {_STEP_TIMEOUT_S} s") from error
    must(done.returncode == 0, f"{command[1:]}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Mcpdo:
    """The Inspector's command for one connection, which its daemon keeps."""

    era: str
    place: processes.Place

    def ask(self, *arguments: str) -> dict[str, Any]:
        """Run one command on the connection."""
        return json.loads(self.run("--connection", self.era, *arguments))

    def run(self, *arguments: str) -> str:
        """Run one command.

        Raises:
            PeerError: it failed.
        """
        return _run([str(node.node_binary()), str(MCPDO), "--format", "json", *arguments], self.place)

    def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call a tool; what comes back is its result, or a dialog that waits."""
        return self.ask("tools/call", tool, "--tool-args-json", json.dumps(arguments))


@contextmanager
def _connected(era: str, place: processes.Place) -> Generator[Mcpdo]:
    """A daemon of the place's own with one connection; both end with the block."""
    mcpdo = Mcpdo(era, place)
    server = {"type": "stdio", "command": sys.executable, "args": list(_SERVER), "env": place.environment,
              "cwd": str(place.project), "protocolEra": era}  # fmt: skip
    config = place.root / f"mcpdo-{era}.json"
    config.write_text(json.dumps({"mcpServers": {era: server}}), encoding="utf-8")
    try:
        mcpdo.run("--config", str(config), "connect", era)
        yield mcpdo
    finally:
        mcpdo.run("daemon", "stop")


def inspect(era: str, place: processes.Place) -> None:
    """Ask and answer with the Inspector's `mcpdo`."""
    with _connected(era, place) as mcpdo:
        for decision in _BECOMES:
            case = Case(f"mcpdo-{era}", decision)
            pending = mcpdo.call("request_approval", case.request)["elicitationPending"]
            must(case.action in json.dumps(pending), f"the dialog does not show the action: {pending}")
            fields = [f"decision:={decision}", *([f"feedback:={case.words}"] if case.words else [])]
            said = _text(mcpdo.ask("elicitation/respond", pending["elicitationId"], *fields))
            uses = [_text(mcpdo.call("check_action", case.used(said.split()[1].strip(":")))) for _ in range(2)]
            case.check(said, uses, place)


def drive(sdk: str, era: str, place: processes.Place) -> None:
    """Ask and answer with a TypeScript SDK."""
    cases = [Case(f"typescript-{sdk}-{era}", decision) for decision in _BECOMES]
    steps: list[dict[str, Any]] = []
    for case in cases:
        content = {"decision": case.decision, **({"feedback": case.words} if case.words else {})}
        answer = {"action": "accept", "content": content}
        steps.append({"tool": "request_approval", "arguments": case.request, "answer": answer})
        steps += [{"tool": "check_action", "arguments": case.used("$id")}] * 2
    server = {"command": sys.executable, "args": list(_SERVER), "env": place.environment, "cwd": str(place.project)}
    told = _run(
        [str(node.node_binary()), str(SDK_CLIENT), sdk, era], place,
        stdin=json.dumps({"server": server, "steps": steps}),
    )  # fmt: skip
    replies: list[dict[str, Any]] = [json.loads(line) for line in told.splitlines()]
    must(len(replies) == len(steps), f"{len(steps)} steps, {len(replies)} replies")
    for case, (asked, *uses) in zip(cases, (replies[at : at + 3] for at in range(0, len(replies), 3)), strict=True):
        must([case.action in each["message"] for each in asked["dialogs"]] == [True], f"shown: {asked['dialogs']}")
        case.check(asked["text"], [each["text"] for each in uses], place)


def _text(answer: dict[str, Any]) -> str:
    """The text of a tool's result, as `mcpdo` prints it."""
    result = answer.get("result", answer)
    must("content" in result, f"no result: {answer}")
    return "".join(part.get("text", "") for part in result["content"])


def main() -> int:
    """Run every peer in a place of its own."""
    processes.stop_cleanly_when_told()
    began, failed = time.monotonic(), False
    runs: dict[str, Callable[[processes.Place], None]] = {
        **{f"mcpdo {era}": partial(inspect, era) for era in ("legacy", "modern")},
        **{f"TypeScript {sdk} {era}": partial(drive, sdk, era) for sdk, era in _SDKS},
    }
    for name, run in runs.items():
        try:
            node.require_modules()
            with processes.private_place() as place:
                run(place)
        except (node.PeersError, processes.PeerError) as error:
            print(f"  FAIL {name}: {error}", flush=True)
            failed = True
    print(f"approvals: {'FAILED' if failed else 'passed'} in {time.monotonic() - began:.0f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
