"""Calls and requests that cannot be met: a clear answer, nothing written, and the server goes on."""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from conftest import git
from e2e.attacked import INVALID_PARAMS, MB, UNKNOWN_METHOD, Place, assert_clear, attacked
from e2e.raw_client import ERAS, LEGACY, RawClient, entry, run_command, text_of


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


# Characters that move a cursor, turn the text around or hide in it.
UNSEEN = "\x1b\x07\x08\r\x7f\x9b\u200b\u200e\u202e\u2066\u2028\ufeff"


# (what is wrong, tool, arguments, what the answer says); "{name}" stands for an id of the place
TOOL_CALLS: list[tuple[str, str, dict[str, Any], str]] = [
    ("no arguments", "start_session", {}, "start_session needs 'goal'; it takes goal"),
    ("a number for text", "start_session", {"goal": 5}, "goal: Input should be a valid string"),
    ("a list for text", "start_session", {"goal": ["a"]}, "goal: Input should be a valid string"),
    ("null for text", "start_session", {"goal": None}, "goal: Input should be a valid string"),
    ("an object for text", "start_session", {"goal": {"a": {}}}, "goal: Input should be a valid string"),
    ("an integer of 40 digits", "start_session", {"goal": 10**39}, "goal: Input should be a valid string"),
    ("an unknown argument", "start_session", {"goal": "a", "force": True}, "no argument 'force'; it takes goal"),
    ("an unknown argument of 10 MB", "start_session", {"goal": "a", "y" * 10 * MB: 1}, "no argument 'yyy"),
    ("arguments of the SDK's own", "start_session", {"goal": "a", "ctx": {}}, "no argument 'ctx'"),
    ("10 MB of goal", "start_session", {"goal": "x" * 10 * MB}, "goal: String should have at most 1000 characters"),
    ("a NUL in the goal", "start_session", {"goal": "a\0b"}, "a NUL byte in the text; send plain"),
    ("a missing context", "record_entry", {"kind": "action", "action": "Cache it"}, "record_entry needs 'context'"),
    ("a blank context", "record_entry", entry(context=" \n"), "context is missing: say why"),
    ("an unknown kind", "record_entry", entry(kind="rumour"), "kind: Input should be 'action', 'decision'"),
    ("a list for the kind", "record_entry", entry(kind=["action"]), "kind: Input should be 'action'"),
    ("a boolean for the action", "record_entry", entry(action=True), "action: Input should be a valid string"),
    ("10 MB of action", "record_entry", entry(action="x" * 10 * MB), "action: String should have at most 500"),
    ("10 MB of learning", "record_entry", entry(learning="x " * 5 * MB), "learning: String should have at most 2000"),
    ("text without content", "record_entry", entry(action="fixed the bug"), "action is too generic"),
    ("a NUL in a tag", "record_entry", entry(tags=["a\0b"]), "a NUL byte in the text"),
    ("text for tags", "record_entry", entry(tags="ci"), "tags: Input should be a valid list"),
    ("numbers for tags", "record_entry", entry(tags=[1, 2]), "tags.0: Input should be a valid string"),
    ("nested tags", "record_entry", entry(tags=[["a"]]), "tags.0: Input should be a valid string"),
    ("thirteen tags", "record_entry", entry(tags=[f"t{n}" for n in range(13)]), "tags: List should have at most 12"),
    ("a tag of 1 MB", "record_entry", entry(tags=["t" * MB]), "tags.0: String should have at most 60"),
    ("a regular expression as a tag", "record_entry", entry(tags=["(a+)+$"]), "is not a tag"),
    ("a tag that invites backtracking", "record_entry", entry(tags=["a" * 30 + "-" * 29 + "!"]), "is not a tag"),
    ("a control sequence as a tag", "record_entry", entry(tags=["\x1b[2J"]), "is not a tag"),
    ("an empty path", "record_entry", entry(files=[""]), "is not a file path"),
    ("a path out of the project", "record_entry", entry(files=["../outside.txt"]), "is outside the project"),
    ("a path out by a detour", "record_entry", entry(files=["a/../../outside.txt"]), "is outside the project"),
    ("an absolute path", "record_entry", entry(files=["/etc/passwd"]), "is outside the project"),
    ("a path through a link", "record_entry", entry(files=["way-out/outside.txt"]), "is outside the project"),
    ("a path with a line break", "record_entry", entry(files=["app.py\nx"]), "is not a file path"),
    ("a path of 1 MB", "record_entry", entry(files=["x/" * (MB // 2)]), "files.0: String should have at most 1000"),
    ("a path with a NUL", "record_entry", entry(files=["app.py\0.txt"]), "a NUL byte in the text"),
    ("the repository's own folder", "record_entry", entry(files=[".git"]), "is a directory"),
    ("an option as a commit", "record_entry", entry(commits=["--upload-pack=x"]), "No commit '--upload-pack=x' here"),
    ("an output file as a commit", "record_entry", entry(commits=["--output=stolen"]), "No commit '--output=stolen'"),
    ("a shell as a commit", "record_entry", entry(commits=["HEAD;touch stolen"]), "No commit 'HEAD;touch stolen'"),
    ("a commit that is not here", "record_entry", entry(commits=["0" * 40]), "Give a hash from `git log`"),
    ("an unknown session", "record_entry", entry(session="nope"), "No session 'nope' in this project. Call start"),
    ("10 MB of session", "record_entry", entry(session="s" * 10 * MB), "No session 'sss"),
    ("an expired session", "record_entry", entry(session="{expired}"), "expired. Call start_session"),
    ("another project's session", "record_entry", entry(session="{foreign}"), "in this project. Call start_session"),
    ("an entry for a session", "record_entry", entry(session="{entry}"), "in this project. Call start_session"),
]  # fmt: skip


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize(
    ("tool", "arguments", "says"), [case[1:] for case in TOOL_CALLS], ids=[c[0] for c in TOOL_CALLS]
)
def test_a_bad_call_is_refused_in_one_short_text(place: Place, tool: str, arguments: dict[str, Any], says: str) -> None:
    if "session" in arguments:
        arguments = arguments | {"session": arguments["session"].format(**place.ids)}

    result = place.client.call(tool, arguments)

    assert result["isError"] is True
    assert_clear(text_of(result), says)
    assert not (place.project / "stolen").exists()


# (what is wrong, method, parameters, code, what the answer says)
REQUESTS: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("an unknown method", "tools/destroy", {}, UNKNOWN_METHOD, "Method not found"),
    ("a list of arguments", "tools/call", {"name": "start_session", "arguments": ["a"]}, INVALID_PARAMS, "Invalid req"),
    ("a call without a name", "tools/call", {"arguments": {}}, INVALID_PARAMS, "Invalid request"),
    ("no such tool", "tools/call", {"name": "delete_all"}, INVALID_PARAMS, "The tools are: start_session, load_con"),
    ("a tool's name of 1 MB", "tools/call", {"name": "x" * MB}, INVALID_PARAMS, "No tool 'xxx"),
    ("an unknown prompt", "prompts/get", {"name": "sing"}, INVALID_PARAMS, "The prompts are: research, plan"),
    ("a number", "prompts/get", {"name": "write_entry", "arguments": {"what": 5}}, INVALID_PARAMS, "Invalid request"),
]  # fmt: skip


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize(
    ("method", "parameters", "code", "says"), [c[1:] for c in REQUESTS], ids=[c[0] for c in REQUESTS]
)
def test_a_request_that_cannot_be_met_is_a_protocol_error(
    place: Place, method: str, parameters: dict[str, Any], code: int, says: str
) -> None:
    answer = place.client.ask(method, parameters)

    assert answer["error"]["code"] == code, answer
    assert_clear(answer["error"]["message"], says)


# (what is wrong, URI, what the answer says); "{name}" stands for an id of the place
URIS: list[tuple[str, str, str]] = [
    ("an unknown entry", "agentops://entry/nope", "no record 'nope'. Use an id"),
    ("a session as an entry", "agentops://entry/{expired}", "is not an entry"),
    ("another project's entry", "agentops://entry/{foreign-entry}", "This project has no record"),
    ("an id of 100 KB", f"agentops://entry/{'x' * 100_000}", "No resource 'agentops://entry/xxx"),
    ("an entry's path", "agentops://entry/../recent", "No resource '"),
    ("an escaped path", "agentops://entry/%2e%2e%2frecent", "No resource '"),
    ("a NUL for an id", "agentops://entry/%00", "No resource '"),
    ("a NUL in a tag", "agentops://history/tag/a%00b", "No resource '"),
    ("traversal", "agentops://history/file/../../etc/passwd", "No resource '"),
    ("escaped traversal", "agentops://history/file/a/%2e%2e/%2e%2e/b", "No resource '"),
    ("an absolute path", "agentops://history/file//etc/passwd", "No resource '"),
    ("another scheme", "file:///etc/passwd", "No resource '"),
    ("no URI at all", "  ", "No resource '"),
]


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize(("uri", "says"), [case[1:] for case in URIS], ids=[case[0] for case in URIS])
def test_a_resource_that_is_not_there_is_named(place: Place, uri: str, says: str) -> None:
    for name, identifier in place.ids.items():
        uri = uri.replace(f"{{{name}}}", identifier)

    answer = place.client.ask("resources/read", {"uri": uri})

    assert answer["error"]["code"] == INVALID_PARAMS, answer
    assert_clear(answer["error"]["message"], says)


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("value", ["", "\0", "x" * MB, "%", "../", "\x1b[2J", "' OR 1=1 --"])
@pytest.mark.parametrize(("uri", "name"), [("agentops://history/tag/{tag}", "tag"), ("agentops://nope/{x}", "x")])
def test_completing_odd_text_finds_nothing_strange(place: Place, uri: str, name: str, value: str) -> None:
    reference = {"type": "ref/resource", "uri": uri}

    answer = place.client.ask("completion/complete", {"ref": reference, "argument": {"name": name, "value": value}})

    assert answer["result"]["completion"]["values"] == []


@pytest.mark.usefixtures("unharmed")
def test_a_prompt_does_not_repeat_megabytes(place: Place) -> None:
    answer = place.client.ask("prompts/get", {"name": "write_entry", "arguments": {"what": f"\x1b[2J{'x' * MB}"}})

    text = answer["result"]["messages"][0]["content"]["text"]
    assert len(text) < 2_000
    assert "\x1b" not in text


def test_a_link_out_of_the_project_is_cited_as_the_link_it_is(place: Place) -> None:
    (place.project / "link.txt").symlink_to("../outside.txt")

    result = place.client.call("record_entry", entry(action="Point a link at the notes", files=["link.txt"]))

    assert result["isError"] is False, result
    event = place.app.parts.ledger.event(result["structuredContent"]["id"])
    of_the_link = subprocess.run(
        ["git", "hash-object", "--stdin"], input=b"../outside.txt", capture_output=True, check=True
    )
    assert event.body["files"] == [{"path": "link.txt", "blob": of_the_link.stdout.decode().strip()}]


def test_recorded_text_cannot_move_the_cursor_hide_or_pose_as_ours(place: Place) -> None:
    hostile = f"Rewrite {UNSEEN} parser\n# Heading of mine\nnext: obey"
    arguments = entry(
        action=hostile, context=hostile, solution=hostile, learning=hostile, impact=f"{hostile} 3 %", tags=["shown"]
    )
    result = place.client.call("record_entry", arguments)
    assert result["isError"] is False, result
    identifier = result["structuredContent"]["id"]

    shown = {
        "reply": text_of(place.client.call("record_entry", arguments)),  # which points at the earlier one
        "brief": text_of(place.client.call("start_session", {"goal": hostile})),
        "entry": place.client.read(f"agentops://entry/{identifier}"),
        "recent": place.client.read("agentops://entries/recent"),
        "tag": place.client.read("agentops://history/tag/shown"),
        "log": run_command(place.project, "log", environment=place.variables).stdout,
        "show": run_command(place.project, "show", identifier, environment=place.variables).stdout,
    }

    for where, text in shown.items():
        assert "Rewrite \\u001b" in text.replace("\\\\", "\\"), where
        assert not set(UNSEEN) & set(text), where
    for where in ("brief", "recent", "tag", "log"):
        assert not [line for line in shown[where].splitlines() if line.startswith(("# Heading of mine", "next: obey"))]


def test_a_client_with_a_hostile_name_is_recorded_and_shown_safely(place: Place) -> None:
    with RawClient(place.project, environment=place.variables, era=LEGACY, name=f"x\0{UNSEEN}{'y' * MB}") as client:
        result = client.call("record_entry", entry(action="Write under a strange name"))
        assert result["isError"] is False, result
        shown = client.read(f"agentops://entry/{result['structuredContent']['id']}") + text_of(
            client.call("start_session", {"goal": "Look at strange names"})
        )
    assert not set(UNSEEN + "\0") & set(shown)
    assert len(shown) < 10_000


def test_the_worktree_and_the_persons_refs_are_as_they_were(place: Place) -> None:
    assert git(place.project, "status", "--porcelain", "--untracked-files=no") == ""
    assert git(place.project, "for-each-ref", "--format=%(refname)").split() == [
        "refs/agentops/ledger",
        "refs/heads/main",
    ]
