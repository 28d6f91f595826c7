"""A person asked in the client's own dialog: when that is allowed, what is asked, and what an answer says.

An answer is a client's word that a person gave it: its host may have answered by itself. That is why a form has a
required choice without a default, and why what is recorded names the client.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from mcp.server.mcpserver import Context
from mcp.types import (
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
)

from agentops_mcp.core.display import visible
from agentops_mcp.factors.approval.rules.settings import Strength
from agentops_mcp.factors.approval.rules.standing import DECISIONS, suffices

KEY = "decision"
"""What a question is called among those of a round."""

NO_DECISION, NO_WORDS = "answered without a decision", "no words were given"

_ROUNDS_SINCE = "2026-07-28"
"""The first protocol in which a server asks by answering; before it, a server sends the client a request."""

_MOST_WORDS = 4_000
_FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        KEY: {
            "type": "string",
            "title": "Your decision",
            "description": "reject: it is not done. revise: it goes back with your words. approve: it is done once.",
            "enum": ["reject", "revise", "approve"],
        },
        "feedback": {
            "type": "string",
            "title": "Your words",
            "description": "The agent gets them; needed to send it back.",
            "maxLength": _MOST_WORDS,
        },
    },
    "required": [KEY],
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client's answer comes to."""

    decision: str
    feedback: str = ""


def can_ask(context: Context[Any, Any], floor: Strength) -> bool:
    """Whether the client declared forms (`{}` means forms alone), and its word is enough for what is asked."""
    declared = context.client_capabilities.elicitation if context.client_capabilities else None
    forms = declared is not None and (declared.form is not None or declared.url is None)
    return forms and suffices("client", floor)


def asks_in_rounds(context: Context[Any, Any]) -> bool:
    """Whether this protocol asks by answering, and the client calls again with what was said."""
    return (context.protocol_version or "") >= _ROUNDS_SINCE


def question(message: str, approval: str) -> InputRequiredResult:
    """The answer that asks; the client calls again with `approval` as its state, which comes sealed."""
    form = ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=_FORM))
    return InputRequiredResult(input_requests={KEY: form}, request_state=approval)


async def put(context: Context[Any, Any], message: str) -> Answer | None:
    """Ask in the protocols before rounds, and wait for the answer; None when the dialog was closed without one.

    Raises:
        MCPError: the client can not be asked, or refuses to ask.
    """
    from pydantic import ValidationError

    request = context.request_context
    try:
        result = await request.session.elicit_form(message, _FORM, related_request_id=request.request_id)
    except ValidationError:
        return Answer("reject", NO_DECISION)
    return answer_in(result)


def answer_in(result: object) -> Answer | None:
    """What was decided; None when the dialog was closed without a decision.

    Declined is rejected, and so is whatever was accepted without a valid decision.
    """
    if not isinstance(result, ElicitResult):
        return Answer("reject", NO_DECISION)
    content = cast("dict[str, Any]", result.content or {})
    words, decision = content.get("feedback"), content.get(KEY)
    feedback = _cut(visible(words.strip())) if isinstance(words, str) else ""
    match result.action:
        case "cancel":
            return None
        case "decline":
            return Answer("reject", feedback)
        case "accept":
            if decision not in DECISIONS or not (words is None or isinstance(words, str)):
                return Answer("reject", NO_DECISION)
            return Answer(decision, feedback or (NO_WORDS if decision == "revise" else ""))


def readable(call: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a client sent, where an answer to our question that is none has become one without a decision."""
    sent: Any = call.get("inputResponses")
    answers = cast("dict[str, Any]", sent) if isinstance(sent, dict) else {}
    if answers.get(KEY) is None or result_of(answers[KEY]) is not None:
        return call
    return {**call, "inputResponses": {**answers, KEY: {"action": "accept"}}}


def result_of(sent: object) -> ElicitResult | None:
    """An answer as a client sent it; None when it is none."""
    from pydantic import ValidationError

    try:
        return ElicitResult.model_validate(sent)
    except ValidationError:
        return None


def _cut(words: str) -> str:
    return words if len(words) <= _MOST_WORDS else words[: _MOST_WORDS - 1] + "…"
