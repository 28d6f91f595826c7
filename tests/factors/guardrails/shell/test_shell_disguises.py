"""A destructive command stays what it is, however it is written."""

from collections.abc import Callable

import pytest

from judged import STRICTNESS, decision

DESTRUCTIVE = [
    "rm -rf /", "rm -rf ~", "rm -r -f /etc", "rm --recursive --force /usr", "rm -rf .", "rm -rf .git", "rm -rf /home",
    "unlink /etc/passwd", "shred -u /etc/passwd", "truncate -s 0 /etc/passwd", "mv /etc /srv/etc", "find / -delete",
    "find . -name x -delete", "chmod -R 777 /", "chown -R nobody /", "dd if=/dev/zero of=/dev/sda",
    "mkfs.ext4 /dev/sda1", "wipefs -a /dev/sda", "cp /dev/null /etc/passwd", "tee /etc/passwd", "git reset --hard",
    "git clean -fdx", "git push --force origin main", "git branch -D main", "git checkout -- .", "git stash clear",
    "git filter-branch", "git reflog expire --expire=now --all", "kill -9 -1", "shutdown -h now", "reboot", "halt",
    "crontab -r", "docker system prune -a", "kubectl delete namespace production", "terraform destroy -auto-approve",
    "aws s3 rb s3://bucket --force", "dropdb production", "redis-cli flushall", "npm publish", "cat /etc/shadow",
    "rsync -a --delete empty/ /",
]  # fmt: skip


def _first(change: Callable[[str], str]) -> Callable[[str], str]:
    """A change of the first word only."""

    def changed(text: str) -> str:
        first, space, rest = text.partition(" ")
        return change(first) + space + rest

    return changed


def _each(change: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: " ".join(map(change, text.split(" ")))


DISGUISES: dict[str, Callable[[str], str]] = {
    "a quoted letter": _first(lambda word: f"'{word[0]}'{word[1:]}"),
    "letters in quotes": _first(lambda word: f"{word[0]}'{word[1:]}'"),
    "the word in quotes": _first(lambda word: f'"{word}"'),
    "empty quotes inside": _first(lambda word: f"{word[0]}''{word[1:]}"),
    "a backslash before it": _first(lambda word: f"\\{word}"),
    "a backslash inside": _first(lambda word: f"{word[0]}\\{word[1:]}"),
    "an escape": _first(lambda word: f"$'\\x{ord(word[0]):02x}{word[1:]}'"),
    "each word in quotes": _each(lambda word: word if word == "~" else f"'{word}'"),
    "spaces": lambda text: f"  {text.replace(' ', '   ')}  ",
    "tabs": lambda text: text.replace(" ", "\t"),
    "escaped line ends": lambda text: text.replace(" ", " \\\n "),
    "an escaped line end inside": _first(lambda word: f"{word[0]}\\\n{word[1:]}"),
    "IFS in braces": lambda text: text.replace(" ", "${IFS}"),
    "IFS": lambda text: text.replace(" ", "$IFS''"),
    "a variable": lambda text: f"x={text.split(' ')[0]}; $x {text.partition(' ')[2]}",
    "half a variable": lambda text: f"x={text[0]}; ${{x}}{text[1:]}",
    "a default": _first(lambda word: f"${{unset:-{word}}}"),
    "an array": lambda text: f'x=({text}); "${{x[@]}}"',
    "arguments": lambda text: f'set -- {text}; "$@"',
    "a substitution": _first(lambda word: f"$(echo {word})"),
    "backticks": _first(lambda word: f"`echo {word}`"),
    "a folder": _first(lambda word: f"/usr/bin/{word}"),
    "assignments": lambda text: f"A=1 B='2 3' {text}",
    "a comment": lambda text: f"{text} # tidy up",
    "a semicolon": lambda text: f"{text};",
    "the background": lambda text: f"{text} &",
    "no output": lambda text: f"{text} > /dev/null 2>&1",
    "a failure that does not matter": lambda text: f"{text} || true",
    "something before it": lambda text: f"cd src && cd .. && {text}",
    "a subshell": lambda text: f"({text})",
    "a group": lambda text: f"{{ {text}; }}",
    "a condition": lambda text: f"if true; then {text}; fi",
    "a loop": lambda text: f"for x in 1; do {text}; done",
    "a function": lambda text: f"f() {{ {text}; }}; f",
    "a function of its words": lambda text: f'f() {{ "$@"; }}; f {text}',
    "a trap": lambda text: f'trap "{text}" EXIT',
    "eval": lambda text: f"eval '{text}'",
    "eval of a variable": lambda text: f"x='{text}'; eval \"$x\"",
    "a shell": lambda text: f"bash -c '{text}'",
    "a shell in a shell": lambda text: f"sh -c 'bash -c \"{text}\"'",
    "a pipe into a shell": lambda text: f"echo '{text}' | sh",
    "a here-string": lambda text: f"bash <<< '{text}'",
    "a here-document": lambda text: f"sh <<'EOF'\n{text}\nEOF",
    "a file": lambda text: f"echo '{text}' > x.sh; sh x.sh",
    "a substituted process": lambda text: f"source <(echo '{text}')",
    "an output process": lambda text: f"echo '{text}' > >(sh)",
    **{
        wrapper: lambda text, wrapper=wrapper: f"{wrapper} {text}"
        for wrapper in (
            "sudo", "sudo -n -u root", "doas", "env", "env -i A=1", "nice -n 5", "nohup", "timeout 5",
            "timeout -k 1 5s", "time", "time -p", "xargs", "command", "exec", "builtin command", "stdbuf -oL", "setsid",
            "ionice -c3", "busybox", "sudo env nice", "!", "flock lock", "strace -f", "coproc",
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("disguise", DISGUISES)
def test_no_disguise_lowers_the_verdict(disguise: str) -> None:
    lower = {
        text: (decision(text), DISGUISES[disguise](text), decision(DISGUISES[disguise](text)))
        for text in DESTRUCTIVE
        if STRICTNESS.index(decision(DISGUISES[disguise](text))) < STRICTNESS.index(decision(text))
    }
    assert lower == {}


@pytest.mark.parametrize("text", DESTRUCTIVE)
def test_what_is_disguised_is_judged_at_all(text: str) -> None:
    assert decision(text) != "allow"
