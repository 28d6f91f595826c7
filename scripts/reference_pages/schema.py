"""JSON Schema in words."""

from collections.abc import Mapping
from typing import Any

_TYPES = {
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "string": "text",
    "null": "nothing",
}


def in_words(schema: Mapping[str, Any], defined: Mapping[str, Any] | None = None) -> str:
    """What a value may be: its type, its choices and its limits; `defined` are the schemas it may refer to."""
    if "$ref" in schema:
        referred = (defined or {})[schema["$ref"].rpartition("/")[2]]
        fields = (name if name in referred["required"] else f"{name}?" for name in referred["properties"])
        return f"object of {', '.join(f'`{field}`' for field in fields)}"
    if "anyOf" in schema:
        return " or ".join(in_words(each, defined) for each in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(f"`{each}`" for each in schema["enum"])
    if schema.get("type") == "array":
        item = in_words(schema["items"], defined)
        limits = " and ".join(_limits(schema, "Items", ""))
        return f"list of {limits} ({item})" if limits else f"list of {item}"
    if schema.get("type") == "object":
        return _table_in_words(schema)
    limits = _limits(schema, "Length", " characters")
    if "pattern" in schema:
        limits.append(f"matching `{schema['pattern']}`")
    for key, words in (("minimum", "at least"), ("maximum", "at most"), ("exclusiveMinimum", "above")):
        if key in schema:
            limits.append(f"{words} {schema[key]:,}")
    return ", ".join([_TYPES[schema["type"]], *limits])


def _table_in_words(schema: Mapping[str, Any]) -> str:
    patterns: Mapping[str, Any] = schema.get("patternProperties", {})
    values: Any = next(iter(patterns.values()), schema.get("additionalProperties"))
    if values is None or isinstance(values, bool):
        return "object"
    if "enum" not in values:
        return f"table of {in_words(values)}s"
    names = in_words(schema["propertyNames"]).removeprefix("one of ") if "propertyNames" in schema else "names"
    return f"table of {names}, each {in_words(values)}"


def _limits(schema: Mapping[str, Any], what: str, unit: str) -> list[str]:
    words = (("min", "at least"), ("max", "at most"))
    return [f"{text} {schema[end + what]:,}{unit}" for end, text in words if end + what in schema]
