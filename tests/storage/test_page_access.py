import json
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.storage.page_access import (
    LINK_LASTS,
    SESSION_LASTS,
    PageAccess,
    running_page,
    state_folder,
)
from agentops_mcp.storage.project import locate
from conftest import FakeClock, git

WHERE = "http://127.0.0.1:8765"
A_SECOND = timedelta(seconds=1)


@pytest.fixture
def access(tmp_path: Path, clock: FakeClock) -> PageAccess:
    return PageAccess(tmp_path / "agentops" / "0123456789abcdef", clock=clock)


def test_a_link_signs_in_the_person_it_was_made_for(access: PageAccess) -> None:
    session = access.sign_in(access.mint("anna"))
    assert session is not None
    assert access.session(session.cookie) == session
    assert session.person == "anna"


def test_looking_whom_a_link_is_for_does_not_use_it(access: PageAccess) -> None:
    token = access.mint("anna")
    assert access.invited(token) == "anna"
    assert access.sign_in(token) is not None
    assert access.invited(token) is None


def test_of_fifty_who_use_one_link_at_once_one_is_signed_in(access: PageAccess) -> None:
    token = access.mint("anna")
    with ThreadPoolExecutor(50) as pool:
        sessions = list(pool.map(access.sign_in, [token] * 50))
    assert sum(each is not None for each in sessions) == 1


def test_a_link_ends_after_its_time(access: PageAccess, clock: FakeClock) -> None:
    token = access.mint("anna")
    clock.advance(LINK_LASTS)
    assert access.sign_in(token) is None


def test_a_session_ends_after_its_time(access: PageAccess, clock: FakeClock) -> None:
    session = access.sign_in(access.mint("anna"))
    assert session is not None
    clock.advance(SESSION_LASTS - A_SECOND)
    assert access.session(session.cookie) is not None
    clock.advance(A_SECOND)
    assert access.session(session.cookie) is None


def test_a_session_outlives_the_server(access: PageAccess, clock: FakeClock) -> None:
    session = access.sign_in(access.mint("anna"))
    assert session is not None
    assert PageAccess(access.folder, clock=clock).session(session.cookie) == session


def test_a_session_that_signed_out_is_over(access: PageAccess) -> None:
    session = access.sign_in(access.mint("anna"))
    assert session is not None
    access.sign_out(session.cookie)
    assert access.session(session.cookie) is None


@pytest.mark.parametrize("token", ["", "x" * 43, "..", "../page.json", "\0", "a" * 10_000, "\u00e9" * 43])
def test_what_is_no_token_opens_nothing(access: PageAccess, token: str) -> None:
    access.mint("anna")
    assert (access.invited(token), access.sign_in(token), access.session(token)) == (None, None, None)
    access.sign_out(token)


def test_a_link_is_no_session_and_a_session_no_link(access: PageAccess) -> None:
    link = access.mint("anna")
    session = access.sign_in(access.mint("anna"))
    assert session is not None
    assert (access.session(link), access.sign_in(session.cookie)) == (None, None)


def test_no_secret_is_in_the_folder(access: PageAccess) -> None:
    token = access.mint("anna")
    session = access.sign_in(access.mint("bob"))
    assert session is not None
    kept = [(str(path), path.read_text()) for path in access.folder.rglob("*") if path.is_file()]
    assert len(kept) == 2
    assert not any(secret in text for secret in (token, session.cookie, session.csrf) for pair in kept for text in pair)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps such folders private by their place")
def test_only_the_account_reads_what_is_kept(access: PageAccess) -> None:
    before = os.umask(0)
    try:
        access.sign_in(access.mint("anna"))
        access.keep_link(f"{WHERE}/sign-in/{access.mint('anna')}")
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in access.folder.rglob("*") if path.is_file()}
    folders = {
        stat.S_IMODE(path.stat().st_mode) for path in (access.folder.parent, *access.folder.rglob("*")) if path.is_dir()
    }
    assert (modes, folders) == ({0o600}, {0o700})


