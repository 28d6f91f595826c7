"""What Python's functions and methods for text give: what is decoded, joined and cut."""

from agentops_mcp.factors.guardrails.rules.programs.interpreters_values import (
    UNKNOWN_VALUE,
    Value,
    based,
    constant,
    from_hex,
    joined,
    rotated,
)
from agentops_mcp.factors.guardrails.rules.programs.python_code_called import Called, table

_LAST_CHARACTER = 0x10FFFF


def _hidden(call: Called) -> Value:
    return Value(taints=call.argument(0).taints | {"decoded"})


def _decoded(call: Called) -> Value:
    """`codecs.decode(text, "rot13")`."""
    codec = (call.argument(1, "encoding").text or "").lower().replace("_", "").replace("-", "")
    return _by_codec(call.argument(0), codec)


def _by_codec(value: Value, codec: str) -> Value:
    if codec == "rot13":
        return rotated(value)
    if codec in {"hex", "hexcodec"}:
        return from_hex(value)
    return based(value) if codec in {"base64", "base64codec"} else value


def _character(call: Called) -> Value:
    number = call.argument(0).text or ""
    known = number.isascii() and number.isdigit() and int(number) <= _LAST_CHARACTER
    return constant(chr(int(number))) if known else UNKNOWN_VALUE


def _method_decode(call: Called) -> Value:
    codec = (call.argument(0, "encoding").text or "").lower().replace("_", "").replace("-", "")
    return _by_codec(call.callee, codec)._replace(name="")


def _same(call: Called) -> Value:
    return call.callee._replace(name="")


def _joined(call: Called) -> Value:
    over = call.argument(0)
    if over.items is None:
        return Value(taints=over.taints)
    return joined(over.items, call.callee.text or "")


def _replaced(call: Called) -> Value:
    old, new, text = call.argument(0).text, call.argument(1).text, call.callee.text
    return call.callee._replace(name="", text=text.replace(old, new) if text and old and new is not None else text)


def _formatted(call: Called) -> Value:
    text = call.callee.text or ""
    for value in call.arguments:
        text = text.replace("{}", value.path, 1)
    for name, value in call.named.items():
        text = text.replace("{" + name + "}", value.path)
    for place, value in enumerate(call.arguments):
        text = text.replace("{" + str(place) + "}", value.path)
    return Value(text=text, taints=call.callee.taints.union(*(each.taints for each in call.arguments)))


def _split(call: Called) -> Value:
    separator = call.argument(0, "sep").text
    if call.callee.text is None:
        return Value(taints=call.callee.taints)
    return Value(
        items=tuple(constant(each) for each in call.callee.text.split(separator or None)), taints=call.callee.taints
    )


FUNCTIONS = table(
    (
        "base64.b64decode base64.decodebytes base64.decodestring binascii.a2b_base64",
        lambda call: based(call.argument(0)),
    ),
    ("base64.b32decode", lambda call: based(call.argument(0), 32)),
    ("base64.b16decode", lambda call: based(call.argument(0), 16)),
    ("base64.b85decode", lambda call: based(call.argument(0), 85)),
    ("codecs.decode", _decoded),
    ("bytes.fromhex bytearray.fromhex binascii.unhexlify binascii.a2b_hex", lambda call: from_hex(call.argument(0))),
    ("zlib.decompress gzip.decompress bz2.decompress lzma.decompress marshal.loads pickle.loads", _hidden),
    ("base64.a85decode", _hidden),
    ("chr", _character),
    ("list tuple sorted set reversed iter compile", lambda call: call.argument(0)),
)
METHODS = table(
    ("encode strip lstrip rstrip lower upper title read readline readlines", _same),
    ("text content json getvalue splitlines", _same),
    ("decode", _method_decode),
    ("join", _joined),
    ("replace", _replaced),
    ("format", _formatted),
    ("split", _split),
)
