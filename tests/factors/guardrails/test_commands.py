"""What rows of packs say of a call, and what a program's own words give away."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import agentops_mcp.factors.guardrails
from agentops_mcp.factors.guardrails.rules.calls import NOTHING, Call, Outcome
from agentops_mcp.factors.guardrails.rules.commands import from_rows, generic
from agentops_mcp.factors.guardrails.rules.packs import compiled, policy_of

PACKS = Path(agentops_mcp.factors.guardrails.__file__).parent / "packs"
ROW: dict[str, Any] = {
    "programs": ["tool"],
    "words": ["thing delete|rm", "* drop-*", "** wipe", "!thing delete cache"], "valued": ["profile"],
    "effect": "destroy_infrastructure", "traits": ["x"],
}  # fmt: skip


def said(command: str, **changes: Any) -> Outcome | None:
    return from_rows(Call(tuple(command.split())), [{**ROW, **changes}])


def destroys(command: str, **changes: Any) -> bool:
    outcome = said(command, **changes)
    return outcome is not None and bool(outcome.effects)


@pytest.mark.parametrize(
    "command",
    [
        "tool thing delete a",
        "tool thing rm a",
        "tool Thing DELETE a",
        "tool db drop-table t",
        "tool wipe",
        "tool one two three wipe",
        "tool --yes thing delete a",
        "tool --profile prod thing delete a",
        "tool --unknown value thing delete a",
        "tool thing --unknown value delete a",
        "tool thing --flag delete a",
        "tool -v -- thing delete a",
        "tool -f file.yml thing delete a",
    ],
)
def test_a_row_holds_for_its_words_wherever_options_stand(command: str) -> None:
    assert destroys(command)


@pytest.mark.parametrize(
    "command",
    [
        "tool thing list",
        "tool list thing delete",
        "tool thing deleted",
        "tool --profile thing delete a",
        "tool thing delete --help",
        "tool thing delete a -h",
        "tool help thing delete",
        "tool thing delete a --dry-run",
        "tool thing delete a --dry-run=client",
        "tool thing delete a --preview-only",
        "tool --version",
    ],
)
def test_other_words_help_and_dry_runs_do_nothing(command: str) -> None:
    assert not destroys(command)


def test_the_last_word_asks_for_help_where_a_program_reads_it_so() -> None:
    row = {**ROW, "programs": ["aws"], "words": ["s3 rb"]}
    assert from_rows(Call(("aws", "s3", "rb", "help")), [row]) is NOTHING
    assert from_rows(Call(("docker", "s3", "rb", "help")), [row]) is not NOTHING


def test_a_dry_run_that_is_switched_off_is_none() -> None:
    assert destroys("tool thing delete a --dry-run=none")


def test_a_version_that_is_named_asks_for_no_version() -> None:
    assert destroys("tool thing delete --version 1.0.0")


def test_a_pattern_that_takes_back_makes_the_call_harmless() -> None:
    assert said("tool thing delete cache") == NOTHING


def test_a_call_that_no_row_speaks_of_is_not_known() -> None:
    assert said("tool thing list") is None


@pytest.mark.parametrize(
    ("when", "command", "holds"),
    [
        ("force|f", "tool wipe --force", True),
        ("force|f", "tool wipe -f", True),
        ("force|f", "tool wipe -vf", True),
        ("force|f", "tool wipe", False),
        ("replicas=0", "tool wipe --replicas=0", True),
        ("replicas=0", "tool wipe --replicas 0", True),
        ("replicas=0", "tool wipe --replicas=3", False),
        ("v|volume=/:*", "tool wipe -v /:/host", True),
        ("v|volume=/:*", "tool wipe -v/:/host", True),
        ("v|volume=/:*", "tool wipe -v ./a:/a", False),
        ("method=delete|purge", "tool wipe --method DELETE", True),
        ("auto-approve", "tool wipe -auto-approve", True),
    ],
)
def test_options_that_a_row_asks_for_must_be_given(when: str, command: str, holds: bool) -> None:
    assert destroys(command, when=[when]) is holds


def test_an_option_with_which_nothing_happens_is_not_seen_in_a_cluster() -> None:
    assert not destroys("tool wipe -n", unless=["n"])
    assert destroys("tool wipe -an", unless=["n"])


@pytest.mark.parametrize(
    ("command", "target"),
    [
        ("tool thing delete a b", "a b"),
        ("tool thing delete --name a", "a"),
        ("tool thing delete --name=a", "a"),
        ("tool thing delete --profile prod a", "a"),
        ("tool one wipe", "one wipe"),
    ],
)
def test_the_target_is_what_follows_the_words(command: str, target: str) -> None:
    outcome = said(command)
    assert outcome is not None
    assert [each.target for each in outcome.effects] == [target]


def test_traits_of_the_call_and_of_the_row_are_told() -> None:
    outcome = from_rows(Call(("tool", "wipe"), traits=frozenset({"privileged"})), [ROW])
    assert outcome is not None
    assert outcome.effects[0].traits == {"privileged", "x"}


@pytest.mark.parametrize(
    "command",
    [
        "frob cluster delete main",
        "frob delete main",
        "frob delete-stage main",
        "frob bucket-remove data",
        "frob bucket remove data",
        "frob --yes destroy",
        "frob --profile prod users purge",
        "frob db:drop",
        "./bin/frob terminate x",
        "drop database main",
        "mcp github delete repository",
    ],
)
def test_a_verb_of_destruction_speaks_for_an_unknown_program(command: str) -> None:
    outcome = generic(Call(tuple(command.split())))
    assert outcome is not None
    assert outcome.effects[0].kind == "destroy_infrastructure"
    assert "unlisted" in outcome.effects[0].traits


@pytest.mark.parametrize(
    "command",
    [
        "frob cluster list",
        "frob create delete-me",
        "frob run delete",
        "frob get-delete-marker x",
        "frob delete --help",
        "frob help delete",
        "frob delete x --dry-run",
        "frob plugin remove x",
        "frob delete cache",
        "frob remove x",
        "frob --filter delete",
        "frob auth can-i delete pods",
        "frob src/delete.py",
        "frob delete.txt",
        "npm remove lodash",
        "apt remove vim",
        "brew uninstall wget",
        "code --uninstall-extension x",
        "grep delete README.md",
        "echo delete",
        "",
    ],
)
def test_what_is_no_subcommand_of_destruction_gives_nothing_away(command: str) -> None:
    assert generic(Call(tuple(command.split()))) is None


WORDS = st.lists(st.sampled_from(["thing", "delete", "wipe", "-f", "--x", "--x=1", "--", "-", "", "a"]), max_size=80)


@settings(max_examples=200, deadline=None)
@given(WORDS)
def test_no_call_is_too_odd_to_be_read(words: list[str]) -> None:
    call = Call(("tool", *words))
    for outcome in (from_rows(call, [ROW]), generic(call)):
        assert outcome is None or isinstance(outcome, Outcome)


BEYOND = {"destroy_infrastructure", "change_infrastructure", "destroy_data", "change_data", "publish", "spend"}
"""Effects on what is not on this machine: a row about one that no rule decides about would say nothing."""


def test_every_row_of_the_packs_about_services_is_decided_by_a_rule() -> None:
    tables = [tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(PACKS.glob("*.toml"))]
    policy = policy_of(compiled(tables))
    undecided = [
        (program, row["effect"], tuple(row.get("traits", ())), row.get("words", [])[:1])
        for program, rows in policy.commands.items()
        for row in rows
        if row["effect"] in BEYOND
        and not any(
            (not rule.programs or program in rule.programs)
            and rule.traits <= set(row.get("traits", ()))
            and not rule.without & set(row.get("traits", ()))
            and not rule.places
            for rule in policy.rules.get(row["effect"], ())
        )
    ]
    assert undecided == []
