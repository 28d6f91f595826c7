"""What open windows are told: that something changed. One look at the database serves all of them."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

logger = logging.getLogger(__name__)

LOOK_S = 0.1
BEAT_S = 15.0
_MOST_WINDOWS = 64
_TIDY_EVERY = 10
_AFTER_FAILURE_S = 2.0


class Changes:
    """Looks again and again while anybody listens, and tells all who do."""

    def __init__(self, look: Callable[[], str], tidy: Callable[[], object]) -> None:
        """`look` says something that differs after every change; `tidy` records what time alone changed."""
        self._look = look
        self._tidy = tidy
        self._version = ""
        self._bells: set[asyncio.Event] = set()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def full(self) -> bool:
        """Whether more windows listen than anybody has."""
        return len(self._bells) >= _MOST_WINDOWS

    async def listen(self, seen: str) -> AsyncGenerator[str]:
        """The version whenever it is not the one seen last; nothing but an empty text every `BEAT_S` in between."""
        bell = asyncio.Event()
        self._bells.add(bell)
        try:
            if self._task is None:
                self._task = asyncio.create_task(self._watch())
            while not self._closed:
                bell.clear()
                if self._version and self._version != seen:
                    seen = self._version
                    yield seen
                    continue
                try:
                    await asyncio.wait_for(bell.wait(), BEAT_S)
                except TimeoutError:
                    yield ""
        finally:
            self._bells.discard(bell)
            if not self._bells and self._task is not None:
                self._task.cancel()
                self._task, self._version = None, ""

    def close(self) -> None:
        """Let every window go, so that the server can stop."""
        self._closed = True
        for bell in self._bells:
            bell.set()

    async def _watch(self) -> None:
        turn = 0
        while True:
            try:
                if turn % _TIDY_EVERY == 0:
                    await run_in_threadpool(self._tidy)
                version = await run_in_threadpool(self._look)
            except Exception:
                logger.exception("The page can not see what changed")
                await asyncio.sleep(_AFTER_FAILURE_S)
                continue
            turn += 1
            if version != self._version:
                self._version = version
                for bell in self._bells:
                    bell.set()
            await asyncio.sleep(LOOK_S)


class EventStream:
    """An answer that lasts until the window goes, the session ends, or the server stops."""

    def __init__(self, changes: Changes, seen: str, still: Callable[[], bool]) -> None:
        """`still` says whether whoever listens is signed in."""
        self._changes = changes
        self._seen = seen
        self._still = still

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - of ASGI
        """Send the events."""
        headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"retry: 1000\n\n", "more_body": True})
        async with anyio.create_task_group() as group:
            group.start_soon(_until_gone, receive, group.cancel_scope)
            async with aclosing(self._changes.listen(self._seen)) as versions:
                async for version in versions:
                    if not version and not await run_in_threadpool(self._still):
                        break
                    text = f"id: {version}\nevent: changed\ndata: {version}\n\n" if version else ": still here\n\n"
                    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
            group.cancel_scope.cancel()
        await send({"type": "http.response.body", "body": b""})


async def _until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
