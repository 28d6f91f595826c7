"""What a client carries between two rounds, sealed so that any process of the project can go on with it."""

import json
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio.to_thread
from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.request_state import AESGCMRequestStateCodec, InvalidRequestState, RequestStateSecurity

from agentops_mcp.core.errors import AgentOpsError
from agentops_mcp.factors.approval.tools import dialog
from agentops_mcp.storage.state_key import kept_key, read_key

logger = logging.getLogger(__name__)

LASTS_S = 24 * 3600.0
"""As long as a person may take: a request that waits longer has expired."""

_REFUSED = {"reason": "invalid_request_state"}

AnyRequest = ServerRequestContext[Any, Any]


class KeptKeyCodec:
    """The SDK's seal under the project's key, read when it is needed: a server is built before a project is opened."""

    def __init__(self, data_dir: Callable[[], Path]) -> None:
        self._data_dir = data_dir

    def prepare(self) -> None:
        """Open the project, which takes a while, before the SDK unseals in the one thread that serves everybody."""
        with suppress(AgentOpsError):  # the call itself says what is wrong
            self._data_dir()

    def seal(self, payload: bytes) -> str:
        """A token that protects `payload`.

        Raises:
            StorageError: there is no key, and none can be kept.
        """
        return AESGCMRequestStateCodec([kept_key(self._data_dir())]).seal(payload)

    def unseal(self, token: str) -> bytes:
        """What `seal` protected.

        Raises:
            InvalidRequestState: this project's key did not seal it so.
        """
        key = read_key(self._data_dir())
        if key is None:
            raise InvalidRequestState("no key was made here")
        return AESGCMRequestStateCodec([key]).unseal(token)


def sealed_with(codec: KeptKeyCodec) -> RequestStateSecurity:
    """The SDK's policy with this codec; it also binds a state to the tool and to every argument of the call."""
    return RequestStateSecurity(codec=codec, ttl=LASTS_S)


class Rounds:
    """A middleware around the SDK's boundary and its checks, for what they refuse before a tool sees it.

    An answer that is no answer is passed on as one without a decision, as it is in older protocols. A real state that
    came with another call stays refused, and what was tried is recorded about the request that the state is of.
    """

    def __init__(self, codec: KeptKeyCodec, record: Callable[[str, AnyRequest], None]) -> None:
        """`record` gets the request's id; it may raise."""
        self._codec = codec
        self._record = record

    async def __call__(self, ctx: AnyRequest, call_next: CallNext) -> HandlerResult:
        """Pass a message on."""
        if ctx.params and ctx.params.get("requestState") is not None:
            ctx = replace(ctx, params=dialog.readable(ctx.params))
            await anyio.to_thread.run_sync(self._codec.prepare)
        try:
            return await call_next(ctx)
        except MCPError as error:
            if error.data == _REFUSED:
                await anyio.to_thread.run_sync(self._note, ctx)
            raise

    def _note(self, ctx: AnyRequest) -> None:
        token = (ctx.params or {}).get("requestState")
        try:
            state: Any = json.loads(self._codec.unseal(token))["s"] if isinstance(token, str) else None
            if isinstance(state, str):
                self._record(state, ctx)
        except (InvalidRequestState, ValueError, LookupError, TypeError):
            return  # no state of ours: about nothing that is known here
        except AgentOpsError as error:
            logger.info("A refused state: %s", error)
