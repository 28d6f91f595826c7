"""Which ways out of a container a command gives to what runs in it."""

import pytest

from agentops_mcp.factors.guardrails.rules.programs.wrappers_containers import outcome as containers
from agentops_mcp.factors.guardrails.rules.programs.wrappers_remote import outcome as remote
from called import effects, outcome


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("-v /:/host", "/ container,disk"),
        ("-v /:/host:ro", "/ container,disk,read_only"),
        ("-v /var/run/docker.sock:/s", "/var/run/docker.sock container,engine"),
        ("--mount type=bind,src=/run/podman/podman.sock,dst=/s", "/run/podman/podman.sock container,engine"),
        ("-v /etc:/e", "/etc container,mount"),
        ("--privileged", "--privileged all_rights,container"),
        ("--pid=host", "--pid=host all_rights,container"),
        ("--cap-add CAP_SYS_ADMIN", "--cap-add=sys_admin all_rights,container"),
        ("--device /dev/sda:/dev/sda", "/dev/sda container,device"),
    ],
)
def test_a_way_out_is_told(options: str, expected: str) -> None:
    assert effects(outcome(containers, f"docker run {options} image ls")) == [f"gain_privilege {expected}"]


@pytest.mark.parametrize(
    "options",
    ["-v /etc/localtime:/etc/localtime:ro", "-v /proc:/p:ro", "--pid=container:web", "--cap-add NET_ADMIN",
     "--device /dev/dri", "-v /tmp/.X11-unix:/tmp/.X11-unix", "--security-opt seccomp=unconfined"],
)  # fmt: skip
def test_what_containers_are_given_every_day_is_no_way_out(options: str) -> None:
    assert not outcome(containers, f"docker run {options} image ls").effects


def test_a_secret_that_is_copied_out_to_a_pipe_stays_one() -> None:
    assert "secret" in outcome(containers, "docker cp app:/run/secrets/db -").output.taints


def test_a_pod_with_the_rights_of_its_node_is_told() -> None:
    assert effects(outcome(remote, "kubectl debug node/n1 -it --image=busybox -- sh")) == [
        "gain_privilege the node all_rights,container"
    ]
