"""Vectors from an endpoint: texts and key go where they were meant to, and whatever comes back is checked."""

import json
import threading
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from agentops_mcp.storage import embedder_endpoint
from agentops_mcp.storage.embedders import Embedder, EmbedderChoice, EmbedderError, endpoint, open_embedder

KEY = "sk-secret-0123456789"
Reply = Callable[[list[str]], tuple[int, bytes]]


def vectors(texts: list[str]) -> list[list[float]]:
    """Of length 5, not 1; the second number tells texts apart."""
    return [[3.0, float(len(text)), 4.0] for text in texts]


def body(rows: list[Any]) -> bytes:
    return json.dumps({"data": [{"index": number, "embedding": row} for number, row in enumerate(rows)]}).encode()


def well(texts: list[str]) -> tuple[int, bytes]:
    return 200, body(vectors(texts))


class Service(ThreadingHTTPServer):
    """An endpoint on the loopback that remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.reply: Reply = well
        self.headers_sent: dict[str, str] = {}
        self.asked: list[tuple[str, str | None, dict[str, Any]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Service  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers["Authorization"], content))
        status, answer = self.server.reply(content["input"])
        self.send_response(status)
        for name, value in self.server.headers_sent.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Authorization"], {}))
        self.send_response(405)
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Tests print nothing."""


@pytest.fixture
def service() -> Generator[Service]:
    with Service() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def embedder(service: Service) -> Embedder:
    opened = open_embedder(EmbedderChoice(url=service.url, model="small", key_env="THE_KEY"), {"THE_KEY": KEY})
    service.asked.clear()
    return opened


def test_vectors_come_back_at_unit_length_and_in_order(embedder: Embedder) -> None:
    found = embedder.embed(["a", "bbbb", "cc"])
    expected = np.array(vectors(["a", "bbbb", "cc"]))
    assert found.dtype == np.float32
    assert np.allclose(found, expected / np.linalg.norm(expected, axis=1, keepdims=True))


def test_the_order_is_the_answer_s_own_numbering(service: Service, embedder: Embedder) -> None:
    def backwards(texts: list[str]) -> tuple[int, bytes]:
        rows = [{"index": number, "embedding": row} for number, row in enumerate(vectors(texts))]
        return 200, json.dumps({"data": rows[::-1]}).encode()

    forwards = embedder.embed(["a", "bbbb"])
    service.reply = backwards
    assert np.array_equal(embedder.embed(["a", "bbbb"]), forwards)


def test_the_name_tells_model_and_place_and_the_length_is_learned(service: Service, embedder: Embedder) -> None:
    assert embedder.name == f"small@{service.url}/embeddings"
    assert embedder.dimension == 3


def test_many_texts_are_sent_in_parts(service: Service, embedder: Embedder) -> None:
    texts = ["x" * (number + 1) for number in range(130)]
    together = embedder.embed(texts)
    assert [len(content["input"]) for _, _, content in service.asked] == [64, 64, 2]
    assert together.shape == (130, 3)
    assert np.array_equal(together[129], embedder.embed([texts[129]])[0])


def test_no_texts_ask_nothing(service: Service, embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, 3)
    assert service.asked == []


@pytest.mark.parametrize("ending", ["", "/", "/embeddings", "/embeddings/"])
def test_the_address_may_name_the_service_or_its_endpoint(service: Service, ending: str) -> None:
    endpoint(service.url + ending, "small", None)
    assert [(path, key) for path, key, _ in service.asked] == [("/v1/embeddings", None)]


