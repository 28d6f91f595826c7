"""Sentence models in the ONNX format, run by onnxruntime: the one in the package, or a directory a person names.

Each text is run by itself. Padding is never computed, and a vector depends on its own text alone, also where a model
takes the range of its numbers from all it is given at once. Batches would bring little: the packaged model reads 1.1
times as many records and 1.6 times as many short texts in fours, and fewer records in sixteens (n = 400 of each).
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from agentops_mcp.storage.embedder_port import EmbedderError, readable

PACKAGED = Path(__file__).with_name("data") / "all-MiniLM-L6-v2"
PACKAGED_SHA256: Mapping[str, str] = MappingProxyType(
    {
        "model.onnx": "16e553af1f7ed44a55508d8ddfc62561dada00e254dd57b8b6c610b6e4eff5f8",
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    }
)

_PIECES = 256
_MOST_PIECES = 8_192
_LEAST_NORM = 1e-12
_ERRORS_ONLY = 3
_NAME_DIGITS = 12
_WORDS_ONLY = "Reinstall agentops-mcp; until then search finds words only."
_EXPECTED = (
    "Name a directory with model.onnx (or onnx/model.onnx) and tokenizer.json, or none for the model in the package."
)


@dataclass(frozen=True, slots=True)
class SentenceModel:
    """A loaded model. A text's vector is the mean of its pieces' vectors, at unit length."""

    name: str
    dimension: int
    _session: Any  # onnxruntime has no types
    _tokenizer: Any
    _output: str
    _inputs: frozenset[str]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """A row of unit length for each text.

        Raises:
            EmbedderError: the model fails on a text.
        """
        vectors = np.empty((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self._vector(self._tokenizer.encode(readable(text)).ids)
        return vectors

    def _vector(self, ids: list[int]) -> NDArray[np.float32]:
        # A tokenizer without markers makes nothing of an empty text; the first piece, padding, stands for it.
        pieces = np.array([ids or [0]], np.int64)
        given = {"input_ids": pieces, "attention_mask": np.ones_like(pieces), "token_type_ids": np.zeros_like(pieces)}
        try:
            (hidden,) = self._session.run([self._output], {key: given[key] for key in self._inputs})
        except Exception as error:  # onnxruntime raises classes of its own, straight from it
            raise _unusable(self.name, error) from error
        pooled = cast("NDArray[np.float32]", hidden)[0].mean(axis=0)
        norm = float(np.linalg.norm(pooled))
        if not np.isfinite(norm):
            raise _unusable(self.name, "it makes vectors that are not finite")
        return pooled / max(norm, _LEAST_NORM)


def packaged(folder: Path = PACKAGED) -> SentenceModel:
    """The model in the package, after a look at its checksums (some 40 ms).

    Raises:
        EmbedderError: a file is missing or damaged, or onnxruntime or tokenizers cannot be imported.
    """
    contents: dict[str, bytes] = {}
    for name, expected in PACKAGED_SHA256.items():
        try:
            contents[name] = (folder / name).read_bytes()
        except OSError as error:
            raise EmbedderError(
                f"The embedder's file {name} cannot be read: {error.strerror}.", remedy=_WORDS_ONLY
            ) from error
        if hashlib.sha256(contents[name]).hexdigest() != expected:
            raise EmbedderError(
                f"The embedder's file {name} is damaged: its checksum does not match.", remedy=_WORDS_ONLY
            )
    name = f"all-MiniLM-L6-v2/int8/{PACKAGED_SHA256['model.onnx'][:_NAME_DIGITS]}"
    return _loaded(name, contents["model.onnx"], contents["tokenizer.json"], _PIECES)


def from_directory(path: str | os.PathLike[str]) -> SentenceModel:
    """Another sentence model, in a directory as sentence-transformers lays it out, with its graph in ONNX.

    Its name is the directory's and a checksum of graph and tokenizer. Weights beside the graph (external data) are
    read, but are no part of the checksum. Only models that pool by the mean are taken.

    Raises:
        EmbedderError: the directory lacks a file, or holds another kind of model; says which.
    """
    folder = Path(path)
    graph = next((each for each in (folder / "model.onnx", folder / "onnx" / "model.onnx") if each.is_file()), None)
    if graph is None:
        raise EmbedderError(f"{folder} has no model.onnx.", remedy=_EXPECTED)
    pooling = _settings(folder / "1_Pooling" / "config.json")
    if pooling and pooling.get("pooling_mode_mean_tokens") is not True:
        raise EmbedderError(f"The model in {folder} does not pool by the mean.", remedy="Name a model that does.")
    pieces = _settings(folder / "sentence_bert_config.json").get("max_seq_length")
    if not isinstance(pieces, int) or not 0 < pieces <= _MOST_PIECES:
        pieces = _PIECES
    try:
        tokenizer = (folder / "tokenizer.json").read_bytes()
        with graph.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256")
    except OSError as error:
        raise EmbedderError(f"{error.filename} cannot be read: {error.strerror}.", remedy=_EXPECTED) from error
    digest.update(tokenizer)
    return _loaded(f"{folder.resolve().name}/{digest.hexdigest()[:_NAME_DIGITS]}", str(graph), tokenizer, pieces)


def keep_onnxruntime_quiet() -> None:
    """Call before the first import of onnxruntime, also by another library: from 1.29 on it reports to its makers.

    Without this variable it keeps an identifier of the machine and a queue of reports in the home directory, and sends
    them (microsoft/onnxruntime pull request 27379).
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def _loaded(name: str, graph: bytes | str, tokenizer: bytes, pieces: int) -> SentenceModel:
    keep_onnxruntime_quiet()
    try:
        import onnxruntime  # pyright: ignore[reportMissingTypeStubs]
        from tokenizers import Tokenizer
    except ImportError as error:
        raise EmbedderError(f"The embedder cannot be run: {error}.", remedy=_WORDS_ONLY) from error
    runtime: Any = onnxruntime
    runtime.disable_telemetry_events()  # on Windows the variable is not heeded
    options = runtime.SessionOptions()
    # One thread: several servers share a machine, and a second one gains little on one short text.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    try:
        session = runtime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        words: Any = Tokenizer.from_buffer(tokenizer)
        words.no_padding()
        words.enable_truncation(pieces)
    except Exception as error:  # both raise classes of their own, straight from it
        raise _unusable(name, error) from error
    output, dimension = _vectors_of(name, session)
    inputs = frozenset(each.name for each in session.get_inputs())
    if unknown := inputs - {"input_ids", "attention_mask", "token_type_ids"}:
        raise _unusable(name, f"it wants inputs that are not known here: {', '.join(sorted(unknown))}")
    return SentenceModel(name, dimension, session, words, output, inputs)


def _vectors_of(name: str, session: Any) -> tuple[str, int]:
    """The first output that has a vector for each piece of each text, and how long the vectors are."""
    for each in session.get_outputs():
        if len(each.shape) == 3 and isinstance(each.shape[2], int):
            return each.name, each.shape[2]
    raise _unusable(name, "it has no output with a vector for each word piece")


def _settings(path: Path) -> dict[str, Any]:
    """A small JSON file of the model, or nothing when there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise EmbedderError(f"{path} cannot be read: {error}.", remedy=_EXPECTED) from error
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _unusable(name: str, reason: object) -> EmbedderError:
    said = " ".join(str(reason).split())[:300].rstrip(".")
    return EmbedderError(f"The model {name} cannot be used: {said}.", remedy=_EXPECTED)
