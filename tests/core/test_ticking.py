"""Something done again and again, until it is stopped."""

import threading

import pytest

from agentops_mcp.core.ticking import Ticking


def test_it_is_done_again_and_again_until_it_is_stopped() -> None:
    thrice = threading.Barrier(2)
    calls: list[int] = []

    def act() -> None:
        calls.append(1)
        if len(calls) == 3:
            thrice.wait()

    ticking = Ticking(act, every_s=0.001).start()
    thrice.wait(timeout=30)
    ticking.stop()
    done = len(calls)
    assert done >= 3
    assert not threading.Event().wait(0.05)
    assert len(calls) == done


def test_a_failure_is_logged_and_the_next_turn_comes(caplog: pytest.LogCaptureFixture) -> None:
    again = threading.Event()
    calls: list[int] = []

    def act() -> None:
        calls.append(1)
        if len(calls) == 2:
            again.set()
        raise ValueError("not today")

    ticking = Ticking(act, every_s=0.001).start()
    assert again.wait(timeout=30)
    ticking.stop()
    assert "not today" in caplog.text


def test_what_is_stopped_at_once_was_never_done() -> None:
    calls: list[int] = []
    Ticking(lambda: calls.append(1), every_s=60).start().stop()
    assert calls == []
