"""What tells an instruction by its form alone: imitated roles, commands in comments, images that carry data out."""

import re
from collections.abc import Iterator
from itertools import islice

from agentops_mcp.core.screening_grammar import Finding, Parsed, commands, is_mentioned, parse, unaccented
from agentops_mcp.core.screening_views import comments
from agentops_mcp.core.screening_words import VERBS

_SHOWN_CHARS = 120

# A role has to open and to say something: alone, these tokens are what notes about tokenizers are about.
_ROLE_TOKEN = re.compile(
    r"(?<![`\"'])(?:<\|im_start\|>\s{0,4}(?:system|developer|assistant|user|tool)\s{1,4}\w"
    r"|<\|(?:system|developer|assistant|user)\|>\s{0,4}\w|<\|start_header_id\|>\s{0,4}\w"
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
# Without anything between the words there are no words to parse.
_RUN_TOGETHER = re.compile(
    r"(?:ignore|disregard|forget|overlook)(?:about|all|any|the|your|of|these|those|my){0,4}"
    r"(?:previous|prior|above|earlier|preceding)(?:system)?(?:instruction|rule|prompt|guideline|directive)"
    r"|(?:reveal|disclose|leak|repeat)(?:me|the|your|hidden|internal){0,3}systemprompt"
)
# Scripts without spaces, or that join what we match to other words: what is dropped, which, and whose, close together.
_CHINESE = re.compile(
    "(?:忽略|无视|無視|忘记|忘記|不要理会)[^。!?\n]{0,12}(?:之前|以前|先前|上述|上面|前面|所有)[^。!?\n]{0,8}"
    "(?:指令|指示|规则|規則|命令|提示词|提示詞)"
)
_JAPANESE = re.compile(
    "(?:以前|前|上記|これまで|すべて)[^。!?\n]{0,6}(?:指示|命令|ルール|プロンプト)[^。!?\n]{0,6}(?:無視|忘れ)"
)
_KOREAN = re.compile("(?:이전|앞|위|모든)[^.!?\n]{0,8}(?:지시|명령|지침|규칙|프롬프트)[^.!?\n]{0,8}(?:무시|잊)")
_RUSSIAN = re.compile(
    "(?:игнорируй|забудь)(?:те)?[^.!?\n]{0,16}(?:предыдущие|прежние|прошлые|все)[^.!?\n]{0,12}"
    "(?:инструкции|указания|правила)",
    re.IGNORECASE,
)

_DROPS = "tells the reader to drop earlier instructions"
_SHAPES = (
    *((_DROPS, pattern) for pattern in (_CHINESE, _JAPANESE, _KOREAN, _RUSSIAN)),
    ("runs encoded commands", _DECODED_TO_SHELL),
)
_UNACCENTED_SHAPES = (
    (_DROPS, _RUN_TOGETHER),
    ("sends data with the address of an image", _DRAWN),
)


def shapes(text: str, parsed: Parsed) -> Iterator[Finding]:
    """What the form of `text` flags; `parsed` is that text. Each reason at its earliest place."""
    plain = unaccented(text)
    for reason, pattern in _SHAPES:
        if match := pattern.search(text):
            yield Finding(reason, match[0])
    for reason, pattern in _UNACCENTED_SHAPES:
        if match := pattern.search(plain):
            yield Finding(reason, match[0])
    yield from islice(_role_tokens(text), 1)
    yield from islice(_role_headers(text, parsed), 1)


def commented(text: str) -> Iterator[Finding]:
    """What comments that a rendered page does not show ask of an agent."""
    for start, comment in comments(text):
        if is_mentioned(text, start):
            continue
        if _PIPED_TO_SHELL.search(comment):
            yield Finding("runs downloaded code from a hidden comment", comment)
        elif _ADDRESSED.search(comment) and _has_command(comment):
            yield Finding("commands an agent from a hidden comment", comment)


def _role_tokens(text: str) -> Iterator[Finding]:
    for token in _ROLE_TOKEN.finditer(text):
        if not is_mentioned(text, token.start()):
            yield Finding("imitates a chat template", text[token.start() : token.end() + _SHOWN_CHARS])


def _role_headers(text: str, parsed: Parsed) -> Iterator[Finding]:
    """Headers such as `SYSTEM:` with a command behind them."""
    word_at: dict[int, int] | None = None
    for header in _ROLE_HEADER.finditer(text):
        word_at = word_at or {start: number for number, start in enumerate(parsed.starts)}
        following = parsed.classes[word_at.get(header.end(), len(parsed.classes)) :][:_SHOWN_CHARS].lstrip("oQ,|")
        wanted = _AFTER_TITLE if header["title"] else _AFTER_ROLE
        if following and following[0] in wanted and not is_mentioned(text, header.start()):
            yield Finding("speaks as the system or developer", text[header.start() : header.end() + _SHOWN_CHARS])


def _has_command(text: str) -> bool:
    classes = parse(text).classes
    return any(letter in VERBS and commands(classes, at) for at, letter in enumerate(classes))
