"""What a wrapper runs is found behind its options, operands and variables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Call
from agentops_mcp.factors.guardrails.rules.programs.wrappers import outcome as wrapped
from agentops_mcp.factors.guardrails.rules.programs.wrappers_packages import outcome as packaged
from agentops_mcp.factors.guardrails.rules.programs.wrappers_table import WRAPPERS
from agentops_mcp.factors.guardrails.rules.programs.wrappers_terminals import outcome as terminal
from called import WORLD, call, effects, outcome, runs

ROOT = "rm -rf x [privileged]"


@pytest.mark.parametrize(
    "line",
    [
        "sudo rm -rf x", "sudo -u root -E rm -rf x", "sudo -n -- rm -rf x", "sudo --user=root rm -rf x",
        "sudo -uroot rm -rf x",
        "sudo A=1 rm -rf x", "sudo -i rm -rf x", "sudo -s rm -rf x", "sudo -p '' -S rm -rf x", "sudo -C 3 rm -rf x",
        "doas -u root rm -rf x", "pkexec --user root rm -rf x", "run0 --unit=x rm -rf x", "runuser -u root -- rm -rf x",
        "/usr/bin/sudo rm -rf x",
    ],
)  # fmt: skip
def test_other_rights_are_given_to_the_command(line: str) -> None:
    assert runs(outcome(wrapped, line)) == [ROOT]


@pytest.mark.parametrize(
    "line",
    [
        "env rm -rf x", "env -i A=1 B=2 rm -rf x", "env -u A rm -rf x", "env - rm -rf x", "env --unset=A -- rm -rf x",
        f"env {HOLE} rm -rf x", "nice rm -rf x", "nice -n 5 rm -rf x", "nice -5 rm -rf x",
        "nice --adjustment=5 rm -rf x",
        "ionice -c 3 rm -rf x", "ionice -tc3 rm -rf x", "chrt -f 10 rm -rf x", "taskset 0x1 rm -rf x",
        "taskset -c 0,1 rm -rf x",
        "taskset --cpu-list=0 rm -rf x", "nohup rm -rf x", "setsid -w rm -rf x", "timeout 5 rm -rf x",
        "timeout -k 1 5s rm -rf x",
        "timeout --signal=KILL 5 rm -rf x", "stdbuf -oL rm -rf x", "stdbuf --output=L rm -rf x", "time -p rm -rf x",
        "strace -f -e trace=file rm -rf x", "ltrace -S rm -rf x",
        "busybox rm -rf x", "toybox rm -rf x", "flock /tmp/l rm -rf x", "flock -w 5 /tmp/l rm -rf x",
        "chroot /mnt rm -rf x",
        "unshare -r rm -rf x", "nsenter -t 1 -m rm -rf x", "systemd-run --user --scope rm -rf x",
        "caffeinate -i rm -rf x",
        "proxychains4 -q rm -rf x", "torsocks rm -rf x", "rtk rm -rf x", "direnv exec . rm -rf x",
        "dotenv -f .env run -- rm -rf x",
        "cross-env A=1 rm -rf x", "mise exec -- rm -rf x", "mise x node@20 -- rm -rf x", "ip netns exec n rm -rf x",
        "doppler run -- rm -rf x", "op run --env-file=f -- rm -rf x", "aws-vault exec p -- rm -rf x",
        "xvfb-run -a rm -rf x",
        "fakeroot rm -rf x", "numactl -N 0 rm -rf x", "prlimit --nproc=5 rm -rf x", "gosu root rm -rf x",
        "tini -- rm -rf x",
        "eatmydata rm -rf x", "dbus-run-session -- rm -rf x", "nix develop -c rm -rf x",
        "nix shell .#a --command rm -rf x",
        "perf stat -e c rm -rf x", "faketime yesterday rm -rf x", "chronic rm -rf x", "firejail --net=none rm -rf x",
    ],
)  # fmt: skip
def test_the_command_is_found(line: str) -> None:
    assert runs(outcome(wrapped, line)) == ["rm -rf x"]


@pytest.mark.parametrize(
    "line",
    [
        "watch 'rm -rf x'", "watch -n 1 rm -rf x", "watch -tdn0.5 rm -rf x",
        "flock /tmp/l -c 'rm -rf x'", "sg docker -c 'rm -rf x'", "env -S 'rm -rf x'", "env --split-string='rm -rf' x",
        "nix-shell -p jq --run 'rm -rf x'", "mise exec -c 'rm -rf x'", "cross-env-shell 'rm -rf x'",
        "nodemon --exec 'rm -rf x'",
        "sops exec-env f 'rm -rf x'", "watchexec -e js 'rm -rf x'",
    ],
)  # fmt: skip
def test_a_text_is_found(line: str) -> None:
    assert runs(outcome(wrapped, line)) == ["shell: rm -rf x"]


@pytest.mark.parametrize(
    "line",
    [
        "sudo -l", "sudo -v", "sudo -k", "sudo --version", "sudo", "nohup", "time", "timeout 5", "watch", "nice",
        "chroot /mnt",
        "ionice -p 1", "taskset -p 1", "chrt -p 1", "strace -p 1", "prlimit --pid 1 --nproc=5", "flock 9",
        "busybox --list",
        "script log",
    ],
)  # fmt: skip
def test_without_a_command_nothing_is_run(line: str) -> None:
    found = outcome(wrapped, line)
    assert (found.runs, found.effects) == ((), ())


@pytest.mark.parametrize(
    "line", ["doppler secrets", "ip addr", "nix build", "mise install", "direnv allow", "op item list", "rr replay"]
)
def test_other_subcommands_are_left_to_others(line: str) -> None:
    assert wrapped(call(line), WORLD) is None


@pytest.mark.parametrize(
    "line", ["sudo -i", "sudo -s", "sudo -u root -i", "su", "su -", "su - postgres", "pkexec", "doas -s"]
)
def test_a_shell_with_other_rights_is_told(line: str) -> None:
    assert [each.kind for each in outcome(wrapped, line).effects] == ["gain_privilege"]


@pytest.mark.parametrize("line", ["sudo -i", "su", "su - root"])
def test_what_flows_into_such_a_shell_is_run(line: str) -> None:
    assert runs(outcome(wrapped, line, "rm -rf x")) == ["sh [privileged]"]


@pytest.mark.parametrize(
    "line",
    [
        "su -c 'rm -rf x'",
        "su - root -c 'rm -rf x'",
        "su root --command='rm -rf x'",
        "su -l art -c 'rm -rf x' -s /bin/sh",
    ],
)
def test_a_text_for_another_account_is_run_with_its_rights(line: str) -> None:
    assert runs(outcome(wrapped, line)) == ["shell: rm -rf x [privileged]"]


def test_variables_reach_the_command() -> None:
    run = outcome(wrapped, "env A=1 sudo B=2 rm").runs[0]
    assert isinstance(run, Call)
    assert run.env == {"A": "1"}


@pytest.mark.parametrize(
    ("line", "folder"),
    [("env -C /etc rm x", "/etc"), ("sudo -D /etc rm x", "/etc"), ("env --chdir=.. rm", "/home/person")],
)
def test_a_wrapper_can_go_to_another_folder(line: str, folder: str) -> None:
    run = outcome(wrapped, line).runs[0]
    assert isinstance(run, Call)
    assert run.cwd == folder


def test_the_input_reaches_the_command() -> None:
    run = outcome(wrapped, "sudo sh", "text").runs[0]
    assert isinstance(run, Call)
    assert run.stdin.text == "text"


def test_env_alone_shows_the_environment() -> None:
    assert effects(outcome(wrapped, "env")) == ["read_secret environment variables variables"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("systemd-run --on-calendar=daily rm x", ["persist rm x schedule"]),
        ("sudo -e /etc/hosts", ["overwrite /etc/hosts"]),
        ("strace -o /srv/log ls", ["overwrite /srv/log"]),
    ],
)
def test_what_a_wrapper_does_besides_is_told(line: str, expected: list[str]) -> None:
    assert effects(outcome(wrapped, line)) == expected


@pytest.mark.parametrize("name", sorted(WRAPPERS))
def test_every_wrapper_takes_any_words(name: str) -> None:
    for words in ([], ["--"], ["-x"], ["--x=y", "a"], ["-c"], [HOLE], ["", ""]):
        wrapped(call("x")._replace(argv=(name, *words)), WORLD)


@given(
    st.sampled_from(sorted(WRAPPERS)),
    st.lists(st.sampled_from(["-c", "--", "-n", "5", "A=1", "rm", "-rf", "/", HOLE, ""]), max_size=7),
)
def test_any_words_are_a_command_line(name: str, words: list[str]) -> None:
    found = wrapped(call("x")._replace(argv=(name, *words)), WORLD)
    assert found is None or all(
        (isinstance(each, Call) and each.argv) or not isinstance(each, Call) for each in found.runs
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("npx -y rimraf@5 dist", ["rimraf dist"]),
        ("npx --package=x rimraf dist", ["rimraf dist"]),
        ("npx -c 'rm -rf x'", ["shell: rm -rf x"]),
        ("npm exec -- rm -rf x", ["rm -rf x"]),
        ("pnpm dlx rimraf x", ["rimraf x"]),
        ("yarn exec rm -rf x", ["rm -rf x"]),
        ("bunx rimraf x", ["rimraf x"]),
        ("uvx ruff check", ["ruff check"]),
        ("uv run rm -rf x", ["rm -rf x"]),
        ("uv run --with httpx python -c 'x'", ["python -c x"]),
        ("uv run -m pytest", ["python -m pytest"]),
        ("uv run scripts/a.py", ["python scripts/a.py"]),
        ("uv tool run ruff", ["ruff"]),
        ("poetry run rm -rf x", ["rm -rf x"]),
        ("pipenv run python a.py", ["python a.py"]),
        ("conda run -n e rm -rf x", ["rm -rf x"]),
        ("bundle exec rm -rf x", ["rm -rf x"]),
        ("pipx run cowsay moo", ["cowsay moo"]),
    ],
)
def test_package_managers_run_commands(line: str, expected: list[str]) -> None:
    assert runs(outcome(packaged, line)) == expected


@pytest.mark.parametrize(
    "line",
    [
        "npx github:a/b",
        "npx a/b",
        "npx https://h/x.tgz",
        "uvx --from git+https://h/x t",
        "uv run https://h/x.py",
        "pnpm dlx git@h:a/b",
    ],
)
def test_a_package_of_nobody_is_fetched_text(line: str) -> None:
    assert [each.kind for each in outcome(packaged, line).effects] == ["run_fetched"]


@pytest.mark.parametrize(
    "line", ["npx @scope/tool", "npx ./tool", "uvx ruff", "npx tsc -p a/b", "uv run src/app.py", "bunx --bun vite"]
)
def test_a_package_of_a_registry_is_everyday(line: str) -> None:
    assert outcome(packaged, line).effects == ()


@pytest.mark.parametrize(
    "line", ["npm install", "uv sync", "poetry add x", "yarn", "conda create -n x", "bun run build"]
)
def test_other_commands_of_package_managers_are_left_to_others(line: str) -> None:
    assert packaged(call(line), WORLD) is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("tmux new-session -d -s a 'rm -rf x'", ["shell: rm -rf x"]),
        ("tmux -2 new -s a rm -rf x", ["rm -rf x"]),
        ("tmux send-keys -t 0 'rm -rf x' Enter", ["shell: rm -rf x\n"]),
        ("tmux new -d ';' run-shell 'rm -rf x'", ["shell: rm -rf x"]),
        ("screen -dmS a rm -rf x", ["rm -rf x"]),
        ("screen -S a -X stuff 'rm -rf x^M'", ["shell: rm -rf x\n"]),
        ("xterm -e rm -rf x", ["rm -rf x"]),
        ("gnome-terminal -- sh -c 'rm -rf x'", ["sh -c rm -rf x"]),
        ("xfce4-terminal --command='rm -rf x'", ["shell: rm -rf x"]),
        ("expect -c 'spawn rm -rf x'", ["shell: rm -rf x"]),
    ],
)
def test_terminals_run_commands(line: str, expected: list[str]) -> None:
    assert runs(outcome(terminal, line)) == [f"{each} [terminal]" for each in expected]


@pytest.mark.parametrize(
    ("line", "expected"),
    [("unbuffer rm -rf x", "rm -rf x"), ("script -q /dev/null rm -rf x", "rm -rf x"),
     ("script -c 'rm -rf x' /dev/null", "shell: rm -rf x")],
)  # fmt: skip
def test_programs_that_make_a_terminal_for_another_one_are_told(line: str, expected: str) -> None:
    assert runs(outcome(wrapped, line)) == [f"{expected} [terminal]"]


@pytest.mark.parametrize("line", ["tmux ls", "tmux set-option -g mouse on", "screen -ls", "xterm", "tmux kill-server"])
def test_terminals_without_a_command_are_left_to_others(line: str) -> None:
    assert terminal(call(line), WORLD) is None


def test_bubblewrap_has_options_with_two_values() -> None:
    assert runs(outcome(wrapped, "bwrap --bind / / --setenv A 1 --proc /proc rm -rf x")) == ["rm -rf x"]


def test_the_first_process_stands_for_the_machine() -> None:
    assert effects(outcome(wrapped, "nsenter -t 1 -m bash")) == ["gain_privilege the machine's own namespaces host"]
    assert effects(outcome(wrapped, "nsenter -t 4242 -n bash")) == []


def test_a_terminal_on_another_machines_screen_is_given_away() -> None:
    assert effects(outcome(terminal, "xterm -display 203.0.113.1:1")) == ["open_shell 203.0.113.1 terminal"]
    assert terminal(call("xterm -display :0"), WORLD) is None
