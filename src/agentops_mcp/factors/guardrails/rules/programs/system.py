"""Programs that stop processes, or make something run later."""

from collections.abc import Callable, Sequence

from agentops_mcp.factors.guardrails.rules.calls import HOLE, NOTHING, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import parse

_MOST = 200
_PKILL = (
    "G P g s t u U F r d signal parent pgroup group session terminal euid uid pidfile ns nslist runstates older env "
    "cgroup "
    "queue q"
)
_KILLALL = "s u o y n Z c d signal user older-than younger-than ns context"
_CRITICAL = frozenset(
    "init systemd launchd sshd ssh dbus dbus-daemon dbus-broker journald systemd-journald systemd-logind logind udevd "
    "systemd-udevd networkmanager systemd-networkd systemd-resolved resolved wpa_supplicant dhclient dhcpcd rsyslogd "
    "rsyslog syslogd syslog-ng syslog auditd cron crond atd sssd polkitd firewalld ufw iptables nftables fail2ban "
    "apparmor "
    "dockerd docker containerd kubelet etcd chronyd ntpd windowserver loginwindow securityd gdm sddm lightdm xorg x "
    "wayland "
    "gnome-shell kwin_x11 plasmashell kernel_task clamd falcon-sensor osqueryd wazuh-agentd ossec-agentd sysmon "
    "auditbeat "
    "lsass csrss winlogon wininit services smss svchost".split()
)
"""Without these the machine, its network or its records stop."""

_CRON_FIELDS = 5


def outcome(call: Call, world: World) -> Outcome | None:
    """What a call stops, or makes run later."""
    known = _PROGRAMS.get(call.name)
    return known(call) if known else None


def _kill(call: Call) -> Outcome:
    signal, targets = _signal_and_targets(call.argv[1:])
    if signal in {"l", "list", "L", "table", "0", "help", "V", "version"}:
        return NOTHING
    return Outcome(tuple(_stopped(each, call) for each in targets[:_MOST]), Stream(""))


def _signal_and_targets(words: Sequence[str]) -> tuple[str, list[str]]:
    """`-9`, `-KILL` or `-s KILL` first; after that a number with a minus is a group of processes, `-1` all of them."""
    rest = list(words)
    signal = ""
    if rest and rest[0] in {"-s", "-n", "--signal"}:
        signal, rest = "".join(rest[1:2]), rest[2:]
    elif rest and rest[0].startswith("-") and rest[0] != "--":
        # `kill -1` names a signal and no process; `kill -1 -1` does.
        signal, rest = rest[0].lstrip("-"), rest[1:]
    return signal, [each for each in rest if each != "--"]


def _stopped(target: str, call: Call) -> Effect:
    if target.startswith("%") and len(target) > 1:
        return _stopped_by_name(target[1:], call)
    traits = {"process"}
    if target == "-1":
        traits.add("everything")
    elif target in {"1", "-0"}:
        traits.add("critical")
    elif HOLE in target:
        traits.add("unknown")
    return Effect("stop_service", target, "", call.traits | traits, call.text)


def _by_name(call: Call) -> Outcome:
    """`pkill`, `killall`, `pkill5`: processes by a pattern, a name or their user."""
    words = [word for word in call.argv[1:] if not _is_signal(word)]
    given = parse(words, _KILLALL if call.name == "killall" else _PKILL)
    if given.has("l", "list", "V", "version", "help", "L") or "-0" in call.argv:
        return NOTHING
    names = list(given.operands)
    if call.name == "killall5" or (not names and given.has("u", "U", "euid", "uid", "user", "v", "inverse")):
        return Outcome((Effect("stop_service", "all", "", call.traits | {"process", "everything"}, call.text),))
    return Outcome(tuple(_stopped_by_name(each, call) for each in names[:_MOST]), Stream(""))


def _is_signal(word: str) -> bool:
    text = word[1:]
    return word.startswith("-") and (text.isdigit() or (len(text) > 2 and text.isupper()))


