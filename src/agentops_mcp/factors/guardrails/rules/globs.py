"""Globs over targets, matched in time that grows with the text, whatever the pattern."""


def fits(pattern: str, text: str) -> bool:
    """Whether the whole text fits: `*` stands for any characters, `/` among them, `?` for one."""
    at = place = 0
    star, resume = -1, 0
    while place < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, resume = at, place
            at += 1
        elif at < len(pattern) and pattern[at] in (text[place], "?"):
            at, place = at + 1, place + 1
        elif star >= 0:  # what the last star stands for is one character longer
            at, resume = star + 1, resume + 1
            place = resume
        else:
            return False
    return not pattern[at:].strip("*")


def fits_any(patterns: tuple[str, ...], text: str) -> bool:
    """Whether one of the patterns fits."""
    return any(fits(each, text) for each in patterns)
