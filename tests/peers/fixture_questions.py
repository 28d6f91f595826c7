"""What the conformance suite expects to be asked: questions within a call, and answers brought by a second call."""

from typing import Annotated, Any, Literal

from mcp.server import MCPServer
from mcp.server.mcpserver import Context, Elicit, ElicitationResult, Resolve
from mcp.server.mcpserver.prompts.base import Prompt, UserMessage
from mcp.types import (
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    SamplingMessage,
    TextContent,
)
from pydantic import BaseModel, Field

# --- asked while the call waits (the protocol up to 2025-11-25) ---


class Person(BaseModel):
    """A form of two texts."""

    username: str = Field(description="User's response")
    email: str = Field(description="User's email address")


class Defaults(BaseModel):
    """One field of each primitive type, each with a default."""

    name: str = "John Doe"
    age: int = 30
    score: float = 95.5
    status: Literal["active", "inactive", "pending"] = "active"
    verified: bool = True


_TITLED: tuple[dict[str, Any], ...] = ({"const": "a", "title": "First"}, {"const": "b", "title": "Second"})


class Choices(BaseModel):
    """The five ways a form may offer choices."""

    untitled_single: str = Field(alias="untitledSingle", json_schema_extra={"enum": ["a", "b", "c"]})
    titled_single: str = Field(alias="titledSingle", json_schema_extra={"oneOf": [*_TITLED]})
    legacy: str = Field(alias="legacyEnum", json_schema_extra={"enum": ["a", "b"], "enumNames": ["First", "Second"]})
    untitled_multi: list[str] = Field(
        alias="untitledMulti", json_schema_extra={"items": {"type": "string", "enum": ["a", "b", "c"]}}
    )
    titled_multi: list[str] = Field(alias="titledMulti", json_schema_extra={"items": {"anyOf": [*_TITLED]}})


async def _elicited(ctx: Context, message: str, form: type[BaseModel]) -> str:
    answer = await ctx.elicit(message, form)
    content = answer.data.model_dump_json() if answer.action == "accept" else "{}"
    return f"action={answer.action}, content={content}"


async def test_elicitation(message: str, ctx: Context) -> str:
    """Ask for a name and an address."""
    return f"User response: {await _elicited(ctx, message, Person)}"


async def test_elicitation_sep1034_defaults(ctx: Context) -> str:
    """Ask with a default for every field."""
    return f"Elicitation completed: {await _elicited(ctx, 'Check these values.', Defaults)}"


async def test_elicitation_sep1330_enums(ctx: Context) -> str:
    """Ask with choices of every kind."""
    return f"Elicitation completed: {await _elicited(ctx, 'Choose.', Choices)}"


async def test_sampling(prompt: str, ctx: Context) -> str:
    """Ask the client's model."""
    # Deprecated in 2026-07-28, still required of servers in the protocol before it. Without the related id the
    # request would go to a stream that the client has not opened.
    answer = await ctx.session.create_message(  # pyright: ignore[reportDeprecated]
        messages=_prompt(prompt), max_tokens=100, related_request_id=ctx.request_id
    )
    return f"LLM response: {answer.content.text if answer.content.type == 'text' else answer.content.type}"


# --- asked in the result, answered by calling again (2026-07-28) ---


def _prompt(text: str) -> list[SamplingMessage]:
    return [SamplingMessage(role="user", content=TextContent(type="text", text=text))]


def _ask(message: str, field: str, kind: str = "string") -> ElicitRequest:
    schema: dict[str, Any] = {"type": "object", "properties": {field: {"type": kind}}, "required": [field]}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def _sample(text: str, max_tokens: int) -> CreateMessageRequest:
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=_prompt(text), max_tokens=max_tokens))


def _form_value(ctx: Context, key: str, field: str) -> str | None:
    """The value a person gave for one field, or None while nobody gave one."""
    answer = (ctx.input_responses or {}).get(key)
    if not isinstance(answer, ElicitResult) or answer.action != "accept":
        return None
    value = (answer.content or {}).get(field)
    return None if value is None else str(value)


async def test_input_required_result_elicitation(ctx: Context) -> str | InputRequiredResult:
    """Greet by a name that is asked for."""
    name = _form_value(ctx, "user_name", "name")
    if name is None:
        return InputRequiredResult(input_requests={"user_name": _ask("What is your name?", "name")})
    return f"Hello, {name}!"


