import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from agentops_mcp.core import ids
from agentops_mcp.core.ids import created_at, is_id, new_id


def test_an_id_is_a_uuid_of_version_7_and_of_the_standard_variant() -> None:
    parsed = uuid.UUID(new_id())
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)


def test_an_id_tells_when_it_was_made() -> None:
    before = datetime.now(UTC)
    made = created_at(new_id())
    assert before - timedelta(milliseconds=1) <= made <= datetime.now(UTC) + timedelta(milliseconds=1)
    assert created_at("01a2035e-4daf-72c4-84cf-26677b72efac").isoformat() == "2026-11-22T13:07:21.647000+00:00"


def test_ids_made_one_after_the_other_sort_in_that_order() -> None:
    made = [new_id() for _ in range(20_000)]
    assert made == sorted(set(made))


def make(count: int) -> list[str]:
    return [new_id() for _ in range(count)]


def test_ids_of_many_threads_are_all_different_and_sorted_in_each() -> None:
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(make, [2_000] * 8))
    assert all(batch == sorted(batch) for batch in batches)
    assert len({each for batch in batches for each in batch}) == 16_000


class Wall:
    """A wall clock that is set by hand, in milliseconds."""

    def __init__(self, millis: int) -> None:
        self.millis = millis

    def time_ns(self) -> int:
        return self.millis * 1_000_000


def test_ids_keep_their_order_when_the_clock_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    wall = Wall(1_800_000_000_000)
    monkeypatch.setattr(ids, "time", wall)
    generate = type(new_id)()
    first = generate()
    wall.millis -= 60_000
    second = generate()
    wall.millis += 120_000
    third = generate()
    assert first < second < third
    assert created_at(first) == created_at(second) < created_at(third)


def test_a_millisecond_that_is_full_runs_over_into_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "time", Wall(1_800_000_000_000))
    monkeypatch.setattr(ids, "_COUNTER_BITS", 1)
    generate = type(new_id)()
    made = [generate() for _ in range(5)]
    assert made == sorted(set(made))
    assert created_at(made[-1]) > created_at(made[0])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "01a2035e-4daf-72c4-84cf-26677b72efa",
        "01A2035E-4DAF-72C4-84CF-26677B72EFAC",
        "01a2035e4daf72c484cf26677b72efac",
        "{01a2035e-4daf-72c4-84cf-26677b72efac}",
        "urn:uuid:01a2035e-4daf-72c4-84cf-26677b72efac",
        "01a2035e-4daf-42c4-84cf-26677b72efac",
        " 01a2035e-4daf-72c4-84cf-26677b72efac",
    ],
)
def test_what_is_not_a_canonical_uuid_of_version_7_is_no_id(text: str) -> None:
    assert not is_id(text)
    assert is_id("01a2035e-4daf-72c4-84cf-26677b72efac")
