"""Which embedder makes the vectors of a search index: the one in the package unless a person chose another."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from agentops_mcp.storage.embedder_port import Embedder, EmbedderError

__all__ = [
    "Embedder", "EmbedderChoice", "EmbedderError", "default_embedder", "endpoint", "model_directory", "open_embedder",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class EmbedderChoice:
    """What a person configured; nothing means the model in the package.

    A directory is a local model. A URL and a model are an endpoint, and `key_env` names the environment variable
    that holds its key.
    """

    directory: str | None = None
    url: str | None = None
    model: str | None = None
    key_env: str | None = None


def open_embedder(choice: EmbedderChoice, environment: Mapping[str, str] = os.environ) -> Embedder:
    """The embedder of the choice, loaded and ready; the caller keeps it, for loading takes time and memory.

    Raises:
        EmbedderError: it cannot be had, or the choice contradicts itself; says why in words.
    """
    if choice.directory is not None and choice.url is not None:
        raise EmbedderError("Both a directory and an endpoint are set for the embedder.", remedy="Set one of them.")
    if choice.url is not None:
        if not choice.model:
            raise EmbedderError("The embedding endpoint has no model.", remedy="Set the name of one it serves.")
        return endpoint(choice.url, choice.model, choice.key_env, environment)
    if choice.model is not None or choice.key_env is not None:
        raise EmbedderError(
            "A model or a key is set for the embedder, but no endpoint.", remedy="Set the endpoint's URL too."
        )
    return default_embedder() if choice.directory is None else model_directory(choice.directory)


def default_embedder() -> Embedder:
    """all-MiniLM-L6-v2 from the package's own files: 384 dimensions, 256 word pieces, English; never the network.

    Raises:
        EmbedderError: its files are missing or damaged, or cannot be run here.
    """
    from agentops_mcp.storage.embedder_model import packaged

    return packaged()


def model_directory(path: str | os.PathLike[str]) -> Embedder:
    """Another local model; what the directory must hold is said at `embedder_model.from_directory`.

    Raises:
        EmbedderError: the directory does not hold such a model.
    """
    from agentops_mcp.storage.embedder_model import from_directory

    return from_directory(path)


def endpoint(
    url: str, model: str, key_from_environment: str | None, environment: Mapping[str, str] = os.environ
) -> Embedder:
    """An OpenAI-compatible endpoint, which gets the texts; asked once at opening.

    Raises:
        EmbedderError: it is not safe to ask, cannot be reached or does not answer as it should.
    """
    from agentops_mcp.storage.embedder_endpoint import connect

    return connect(url, model, key_from_environment, environment)