async def test_input_required_result_sampling(ctx: Context) -> str | InputRequiredResult:
    """Pass on what the client's model says."""
    answer = (ctx.input_responses or {}).get("capital_question")
    if not isinstance(answer, CreateMessageResult):
        return InputRequiredResult(input_requests={"capital_question": _sample("What is the capital of France?", 100)})
    return f"The model says: {answer.content.text if answer.content.type == 'text' else answer.content.type}"


async def test_input_required_result_list_roots(ctx: Context) -> str | InputRequiredResult:
    """Name the client's roots."""
    answer = (ctx.input_responses or {}).get("client_roots")
    if not isinstance(answer, ListRootsResult):
        return InputRequiredResult(input_requests={"client_roots": ListRootsRequest()})
    return f"Roots: {', '.join(str(root.uri) for root in answer.roots)}"


async def test_input_required_result_request_state(ctx: Context) -> str | InputRequiredResult:
    """Take back exactly the state that was given out."""
    if ctx.request_state == "asked-once" and _form_value(ctx, "confirm", "ok") is not None:
        return "state-ok"
    return InputRequiredResult(
        input_requests={"confirm": _ask("Please confirm", "ok", "boolean")}, request_state="asked-once"
    )


async def test_input_required_result_tampered_state(ctx: Context) -> str | InputRequiredResult:
    """Give out state that nobody can change unnoticed."""
    return await test_input_required_result_request_state(ctx)


async def test_input_required_result_multiple_inputs(ctx: Context) -> str | InputRequiredResult:
    """Ask three things at once."""
    asked: dict[str, InputRequest] = {
        "user_name": _ask("What is your name?", "name"),
        "greeting": _sample("Generate a greeting", 50),
        "client_roots": ListRootsRequest(),
    }
    if ctx.request_state == "three" and asked.keys() <= (ctx.input_responses or {}).keys():
        return "All three answered."
    return InputRequiredResult(input_requests=asked, request_state="three")


async def test_input_required_result_multi_round(ctx: Context) -> str | InputRequiredResult:
    """Ask twice, the second time knowing the first answer."""
    state = ctx.request_state or ""
    if state == "step1" and (name := _form_value(ctx, "step1", "name")) is not None:
        step2 = _ask("Step 2: What is your favorite color?", "color")
        return InputRequiredResult(input_requests={"step2": step2}, request_state=f"step2:{name}")
    if state.startswith("step2:") and (color := _form_value(ctx, "step2", "color")) is not None:
        return f"{state.removeprefix('step2:')} likes {color}."
    step1 = _ask("Step 1: What is your name?", "name")
    return InputRequiredResult(input_requests={"step1": step1}, request_state="step1")


async def test_input_required_result_capabilities(ctx: Context) -> str | InputRequiredResult:
    """Ask only in ways the client declared."""
    declared = ctx.client_capabilities
    asked: dict[str, InputRequest] = {}
    if declared is not None and declared.sampling is not None:
        asked["sample"] = _sample("Say hello", 20)
    if declared is not None and declared.elicitation is not None:
        asked["ask"] = _ask("What is your name?", "name")
    return InputRequiredResult(input_requests=asked) if asked else "The client can be asked nothing."


async def test_input_required_result_prompt(ctx: Context) -> list[UserMessage] | InputRequiredResult:
    """Write a prompt around an answer."""
    context = _form_value(ctx, "user_context", "context")
    if context is None:
        question = _ask("What context should the prompt use?", "context")
        return InputRequiredResult(input_requests={"user_context": question})
    return [UserMessage(f"Work in this context: {context}")]


class _Word(BaseModel):
    word: str


def _ask_word() -> Elicit[_Word]:
    return Elicit("Say a word.", _Word)


async def test_streaming_elicitation(answer: Annotated[ElicitationResult[_Word], Resolve(_ask_word)]) -> str:
    """Ask through the SDK's resolver."""
    return f"The question was answered with {answer.action}."


def add_questions(mcp: MCPServer) -> None:
    """Add the fixtures that ask."""
    for tool in (
        test_elicitation,
        test_elicitation_sep1034_defaults,
        test_elicitation_sep1330_enums,
        test_sampling,
        test_input_required_result_elicitation,
        test_input_required_result_sampling,
        test_input_required_result_list_roots,
        test_input_required_result_request_state,
        test_input_required_result_tampered_state,
        test_input_required_result_multiple_inputs,
        test_input_required_result_multi_round,
        test_input_required_result_capabilities,
        test_streaming_elicitation,
    ):
        mcp.add_tool(tool, structured_output=False)
    mcp.add_prompt(Prompt.from_function(test_input_required_result_prompt))
