"""What the conformance suite expects to find and read: content of every kind, resources and prompts."""

import base64
import io
import json
import struct
import wave
import zlib

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts.base import Prompt, UserMessage
from mcp.types import (
    AudioContent,
    EmbeddedResource,
    ImageContent,
    TextContent,
    TextResourceContents,
)


def _png(red: int, green: int, blue: int) -> bytes:
    """An image of one pixel."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes((0, red, green, blue)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def _wav() -> bytes:
    """A hundredth of a second of silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(bytes([128]) * 80)
    return file.getvalue()


_RED_DOT = _png(255, 0, 0)


def _text(text: str) -> TextContent:
    return TextContent(type="text", text=text)


def _image() -> ImageContent:
    return ImageContent(type="image", data=base64.b64encode(_RED_DOT).decode(), mime_type="image/png")


def _embedded(uri: str, mime_type: str, text: str) -> EmbeddedResource:
    contents = TextResourceContents(uri=uri, mime_type=mime_type, text=text)
    return EmbeddedResource(type="resource", resource=contents)


def test_simple_text() -> str:
    """Answer with one text."""
    return "This is a simple text response for testing."


def test_image_content() -> list[ImageContent]:
    """Answer with one image."""
    return [_image()]


def test_audio_content() -> list[AudioContent]:
    """Answer with one sound."""
    return [AudioContent(type="audio", data=base64.b64encode(_wav()).decode(), mime_type="audio/wav")]


def test_embedded_resource() -> list[EmbeddedResource]:
    """Answer with one embedded resource."""
    return [_embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")]


def test_multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
    """Answer with a text, an image and an embedded resource."""
    document = json.dumps({"test": "data", "value": 123}, separators=(",", ":"))
    return [
        _text("Multiple content types test:"),
        _image(),
        _embedded("test://mixed-content-resource", "application/json", document),
    ]


def test_error_handling() -> str:
    """Fail as a tool."""
    raise ToolError("This tool intentionally returns an error for testing")


def _static_text() -> str:
    return "This is the content of the static text resource."


def _static_binary() -> bytes:
    return _RED_DOT


def _watched() -> str:
    return "A resource to subscribe to."


def _from_template(key: str) -> str:
    return json.dumps({"id": key, "templateTest": True, "data": f"Data for ID: {key}"}, separators=(",", ":"))


def test_simple_prompt() -> list[UserMessage]:
    """Ask one thing."""
    return [UserMessage(_text("This is a simple prompt for testing."))]


def test_prompt_with_arguments(arg1: str, arg2: str) -> list[UserMessage]:
    """Ask with two arguments filled in."""
    return [UserMessage(_text(f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"))]


# The suite's name for the argument.
def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:  # noqa: N803
    """Ask about a resource that comes along."""
    return [
        UserMessage(_embedded(resourceUri, "text/plain", "Embedded resource content for testing.")),
        UserMessage(_text("Please process the embedded resource above.")),
    ]


def test_prompt_with_image() -> list[UserMessage]:
    """Ask about an image that comes along."""
    return [UserMessage(_image()), UserMessage(_text("Please analyze the image above."))]


def add_content(mcp: MCPServer) -> None:
    """Add the fixtures that only answer."""
    for tool in (
        test_simple_text,
        test_image_content,
        test_audio_content,
        test_embedded_resource,
        test_multiple_content_types,
        test_error_handling,
    ):
        mcp.add_tool(tool, structured_output=False)
    mcp.resource("test://static-text", mime_type="text/plain")(_static_text)
    mcp.resource("test://static-binary", mime_type="image/png")(_static_binary)
    mcp.resource("test://watched-resource", mime_type="text/plain")(_watched)
    mcp.resource("test://template/{key}/data", mime_type="application/json")(_from_template)
    for prompt in (
        test_simple_prompt,
        test_prompt_with_arguments,
        test_prompt_with_embedded_resource,
        test_prompt_with_image,
    ):
        mcp.add_prompt(Prompt.from_function(prompt))
