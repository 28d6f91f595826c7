"""Vectors from an OpenAI-compatible `/v1/embeddings` endpoint: what a person configures instead of a local model.

Texts leave the machine only here, only to the address that was configured, encrypted or over the loopback.
"""

import http.client
import ipaddress
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

import numpy as np
from numpy.typing import NDArray

from agentops_mcp.storage.embedder_port import EmbedderError, readable

TIMEOUT_S = 30.0
MAX_ANSWER_BYTES = 16 * 2**20
"""64 vectors of 4,096 numbers, written out, are a third of it."""

_BATCH = 64
_CHUNK_BYTES = 2**16
_MOST_DIMENSIONS = 16_384
_NOTHING = "."
_CHECK = "Check the endpoint's URL, model and key, or configure none for the model in the package."


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint that has answered once, so that the length of its vectors is known."""

    name: str
    dimension: int
    _asker: "_Asker"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """A row of unit length for each text, 64 texts to a request; for an empty text a full stop is sent.

        Raises:
            EmbedderError: the endpoint cannot be reached in 30 s, refuses, or answers with something else.
        """
        batches = [self._asker.ask(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        if any(batch.shape[1] != self.dimension for batch in batches):
            raise self._asker.wrong("vectors of another length than before")
        return np.concatenate(batches) if batches else np.empty((0, self.dimension), np.float32)


def connect(
    url: str, model: str, key_from_environment: str | None, environment: Mapping[str, str] = os.environ
) -> Endpoint:
    """Ask the endpoint for one vector, to learn its length and that it works.

    The URL may end in `/embeddings` or stop before it. The key is only ever taken from the environment variable of
    the given name, and sent in no other place than the Authorization header.

    Raises:
        EmbedderError: the URL is neither https nor loopback, or holds a user, query or fragment; the variable is not
            set; or as `embed` does.
    """
    address = _address(url)
    asker = _Asker(address, model, _key(key_from_environment, environment))
    (vector,) = asker.ask(["agentops"])
    return Endpoint(f"{model}@{address.removeprefix('https://')}", len(vector), asker)


@dataclass(frozen=True, slots=True)
class _Asker:
    address: str
    model: str
    key: str | None = field(repr=False)

    def ask(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One request; the vectors at unit length."""
        sent = [text if (text := readable(each).replace("\0", " ")).strip() else _NOTHING for each in texts]
        body = json.dumps({"model": self.model, "input": sent, "encoding_format": "float"}).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(self.address, body, headers, method="POST")  # noqa: S310 - see _address
        return self._vectors(self._answer(request), len(sent))

    def wrong(self, what: str) -> EmbedderError:
        """The endpoint answered with `what`."""
        return EmbedderError(f"The embedding endpoint {self.address} answered with {what}.", remedy=_CHECK)

    def _answer(self, request: urllib.request.Request) -> bytes:
        # What the endpoint says of an error is not passed on: it may repeat the key or the texts.
        try:
            with _opener(self.address).open(request, timeout=TIMEOUT_S) as answer:
                return self._read(answer)
        except urllib.error.HTTPError as error:
            error.close()
            raise self.wrong(_status(error.code)) from None
        except TimeoutError:
            raise self._silent() from None
        except (OSError, http.client.HTTPException) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            if isinstance(reason, TimeoutError):
                raise self._silent() from None
            said = reason.strerror if isinstance(reason, OSError) and reason.strerror else type(reason).__name__
            raise EmbedderError(
                f"The embedding endpoint {self.address} cannot be reached: {said}.", remedy=_CHECK
            ) from None

    def _read(self, answer: http.client.HTTPResponse) -> bytes:
        """All of it, in bounded time and size: a time-out of the socket alone starts anew with every byte."""
        give_up_at = time.monotonic() + TIMEOUT_S
        content = bytearray()
        while chunk := answer.read1(_CHUNK_BYTES):
            content += chunk
            if len(content) > MAX_ANSWER_BYTES:
                raise self.wrong(f"more than {MAX_ANSWER_BYTES // 2**20} MiB")
            if time.monotonic() > give_up_at:
                raise TimeoutError
        return bytes(content)

    def _silent(self) -> EmbedderError:
        return EmbedderError(
            f"The embedding endpoint {self.address} did not answer in {TIMEOUT_S:.0f} s.", remedy=_CHECK
        )

    def _vectors(self, content: bytes, expected: int) -> NDArray[np.float32]:
        try:
            rows = cast("list[dict[str, Any]]", json.loads(content)["data"])
            placed = {row["index"]: row["embedding"] for row in rows}
            vectors = np.array([placed[number] for number in range(expected)], np.float64)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            raise self.wrong("something that is not a vector for each text") from None
        if vectors.ndim != 2 or len(rows) != expected or not 0 < vectors.shape[1] <= _MOST_DIMENSIONS:
            raise self.wrong("something that is not a vector for each text")
        with np.errstate(over="ignore", invalid="ignore"):
            norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(norms).all() or not norms.all():
            raise self.wrong("vectors that are endless or of no length")
        return (vectors / norms).astype(np.float32)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Texts and key go to the configured address or nowhere."""

    def redirect_request(self, *_arguments: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        return None


def _opener(address: str) -> urllib.request.OpenerDirector:
    if _is_loopback(urlsplit(address).hostname or ""):
        return urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(_NoRedirects)


def _address(url: str) -> str:
    """Where requests are sent. The URL itself stays out of errors until it is known to hold no password."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, SplitResult("", "", "", "", "")
    if not host or not url.isascii() or not url.isprintable() or " " in url:
        raise EmbedderError("The URL of the embedding endpoint is not one.", remedy=_CHECK)
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise EmbedderError(
            "The URL of the embedding endpoint holds a user, a query or a fragment.",
            remedy="Keep the key in an environment variable and name that.",
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise EmbedderError(
            f"The embedding endpoint on {host} would be reached without encryption.",
            remedy="Use https, or plain http to this machine only.",
        )
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path if path.endswith('/embeddings') else f'{path}/embeddings'}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _key(variable: str | None, environment: Mapping[str, str]) -> str | None:
    if variable is None:
        return None
    key = environment.get(variable, "").strip()
    # http.client would name the key in its complaint about a character it does not send.
    if not key or not key.isascii() or not key.isprintable():
        state = "holds characters no key has" if key else "is not set"
        raise EmbedderError(
            f"The environment variable {variable} {state}.", remedy="Set it to the endpoint's key, or configure none."
        )
    return key


def _status(code: int) -> str:
    if code in range(300, 400):
        return f"a redirect (status {code}), which is not followed"
    try:
        return f"status {code} ({HTTPStatus(code).phrase})"
    except ValueError:
        return f"status {code}"
