"""The vector index on a Chroma server: the same answers, or words on why there are none."""

import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from agentops_mcp.core.errors import ConfigError
from agentops_mcp.storage import vectors_remote
from agentops_mcp.storage.vectors_remote import ChromaServer, RemoteVectorIndex
from agentops_mcp.storage.vectors_values import VectorsUnavailableError

DIMENSION = 16
TOKEN = "t0ken-of-the-test"


def vector_of(number: int) -> NDArray[np.float32]:
    drawn = np.random.default_rng(number).standard_normal(DIMENSION).astype(np.float32)
    return drawn / np.float32(np.linalg.norm(drawn))


ROWS = [(f"entry/{number}", vector_of(number)) for number in range(1500)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[ChromaServer]:
    port = free_port()
    code = "import sys; from chromadb.cli.cli import app; sys.argv[0] = 'chroma'; app()"
    folder = tmp_path_factory.mktemp("server")
    command = [sys.executable, "-c", code, "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        give_up_at = time.monotonic() + 60
        while not is_up(port):
            assert process.poll() is None
            assert time.monotonic() < give_up_at
        yield ChromaServer.at(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.wait()


def is_up(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/api/v2/heartbeat", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


def index_at(server: ChromaServer, tmp_path: Path, *, name: str = "p", model: str = "m") -> RemoteVectorIndex:
    lock = tmp_path / "indexing.lock"
    return RemoteVectorIndex(server, collection=name, model=model, dimension=DIMENSION, token=TOKEN, lock=lock)


def test_what_was_added_is_found_by_every_client_and_every_choice_of_documents(
    server: ChromaServer, tmp_path: Path
) -> None:
    assert index_at(server, tmp_path).cursor() == 0
    assert index_at(server, tmp_path).add(ROWS, after=0, through=1500) == 1500
    index = index_at(server, tmp_path)
    assert index.cursor() == 1500
    near = index.nearest(vector_of(7), limit=5)
    assert (near[0].id, near[0].cosine) == ("entry/7", pytest.approx(1.0, abs=1e-4))
    assert len(near) == 5
    few = [f"entry/{number}" for number in (3, 7, 9, 9)]
    assert {one.id for one in index.nearest(vector_of(7), limit=5, among=[*few, "entry/none"])} == set(few)
    many = [name for name, _ in ROWS[100:1400]]
    found = index.nearest(vector_of(7), limit=5, among=many)
    assert len(found) == 5
    assert {one.id for one in found} <= set(many)
    assert index.nearest(vector_of(7), limit=5, among=[]) == []
    cosines = index.cosines(vector_of(7), ["entry/7", "entry/8", "entry/none", "entry/7"])
    assert cosines == {
        "entry/7": pytest.approx(1.0, abs=1e-4),
        "entry/8": pytest.approx(float(vector_of(7) @ vector_of(8)), abs=1e-4),
    }
    index.close()


def test_models_and_projects_are_kept_apart(server: ChromaServer, tmp_path: Path) -> None:
    index_at(server, tmp_path, name="é/one").add(ROWS[:5], after=0, through=5)
    assert index_at(server, tmp_path, name="é/one").cursor() == 5
    assert index_at(server, tmp_path, name="é/two").cursor() == 0
    assert index_at(server, tmp_path, name="é/one", model="other").cursor() == 0


def test_the_cursor_only_moves_on_from_where_it_is(server: ChromaServer, tmp_path: Path) -> None:
    index = index_at(server, tmp_path, name="cursor")
    assert index.add(ROWS[:1], after=9, through=10) == 0
    assert index.add(ROWS[:1], after=0, through=10) == 10
    assert index.add(ROWS[:1], after=0, through=5) == 10


def test_a_server_that_is_not_there_is_said_with_words_and_without_the_token(tmp_path: Path) -> None:
    index = index_at(ChromaServer("127.0.0.1", free_port(), tls=False), tmp_path)
    with pytest.raises(VectorsUnavailableError, match=r"127\.0\.0\.1") as raised:
        index.cursor()
    assert TOKEN not in str(raised.value)


def test_a_server_that_never_answers_is_given_up_and_not_asked_again_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors_remote, "_ASK_S", 0.2)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        index = index_at(ChromaServer("127.0.0.1", mute.getsockname()[1], tls=False), tmp_path)
        with pytest.raises(VectorsUnavailableError, match="within"):
            index.nearest(vector_of(0), limit=1)
        with pytest.raises(VectorsUnavailableError, match="does not answer"):
            index.cursor()


@contextmanager
def refusing(listening: socket.socket) -> Generator[list[str]]:
    """Take one request, keep it, and answer that it is not allowed, repeating its token."""
    asked: list[str] = []

    def answer() -> None:
        connection, _ = listening.accept()
        with connection:
            asked.append(connection.recv(65536).decode())
            body = f"no entry for {TOKEN}"
            connection.sendall(f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())

    thread = Thread(target=answer)
    thread.start()
    yield asked
    thread.join()


@pytest.mark.parametrize(
    "url",
    ["", "chroma", "ftp://host", "http://", "http://u:pass@host", "http://host/path", "http://host?t=1", "http://h:x"],
)
def test_a_url_that_is_not_host_and_port_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ConfigError) as raised:
        ChromaServer.at(url)
    assert "pass" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("http://host:8000", ChromaServer("host", 8000, tls=False)),
        ("https://host/", ChromaServer("host", 443, tls=True)),
        ("http://127.0.0.1", ChromaServer("127.0.0.1", 80, tls=False)),
    ],
)
def test_a_url_names_host_and_port(url: str, server: ChromaServer) -> None:
    assert ChromaServer.at(url) == server


def test_the_token_is_sent_as_a_header(tmp_path: Path) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.settimeout(30)
        index = index_at(ChromaServer("127.0.0.1", listening.getsockname()[1], tls=False), tmp_path)
        with refusing(listening) as asked, pytest.raises(VectorsUnavailableError) as raised:
            index.cursor()
    assert f"authorization: bearer {TOKEN}" in asked[0].lower()
    assert TOKEN not in asked[0].splitlines()[0]
    assert TOKEN not in str(raised.value)
