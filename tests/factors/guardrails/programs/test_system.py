"""What is stopped, and what runs later."""

import pytest

from agentops_mcp.factors.guardrails.rules.calls import HOLE
from agentops_mcp.factors.guardrails.rules.programs import system
from called import WORLD, call, effects, outcome, runs


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("kill 123", ["stop_service 123 process"]),
        ("kill -9 123 456", ["stop_service 123 process", "stop_service 456 process"]),
        ("kill -s KILL 1", ["stop_service 1 critical,process"]), ("kill -9 -1", ["stop_service -1 everything,process"]),
        ("kill -KILL -- -1", ["stop_service -1 everything,process"]), ("kill -1 123", ["stop_service 123 process"]),
        ("kill -1", []), ("kill -l", []), ("kill -0 1", []), (f"kill {HOLE}", [f"stop_service {HOLE} process,unknown"]),
        ("kill %1", ["stop_service 1 process"]), ("kill %sshd", ["stop_service sshd critical,process"]),
        ("pkill node", ["stop_service node process"]), ("pkill -9 -f sshd", ["stop_service sshd critical,process"]),
        ("pkill -SIGTERM ^cron$", ["stop_service ^cron$ critical,process"]),
        ("killall -9 systemd", ["stop_service systemd critical,process"]),
        ("pkill -u me", ["stop_service all everything,process"]), ("pkill -u me node", ["stop_service node process"]),
        ("pkill .", ["stop_service . everything,process"]), ("killall -l", []),
        ("killall5", ["stop_service all everything,process"]),
        ("taskkill /f /im lsass.exe", ["stop_service lsass.exe critical,process"]),
        ("taskkill /pid 12", ["stop_service 12 process"]),
        ("shutdown -h now", ["stop_machine shutdown"]), ("shutdown /s /t 0", ["stop_machine shutdown"]),
        ("reboot", ["stop_machine reboot"]),
        ("halt -r", ["stop_machine halt"]), ("poweroff -r 3", ["stop_machine poweroff"]), ("shutdown -c", []),
        ("shutdown /a", []),
        ("shutdown --help", []), ("reboot --wtmp-only", []),
        ("crontab jobs", ["persist crontab schedule"]), ("crontab -", ["persist crontab schedule"]),
        ("crontab -e", []),
        ("crontab -r", ["delete crontab schedule"]), ("crontab -u me -r", ["delete crontab of me schedule"]),
        ("crontab -l", []),
        ("crontab", []),
    ],
)  # fmt: skip
def test_what_stops_or_stays_is_told(line: str, expected: list[str]) -> None:
    assert effects(outcome(system.outcome, line)) == expected


@pytest.mark.parametrize("line", ["kill $(pgrep -f sshd)", "kill $(pidof sshd)"])
def test_a_process_that_was_searched_for_is_named(line: str) -> None:
    search = line.removeprefix("kill $(").removesuffix(")")
    assert outcome(system.outcome, search).output.text == "%sshd\n"


def test_a_search_by_port_names_the_port() -> None:
    assert outcome(system.outcome, "lsof -ti:3000").output.text == "%:3000\n"
    assert outcome(system.outcome, "lsof -i :3000").output.text is None


def test_what_is_scheduled_is_judged_as_it_will_run() -> None:
    table = "# jobs\nPATH=/bin\n*/5 * * * * rm -rf /\n@daily backup --all\n"
    assert runs(outcome(system.outcome, "crontab -", table)) == ["shell: rm -rf /", "shell: backup --all"]


def test_a_table_on_the_input_needs_no_dash() -> None:
    assert effects(outcome(system.outcome, "crontab", "@daily x\n")) == ["persist crontab schedule"]


def test_a_table_edited_by_a_program_of_ones_own_is_scheduled() -> None:
    found = system.outcome(call("crontab -e", env={"EDITOR": "/srv/x"}), WORLD)
    assert found is not None
    assert effects(found) == ["persist crontab schedule"]
