"""The `agentops-mcp` command. `hook` and `serve` are started all the time, so each loads nothing else."""

import gc
import os
import sys


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] == ["hook"]:
        _hook(sys.argv[2:])
    if sys.argv[1:2] == ["serve"]:
        from agentops_mcp.cli.serve import serve

        sys.exit(serve(sys.argv[2:]))
    from agentops_mcp.cli.commands import run

    sys.exit(run())


def _hook(arguments: list[str]) -> None:
    """Answer a client's hook and end, at once: taking the interpreter down costs as much as a judgement."""
    gc.disable()  # nothing is worth collecting in so short a life
    code = 2  # a denial to every client, should even the import fail
    try:
        from agentops_mcp.hooks.run import main as hook

        code = hook(arguments)
    except BaseException as error:  # noqa: BLE001 - the edge of the process, where an error must not let a call through
        sys.stderr.write(f"The guard could not start ({type(error).__name__}: {error}).\n")
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
