"""What serves this machine only: its names, and addresses under them."""

LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")
"""The hosts on which nobody else on the network can call."""


def address(host: str, port: int) -> str:
    """The address of a server as a browser takes it, without a slash at the end; an IPv6 host in brackets."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
