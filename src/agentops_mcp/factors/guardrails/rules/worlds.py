"""A machine of which nothing is known: for examples in packs and commands from files, which are of no machine."""

from typing import NamedTuple

from agentops_mcp.factors.guardrails.rules.calls import Stream, World


class Anywhere(NamedTuple):
    """A `World` with a project in a home folder, and no answer about what is there."""

    home: str = "/home/person"
    project: str = "/home/person/project"
    temporary: tuple[str, ...] = ("/tmp",)  # noqa: S108 - a name, nothing is put there

    def real(self, path: str) -> str:
        """The path itself."""
        return path

    def kept(self, path: str) -> bool | None:  # noqa: ARG002 - nothing is known of any
        """Not known."""
        return None

    def exists(self, path: str) -> bool | None:  # noqa: ARG002
        """Not known."""
        return None

    def held(self, path: str) -> Stream | None:  # noqa: ARG002
        """Nothing."""
        return None


class During:
    """A world in the middle of some text that has written files."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.files: dict[str, Stream] = {}
        self.home = world.home
        self.project = world.project
        self.temporary = world.temporary
        self.real = world.real
        self.kept = world.kept

    def exists(self, path: str) -> bool | None:
        """Whether something is there, or was put there."""
        return True if path in self.files else self._world.exists(path)

    def held(self, path: str) -> Stream | None:
        """What was put there."""
        return self.files.get(path)
