"""What tells an instruction by its form alone: imitated roles, commands in comments, images that carry data out."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice

from agentops_mcp.core.screening_grammar import Finding, Parsed, commands, in_latin, is_mentioned, parse
from agentops_mcp.core.screening_languages import DROPS
from agentops_mcp.core.screening_views import comments
from agentops_mcp.core.screening_words import VERBS

_SHOWN_CHARS = 120

# A role has to open and to say something: alone, these tokens are what notes about tokenizers are about.
_ROLE_TOKEN = re.compile(
    r"(?<![`\"'])(?:<\|im_start\|>\s{0,4}(?:system|developer|assistant|user|tool)\s{1,4}\w"
    r"|<\|(?:system|developer|assistant|user)\|>\s{0,4}\w|<\|start_header_id\|>\s{0,4}\w"
    r"|</?(?:tool_call|function_calls?|tool_response|tool_results?|function_results?)>\s{0,4}[{<\w]"
    r"|\[INST\]\s{0,4}\w|<<SYS>>\s{0,4}\w|<start_of_turn>\s{0,4}\w)"
)
_ROLE_HEADER = re.compile(
    r"(?:^|(?<=[\]>.!?]\s)|(?<=\\n))[ \t#>*(\[<-]{0,8}(?:system|developer|assistant|administrator)"
    r"(?P<title>[ _-]?(?:message|instructions?|override|directive|reminder))?"
    r"(?:[*]{0,2}:[*]{0,2}|[\])>*]{1,4}:?)[ \t\n]{0,4}",
    re.IGNORECASE | re.MULTILINE,
)
_AFTER_TITLE = VERBS + "Y"
_AFTER_ROLE = "IirxOJSN"  # "[system] update packages" is how some people begin a commit message

_PIPED_TO_SHELL = re.compile(r"\b(?:curl|wget|iwr)\b[^\n|]{0,300}\|\s{0,4}(?:(?:sudo\s{1,4})?(?:ba|z|da)?sh|iex)\b")
_DECODED_TO_SHELL = re.compile(
    r"[A-Za-z0-9+/=]{16}[\"']?\s{0,4}\|\s{0,4}base64\s{1,4}(?:-d|-D|--decode)\s{0,4}\|\s{0,4}(?:sudo\s{1,4})?"
    r"(?:ba|z|da)?sh\b"
)
_ADDRESSED = re.compile(
    r"\b(?:ai|llms?|assistants?|agents?|language models?|chatbots?|claude|gpt|copilot)\b", re.IGNORECASE
)
# The address of an image that gets drawn tells whoever serves it what its query holds.
_DRAWN = re.compile(
    r"\b(?:load|render|fetch|open)\s{1,4}(?:(?:this|the|an?)\s{1,4})?(?:image\s{1,4})?"
    r"!\[[^\]\n]{0,100}\]\(https?://[^\s)?]{1,300}\?[^\s)=]{1,60}=",
    re.IGNORECASE,
)
# What looks like the end of the data that a text is: only whoever is to take the rest for an order needs to see one.
_END_OF_DATA = re.compile(
    r"^[-=#*<\[\s/]{0,16}(?:end[ _](?:of[ _])?(?:the[ _])?|/)(?:document|context|user[ _](?:input|query|message)|prompt"
    r"|input|data|email|article|tool[ _](?:output|result)|web[ _]?page|search[ _]results)[-=#*>\]\s]{0,16}$[\n]{1,3}",
    re.IGNORECASE | re.MULTILINE,
)

_SHAPES = (
    ("runs encoded commands", "base64", _DECODED_TO_SHELL),
    ("sends data with the address of an image", "![", _DRAWN),
)


def shapes(text: str, parsed: Parsed) -> Iterator[Finding]:
    """What the form of `text` flags; `parsed` is that text. Each reason at its earliest place."""
    if not text.isascii():
        yield from islice(_drops(text), 1)
    plain = in_latin(text)
    for reason, anchor, pattern in _SHAPES:
        if anchor in plain and (match := pattern.search(plain)):
            yield Finding(reason, *match.span())
    yield from islice(_role_tokens(text), 1)
    yield from islice(_role_headers(text, parsed), 1)
    yield from islice(_ends_of_data(text, parsed), 1)


def commented(text: str) -> Iterator[Finding]:
    """What comments that a rendered page does not show ask of an agent."""
    for start, end in comments(text):
        comment = text[start:end]
        if is_mentioned(text, start):
            continue
        if _PIPED_TO_SHELL.search(comment):
            yield Finding("runs downloaded code from a hidden comment", start, end)
        elif _ADDRESSED.search(comment) and _has_command(comment):
            yield Finding("commands an agent from a hidden comment", start, end)


def _drops(text: str) -> Iterator[Finding]:
    for pattern in DROPS:
        if match := pattern.search(text):
            yield Finding("tells the reader to drop earlier instructions", *match.span())


def _role_tokens(text: str) -> Iterator[Finding]:
    for token in _ROLE_TOKEN.finditer(text):
        if not is_mentioned(text, token.start()):
            yield Finding("imitates a chat template", token.start(), min(token.end() + _SHOWN_CHARS, len(text)))


def _role_headers(text: str, parsed: Parsed) -> Iterator[Finding]:
    """Headers such as `SYSTEM:` with a command behind them."""
    word_at: dict[int, int] | None = None
    for header in _ROLE_HEADER.finditer(text):
        word_at = word_at or {start: number for number, start in enumerate(parsed.starts)}
        following = parsed.classes[word_at.get(header.end(), len(parsed.classes)) :][:_SHOWN_CHARS].lstrip("oQ,|")
        wanted = _AFTER_TITLE if header["title"] else _AFTER_ROLE
        if following and following[0] in wanted and not is_mentioned(text, header.start()):
            yield Finding(
                "speaks as the system or developer", header.start(), min(header.end() + _SHOWN_CHARS, len(text))
            )


def _ends_of_data(text: str, parsed: Parsed) -> Iterator[Finding]:
    """Lines such as `--- end of document ---` with a command behind them."""
    for line in _END_OF_DATA.finditer(text):
        at = bisect_left(parsed.starts, line.end())
        following = parsed.classes[at : at + _SHOWN_CHARS].lstrip("oQ,|")
        if following and following[0] in _AFTER_ROLE and not is_mentioned(text, line.start()):
            yield Finding(
                "pretends that the text ends before it", line.start(), min(line.end() + _SHOWN_CHARS, len(text))
            )


def _has_command(text: str) -> bool:
    classes = parse(text).classes
    return any(letter in VERBS and commands(classes, at) for at, letter in enumerate(classes))
