"""A machine of which nothing is known: for examples in packs and commands from files, which are of no machine."""

from typing import NamedTuple


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
