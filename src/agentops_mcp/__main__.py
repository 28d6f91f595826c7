"""The `agentops-mcp` command. `serve` is started for every session of every client, so it loads nothing else."""

import sys


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] == ["serve"]:
        from agentops_mcp.cli.serve import serve

        sys.exit(serve(sys.argv[2:]))
    from agentops_mcp.cli.commands import run

    sys.exit(run())


if __name__ == "__main__":
    main()
