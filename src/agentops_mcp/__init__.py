"""agentops-mcp: an MCP server that makes AI agents operable."""

__version__ = "0.1.0"
