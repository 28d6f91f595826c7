"""The page served by itself: a socket on this machine, and a server that stops when it is told to."""

import socket
import sys
from collections.abc import Iterable

import uvicorn

from agentops_mcp.core.errors import ConfigError
from agentops_mcp.core.loopback import LOOPBACK_HOSTS, address
from agentops_mcp.web.site import Site

USUAL_PORTS = range(8765, 8785)


class PageServer(uvicorn.Server):
    """A server of the page; it lets open windows go when it stops, and would wait for them otherwise."""

    def __init__(self, site: Site) -> None:
        # No access log: the address of a sign-in has its token in it. h11 and asyncio as for MCP over HTTP.
        super().__init__(
            uvicorn.Config(
                site, log_level="warning", access_log=False, http="h11", loop="asyncio", lifespan="off",
                proxy_headers=False, server_header=False,
            )
        )  # fmt: skip
        self._site = site

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop."""
        self._site.close()
        await super().shutdown(sockets)


def listening(host: str, ports: Iterable[int]) -> tuple[socket.socket, str]:
    """A socket on the first of some ports that is free, 0 being any, and the address of what is served there.

    Raises:
        ConfigError: `host` is not a loopback address, or none of the ports is free.
    """
    if host not in LOOPBACK_HOSTS:
        raise ConfigError(
            f"{host} would let other machines in.", remedy="Use 127.0.0.1, ::1 or localhost, and a tunnel from afar."
        )
    said = ""
    for port in ports:
        try:
            sock = _bound(host, port)
        except OSError as error:
            said = f"{address(host, port)}: {error.strerror}"
            continue
        return sock, address(host, sock.getsockname()[1])
    raise ConfigError(f"No page can be served on {said}.", remedy="Give another --port; 0 takes any that is free.")


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named asyncio sends at once what is written; otherwise every answer waits 40 ms for the other
    # side's word.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":  # there it would let another program share the port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen()
    except OSError:
        sock.close()
        raise
    return sock
