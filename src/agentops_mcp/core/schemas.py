"""The schemas of tools and what callers send, as plain data."""

from typing import Any, cast


def signature(schema: dict[str, Any]) -> str:
    """The names of the arguments a schema asks for, those that can be left out with a question mark."""
    required = schema.get("required", [])
    return ", ".join(key if key in required else f"{key}?" for key in schema.get("properties", {}))


def unstorable(value: Any) -> str | None:
    """Why a value cannot be stored as text everywhere, or None when it can. Depth is the JSON parser's to limit."""
    stack: list[Any] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack += [*cast("dict[str, Any]", item).items()]
        elif isinstance(item, list | tuple):
            stack += cast("list[Any]", item)
        elif isinstance(item, str):
            if "\0" in item:
                return "a NUL byte in the text"
            if not item.isascii() and any("\ud800" <= character <= "\udfff" for character in item):
                return "half a surrogate pair in the text"
    return None


def terse(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without titles, usual values and our models' docstrings, which cost every client tokens."""

    def prune(node: Any, *, names: bool = False) -> Any:
        if isinstance(node, list):
            return [prune(item) for item in cast("list[Any]", node)]
        if not isinstance(node, dict):
            return node
        return {
            key: prune(value, names=key in ("properties", "$defs"))
            for key, value in cast("dict[str, Any]", node).items()
            if names or not _says_nothing(key, value, cast("dict[str, Any]", node))
        }

    return prune(schema)


def _says_nothing(key: str, value: Any, node: dict[str, Any]) -> bool:
    is_docstring = key == "description" and "properties" in node
    is_usual = (key == "default" and value in ("", [], {}, None)) or (key == "additionalProperties" and value is True)
    return key == "title" or is_docstring or is_usual