@pytest.mark.skipif(sys.platform == "win32", reason="as above")
def test_a_folder_that_others_could_read_is_closed(access: PageAccess) -> None:
    access.folder.mkdir(parents=True)
    access.folder.chmod(0o755)
    access.mint("anna")
    assert stat.S_IMODE(access.folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("text", ["", "null", "[]", "{", '{"person": 1, "until": 2}', '{"person": "anna"}', "[" * 2_000,
                                  '{"person": "anna", "until": "2999-01-01T00:00:00"}'])  # fmt: skip
def test_a_damaged_file_opens_nothing(access: PageAccess, text: str) -> None:
    token = access.mint("anna")
    [path] = (access.folder / "links").iterdir()
    path.write_text(text)
    assert access.sign_in(token) is None


def test_what_ended_is_removed(access: PageAccess, clock: FakeClock) -> None:
    access.mint("anna")
    access.sign_in(access.mint("anna"))
    clock.advance(SESSION_LASTS)
    access.mint("anna")
    assert [path.parent.name for path in access.folder.rglob("*") if path.is_file()] == ["links"]


def test_a_kept_link_goes_when_it_is_used(access: PageAccess) -> None:
    first, second = access.mint("anna"), access.mint("anna")
    path = access.keep_link(f"{WHERE}/sign-in/{second}")
    access.sign_in(first)
    assert path.read_text().strip() == f"{WHERE}/sign-in/{second}"
    access.sign_in(second)
    assert not path.exists()


@pytest.mark.parametrize("name", ["", "  ", "a" * 61, "an\nna", "an\u202ena", "an\0na"])
def test_what_is_no_name_gets_no_link(access: PageAccess, name: str) -> None:
    with pytest.raises(InvalidInputError):
        access.mint(name)


def test_a_page_that_runs_is_found_and_one_that_ended_is_not(access: PageAccess) -> None:
    assert running_page(access.folder) is None
    with access.announced(WHERE) as alone:
        assert alone
        assert running_page(access.folder) == WHERE
    assert running_page(access.folder) is None


def test_a_second_page_of_a_project_does_not_take_the_place_of_the_first(access: PageAccess, clock: FakeClock) -> None:
    with access.announced(WHERE), PageAccess(access.folder, clock=clock).announced("http://127.0.0.1:9") as alone:
        assert not alone
        assert running_page(access.folder) == WHERE


def test_a_page_that_died_without_a_word_is_not_found(access: PageAccess) -> None:
    access.mint("anna")
    (access.folder / "page.json").write_text(json.dumps({"address": WHERE, "pid": os.getpid()}))
    assert running_page(access.folder) is None


@pytest.mark.parametrize("address", ["http://evil.example/", "javascript:1", 7, None, "http://["])
def test_an_address_elsewhere_is_not_believed(access: PageAccess, address: object) -> None:
    with access.announced(WHERE):
        (access.folder / "page.json").write_text(json.dumps({"address": address}))
        assert running_page(access.folder) is None


def test_the_state_is_outside_the_worktree_and_the_same_for_every_worktree(
    repository: Path, tmp_path: Path, own_home: Path
) -> None:
    git(repository, "worktree", "add", "--quiet", str(tmp_path / "other"))
    environment = {"XDG_STATE_HOME": str(tmp_path / "state")}
    folders = {state_folder(locate(each, environment), environment) for each in (repository, tmp_path / "other")}
    [folder] = folders
    assert folder.parent == tmp_path / "state" / "agentops"


def test_a_relative_state_home_is_ignored(repository: Path, own_home: Path) -> None:
    project = locate(repository, {})
    assert state_folder(project, {"XDG_STATE_HOME": "state"}) == state_folder(project, {})
    assert state_folder(project, {}).is_absolute()
    assert not state_folder(project, {}).is_relative_to(repository)


def test_two_projects_have_two_folders(tmp_path: Path, own_home: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    assert len({state_folder(locate(tmp_path / name, {}), {}) for name in ("one", "two")}) == 2
