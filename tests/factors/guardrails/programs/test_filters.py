"""What filters show, write and pass on."""

import pytest

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Stream
from agentops_mcp.factors.guardrails.rules.programs import filters, filters_print
from called import PROJECT, effects, outcome, runs

FETCHED = Stream(None, frozenset({"fetched"}), "https://example.com/x")


@pytest.mark.parametrize(
    "line",
    [
        "cat .env", "cat src/app.py .env", "head -n 5 .env", "tail -f .env", "grep KEY .env", "grep -e KEY .env",
        "rg KEY .env",
        "egrep -i 'key|token' .env", "cut -d= -f2 .env", "sort .env", "uniq .env", "nl .env", "tac .env",
        "strings .env",
        "paste .env other", "diff .env .env.example", "bat --plain .env", "jq . .env", "column -t .env", "pv .env",
    ],
)  # fmt: skip
def test_filters_show_the_files_they_read(line: str) -> None:
    found = outcome(filters.outcome, line)
    assert effects(found) == [f"read_secret {PROJECT}/.env environment"]


@pytest.mark.parametrize(
    "line",
    [
        "grep -q KEY .env", "grep -c KEY .env", "grep -l KEY .env", "wc -l .env", "sha256sum .env", "stat .env",
        "file .env",
        "diff -q .env .env.example", "cat .env.example", "grep .env src/app.py", "rg -e .env src",
        "jq .env package.json",
    ],
)  # fmt: skip
def test_what_shows_no_content_gives_nothing_away(line: str) -> None:
    assert effects(outcome(filters.outcome, line)) == []


@pytest.mark.parametrize("line", ["cat", "cat -", "head -n 3", "sort", "grep x", "tee", "cut -c1", "jq .", "pv", "nl"])
def test_what_flows_in_flows_on_with_where_it_comes_from(line: str) -> None:
    assert outcome(filters.outcome, line, FETCHED).output == FETCHED


@pytest.mark.parametrize("line", ["cat", "head -n 1", "sort -u", "grep -v x", "tee log"])
def test_known_text_stays_known(line: str) -> None:
    assert outcome(filters.outcome, line, "rm -rf /\n").output.text == "rm -rf /\n"


def test_text_that_is_cut_up_is_known_no_more() -> None:
    assert outcome(filters.outcome, "cut -c3-", "rm -rf /\n").output.text is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("tee out", [f"overwrite {PROJECT}/out"]),
        ("tee -a out", [f"write {PROJECT}/out append"]),
        ("tee a b", [f"overwrite {PROJECT}/a", f"overwrite {PROJECT}/b"]),
        ("tee /dev/null", ["overwrite /dev/null"]),
        ("sponge out", [f"overwrite {PROJECT}/out"]),
        ("sort -o out in", [f"overwrite {PROJECT}/out"]),
        ("uniq in out", [f"overwrite {PROJECT}/out"]),
        ("shuf --output=out in", [f"overwrite {PROJECT}/out"]),
    ],
)
def test_filters_write_files_by_themselves(line: str, expected: list[str]) -> None:
    assert effects(outcome(filters.outcome, line, "text")) == expected


def test_a_file_that_tee_writes_holds_what_flowed_in() -> None:
    assert outcome(filters.outcome, "tee x.sh", FETCHED).writes == ((f"{PROJECT}/x.sh", FETCHED),)


def test_a_file_that_tee_adds_to_is_not_known() -> None:
    assert outcome(filters.outcome, "tee -a x.sh", FETCHED).writes == ()


@pytest.mark.parametrize(
    ("line", "program"),
    [("rg --pre ./x pattern", "./x"), ("sort --compress-program=./x in", "./x"), ("bat --pager ./x f", "./x")],
)
def test_options_that_start_programs_are_followed(line: str, program: str) -> None:
    assert runs(outcome(filters.outcome, line)) == [program]


def test_another_program_is_not_known() -> None:
    from called import WORLD, call

    assert filters.outcome(call("frobnicate .env"), WORLD) is None


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("echo a  b", "a b\n"),
        ("echo -n a", "a"),
        ("echo -e 'rm\\x20-rf\\t/'", "rm -rf\t/\n"),
        ("echo -ne '\\0162\\u006d'", "rm"),
        ("echo -E 'a\\nb'", "a\\nb\n"),
        ("echo -x a", "-x a\n"),
        ("echo -e 'a\\cb'", "a"),
        ("printf a", "a"),
        ("printf '%s\\n' a b", "a\nb\n"),
        ("printf '\\162\\155 %s' -rf", "rm -rf"),
        ("printf %b 'r\\155'", "rm"),
        ("printf '%d%%' 5", "5%"),
        ("printf '%x' 255", "ff"),
        ("printf '%c%c' rm ma", "rm"),
        ("printf '%.2s' rmdir", "rm"),
        ("printf -- '%s' -x", "-x"),
        ("printf -v name x", ""),
        ("seq 3", "1\n2\n3\n"),
        ("seq 2 2 6", "2\n4\n6\n"),
        ("seq 3 -1 1", "3\n2\n1\n"),
        ("basename /a/b.sh .sh", "b\n"),
        ("basename -a /a/b /c/d", "b\nd\n"),
        ("dirname /a/b/", "/a\n"),
        ("dirname b", ".\n"),
        ("pwd", f"{PROJECT}\n"),
        ("which rm", "rm\n"),
        ("whoami", "person\n"),
        ("yes rm", "rm\n"),
        ("realpath ./a/../b", f"{PROJECT}/b\n"),
        ("readlink -f b", f"{PROJECT}/b\n"),
        ("mktemp -d", f"/tmp/tmp.{HOLE}\n"),
        ("mktemp /srv/x.XXXX", f"/srv/x.{HOLE}\n"),
        ("mktemp -p /srv", f"/srv/tmp.{HOLE}\n"),
        ("true", ""),
        ("test -f x", ""),
    ],
)
def test_what_can_be_known_is_printed(line: str, text: str) -> None:
    assert outcome(filters_print.outcome, line).output.text == text


@pytest.mark.parametrize("line", ["seq 1000000000", "seq 1 x", "printenv PATH", "readlink x"])
def test_what_can_not_be_known_is_not_made_up(line: str) -> None:
    found = outcome(filters_print.outcome, line)
    assert (found.output, found.effects) == (Stream(), ())


def test_endless_formats_end() -> None:
    assert outcome(filters_print.outcome, "printf '" + "x" * 1000 + "%s' " + "a " * 1000).output.text is None


def test_the_account_is_not_the_persons_with_other_rights() -> None:
    assert outcome(filters_print.outcome, "whoami", traits="privileged").output.text is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("printenv", ["read_secret environment variables variables"]),
        ("printenv GITHUB_TOKEN", ["read_secret GITHUB_TOKEN variable"]),
        ("printenv HOME", []),
    ],
)
def test_variables_with_secrets_are_told(line: str, expected: list[str]) -> None:
    assert effects(outcome(filters_print.outcome, line)) == expected


def test_the_whole_environment_is_marked_where_it_goes() -> None:
    assert "secret" in outcome(filters_print.outcome, "printenv").output.taints


@pytest.mark.parametrize("line", ["pbpaste", "wl-paste", "xclip -selection clipboard -o", "xsel --output"])
def test_the_clipboard_may_be_anything(line: str) -> None:
    assert outcome(filters.outcome, line).output.taints == {"dynamic", "local"}
