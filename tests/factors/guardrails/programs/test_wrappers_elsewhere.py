"""Commands on other machines and in containers, commands made of lines, and variables that load code."""

import pytest

from agentops_mcp.factors.guardrails.rules.calls import HOLE, UNKNOWN, Call, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.programs.wrappers_containers import outcome as contained
from agentops_mcp.factors.guardrails.rules.programs.wrappers_lines import outcome as lined
from agentops_mcp.factors.guardrails.rules.programs.wrappers_remote import outcome as elsewhere
from agentops_mcp.factors.guardrails.rules.programs.wrappers_settings import assignment, loaded
from called import WORLD, call, effects, outcome, runs
from judged import decision

FETCHED = Stream(None, frozenset({"fetched"}), "https://example.com/x")
LOCAL = Stream(None, frozenset({"local"}), "list")


def remote(call: Call, world: World) -> Outcome | None:
    """Other machines first, then containers."""
    found = elsewhere(call, world)
    return contained(call, world) if found is None else found


@pytest.mark.parametrize(
    "line",
    [
        "ssh h rm -rf x", "ssh -p 22 -i k u@h rm -rf x", "ssh -o StrictHostKeyChecking=no h 'rm -rf x'",
        "ssh h -p 22 rm -rf x",
        "autossh -M 0 h rm -rf x", "pdsh -w h[1-9] rm -rf x", "vagrant ssh -c 'rm -rf x'",
        "fly ssh console -C 'rm -rf x'",
        "gcloud compute ssh vm --command='rm -rf x'", "doctl compute ssh vm --ssh-command 'rm -rf x'",
        "aws ssm send-command --document-name AWS-RunShellScript --parameters commands='rm -rf x'",
        "aws ssm send-command --parameters '{\"commands\":[\"rm -rf x\"]}'",
        "aws ecs execute-command --cluster c --task t --command 'rm -rf x'",
        "knife ssh role:web 'rm -rf x'", "bolt command run 'rm -rf x' --targets web",
    ],
)  # fmt: skip
def test_a_text_for_another_machine_is_run_there(line: str) -> None:
    assert runs(outcome(remote, line)) == ["shell: rm -rf x [remote]"]


@pytest.mark.parametrize(
    "line",
    [
        "docker run --rm -it -e A=1 -v vol:/x ubuntu rm -rf x", "docker exec -it -u root c rm -rf x",
        "podman exec c rm -rf x",
        "docker -H tcp://h container exec c rm -rf x", "docker compose -f f exec -T web rm -rf x",
        "docker-compose run --rm web rm -rf x",
        "docker run --entrypoint rm img -rf x", "nerdctl run img rm -rf x", "kubectl exec -it p -n ns -- rm -rf x",
        "kubectl exec p rm -rf x", "kubectl -n ns run a --image=b -- rm -rf x", "oc rsh p rm -rf x",
        "lxc exec c -- rm -rf x",
        "multipass exec vm -- rm -rf x", "heroku run rm -rf x", "adb shell rm -rf x", "minikube ssh -- rm -rf x",
        "mosh h -- rm -rf x", "nomad alloc exec a rm -rf x", "crictl exec -i c rm -rf x",
    ],
)  # fmt: skip
def test_a_command_elsewhere_is_run_there(line: str) -> None:
    assert runs(outcome(remote, line)) == ["rm -rf x [remote]"]


@pytest.mark.parametrize(
    "line", ["docker build .", "docker ps", "kubectl get pods", "kubectl run a --image=b", "vagrant up", "lxc list"]
)
def test_other_subcommands_are_left_to_others(line: str) -> None:
    assert remote(call(line), WORLD) is None


def test_a_fleet_runs_a_text_on_many_machines() -> None:
    assert runs(outcome(remote, "salt 'web*' cmd.run 'rm -rf x'")) == ["shell: rm -rf x [remote,repeated]"]
    assert runs(outcome(remote, "salt-call cmd.run 'rm -rf x'")) == ["shell: rm -rf x"]


@pytest.mark.parametrize("line", ["ssh h", "ssh -N -L 1:h:2 h", "ssh -V", "docker run -it ubuntu"])
def test_without_a_command_nothing_is_run(line: str) -> None:
    found = outcome(remote, line)
    assert (found.runs, found.effects) == ((), ())


@pytest.mark.parametrize("line", ["ssh h", "docker run -i ubuntu", "ssh -T h"])
def test_what_flows_in_is_run_there(line: str) -> None:
    assert runs(outcome(remote, line, "rm -rf x")) == ["sh [remote]"]


