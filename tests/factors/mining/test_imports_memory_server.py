import json

import pytest

from agentops_mcp.factors.mining.rules.imports.memory_server import is_memory_server, parse_memory_server
from agentops_mcp.factors.mining.rules.imports.texts import Parsed

ACME = {"type": "entity", "name": "Acme", "entityType": "customer", "observations": ["Pays late", "Wants CSV"]}
NO_FACTS: list[str] = []
ANN = {"type": "entity", "name": "Ann", "entityType": "person", "observations": NO_FACTS}
WORKS = {"type": "relation", "from": "Ann", "to": "Acme", "relationType": "works_at"}


def parsed(*lines: object) -> Parsed:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return parse_memory_server("memory.jsonl", text)


def test_an_entity_is_an_item_with_its_observations_and_relations() -> None:
    notes = parsed(ACME, ANN, WORKS).notes
    assert [(note.origin, note.title, note.tags, note.text) for note in notes] == [
        ("Acme", "Acme (customer)", ("customer",), "- Pays late\n- Wants CSV\n- Ann works_at Acme"),
        ("Ann", "Ann (person)", ("person",), "- Ann works_at Acme"),
    ]


def test_an_entity_that_is_told_twice_is_one_item() -> None:
    (note,) = parsed(ACME, {**ACME, "observations": ["Wants CSV", "Is in Oslo"]}).notes
    assert note.text == "- Pays late\n- Wants CSV\n- Is in Oslo"


DAMAGE = {
    "not JSON": ("{", "is not JSON"),
    "too deep": ("[" * 100_000, "is not JSON"),
    "a number too long": ("1" * 10_000, "is not JSON"),
    "a list": ("[1]", "is neither an entity nor a relation"),
    "another type": ('{"type": "session"}', "is neither an entity nor a relation"),
    "a type that is a list": ('{"type": []}', "is neither an entity nor a relation"),
    "no name": ('{"type": "entity", "name": " "}', "has no name"),
    "a name that is a number": ('{"type": "entity", "name": 4}', "has no name"),
    "half a relation": ('{"type": "relation", "from": "Ann"}', "has no from and to"),
    "observations in a text": (
        '{"type": "entity", "name": "x", "observations": "y"}',
        "has observations that are no list",
    ),
    "a relation of strangers": (
        '{"type": "relation", "from": "x", "to": "y"}',
        "relates entities that are not there",
    ),
}


@pytest.mark.parametrize(("line", "reason"), DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_line_is_named_and_the_others_are_read(line: str, reason: str) -> None:
    found = parsed(line, ACME)
    assert [note.title for note in found.notes] == ["Acme (customer)"]
    assert [(each.origin, each.reason) for each in found.skipped] == [("memory.jsonl:1", reason)]


def test_an_entity_of_which_nothing_is_known_is_left_out() -> None:
    assert [each.origin for each in parsed(ANN).skipped] == ["Ann"]


def test_what_no_database_can_hold_is_replaced() -> None:
    (note,) = parsed('{"type":"entity","name":"N\\u0000","observations":["half \\ud800 pair"]}').notes
    assert (note.title, note.text) == ("N\ufffd", "- half \ufffd pair")


def test_many_observations_become_several_items() -> None:
    notes = parsed({**ACME, "observations": [f"Fact {number} {'x' * 50}" for number in range(200)]}).notes
    assert [note.origin for note in notes] == ["Acme", "Acme#2", "Acme#3", "Acme#4"]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (json.dumps(ACME), True),
        ("\n{\n" + json.dumps(WORKS), True),
        ('{"id": "x", "kind": "entry.recorded"}', False),
        ("", False),
    ],
)
def test_the_file_is_known_by_its_first_lines(text: str, is_one: bool) -> None:
    assert is_memory_server(text) == is_one
