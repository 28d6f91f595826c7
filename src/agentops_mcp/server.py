"""The agent's surface: builds the MCP server, one line for each factor."""

import functools
import inspect
import json
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import anyio
import anyio.to_thread
from mcp import MCPError
from mcp.server import CacheHint, MCPServer
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError, UnexpectedToolError
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
from agentops_mcp.core.records import Actor
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
it. Call check_action before anything that deletes, overwrites, publishes, sends data or spends. Every reply names the
next step; every error names the call that fixes it."""

# After the reply to the first tools/list is out: warming competes with the handshake for the interpreter.
_WARM_AFTER_S = 0.05

_UNEXPECTED_REMEDY = (
    "The server's log has the details; try again once, then tell the person to run `agentops-mcp doctor`."
)

LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")


class AgentOpsServer(MCPServer[Any]):
    """The SDK's server with our manners: one error bridge, strict arguments, terse schemas, a settled mirror."""

    def __init__(self, app: App) -> None:
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
        )
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
            tool.parameters = {**_terse(tool.parameters), "additionalProperties": False}
            if tool.fn_metadata.output_schema is not None:
                tool.fn_metadata.output_schema = _terse(tool.fn_metadata.output_schema)

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

    async def run_streamable_http_async(self, *, host: str = "127.0.0.1", port: int = 8000, **options: Any) -> None:
        """Serve clients over streamable HTTP.

        uvicorn would take httptools and uvloop, which come with Chroma; httptools keeps white space around a header's
        value, which the protocol wants accepted.
        """
        import uvicorn

        starlette = self.streamable_http_app(host=host, **options)
        level = self.settings.log_level.lower()
        await uvicorn.Server(
            uvicorn.Config(starlette, host=host, port=port, log_level=level, http="h11", loop="asyncio")
        ).serve()

    def _refuse_bad_arguments(self, name: str, arguments: dict[str, Any]) -> None:
        schema = self._tool_input_schema(name)
        if schema is None:
            names = ", ".join(tool.name for tool in self._tool_manager.list_tools())
            # The specification makes this a protocol error, so that clients can tell it from a tool that failed.
            raise MCPError(INVALID_PARAMS, f"No tool {name[:60]!r}. The tools are: {names}.")
        if unknown := [key for key in arguments if key not in schema["properties"]]:
            raise ToolError(f"{name} has no argument {unknown[0][:60]!r}; it takes {_signature(schema)}.")
        if bad := _unstorable(arguments):
            raise ToolError(f"{name}: {bad}; send plain Unicode text.")

    def _argument_sentence(self, name: str, error: ValidationError) -> str:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        argument = ".".join(str(part) for part in first["loc"])
        signature = _signature(self._tool_input_schema(name) or {})
        if first["type"] == "missing":
            return f"{name} needs {argument!r}; it takes {signature}."
        return f"{name}: {argument}: {first['msg']}; it takes {signature}."


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
    _register_completion(
        mcp,
        _united(
            state_tools.completions(app.states),
            mission_tools.completions(app.missions),
            tracking_tools.completions(app.entries),
            context_tools.completions(app.contexts),
            search_tools.completions(app.search),
            pattern_tools.completions(app.patterns),
        ),
    )
    return mcp


def actor_of(context: Context[Any, Any]) -> Actor:
    """Who is calling: the client as it names itself, and the account the server runs as."""
    parameters = context.session.client_params
    info = parameters.client_info if parameters else None
    client = f"{info.name} {info.version}".replace("\0", "").strip()[:100] if info else "unknown"
    return Actor(client=client, user=_account(), via="mcp")


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
        error = error.__cause__
    return error


def _signature(schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    return ", ".join(key if key in required else f"{key}?" for key in schema.get("properties", {}))


def _unstorable(value: Any) -> str | None:
    """Why a value cannot be stored as text everywhere, or None when it can. Depth is the JSON parser's to limit."""
    stack: list[Any] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack += [*cast("dict[str, Any]", item).items()]
        elif isinstance(item, list | tuple):
            stack += cast("list[Any]", item)
        elif isinstance(item, str):
            if "\0" in item:
                return "a NUL byte in the text"
            if not item.isascii() and any("\ud800" <= character <= "\udfff" for character in item):
                return "half a surrogate pair in the text"
    return None


def _terse(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without titles, empty defaults and our models' docstrings, which cost every client tokens."""

    def prune(node: Any, *, names: bool = False) -> Any:
        if isinstance(node, list):
            return [prune(item) for item in cast("list[Any]", node)]
        if not isinstance(node, dict):
            return node
        return {
            key: prune(value, names=key in ("properties", "$defs"))
            for key, value in cast("dict[str, Any]", node).items()
            if names or not _says_nothing(key, value, cast("dict[str, Any]", node))
        }

    return prune(schema)


def _says_nothing(key: str, value: Any, node: dict[str, Any]) -> bool:
    is_docstring = key == "description" and "properties" in node
    return key == "title" or is_docstring or (key == "default" and value in ("", [], None))


def serve_stdio(app: App) -> None:
    """Serve one client over stdin and stdout until it hangs up."""
    with app:
        build_server(app).run("stdio")


def serve_http(app: App, host: str, port: int) -> None:
    """Serve clients on this machine over streamable HTTP at /mcp.

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
        build_server(app).run("streamable-http", host=host, port=port)
