"""The agent's surface: builds the MCP server, one line for each factor."""

import functools
import inspect
import json
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, cast

import anyio
import anyio.to_thread
from mcp import MCPError
from mcp.server import CacheHint, MCPServer
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError, UnexpectedToolError
from mcp.server.session import ServerSession
from mcp.types import (
    INVALID_PARAMS,
    CallToolResult,
    Completion,
    CompletionArgument,
    CompletionContext,
    GetPromptResult,
    InputRequiredResult,
    PromptReference,
    ResourceTemplateReference,
    TextContent,
    Tool,
)
from pydantic import AnyUrl, ValidationError

from agentops_mcp import __version__
from agentops_mcp.app import App
from agentops_mcp.core.errors import AgentOpsError, ConfigError, NotFoundError
from agentops_mcp.core.loopback import LOOPBACK_HOSTS
from agentops_mcp.core.records import Actor
from agentops_mcp.core.schemas import signature, terse, unstorable
from agentops_mcp.factors.approval.rules.proposals import EXAMPLE
from agentops_mcp.factors.approval.tools import card as approval_card
from agentops_mcp.factors.approval.tools import requests as approval_tools
from agentops_mcp.factors.approval.tools import resources as approval_resources
from agentops_mcp.factors.approval.tools.rounds import KeptKeyCodec, Rounds, sealed_with
from agentops_mcp.factors.context.tools import contexts as context_tools
from agentops_mcp.factors.context.tools import outcomes as outcome_tools
from agentops_mcp.factors.guardrails import tools as guard_tools
from agentops_mcp.factors.mining.tools import patterns as pattern_tools
from agentops_mcp.factors.mining.tools import search as search_tools
from agentops_mcp.factors.resume.tools import missions as mission_tools
from agentops_mcp.factors.resume.tools import sessions as session_tools
from agentops_mcp.factors.resume.tools import states as state_tools
from agentops_mcp.factors.tracking import tools as tracking_tools
from agentops_mcp.stdio import answering_stdio
from agentops_mcp.storage.project import current_user

logger = logging.getLogger(__name__)

INSTRUCTIONS = """\
agentops keeps this project's working memory: what was done, decided and learned, across sessions and clients.
Call start_session before anything else; its brief says where the project stands. Call record_entry when something is
decided, learned, finished or failed, and save_state at each milestone and before you stop: another session goes on from
it. Call check_action before anything that deletes, overwrites, publishes, sends data or spends; what it does not allow,
request_approval asks a person about. Every reply names the next step; every error names the call that fixes it."""

# After the reply to the first tools/list is out: warming competes with the handshake for the interpreter.
_WARM_AFTER_S = 0.05

_UNEXPECTED_REMEDY = (
    "The server's log has the details; try again once, then tell the person to run `agentops-mcp doctor`."
)


class Beside(Protocol):
    """An application that is served beside MCP; `close` lets its connections go, so that the server can stop."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request, as ASGI has it."""
        ...

    def close(self) -> None:
        """Let every connection go."""
        ...


