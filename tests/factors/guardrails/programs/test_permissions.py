"""Who may read, write, run and own files afterwards."""

import pytest

from agentops_mcp.factors.guardrails.rules.programs import permissions
from called import PROJECT, WORLD, call, effects, outcome


@pytest.mark.parametrize(
    ("mode", "traits"),
    [
        ("644", "shown"), ("600", ""), ("777", "open shown"), ("0777", "open shown"), ("666", "open shown"),
        ("000", "shut"),
        ("0", "shut"), ("4755", "setuid shown"), ("2755", "setgid shown"), ("1777", "open shown"), ("+x", "run"),
        ("u+x", "run"),
        ("u+w", ""), ("o+w", "open"), ("a+rw", "open shown"), ("+w", "open"), ("a-x", "shut"), ("-rwx", "shut"),
        ("go-w", ""),
        ("u+s", "setuid"), ("+s", "setuid"), ("g+s", "setgid"), ("u=rwx,go=rx", "shown"), ("a=", "shut"),
        ("u+rwX,go-w", ""),
        ("nonsense", ""), ("9", "shut"),
    ],
)  # fmt: skip
def test_a_mode_is_told_by_what_it_gives(mode: str, traits: str) -> None:
    assert permissions.traits_of_mode(mode) == set(traits.split())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("chmod 600 a", "change_permissions a"), ("chmod -R 777 a", "change_permissions a open,recursive,shown"),
        ("chmod --rec 000 a", "change_permissions a recursive,shut"), ("chmod -w a", "change_permissions a"),
        ("chmod -x a", "change_permissions a shut"), ("chmod 600 -R a", "change_permissions a recursive"),
        ("chmod --reference=b a", "change_permissions a"), ("chown me a", "change_permissions a owner"),
        ("chown -R root:root a", "change_permissions a owner,recursive,root"),
        ("chgrp staff a", "change_permissions a owner"),
        ("chown --reference=b a", "change_permissions a owner"),
        ("setfacl -m o::rw a", "change_permissions a acl,open"),
        ("setfacl -R -m u:me:rwx a", "change_permissions a acl,recursive"),
        ("chattr +i a", "change_permissions a immutable"),
        ("chattr -R -i a", "change_permissions a freed,immutable,recursive"),
        ("chflags nouchg a", "change_permissions a freed,immutable"),
        ("chflags schg a", "change_permissions a immutable"), ("setcap cap_setuid+ep a", "gain_privilege a setuid"),
        ("setcap cap_net_bind_service=+ep a", "gain_privilege a capability"),
        ("xattr -d com.apple.quarantine a", "weaken a quarantine"),
        ("icacls a /grant Everyone:F /T", "change_permissions a acl,open,recursive"),
        ("takeown /f a /r", "change_permissions a acl,recursive"),
        ("attrib -r a", "change_permissions a acl"),
    ],
)  # fmt: skip
def test_what_changes_is_told(line: str, expected: str) -> None:
    kind, path, *traits = expected.split()
    assert effects(outcome(permissions.outcome, line)) == [" ".join([kind, f"{PROJECT}/{path}", *traits])]


@pytest.mark.parametrize(
    "line", ["chmod --help", "chown --version", "setcap -r a", "icacls a", "setfacl --test -m u:me:r a", "chmod 600"]
)
def test_nothing_changes_where_nothing_is_set(line: str) -> None:
    assert effects(outcome(permissions.outcome, line)) == []


def test_running_as_the_owner_gives_rights() -> None:
    kinds = [each.kind for each in outcome(permissions.outcome, "chmod u+s a").effects]
    assert kinds == ["change_permissions", "gain_privilege"]


def test_reading_attributes_is_no_business_of_these() -> None:
    assert permissions.outcome(call("xattr -l a"), WORLD) is None
