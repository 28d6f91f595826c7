"""What an action would do: the nouns that rules are written over."""

from typing import NamedTuple

EFFECTS: dict[str, str] = {
    # files
    "delete": "files or folders are deleted",
    "overwrite": "what a file holds is replaced or cut",
    "write": "a file is made or added to",
    "move_away": "files are moved out of where they are expected",
    "write_device": "a disk or partition is written, formatted or wiped",
    "change_permissions": "who may read, write or own files changes",
    # code
    "run_fetched": "text from the network is run",
    "run_decoded": "text that was encoded or hidden is run",
    "run_dynamic": "what is run can not be known before it runs",
    "load_code": "a setting makes another program run code",
    "open_shell": "a shell is given to the network",
    "gain_privilege": "an account, or the process, gets more rights",
    # data
    "read_secret": "a secret is read or shown",
    "send_out": "data of this machine is sent to another",
    # git
    "rewrite_history": "commits or refs that others may have are replaced or dropped",
    "discard_work": "work that is in no commit, or in no ref, is dropped",
    # the system
    "persist": "something will run by itself later",
    "weaken": "a protection, a log or a trace is switched off",
    "stop_machine": "the machine stops or restarts",
    "stop_service": "a service or process is stopped",
    "exhaust": "the machine's processes, memory or disk are used up",
    # beyond the machine
    "destroy_infrastructure": "resources of a cloud, cluster, queue or service are destroyed",
    "change_infrastructure": "resources of a cloud, cluster or service are changed or stopped",
    "destroy_data": "rows, tables, databases, topics or backups are destroyed",
    "change_data": "rows or schemas of a database are changed",
    "publish": "something is made public or released",
    "spend": "money is spent",
    # the judgement itself
    "unresolved": "the action can not be understood, so nothing vouches for it",
}
"""Every kind of effect, and what it is in words."""

PLACES: dict[str, str] = {
    "root": "the root of the file system, or all of it",
    "system": "a folder or file of the operating system",
    "home": "the whole home folder of a person",
    "in_home": "inside the home folder, outside the project",
    "project": "the whole project",
    "git": "the repository itself (.git)",
    "in_project": "inside the project; whether git can bring it back is not known",
    "kept": "inside the project, and git can bring it back",
    "unkept": "inside the project, and git can not bring it back",
    "temporary": "a folder for temporary files",
    "device": "a device",
    "nowhere": "a file without content, as /dev/null",
    "secret": "a file that holds secrets",
    "startup": "a file that is run by itself: of shells, services, schedules, logins, hooks",
    "guard": "a state, hook or policy file of these guardrails",
    "outside": "elsewhere on this machine",
    "remote": "on another machine",
    "unknown": "a place that can not be known before it runs",
}
"""Where a target may lie, and what that is in words."""


class Effect(NamedTuple):
    """One thing that an action would do."""

    kind: str
    """One of `EFFECTS`."""

    target: str
    """What it is done to, as a person would name it: a path, ref, host, table, resource. HOLE for what is unknown."""

    place: str = ""
    """One of `PLACES` for a path; empty otherwise."""

    traits: frozenset[str] = frozenset()
    """What rules may ask about beyond that, each a lower-case word: `recursive`, `force`, `everything`, …"""

    by: str = ""
    """The command that does it, as text."""

    reversible: bool = False
    """Whether it can be undone without a backup."""