def test_the_key_is_sent_as_a_header_and_shown_nowhere(service: Service, embedder: Embedder) -> None:
    embedder.embed(["a"])
    ((path, key, content),) = service.asked
    assert key == f"Bearer {KEY}"
    assert KEY not in path + json.dumps(content) + repr(embedder) + embedder.name


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("", "."),
        (" \n\0", "."),
        ("a\0b", "a b"),
        ("x\ud800y", "x\ufffdy"),
        ("long " * 20_000, ("long " * 20_000)[:8_192]),
        ("🚀 漢字", "🚀 漢字"),
    ],
)
def test_any_text_is_sent_as_one_an_endpoint_takes(service: Service, embedder: Embedder, text: str, sent: str) -> None:
    assert embedder.embed([text]).shape == (1, 3)
    assert service.asked[0][2] == {"model": "small", "input": [sent], "encoding_format": "float"}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, KEY.encode()), r"status 401 \(Unauthorized\)"),
        ((429, b"slow down"), r"status 429 \(Too Many Requests\)"),
        ((500, b""), r"status 500"),
        ((599, b""), r"status 599\."),
        ((200, b""), "not a vector for each text"),
        ((200, b"<html>"), "not a vector for each text"),
        ((200, b"\xff\xfe"), "not a vector for each text"),
        ((200, b"[]"), "not a vector for each text"),
        ((200, b"[" * 100_000), "not a vector for each text"),
        ((200, b'{"data": []}'), "not a vector for each text"),
        ((200, b'{"data": [1]}'), "not a vector for each text"),
        ((200, b'{"data": [{"index": [], "embedding": [1]}]}'), "not a vector for each text"),
        ((200, body([[]])), "not a vector for each text"),
        ((200, body([1.0])), "not a vector for each text"),
        ((200, body([["one", None]])), "not a vector for each text"),
        ((200, body([[[1.0]]])), "not a vector for each text"),
        ((200, body([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])), "not a vector for each text"),
        ((200, body([[10**400, 0, 0]])), "not a vector for each text"),
        ((200, body([[1.0] * 20_000])), "not a vector for each text"),
        ((200, body([[float("nan"), 1, 1]])), "endless or of no length"),
        ((200, body([[1e308, 1e308, 1]])), "endless or of no length"),
        ((200, body([[0.0, 0.0, 0.0]])), "endless or of no length"),
        ((200, body([[1.0, 2.0]])), "another length than before"),
    ],
)
def test_an_answer_that_is_no_vector_is_refused_in_words_without_its_content(
    service: Service, embedder: Embedder, answer: tuple[int, bytes], said: str
) -> None:
    service.reply = lambda _texts: answer
    with pytest.raises(EmbedderError, match=said) as caught:
        embedder.embed(["a"])
    assert KEY not in str(caught.value)
    assert "Check the endpoint's URL" in caught.value.remedy


def test_an_endless_answer_is_cut_off(service: Service, embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedder_endpoint, "MAX_ANSWER_BYTES", 2**20)
    service.reply = lambda _texts: (200, b" " * (2**20 + 1))
    with pytest.raises(EmbedderError, match="more than 1 MiB"):
        embedder.embed(["a"])


def test_a_silent_endpoint_is_given_up(service: Service, embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedder_endpoint, "TIMEOUT_S", 0.05)
    answered = threading.Event()

    def late(texts: list[str]) -> tuple[int, bytes]:
        answered.wait(10)
        return well(texts)

    service.reply = late
    with pytest.raises(EmbedderError, match="did not answer in"):
        embedder.embed(["a"])
    answered.set()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(service: Service, embedder: Embedder, status: int) -> None:
    with Service() as other:
        thread = threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        service.headers_sent = {"Location": f"{other.url}/embeddings"}
        service.reply = lambda _texts: (status, b"")
        with pytest.raises(EmbedderError, match=f"a redirect .status {status}., which is not followed"):
            embedder.embed(["a"])
        other.shutdown()
        thread.join()
    assert other.asked == []


def test_an_endpoint_that_is_not_there_is_named() -> None:
    with Service() as gone:
        url = gone.url
    with pytest.raises(EmbedderError, match=r"127\.0\.0\.1.* (cannot be reached|did not answer)"):
        endpoint(url, "small", None)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://embeddings.example/v1", "without encryption"),
        ("http://10.0.0.1/v1", "without encryption"),
        ("http://127.0.0.1.example/v1", "without encryption"),
        ("ftp://127.0.0.1/v1", "without encryption"),
        ("file:///etc/passwd", "is not one"),
        ("embeddings.example", "is not one"),
        ("https://", "is not one"),
        ("https://embeddings.example:port/v1", "is not one"),
        ("https://[::1/v1", "is not one"),
        ("https://embeddings.example/v1\r\nX-Other: 1", "is not one"),
        ("https://embeddings.example/a b", "is not one"),
        (f"https://user:{KEY}@embeddings.example/v1", "a user, a query or a fragment"),
        (f"https://embeddings.example/v1?key={KEY}", "a user, a query or a fragment"),
        (f"https://embeddings.example/v1#{KEY}", "a user, a query or a fragment"),
    ],
)
def test_an_address_that_is_not_safe_to_ask_is_refused(url: str, said: str) -> None:
    with pytest.raises(EmbedderError, match=said) as caught:
        endpoint(url, "small", None)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "THE_KEY is not set"),
        ({"THE_KEY": " "}, "THE_KEY is not set"),
        ({"THE_KEY": f"{KEY}\r\nX-Other: 1"}, "THE_KEY holds characters no key has"),
        ({"THE_KEY": f"{KEY}é"}, "THE_KEY holds characters no key has"),
    ],
)
def test_a_key_that_is_missing_or_none_is_said_without_showing_it(
    service: Service, environment: dict[str, str], said: str
) -> None:
    with pytest.raises(EmbedderError, match=said) as caught:
        endpoint(service.url, "small", "THE_KEY", environment)
    assert KEY not in str(caught.value)
    assert service.asked == []
