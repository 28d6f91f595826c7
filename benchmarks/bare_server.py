"""The baseline of the other benchmarks: the SDK's server with one tool that gives back what it gets."""

from mcp.server import MCPServer

mcp = MCPServer("bare")


@mcp.tool()
def echo(text: str) -> str:
    """Give the text back."""
    return text


if __name__ == "__main__":
    mcp.run("stdio")
