"""What a character is to a reader: of which script, drawn at all, or passing for a character of ASCII.

The scripts and the compatible forms come from Python's own Unicode data. The letters that pass for Latin ones are
those that confusables.txt of Unicode Technical Standard 39 maps to a letter of ASCII, as far as they are drawn alike.
"""

import unicodedata
from itertools import count

SHOWN = "s"
"""Not drawn, or drawn like something of ASCII wherever it stands."""

NEAR = "n"
"""Punctuation and space of Chinese, Japanese and Korean, which is at home beside their letters only."""

STAND_IN = "t"
"""One of their letters that passes for a sign of ASCII among such signs."""

CJK = "c"
MARK = "m"
DIGIT = "d"
JOINER = "j"
VARIANT = "v"
GAP = " "
OTHER = "o"
LATIN = "L"
FIRST_SCRIPT, FIRST_PASSING = "\u0100", "\u1000"
"""From the first on, letters and digits of scripts that are not Latin, a kind each; from the second on, those letters
of the same scripts, in the same order, that are read as Latin ones."""

SCRIPTS = f"{FIRST_SCRIPT}-\u1fff"
"""All of them, in the brackets of a regular expression."""

HYPHENS = "\u2010\u2011\u2043\u02d7"
DASHES = HYPHENS + "\u2012\u2013\u2014\u2015\u2212\u2796"

PASSING = frozenset(
    map(chr, range(0xA4D0, 0xA4FE))  # Lisu
) | frozenset(
    # Cyrillic
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u043a\u0501\u04bb\u04cf\u051b\u051d\u0475\u044c\u04af"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0406\u0408\u0405\u051a\u051c\u0474\u04ae"
    "\u04c0\u050c\u0417\u0431\u0432\u0437\u0433\u0451\u0457\u0401\u0407"
    # Greek
    "\u03bf\u03bd\u03b1\u03b3\u03b9\u03ba\u03c1\u03c4\u03c5\u03c7\u03c9\u03f2\u03f3\u03b7\u03b2"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u037f\u03f9"
    # Armenian
    "\u0585\u057d\u0578\u0570\u0581\u0575\u0584\u0566\u0563\u0572\u0555\u054d\u053c\u054f"
    # Cherokee
    "\u13a0\u13a1\u13a2\u13a5\u13a9\u13aa\u13ab\u13ac\u13b3\u13b7\u13bb\u13c0\u13c2\u13c3\u13ce\u13cf\u13d2\u13d4\u13d9"
    "\u13da\u13de\u13df\u13e2\u13e6\u13f3\u13f4"
    # Coptic
    "\u2c9f\u2ca3\u2ca5\u2c9e\u2ca2\u2ca4\u2c8e\u2c92\u2c94\u2c98\u2c9a\u2c82\u2ca6\u2ca8\u2cac"
)
"""Letters of other scripts that are read as Latin ones."""

# Signs that are read as one of ASCII and that no compatible form of Unicode maps to it.
_SIGNS = frozenset(
    "\u2044\u2215\u29f8\u27cb\u2571"  # /
    "\u2216\u29f5\u29f9\u27cd\u2572"  # \
    "\u0589\u05c3\u2236\u02d0\u02f8\ua789\u16ec\u0703\u0704"  # :
    "\u0701\u0702\ua4f8\ua4f9\ua60e\u204e\u2217\u066d"  # . , *
    "\u2223\u2758\u05c0\u01c0\u01c1\u01c3\u2d51"  # | !
    "\u223c\u2053\u02dc\u02c6\u02c4\u02c2\u02c3\u02cb\u2035\u1fef\u02cd"  # ~ ^ < > ` _
    "\ua78a\u2e40\u066a\ua778\u16ed"  # = % & +
    "\u0251\u0261\u0269\u0237"  # letters of phonetics that are drawn as a, g, i and j
)
# Drawn as nothing, or as a space, without being controls or spaces to Unicode; see Default_Ignorable_Code_Point.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0\u2800")
# Plainly not what they are compatible with.
_EVERYDAY = frozenset("\u2026\u00aa\u00ba\u00b5\u203c\u2047\u2048\u2049\u2033\u2116")
_OF_CJK_TEXT = frozenset("\u3000\uff0c\uff01\uff1f\uff1a\uff1b\uff08\uff09\uff5e\uff05")
_STAND_INS = frozenset("\u30ce\u4e3f\u4e28\u4e36\u30fc\u4e00\u3007\u3033\u3035\u3161\u2f02\u2f03")
_CJK_NAMES = ("CJK", "HIRAGANA", "KATAKANA", "HALFWIDTH", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "KANGXI", "VERTICAL")
_MOST_KEPT = 60_000
_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn", "Zs"})
_FORMS = ("<font>", "<wide>", "<narrow>", "<small>", "<compat>", "<noBreak>", "<vertical>")