def _stopped_by_name(name: str, call: Call) -> Effect:
    plain = name.lower().strip("^$").rpartition("/")[2].removesuffix(".exe").removesuffix(".service")
    traits = {"process"}
    if plain in _CRITICAL:
        traits.add("critical")
    elif not plain.strip(".*+[]^$"):
        traits.add("everything")
    return Effect("stop_service", name, "", call.traits | traits, call.text)


def _taskkill(call: Call) -> Outcome:
    """`taskkill /f /im NAME`, `Stop-Process -Name NAME`."""
    words = call.argv[1:]
    names = [words[at + 1] for at, word in enumerate(words[:-1]) if word.lower() in {"/im", "//im", "-im", "-name"}]
    pids = [words[at + 1] for at, word in enumerate(words[:-1]) if word.lower() in {"/pid", "//pid", "-id"}]
    effects = (*(_stopped_by_name(each, call) for each in names), *(_stopped(each, call) for each in pids))
    return Outcome(effects, Stream(""))


def _power(call: Call) -> Outcome:
    """`shutdown` and its kin; `-c` takes a planned one back, `-k` and `-w` only say that there were one."""
    words = call.argv[1:]
    given = parse(words, "t m M o" if call.name == "shutdown" else "f")
    spares = ("c", "k", "show", "a") if call.name == "shutdown" else ("w", "wtmp-only")
    if given.has("help", "version", *spares) or {"/a", "/?"} & set(words):
        return NOTHING
    return Outcome((Effect("stop_machine", call.name, "", call.traits, call.text),), Stream(""))


def _searched(call: Call) -> Outcome:
    """`pgrep`, `pidof`, `lsof -t`: they print processes, named here as jobs are: `%sshd`."""
    given = parse(call.argv[1:], "i p c D T k o O r s S u F d g" if call.name == "lsof" else f"{_PKILL} o")
    if call.name == "lsof":
        named = [*given.values("i"), *given.values("c"), *given.operands] if given.has("t") else []
    else:
        named = list(given.operands)
    if not named or given.has("a", "l", "list-full", "list-name", "c" if call.name == "pgrep" else "help"):
        return Outcome()
    return Outcome((), Stream("".join(f"%{each.strip('^$')}\n" for each in named[:_MOST])))


def _crontab(call: Call) -> Outcome:
    """`crontab FILE` or `-` replaces all that a person has scheduled."""
    given = parse(call.argv[1:], "u c user")
    if given.has("l", "h", "V", "T", "help", "version", "list"):
        return NOTHING
    who = next(iter(given.values("u", "user")), "")
    target = f"crontab of {who}" if who else "crontab"
    traits = call.traits | {"schedule"}
    if given.has("r", "remove"):
        return Outcome((Effect("delete", target, "", traits, call.text),))
    if given.has("e", "edit") and not {"EDITOR", "VISUAL"} & set(call.env):
        return NOTHING  # a person types what is to be scheduled
    reads_input = "-" in given.operands or not given.operands
    if reads_input and call.stdin.text == "" and not given.has("e", "edit") and not given.operands:
        return NOTHING
    runs = _scheduled(call.stdin.text or "") if reads_input else ()
    return Outcome((Effect("persist", target, "", traits, call.text),), Stream(""), runs)


def _scheduled(table: str) -> tuple[Code, ...]:
    """The commands of lines like `*/5 * * * * command`, and `@daily command`."""
    runs: list[Code] = []
    for line in table.splitlines()[:_MOST]:
        fields = line.strip()
        if not fields or fields.startswith("#"):
            continue
        parts = fields.split(None, 1 if fields.startswith("@") else _CRON_FIELDS)
        if len(parts) == (2 if fields.startswith("@") else _CRON_FIELDS + 1):
            runs.append(Code("shell", Stream(parts[-1])))
    return tuple(runs)


_PROGRAMS: dict[str, Callable[[Call], Outcome]] = {
    **dict.fromkeys(("shutdown", "halt", "poweroff", "reboot"), _power),
    "kill": _kill,
    **dict.fromkeys(("pgrep", "pidof", "lsof"), _searched),
    "crontab": _crontab,
    **dict.fromkeys(("pkill", "killall", "killall5", "skill"), _by_name),
    **dict.fromkeys(("taskkill", "stop-process", "tskill"), _taskkill),
}