def test_what_is_done_to_a_mounted_folder_is_done_here() -> None:
    assert runs(outcome(remote, "docker run -v /:/host alpine rm -rf /host/etc")) == ["rm -rf /etc"]
    assert runs(outcome(remote, "docker run --mount type=bind,source=/srv,target=/d img rm -rf /d/a")) == [
        "rm -rf /srv/a"
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("docker run -v /:/host alpine ls", ["gain_privilege / container,disk"]),
        ("docker run --privileged alpine ls", ["gain_privilege --privileged all_rights,container"]),
        ("docker run -v .:/app alpine ls", []),
        ("ssh -o ProxyCommand='sh -c x' h", ["load_code ProxyCommand=sh -c x command"]),
        ("ssh -oProxyCommand='nc %h %p' h", ["load_code ProxyCommand=nc %h %p command,ordinary"]),
        ("ssh -o ProxyCommand=none h", []),
        ("ssh -o ConnectTimeout=5 h", []),
    ],
)
def test_what_reaches_this_machine_is_told(line: str, expected: list[str]) -> None:
    assert effects(outcome(remote, line)) == expected


def test_a_secret_that_flows_to_another_machine_is_sent_out() -> None:
    found = outcome(remote, "ssh example.com cat", Stream(None, frozenset({"secret", "local"}), "k"))
    assert [each.kind for each in found.effects] == ["send_out"]


@pytest.mark.parametrize(
    ("line", "stdin", "expected"),
    [
        ("xargs rm -rf", "a b\nc", ["rm -rf a b c"]),
        ("xargs -n 1 rm", "a b", ["rm a", "rm b"]),
        ("xargs -I{} rm {}", "a b\nc\n", ["rm a b", "rm c"]),
        ("xargs -I % sh -c 'rm %'", "a", ["sh -c rm a"]),
        ("xargs -i rm {}", "a", ["rm a"]),
        ("xargs -i@ rm @", "a", ["rm a"]),
        ("xargs --replace rm {}", "a", ["rm a"]),
        ("xargs -0 rm", "a b\0c", ["rm a b c"]),
        ("xargs -d, rm", "a,b", ["rm a b"]),
        ("xargs", "a", ["echo a"]),
        ("xargs -r rm", LOCAL, [f"rm {HOLE} [repeated]"]),
        ("xargs -0i cp /dev/null {}", LOCAL, [f"cp /dev/null {HOLE} [repeated]"]),
        ("xargs -P 4 -n 1 rm", UNKNOWN, [f"rm {HOLE} [repeated]"]),
        ("xargs -a list rm", "", [f"rm {HOLE} [repeated]"]),
        ("parallel rm ::: a b", "", ["shell: rm a", "shell: rm b"]),
        ("parallel -j 2 'rm {}; echo {}' ::: a", "", ["shell: rm a; echo a"]),
        ("parallel echo {2} {1} ::: a ::: b", "", ["shell: echo b a"]),
        ("parallel ::: 'rm a' 'rm b'", "", ["shell: rm a", "shell: rm b"]),
        ("parallel rm", "a\nb\n", ["shell: rm a", "shell: rm b"]),
        ("parallel", "rm a\nrm b\n", ["shell: rm a", "shell: rm b"]),
        ("parallel rm {}", LOCAL, [f"shell: rm {HOLE} [repeated]"]),
        ("parallel -S h rm ::: a", "", ["shell: rm a [remote]"]),
        ("entr -r rm /_", "", [f"rm {HOLE}"]),
        ("entr -s 'rm a'", "", ["shell: rm a"]),
        ("concurrently -n a,b 'npm start' 'rm a'", "", ["shell: npm start", "shell: rm a"]),
        ("hyperfine --prepare 'rm a' 'ls'", "", ["shell: ls", "shell: rm a"]),
        ("at now", "rm a", ["shell: rm a"]),
    ],
)
def test_commands_are_made_of_lines(line: str, stdin: Stream | str, expected: list[str]) -> None:
    assert runs(outcome(lined, line, stdin)) == expected