class Kinds(dict[int, str]):
    """For `str.translate`: each character becomes one of the kinds above or, as a letter, that of its script."""

    def __init__(self) -> None:
        """Start with ASCII; the rest is found out when it is met."""
        super().__init__({code: _kind_of_ascii(chr(code)) for code in range(128)})
        self._scripts = {"LATIN": LATIN}
        self._unused = count(ord(FIRST_SCRIPT))

    def __missing__(self, code: int) -> str:
        """Find out, and keep it as far as memory should be spent on it."""
        kind = self._found(chr(code))
        if len(self) < _MOST_KEPT:
            self[code] = kind
        return kind

    def _found(self, character: str) -> str:
        category = unicodedata.category(character)
        if (special := _special(character, category)) is not None:
            return special
        if _is_cjk(character):
            return CJK
        if category[0] == "M":
            return MARK
        if category[0] not in "LN" or character in _EVERYDAY or category in {"No", "Lm"}:
            return OTHER
        name = unicodedata.name(character, "").partition(" ")[0]  # it begins with the script
        if name not in self._scripts:
            self._scripts.setdefault(name, chr(next(self._unused)))  # two threads must not give one sign to two scripts
        return passing(self._scripts[name]) if character in PASSING else self._scripts[name]


def passing(script: str) -> str:
    """The kind of those letters of a script that are read as Latin ones."""
    return chr(ord(script) - ord(FIRST_SCRIPT) + ord(FIRST_PASSING))


def script_of(kind: str) -> str:
    """The script of a letter of this kind."""
    return chr(ord(kind) - ord(FIRST_PASSING) + ord(FIRST_SCRIPT)) if kind >= FIRST_PASSING else kind


def _kind_of_ascii(character: str) -> str:
    if character.isalpha():
        return LATIN
    if character.isdigit():
        return DIGIT
    if character in " \n\t":
        return GAP
    return OTHER if character.isprintable() else SHOWN


def _special(character: str, category: str) -> str | None:
    """What stays or goes by the characters beside it, or by itself; None for what has to be looked at as a letter."""
    if character == "\u200d":
        return JOINER
    if character in "\ufe0e\ufe0f":
        return VARIANT
    if character in _OF_CJK_TEXT:
        return NEAR
    if character in _STAND_INS:
        return STAND_IN
    return SHOWN if _unseen(character, category) or _drawn_like_ascii(character, category) else None


def _unseen(character: str, category: str) -> bool:
    if category == "Cn":
        return not "\U0001f000" <= character <= "\U0001fbff"  # pictures newer than Python's data
    return (
        category in _UNSEEN or character in _BLANK
        or "\ufe00" <= character <= "\ufe0d" or "\U000e0000" <= character <= "\U000e0fff"
    )  # fmt: skip


def _drawn_like_ascii(character: str, category: str) -> bool:
    if character in _SIGNS:
        return True
    name = unicodedata.name(character, "")
    if (name.startswith("MATHEMATICAL ") and category[0] in "LN") or "LETTER SMALL CAPITAL" in name:
        return True
    form = unicodedata.decomposition(character)
    if not form or character in _EVERYDAY:
        return False
    tagged = form.startswith("<")
    return (not tagged or form.startswith(_FORMS)) and unicodedata.normalize("NFKC", character).isascii()


def _is_cjk(character: str) -> bool:
    return "\u3001" <= character <= "\u303f" or unicodedata.name(character, "").startswith(_CJK_NAMES)