class AgentOpsServer(MCPServer[Any]):
    """The SDK's server with our manners: one error bridge, strict arguments, terse schemas, a settled mirror."""

    def __init__(self, app: App) -> None:
        codec = KeptKeyCodec(lambda: app.parts.project.data_dir)
        super().__init__(
            "agentops",
            title="AgentOps",
            instructions=INSTRUCTIONS,
            version=__version__,
            cache_hints={
                "tools/list": CacheHint(ttl_ms=3_600_000, scope="public"),
                "prompts/list": CacheHint(ttl_ms=3_600_000, scope="public"),
                "resources/templates/list": CacheHint(ttl_ms=3_600_000, scope="public"),
            },
            extensions=[approval_card.extension()],
            request_state_security=sealed_with(codec),
        )
        self.middleware.insert(0, Rounds(codec, functools.partial(_record_refused, app)))
        self._app = app
        self._warming = threading.Timer(_WARM_AFTER_S, app.warm)
        self._warming.daemon = True

    def add_tool(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Add a tool with a clean description and the shortest schema that says the same."""
        kwargs["description"] = inspect.cleandoc(kwargs.get("description") or fn.__doc__ or "")
        super().add_tool(fn, *args, **kwargs)
        tool = self._tool_manager.get_tool(kwargs.get("name") or fn.__name__)
        if tool is not None:
            tool.fn = _settled(fn, self._app)
            tool.parameters = {**terse(tool.parameters), "additionalProperties": False}
            if tool.fn_metadata.output_schema is not None:
                tool.fn_metadata.output_schema = terse(tool.fn_metadata.output_schema)

    async def list_tools(self) -> list[Tool]:
        """The tools in their fixed order; the first listing sets off the warming."""
        if self._warming.ident is None and not self._warming.finished.is_set():
            self._warming.start()
        return await super().list_tools()

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Run a tool; whatever it recorded is in the git mirror when this returns.

        Raises:
            ToolError: with one short text for the model: what is wrong, and what to do.
        """
        self._refuse_bad_arguments(name, arguments)
        try:
            return _compact(await super().call_tool(name, arguments, context))
        except ToolError as error:
            if domain := _domain_error(error):
                raise ToolError(str(domain)) from domain
            if isinstance(error.__cause__, ValidationError):
                raise ToolError(self._argument_sentence(name, error.__cause__)) from error
            if isinstance(error, UnexpectedToolError):
                logger.exception("%s failed unexpectedly", name)
                raise ToolError(f"{name} failed unexpectedly. {_UNEXPECTED_REMEDY}") from error
            raise

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[Any, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """Read a resource.

        Raises:
            ResourceError: with the text of the domain error behind it, if there is one.
        """
        try:
            return await super().read_resource(uri, context)
        except ResourceError as error:
            domain = _domain_error(error)
            if isinstance(domain, NotFoundError):
                raise ResourceNotFoundError(str(domain)) from domain
            if domain:
                raise ResourceError(str(domain)) from domain
            if isinstance(error, ResourceNotFoundError):
                text = f"No resource {str(uri)[:200]!r}. resources/list and resources/templates/list name them all."
                raise ResourceNotFoundError(text) from error
            raise

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context[Any, Any] | None = None
    ) -> GetPromptResult | InputRequiredResult:
        """Render a prompt.

        Raises:
            MCPError: there is no prompt of this name.
        """
        if self._prompt_manager.get_prompt(name) is None:
            names = ", ".join(prompt.name for prompt in self._prompt_manager.list_prompts())
            raise MCPError(INVALID_PARAMS, f"No prompt {name[:60]!r}. The prompts are: {names}.")
        return await super().get_prompt(name, arguments, context)

    async def run_stdio_async(self) -> None:
        """Serve one client over stdin and stdout."""
        async with answering_stdio() as (incoming, outgoing):
            options = self._lowlevel_server.create_initialization_options()
            await self._lowlevel_server.run(incoming, outgoing, options)

    async def run_streamable_http_async(
        self, *, host: str = "127.0.0.1", port: int = 8000, beside: Beside | None = None, **options: Any
    ) -> None:
        """Serve clients over streamable HTTP, and `beside` at every other path.

        uvicorn would take httptools and uvloop, which come with Chroma; httptools keeps white space around a header's
        value, which the protocol wants accepted.
        """
        import uvicorn

        class Server(uvicorn.Server):
            async def shutdown(self, sockets: Any = None) -> None:
                if beside is not None:
                    beside.close()
                await super().shutdown(sockets)

        starlette = self.streamable_http_app(host=host, **options)
        if beside is not None:
            starlette.mount("/", beside)
        level = self.settings.log_level.lower()
        # No access log: an address may have a sign-in's token in it.
        await Server(
            uvicorn.Config(
                starlette, host=host, port=port, log_level=level, access_log=False, http="h11", loop="asyncio"
            )
        ).serve()

    def _refuse_bad_arguments(self, name: str, arguments: dict[str, Any]) -> None:
        schema = self._tool_input_schema(name)
        if schema is None:
            names = ", ".join(tool.name for tool in self._tool_manager.list_tools())
            # The specification makes this a protocol error, so that clients can tell it from a tool that failed.
            raise MCPError(INVALID_PARAMS, f"No tool {name[:60]!r}. The tools are: {names}.")
        if unknown := [key for key in arguments if key not in schema["properties"]]:
            raise ToolError(f"{name} has no argument {unknown[0][:60]!r}; it takes {signature(schema)}.")
        if bad := unstorable(arguments):
            raise ToolError(f"{name}: {bad}; send plain Unicode text.")

    def _argument_sentence(self, name: str, error: ValidationError) -> str:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        argument = ".".join(str(part) for part in first["loc"])
        takes = signature(self._tool_input_schema(name) or {})
        if first["type"] == "missing":
            example = f" For example: {EXAMPLE}." if name == "request_approval" else ""
            return f"{name} needs {argument!r}; it takes {takes}.{example}"
        return f"{name}: {argument}: {first['msg']}; it takes {takes}."


def build_server(app: App) -> AgentOpsServer:
    """The server of one project, with every factor's tools, resources and prompts."""
    mcp = AgentOpsServer(app)
    session_tools.register(mcp, app.sessions, actor_of)
    context_tools.register(mcp, app.contexts, actor_of)
    state_tools.register(mcp, app.states, actor_of)
    mission_tools.register(mcp, app.missions, actor_of)
    tracking_tools.register(mcp, app.entries, actor_of)
    search_tools.register(mcp, app.search, actor_of, app.clock)
    pattern_tools.register(mcp, app.patterns, app.mining, app.library, actor_of, app.clock)
    guard_tools.register(mcp, app.checks, actor_of)
    outcome_tools.register(mcp, app.outcomes, actor_of)
    approval_tools.register(mcp, _surroundings(app))
    approval_resources.register(mcp, lambda: app.approving().requests, lambda: app.approving().audit)
    _register_completion(
        mcp,
        _united(
            state_tools.completions(app.states),
            mission_tools.completions(app.missions),
            tracking_tools.completions(app.entries),
            context_tools.completions(app.contexts),
            search_tools.completions(app.search),
            pattern_tools.completions(app.patterns),
            approval_resources.completions(lambda: app.approving().requests),
        ),
    )
    return mcp


def actor_of(context: Context[Any, Any]) -> Actor:
    """Who is calling: the client as it names itself, and the account the server runs as."""
    return _actor(context.session)


def _actor(session: ServerSession) -> Actor:
    info = session.client_params.client_info if session.client_params else None
    client = f"{info.name} {info.version}".replace("\0", "").strip()[:100] if info else "unknown"
    return Actor(client=client, user=_account(), via="mcp")


def _surroundings(app: App) -> approval_tools.Surroundings:
    return approval_tools.Surroundings(
        app.approving, actor_of, page=app.running_page, headless=lambda: app.guard().ground().policy.headless
    )


def _record_refused(app: App, approval: str, request: ServerRequestContext[Any, Any]) -> None:
    approval_tools.refuse_state(app.approving(), approval, request.params or {}, _actor(request.session))


# Looked up once: it cannot change while the process runs, and the look-up reads a file.
_account = functools.cache(current_user)


def _register_completion(mcp: AgentOpsServer, completers: dict[str, Callable[[str], list[str]]]) -> None:
    @mcp.completion()
    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,  # noqa: ARG001 - the SDK passes it
    ) -> Completion | None:
        completer = completers.get(argument.name)
        if completer is None or not isinstance(ref, ResourceTemplateReference):
            return None
        try:
            return Completion(values=await anyio.to_thread.run_sync(completer, argument.value))
        except AgentOpsError:
            logger.info("No completion", exc_info=True)
            return None


