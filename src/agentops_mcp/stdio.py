"""Standard input and output as the wire: whatever arrives gets an answer, also what cannot be read as a message."""

import json
import os
import re
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import islice
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

import anyio
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp.types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError
from pydantic import ValidationError

_EXPECTED = (
    "Send each JSON-RPC 2.0 message as one line of valid JSON in UTF-8, without half surrogate pairs and nested at"
    " most 200 levels deep."
)

# Strings, brackets, separators, and the rest (numbers, words, junk), without backtracking.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[{]++|[\]}]++|[:,]|[^\[\]{}:,"\s]++', re.DOTALL)
_TOKENS_LOOKED_AT = 1_000_000
_INTEGER = re.compile(rb"-?\d{1,18}")


@asynccontextmanager
async def answering_stdio() -> AsyncGenerator[tuple["AnsweringStream", Any]]:
    """The SDK's stdio transport, which by itself drops a line it cannot read and leaves its sender waiting.

    Lines are read as bytes: decoded by the SDK, what is not UTF-8 would be replaced and recorded.
    """
    lines = cast("anyio.AsyncFile[str]", anyio.wrap_file(_claim_stdin()))
    async with stdio_server(stdin=lines) as (incoming, outgoing):
        try:
            yield AnsweringStream(incoming, outgoing), outgoing
        finally:
            # The SDK now gives descriptor 1 back to the wire, where nothing printed meanwhile may follow.
            sys.stdout.flush()


class AnsweringStream:
    """Passes messages on, and answers what is none with a JSON-RPC error."""

    def __init__(self, incoming: Any, outgoing: Any) -> None:
        self._incoming = incoming
        self._outgoing = outgoing

    async def receive(self) -> SessionMessage | Exception:
        """The next message."""
        while isinstance(item := await self._incoming.receive(), ValidationError):
            if (error := refusal(item)) is not None:
                await self._outgoing.send(SessionMessage(error))
        return item

    async def aclose(self) -> None:
        """Stop receiving."""
        await self._incoming.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.aclose()


def refusal(error: ValidationError) -> JSONRPCError | None:
    """The answer to a line that is not a message, with the request's id if it has one; None for an empty line."""
    findings = error.errors(include_url=False, include_context=False)
    if findings[0]["type"] == "json_invalid":
        line = cast("bytes", findings[0]["input"])
        reason = findings[0]["msg"]
        return _error(PARSE_ERROR, reason, id_in(line)) if line.strip() else None
    objects = [cast("dict[str, Any]", each["input"]) for each in findings if isinstance(each["input"], dict)]
    identifier = next((each.get("id") for each in objects if "method" in each), None)
    return _error(INVALID_REQUEST, "Not a JSON-RPC 2.0 message", identifier)


def id_in(line: bytes) -> str | int | None:
    """The value of `id` at the top level of a line that may be broken elsewhere; None if none is found."""
    depth, key, last = 0, b"", b""
    for match in islice(_TOKEN.finditer(line), _TOKENS_LOOKED_AT):
        token = match[0]
        if depth == 1 and key == b'"id"' and last == b":":
            return _id(token)
        if token[:1] in b"[{":
            depth += len(token)
        elif token[:1] in b"]}":
            depth -= len(token)
        key, last = last, token
    return None


def _id(token: bytes) -> str | int | None:
    if _INTEGER.fullmatch(token):
        return int(token)
    try:
        value = json.loads(token)
    except ValueError:
        return None
    return value if isinstance(value, str) and value.isprintable() else None


def _error(code: int, reason: str, identifier: Any) -> JSONRPCError:
    known = identifier if isinstance(identifier, str | int) and not isinstance(identifier, bool) else None
    return JSONRPCError(jsonrpc="2.0", id=known, error=ErrorData(code=code, message=f"{reason}. {_EXPECTED}"))


def _claim_stdin() -> BinaryIO:
    """The wire behind descriptor 0, which then leads nowhere: no child process may read what the client sends."""
    wire, nowhere = os.dup(0), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    # Left open at the end: a thread may still be waiting for a line.
    return os.fdopen(wire, "rb", closefd=False)
