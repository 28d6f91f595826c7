"""A client whose dialogs are answered by the test: at once, late, wrongly, from another process, or never."""

import contextlib
import json
import queue
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentops_mcp.app import App
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.approval.service.requests import Requests, Standing
from agentops_mcp.factors.approval.store import request_events
from e2e.raw_client import MODERN, Era, RawClient, Reply, text_of

CLIENT = "asking-client"
ANNA = Actor("agentops-mcp page 0", "anna", "page")

BOUND_S = 30.0
"""No reply in these tests takes longer, busy machines included; what waits 45 s says so."""

PERSON = "person anna"
_LOOK_S = 0.01


@dataclass(frozen=True, slots=True)
class Dialog:
    """What a person would see in a client: by either era's means."""

    message: str
    schema: Mapping[str, Any]
    key: str | int
    """The id of the server's request, or the key of its input request."""

    state: str | None = None


class AskedClient(RawClient):
    """A server of its own, and a client of one protocol version that can show dialogs, or can not."""

    def __init__(self, project: Path, variables: Mapping[str, str], era: Era, *, shows: bool = True) -> None:
        capabilities: dict[str, Any] = {"elicitation": {}} if shows else {}
        self.era = era
        super().__init__(project, environment=variables, era=era, name=CLIENT, capabilities=capabilities)

    def say(self, tool: str, arguments: Mapping[str, Any], *, within_s: float = BOUND_S) -> str:
        """Call a tool and return its text; an error of a tool is text too."""
        answer = self.request("tools/call", {"name": tool, "arguments": arguments}).result(within_s)
        assert "result" in answer, answer
        return text_of(answer["result"])

    def give_up(self, identifier: int) -> None:
        """Tell the server that nobody waits for an answer any more, as clients do at their timeout."""
        params = {"requestId": identifier, "reason": "timed out"}
        if self.era == MODERN:
            params = self._with_envelope(params)
        message = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}
        self.send(json.dumps(message).encode())

    def start(self, tool: str, arguments: Mapping[str, Any], **more: Any) -> "Call":
        """Send a call of a tool without waiting for its reply."""
        identifier = self._next_id + 1
        answer = self.request("tools/call", {"name": tool, "arguments": arguments, **more})
        return Call(self, tool, dict(arguments), identifier, answer)

    def respond(self, dialog: Dialog, result: Any) -> None:
        """Answer a request of the server."""
        self.send(json.dumps({"jsonrpc": "2.0", "id": dialog.key, "result": result}).encode())

    def shown(self, about: str, *, unless: Future[Reply] | None = None) -> Dialog:
        """The server's next request to ask a person about this; what it asked before is passed over.

        Raises:
            AssertionError: there was none in time, or the call was answered (`unless`) without one.
            Hangup: the server died first.
        """
        until = time.monotonic() + BOUND_S
        while True:
            answered = unless is not None and unless.done()
            if found := self.dialogs(about):
                return found[0]
            if answered and unless is not None:
                raise AssertionError(f"no dialog about {about}, but {unless.result()}")
            assert time.monotonic() < until, f"no dialog about {about}"
            time.sleep(_LOOK_S)

    def dialogs(self, about: str) -> list[Dialog]:
        """The requests of the server so far to ask a person about this; what else it sent is passed over."""
        found: list[Dialog] = []
        with contextlib.suppress(queue.Empty):
            while True:
                message = self.messages.get_nowait()
                params = message.get("params", {})
                if message["method"] == "elicitation/create" and about in params["message"]:
                    found.append(Dialog(params["message"], params["requestedSchema"], message["id"]))
        return found


@dataclass(slots=True)
class Call:
    """A call under way, which the server may interrupt with a dialog."""

    client: AskedClient
    tool: str
    arguments: dict[str, Any]
    identifier: int
    pending: Future[Reply]
    dialogs: list[Dialog] = field(default_factory=list[Dialog])

    def dialog(self, about: str) -> Dialog:
        """What the person is shown."""
        if self.client.era != MODERN:
            return self.client.shown(about, unless=self.pending)
        result = self._result()
        assert result.get("resultType") == "input_required", result
        ((key, request),) = result["inputRequests"].items()
        assert request["method"] == "elicitation/create", request
        params = request["params"]
        assert about in params["message"]
        return Dialog(params["message"], params["requestedSchema"], key, result.get("requestState"))

    def answer(self, dialog: Dialog, result: Any, *, to: AskedClient | None = None) -> str:
        """Answer a dialog, where the state allows it to another process, and return the call's reply."""
        client = to or self.client
        if client.era != MODERN:
            client.respond(dialog, result)
            return self.reply()
        again = client.start(self.tool, self.arguments, inputResponses={dialog.key: result}, requestState=dialog.state)
        return again.reply()

    def reply(self, within_s: float = BOUND_S) -> str:
        """The text of the reply; a server that died gives none."""
        result = self._result(within_s)
        assert result.get("resultType", "complete") == "complete", result
        return text_of(result)

    def _result(self, within_s: float = BOUND_S) -> Reply:
        answer = self.pending.result(within_s)
        assert "result" in answer, answer
        return answer["result"]


def accepted(decision: str) -> dict[str, Any]:
    """The answer of a client whose person chose."""
    words = {"feedback": "Say which version it is."} if decision == "revise" else {}
    return {"action": "accept", "content": {"decision": decision, **words}}


def request_of(action: str, **changes: Any) -> dict[str, Any]:
    """The arguments of a request that is accepted."""
    return {
        "kind": "shell",
        "action": action,
        "summary": "Publish the candidate",
        "changes": "The candidate can be installed by its tag, and by nobody who does not name it.",
        "rollback": "npm unpublish within 72 hours",
        "impact": {"files": 0, "services": ["registry"], "cost": "none", "level": "low"},
        "alternatives": ["A dry run: it proves less"],
        "risks": ["The tag may be used before the candidate is tested"],
        **changes,
    }


@dataclass(frozen=True, slots=True)
class Ledger:
    """What was kept about requests, read and decided from this process, as the page does."""

    requests: Requests

    def id_of(self, action: str) -> str:
        """The newest request for an action."""
        found = [each for each in self.requests.history(action) if each.request.subject.text == action]
        assert found, f"no request for {action!r} was kept"
        return found[0].request.id

    def standing(self, approval: str) -> Standing:
        """Where a request stands."""
        return self.requests.standing(approval)

    def decide(self, approval: str, decision: str) -> None:
        """Decide as a person who is signed in on the page."""
        words = "Say which version it is." if decision == "revise" else ""
        digest = self.standing(approval).request.digest
        self.requests.decide(approval, decision, by=PERSON, digest=digest, feedback=words, actor=ANNA)

    def wait_until(self, approval: str, status: str) -> None:
        """Wait until time has made it so."""
        until = time.monotonic() + BOUND_S
        while self.standing(approval).status != status:
            assert time.monotonic() < until, f"{approval} is {self.standing(approval).status}, not {status}"
            time.sleep(0.02)

    def count(self, approval: str, kind: str) -> int:
        """How many events of a kind a request has."""
        return sum(fact.kind == kind for fact in self.standing(approval).facts)

    def uses(self, approval: str) -> int:
        """How often an approval was used."""
        return self.count(approval, request_events.USED)


def ledger_of(app: App) -> Ledger:
    """The requests of a project, read from this process."""
    return Ledger(app.approving().requests)
