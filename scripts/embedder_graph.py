"""Writes a model in the ONNX format: the few messages of it that are needed, in protocol buffers' wire format.

By hand, because the bytes must be the same whatever libraries a machine has. Field numbers are those of onnx.proto.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Attribute = int | float | Sequence[int]
Shape = Sequence[str | int]

FLOAT, INT64 = 1, 7
_TYPES = {"float32": FLOAT, "uint8": 2, "int8": 3, "int64": INT64}
_IR_VERSION, _OPSET = 9, 20
_ATTRIBUTE_FLOAT, _ATTRIBUTE_INT, _ATTRIBUTE_INTS = 1, 2, 7


@dataclass(slots=True)
class Graph:
    """Steps and constants in the order they were added."""

    _steps: list[bytes] = field(default_factory=list[bytes])
    _constants: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def constant(self, name: str, value: Array) -> str:
        """A tensor that ships with the model; one with the same name is the same. Returns its name."""
        if name not in self._constants:
            plain = np.ascontiguousarray(value).reshape(value.shape)
            raw = plain.astype(plain.dtype.newbyteorder("<"), copy=False).tobytes()
            dimensions = b"".join(_number(1, each) for each in value.shape)
            self._constants[name] = dimensions + _number(2, _TYPES[value.dtype.name]) + _text(8, name) + _bytes(9, raw)
        return name

    def step(self, operator: str, inputs: Sequence[str], *, name: str = "", **attributes: Attribute) -> str:
        """One operation; returns the name of its result."""
        output = name or f"result.{len(self._steps)}"
        self._steps.append(
            b"".join(_text(1, each) for each in inputs)
            + _text(2, output)
            + _text(4, operator)
            + b"".join(_bytes(5, _attribute(key, value)) for key, value in attributes.items())
        )
        return output

    def model(
        self, name: str, *, inputs: Mapping[str, tuple[int, Shape]], outputs: Mapping[str, tuple[int, Shape]]
    ) -> bytes:
        """The whole file; inputs and outputs are given as name, type and shape, with words for open dimensions."""
        graph = (
            b"".join(_bytes(1, each) for each in self._steps)
            + _text(2, name)
            + b"".join(_bytes(5, each) for each in self._constants.values())
            + b"".join(_bytes(11, _value(key, *of)) for key, of in inputs.items())
            + b"".join(_bytes(12, _value(key, *of)) for key, of in outputs.items())
        )
        return _number(1, _IR_VERSION) + _bytes(7, graph) + _bytes(8, _text(1, "") + _number(2, _OPSET))


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, float):
        return _text(1, name) + _tag(2, 5) + np.float32(value).tobytes() + _number(20, _ATTRIBUTE_FLOAT)
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, _ATTRIBUTE_INT)
    return _text(1, name) + b"".join(_number(8, each) for each in value) + _number(20, _ATTRIBUTE_INTS)


def _value(name: str, kind: int, shape: Shape) -> bytes:
    dimensions = b"".join(_bytes(1, _text(2, each) if isinstance(each, str) else _number(1, each)) for each in shape)
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, kind) + _bytes(2, dimensions)))


def _tag(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _number(number: int, value: int) -> bytes:
    return _tag(number, 0) + _varint(value % 2**64)


def _bytes(number: int, value: bytes) -> bytes:
    return _tag(number, 2) + _varint(len(value)) + value


def _text(number: int, value: str) -> bytes:
    return _bytes(number, value.encode())


def _varint(value: int) -> bytes:
    groups = bytearray()
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    return bytes([*groups, value])
