"""What is shared by programs that talk to other machines: hosts in addresses, and what is said to be sent to them."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Call, Stream
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import Options

_METADATA = frozenset(
    # Link-local addresses under which clouds hand out the machine's own credentials, from their manuals.
    "169.254.169.254 169.254.170.2 169.254.170.23 169.254.169.123 fd00:ec2::254 fd20:ce::254 "
    "100.100.100.200 192.0.0.192 168.63.129.16 metadata.google.internal metadata metadata.azure.internal "
    "metadata.tencentyun.com 2852039166 0xa9fea9fe 0251.0376.0251.0376".split()
)
_HERE = frozenset({"localhost", "0.0.0.0", "0", "::1", "::", "host.docker.internal", "ip6-localhost"})  # noqa: S104
_SIGNING = ("authorization", "token", "api-key", "apikey", "cookie", "secret")
"""Parts of the names of headers that say who asks."""

_ACCOUNTS = frozenset({"/etc/passwd", "/etc/group", "/etc/sudoers", "/etc/master.passwd"})
_LONGEST = 200
MOST_OPERANDS = 200
"""Addresses or files of one call that are looked at, so that a check stays within its time."""


def host_of(address: str) -> str:
    """The host in a URL, or in what curl takes for one (`host/path`, `user@host:80`, `:8080/x`), in lower case."""
    rest = address.partition("://")[2] or address
    authority = rest.replace("\\", "/").split("/", 1)[0].split("?", 1)[0].split("#", 1)[0].rpartition("@")[2]
    if authority.startswith("["):
        return authority[1:].partition("]")[0].lower()
    host = authority.partition(":")[0].lower() if authority.count(":") <= 1 else authority.lower()
    return host or ("localhost" if authority.startswith(":") else "")


def port_of(address: str) -> str:
    """The port in a URL, as written; empty when there is none."""
    authority = (address.partition("://")[2] or address).split("/", 1)[0].rpartition("@")[2]
    return authority.rpartition(":")[2] if ":" in authority.rpartition("]")[2] or authority.count(":") == 1 else ""


def path_of(address: str) -> str:
    """What follows the host in a URL, with its query."""
    return (address.partition("://")[2] or address).partition("/")[2]


def is_near(host: str) -> bool:
    """Whether a host is this machine. One in a private network is another: others work on it, and it can read."""
    return host in _HERE or (host.startswith("127.") and host.replace(".", "").isdigit()) or host.endswith(".localhost")


def is_metadata(host: str) -> bool:
    """Whether a host hands out the credentials of the cloud machine this runs on."""
    return host.partition(HOLE)[0].rstrip(".") in _METADATA


def sent(call: Call, host: str, stream: Stream, *traits: str) -> Effect:
    """The effect of giving a stream to a host."""
    kinds = {each for each in ("secret", "local") if each in stream.taints}
    if is_near(host):
        kinds.add("local_host")
    if stream.origin in _ACCOUNTS:
        kinds.add("accounts")
    target = (host or HOLE)[:_LONGEST]
    return Effect("send_out", target, "remote", call.traits.union(kinds, traits), call.text)


def worded(value: str, call: Call) -> Stream:
    """What a word of a call gives: its text, or where the part of it that is not known comes from.

    A call knows of all its words together where they come from. Secrets are put into the words that sign a request
    every day; when one of these is not known either, nothing is said of the others.
    """
    if HOLE not in value:
        return Stream(value)
    if any(HOLE in word and _signs(before, word) for before, word in pairwise(call.argv)):
        return Stream()
    return Stream(None, call.taints, call.origin)


def _signs(before: str, word: str) -> bool:
    """Whether a word names who asks: a header of a token, an account with its password."""
    if before in {"-u", "--user", "--oauth2-bearer", "-a", "--auth", "--password", "--http-password", "--bearer"}:
        return True
    name = word.rpartition("=")[2] if word.startswith("--header=") else word.removeprefix("-H")
    return ":" in name and any(each in name.partition(":")[0].lower() for each in _SIGNING)


def too_many(call: Call, operands: Sequence[str]) -> tuple[Effect, ...]:
    """The effect of more operands than are looked at: what the rest does is not known."""
    if len(operands) <= MOST_OPERANDS:
        return ()
    return (Effect("unresolved", f"{len(operands)} operands", "", call.traits | {"settings"}, call.text[:_LONGEST]),)


def exact(words: Sequence[str], valued: str, letters: str = "") -> Options:
    """Options spelled in full, as programs read them that take no abbreviations.

    `valued` names the long options with a value, `letters` are the short ones.
    """
    takes = frozenset(valued.split())
    given: list[tuple[str, str]] = []
    operands: list[str] = []
    rest = list(reversed(words))
    while rest:
        word = rest.pop()
        if word == "--":
            operands += reversed(rest)
            break
        if not word.startswith("-") or word == "-":
            operands.append(word)
        elif word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            given.append((name, value if equals else rest.pop() if name in takes and rest else ""))
        else:
            given += _letters(word[1:], letters, rest)
    return Options(tuple(given), tuple(operands))


def _letters(cluster: str, valued: str, rest: list[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for place, letter in enumerate(cluster):
        if letter in valued:
            value = cluster[place + 1 :] or (rest.pop() if rest else "")
            return [*found, (letter, value)]
        found.append((letter, ""))
    return found


def valued_by(options: Options, names: Iterable[str]) -> list[str]:
    """The values of options with exactly these names, in order."""
    wanted = frozenset(names)
    return [value for name, value in options.given if name in wanted]


def is_given(options: Options, *names: str) -> bool:
    """Whether an option with exactly one of these names is given."""
    return any(name in names for name, _ in options.given)