@pytest.mark.parametrize(
    ("line", "stdin", "kinds"),
    [
        ("xargs sh -c", FETCHED, ["run_fetched"]),
        ("xargs -I{} sh -c '{}'", FETCHED, ["run_fetched"]),
        ("xargs -I{} bash -c 'x {}'", FETCHED, ["run_fetched"]),
        ("xargs -I{} {}", FETCHED, ["run_fetched"]),
        ("xargs -I{} sh -c {}", UNKNOWN, ["run_dynamic"]),
        ("parallel", FETCHED, ["run_fetched"]),
        ("xargs -I{} sh -c 'wc -l {}'", LOCAL, []),
        ("xargs -n1 sh -c 'wc -l \"$0\"'", LOCAL, []),
        ("xargs curl -O", FETCHED, []),
        ("at noon", "ls", ["persist"]),
        ("at noon", FETCHED, ["persist", "run_fetched"]),
        ("at -l", "", []),
    ],
)
def test_lines_that_are_run_themselves_are_told(line: str, stdin: Stream | str, kinds: list[str]) -> None:
    assert [each.kind for each in outcome(lined, line, stdin).effects] == kinds


def test_a_long_list_ends() -> None:
    assert len(outcome(lined, "xargs -n1 rm", "a\n" * 5000).runs) <= 50
    assert len(outcome(lined, "parallel rm ::: " + "a " * 99 + "::: " + "b " * 99).runs) <= 50


@pytest.mark.parametrize(
    ("word", "pair"),
    [
        ("A=1", ("A", "1")),
        ("A_2=", ("A_2", "")),
        ("A=b=c", ("A", "b=c")),
        ("1A=x", None),
        ("-a=b", None),
        ("a.b=c", None),
        ("=x", None),
        ("rm", None),
    ],
)
def test_assignments_are_told_from_words(word: str, pair: tuple[str, str] | None) -> None:
    assert assignment(word) == pair


@pytest.mark.parametrize(
    ("name", "value", "traits"),
    [
        ("LD_PRELOAD", "/tmp/x.so", {"variable", "library"}),
        ("LD_PRELOAD", "/usr/lib/libjemalloc.so", {"variable", "library", "of_system"}),
        ("BASH_ENV", "/tmp/x", {"variable", "script"}),
        ("GIT_SSH_COMMAND", "sh -c evil", {"variable", "command"}),
        ("GIT_SSH_COMMAND", "ssh -i key", {"variable", "command", "ordinary"}),
        ("PAGER", "bash -c evil", {"variable", "command"}),
        ("EDITOR", "code --wait", {"variable", "command", "ordinary"}),
        ("EDITOR", "vim; rm x", {"variable", "command"}),
        ("NODE_OPTIONS", "--require /tmp/x.js", {"variable", "options"}),
        ("PATH", "/tmp/bin:/usr/bin", {"variable", "search_path"}),
    ],
)
def test_variables_that_bring_in_code_are_told(name: str, value: str, traits: set[str]) -> None:
    assert [set(each.traits) for each in loaded([(name, value)], call("x"), WORLD).effects] == [traits]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENV", "production"), ("NODE_OPTIONS", "--max-old-space-size=4096"), ("PATH", "/opt/x/bin:$PATH"), ("PATH",
        f"{HOLE}:/usr/bin"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"), ("LD_PRELOAD", ""), ("PYTHONPATH", "src"), ("GIT_CONFIG_KEY_0",
        "user.name"), ("FOO", "sh -c x"),
        ("JAVA_TOOL_OPTIONS", "-Xmx4g"),
    ],
)  # fmt: skip
def test_everyday_variables_are_not(name: str, value: str) -> None:
    assert loaded([(name, value)], call("x"), WORLD).effects == ()


def test_a_command_in_a_variable_is_judged_as_one() -> None:
    assert runs(loaded([("GIT_EDITOR", "rm -rf x")], call("x"), WORLD)) == ["shell: rm -rf x"]


def test_what_lines_are_made_of_marks_what_their_commands_print() -> None:
    assert outcome(lined, "xargs echo", FETCHED).output.taints == {"fetched"}


def test_a_placeholder_for_a_program_is_none() -> None:
    assert outcome(lined, "xargs command", LOCAL).runs == ()


@pytest.mark.parametrize(
    ("command", "decided"),
    [
        ("pnpm prisma migrate reset --force", "ask"),
        ("yarn rimraf /etc", "deny"),
        ("pnpm -C web exec rimraf /etc", "deny"),
        ("yarn build", "allow"),
        ("pnpm install", "allow"),
        ("yarn add left-pad", "allow"),
        ("pnpm", "allow"),
    ],
)
def test_a_word_that_is_none_of_the_manager_s_is_a_program(command: str, decided: str) -> None:
    assert decision(command) == decided
