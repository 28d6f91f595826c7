"""Lines that are no messages: each is answered, so that nobody waits for nothing, and the server goes on."""

from collections.abc import Callable, Iterator

import pytest

from e2e.attacked import INVALID_REQUEST, MB, PARSE_ERROR, Place, assert_clear, attacked
from e2e.raw_client import ERAS, TIMEOUT_S, RawClient


@pytest.fixture(scope="module", params=ERAS)
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres_url: str | None
) -> Iterator[Place]:
    """A server to be attacked."""
    on_postgresql = {"AGENTOPS_DATABASE_URL": postgres_url} if postgres_url else {}
    with attacked(tmp_path_factory.mktemp("attacked"), request.param, on_postgresql) as found:
        yield found


@pytest.fixture
def unharmed(place: Place) -> Iterator[None]:
    """Nothing is written by the call in this test, and the next call is answered."""
    before = place.events()
    yield
    assert place.events() == before
    assert place.client.ask("tools/list")["result"]["tools"]


def in_goal(value: bytes) -> Callable[[int], bytes]:
    """A call of start_session with these bytes as its goal; odd ids stand at the front, even ones at the end."""

    def line(identifier: int) -> bytes:
        called = b'"method":"tools/call","params":{"name":"start_session","arguments":{"goal":' + value + b"}}"
        ends = (b'{"jsonrpc":"2.0","id":%d,', b"}") if identifier % 2 else (b"{", b',"jsonrpc":"2.0","id":%d}')
        return (ends[0] + called + ends[1]) % identifier

    return line


# (what is wrong, the line, its code); each is answered under its own id
BROKEN_REQUESTS: list[tuple[str, Callable[[int], bytes], int]] = [
    ("half a surrogate pair", in_goal(rb'"\ud800 rest"'), PARSE_ERROR),
    ("the second half alone", in_goal(rb'"\udc00"'), PARSE_ERROR),
    ("bytes that are not UTF-8", in_goal(b'"caf\xe9 \xff\xfe"'), PARSE_ERROR),
    ("a surrogate in UTF-8", in_goal(b'"\xed\xa0\x80"'), PARSE_ERROR),
    ("a raw control character", in_goal(b'"a\x01b"'), PARSE_ERROR),
    ("100,000 levels of lists", in_goal(b"[" * 100_000 + b"]" * 100_000), PARSE_ERROR),
    ("100,000 levels of objects", in_goal(b'{"a":' * 100_000 + b"1" + b"}" * 100_000), PARSE_ERROR),
    ("an integer of 5,000 digits", in_goal(b"9" * 5_000), PARSE_ERROR),
    ("a value left out", in_goal(b""), PARSE_ERROR),
    ("a comma too many", in_goal(b'"a",'), PARSE_ERROR),
    ("10 MB that are not UTF-8", in_goal(b'"' + b"\xff" * 10 * MB + b'"'), PARSE_ERROR),
    ("no version", lambda n: b'{"id":%d,"method":"tools/list"}' % n, INVALID_REQUEST),
    ("another version", lambda n: b'{"jsonrpc":"1.0","id":%d,"method":"tools/list"}' % n, INVALID_REQUEST),
    ("a list of parameters", lambda n: b'{"jsonrpc":"2.0","id":%d,"method":"x","params":[1]}' % n, INVALID_REQUEST),
    ("a number as the method", lambda n: b'{"jsonrpc":"2.0","id":%d,"method":5}' % n, INVALID_REQUEST),
]  # fmt: skip


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize(
    ("line", "code"), [case[1:] for case in BROKEN_REQUESTS], ids=[case[0] for case in BROKEN_REQUESTS]
)
def test_a_request_that_cannot_be_read_is_answered_under_its_id(
    place: Place, line: Callable[[int], bytes], code: int
) -> None:
    identifier, answer = place.client.expect()

    place.client.send(line(identifier))

    error = answer.result(TIMEOUT_S)["error"]
    assert error["code"] == code
    assert_clear(error["message"], "Send each JSON-RPC 2.0 message as one line")


NOT_REQUESTS: list[tuple[str, bytes]] = [
    ("words", b"hello"),
    ("a line of 20 MB", b"x" * 20 * MB),
    ("20 MB of brackets", b"[" * 20 * MB),
    ("20 MB of quotation marks", b'"' * 20 * MB),
    ("20 MB of backslashes in a string", b'{"a":"' + b"\\" * 20 * MB),
    ("a batch", b'[{"jsonrpc":"2.0","id":7,"method":"tools/list"}]'),
    ("a number", b"5"),
    ("half a message", b'{"jsonrpc":"2.0","method":"tools/list"'),
    ("an id that is only inside", b'{"a":{"id":7},"method":"tools/list",}'),
    ("an id that is no id", b'{"jsonrpc":"2.0","id":[7],"method":"tools/list",}'),
    ("UTF-16", '{"jsonrpc":"2.0","id":7,"method":"tools/list"}'.encode("utf-16")),
    ("bytes of every kind", bytes(set(range(256)) - {10})),
]


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("line", [case[1] for case in NOT_REQUESTS], ids=[case[0] for case in NOT_REQUESTS])
def test_a_line_that_is_no_request_is_answered_without_an_id(place: Place, line: bytes) -> None:
    place.client.send(line)

    answer = place.client.unmatched.get(timeout=TIMEOUT_S)
    assert answer["id"] is None
    assert_clear(answer["error"]["message"], "Send each JSON-RPC 2.0 message as one line")


@pytest.mark.usefixtures("unharmed")
def test_empty_lines_are_passed_over_in_silence(place: Place) -> None:
    for _ in range(3):
        place.client.send(b" ")

    assert "result" in place.client.ask("tools/list")
    assert place.client.unmatched.empty()


def test_noise_before_the_first_request_does_not_spoil_the_handshake(place: Place) -> None:
    for era in ERAS:
        client = RawClient(place.project, environment=place.variables, era=era, greet=False)
        with client:
            client.send(b"Content-Length: 20\r")
            assert client.unmatched.get(timeout=TIMEOUT_S)["error"]["code"] == PARSE_ERROR
            assert "result" in client.greet()
            assert "result" in client.ask("tools/list")
