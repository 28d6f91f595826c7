"""What is known of a value in a program's text: a constant, the name of a function, a list, or where it comes from."""

import base64
import binascii
from collections.abc import Iterable
from typing import NamedTuple

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Stream

LONGEST = 20_000
"""Characters of a constant that are followed."""


class Value(NamedTuple):
    """What an expression stands for, as far as it can be known before it runs. Empty: nothing is known."""

    name: str = ""
    """A dotted name, as `os.system`; with `()` for what calling it gives, as `pathlib.Path()`."""

    text: str | None = None
    """A constant. HOLE stands for parts that are not known."""

    items: tuple["Value", ...] | None = None
    taints: frozenset[str] = frozenset()
    """As in `Stream.taints`."""

    origin: str = ""

    @property
    def stream(self) -> Stream:
        """The value as what flows to whoever runs it."""
        return Stream(self.text, self.taints, self.origin)

    @property
    def path(self) -> str:
        """The value as a path."""
        return HOLE if self.text is None else self.text

    @property
    def every_taint(self) -> frozenset[str]:
        """Its own taints and those of what is in it."""
        return self.taints.union(*(item.every_taint for item in self.items or ()))


UNKNOWN_VALUE = Value()


def constant(text: str) -> Value:
    """A text that is known."""
    return Value(text=text[:LONGEST])


def joined(parts: Iterable[Value], between: str = "") -> Value:
    """Parts put together: what is not known leaves a hole, unless all of it is."""
    every = tuple(parts)
    taints = frozenset[str]().union(*(part.taints for part in every))
    origin = next((part.origin for part in every if part.origin), "")
    if every and all(part.text is None for part in every):
        return Value(taints=taints, origin=origin)
    text = between.join(HOLE if part.text is None else part.text for part in every)
    return Value(text=text[:LONGEST], taints=taints, origin=origin)


def based(value: Value, kind: int = 64) -> Value:
    """What base64, or another base, hides."""
    taints = value.taints | {"decoded"}
    if value.text is None or HOLE in value.text:
        return Value(taints=taints, origin=value.origin)
    try:
        raw = value.text.encode("ascii")
        padded = raw + b"=" * (-len(raw) % (8 if kind == 32 else 4))
        if kind == 64:
            found = base64.b64decode(padded.replace(b"-", b"+").replace(b"_", b"/"))
        else:
            found = {16: base64.b16decode, 32: base64.b32decode, 85: base64.b85decode}[kind](
                raw if kind == 85 else padded
            )
    except (ValueError, binascii.Error, KeyError):
        return Value(taints=taints, origin=value.origin)
    return Value(text=found.decode("utf-8", "replace"), taints=taints, origin=value.origin)


def from_hex(value: Value) -> Value:
    """What a text of hexadecimal digits hides."""
    taints = value.taints | {"decoded"}
    try:
        text = bytes.fromhex(value.text or "").decode("utf-8", "replace") if value.text else None
    except ValueError:
        text = None
    return Value(text=text, taints=taints, origin=value.origin)


def rotated(value: Value) -> Value:
    """What rot13 hides."""
    text = value.text
    if text is not None:
        small, big = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        text = text.translate(str.maketrans(small + big, small[13:] + small[:13] + big[13:] + big[:13]))
    return Value(text=text, taints=value.taints | {"decoded"}, origin=value.origin)
