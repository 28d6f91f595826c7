"""Here-documents taken out of a text before it is parsed, when it would be too much with them."""

_OPEN, _CLOSE = "\ue010", "\ue011"
_LONGEST_NAME = 40


class Documents:
    """The quoted here-documents of a text. What stands in one is data, however long and whatever its signs."""

    def __init__(self, text: str, *, apart: bool) -> None:
        self._bodies: list[str] = []
        self._missing: set[int] = set()
        self.rest = self._apart(text) if apart and _OPEN not in text else text
        """The text, with a short mark in place of each body."""

    @property
    def all_found(self) -> bool:
        """Whether the shell reads each body that was taken out as the body of a here-document, and not as commands."""
        return not self._missing

    def body(self, text: str) -> str:
        """The body that a mark stands for; the text itself when it is none."""
        said = text.strip()
        number = said[1:-1]
        if not (said.startswith(_OPEN) and said.endswith(_CLOSE) and number.isdecimal()):
            return text
        self._missing.discard(int(number))
        return self._bodies[int(number)]

    def _apart(self, text: str) -> str:
        out: list[str] = []
        lines = iter(text.split("\n"))
        for line in lines:
            out.append(line)
            name, tabs = _delimiter(line)
            if not name:
                continue
            body: list[str] = []
            ended = False
            for each in lines:
                if (each.lstrip("\t") if tabs else each).rstrip("\r") == name:
                    ended = True
                    break
                body.append(each.lstrip("\t") if tabs else each)
            if not ended:
                out += body
                break
            self._missing.add(len(self._bodies))
            out += [f"{_OPEN}{len(self._bodies)}{_CLOSE}", name]
            self._bodies.append("\n".join([*body, ""]))
        return "\n".join(out)


def _delimiter(line: str) -> tuple[str, bool]:
    """The quoted name after the one `<<` of a line, and whether tabs before it do not count; empty when none is."""
    before, operator, rest = line.partition("<<")
    if not operator or "<<" in rest or before.lstrip().startswith("#"):
        return "", False
    tabs = rest.startswith("-")
    rest = rest.removeprefix("-").lstrip(" \t")
    if rest[:1] not in ("'", '"'):
        return "", False
    name, ended, _ = rest[1 : _LONGEST_NAME + 2].partition(rest[0])
    return (name, tabs) if ended and name.isidentifier() else ("", False)