def _united(*completers: Mapping[str, Callable[[str], list[str]]]) -> dict[str, Callable[[str], list[str]]]:
    """One completer for each variable, whichever factors have templates with it."""

    def complete(name: str, prefix: str) -> list[str]:
        found = (value for each in completers if name in each for value in each[name](prefix))
        return list(dict.fromkeys(found))

    return {name: functools.partial(complete, name) for each in completers for name in each}


def _settled(fn: Callable[..., Any], app: App) -> Callable[..., Any]:
    """`fn`, and the git mirror brought up to date before it returns, also when its client has given up meanwhile.

    In the thread the tool runs in, if it runs in one: a second thread costs a twentieth of a write.
    """
    if inspect.iscoroutinefunction(fn):

        @functools.wraps(fn)
        async def run_async(**given: Any) -> Any:
            try:
                return await fn(**given)
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(app.settle)

        return run_async

    @functools.wraps(fn)
    def run(**given: Any) -> Any:
        try:
            return fn(**given)
        finally:
            app.settle()

    return run


def _compact(result: CallToolResult | InputRequiredResult) -> CallToolResult | InputRequiredResult:
    """The text beside a structured result in one line: the SDK's indented copy costs half as much again."""
    if isinstance(result, CallToolResult) and result.structured_content is not None:
        text = json.dumps(result.structured_content, separators=(",", ":"), ensure_ascii=False)
        result.content = [TextContent(type="text", text=text)]
    return result


def _domain_error(error: BaseException | None) -> AgentOpsError | None:
    """The domain error that the SDK wrapped, if that is what it was."""
    while error is not None and not isinstance(error, AgentOpsError):
        group = isinstance(error, BaseExceptionGroup)  # of tasks that ran beside each other
        error = cast("BaseExceptionGroup[Any]", error).exceptions[0] if group else error.__cause__
    return error


def serve_stdio(app: App) -> None:
    """Serve one client over stdin and stdout until it hangs up."""
    with app:
        build_server(app).run("stdio")


def serve_http(app: App, host: str, port: int, *, beside: Beside | None = None) -> None:
    """Serve clients on this machine over streamable HTTP at /mcp, and `beside` at every other path.

    Raises:
        ConfigError: `host` is not a loopback address, where everybody on the network could call the tools.
    """
    if host not in LOOPBACK_HOSTS:
        raise ConfigError(
            f"--http {host}:{port} would serve other machines, and there is no sign-in.",
            remedy="Use 127.0.0.1, ::1 or localhost; put a proxy that authenticates in front for a network.",
        )
    with app:
        # On a loopback host the SDK refuses foreign Host and Origin headers (DNS rebinding) by itself.
        serve = build_server(app).run_streamable_http_async
        anyio.run(functools.partial(serve, host=host, port=port, beside=beside))
