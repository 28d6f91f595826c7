"""Programs that encode, decode, pack and unpack text. What is known is decoded, so that what it hides is judged."""

import base64
import binascii
from collections.abc import Callable, Sequence

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Call, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import parse
from agentops_mcp.factors.guardrails.rules.programs.filters import written
from agentops_mcp.factors.guardrails.rules.programs.reading import read

_LONGEST = 200_000
_UNPACKERS = frozenset(
    "zcat gzcat bzcat xzcat lzcat zstdcat lz4cat brcat gunzip bunzip2 unxz unlzma unzstd unlz4 uncompress".split()
)
_PACKERS = frozenset("gzip gzip2 pigz bzip2 pbzip2 xz pixz lzma zstd pzstd lz4 brotli compress".split())
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ROTATED = 10
"""Letters that `tr` must change for its output to count as hidden text: more than any tidying up changes."""


def outcome(call: Call, world: World) -> Outcome | None:
    """What comes out of an encoder or decoder."""
    name = call.name
    if name in _UNPACKERS or name in _PACKERS:
        return _packed(call, world)
    found = _CODERS.get(name)
    return found(call, world) if found else None


def _passes(files: Sequence[str], call: Call, world: World, decode: Callable[[str], str | None] | None) -> Outcome:
    """What files, or the input, become. Without `decode` the text is lost, and nothing is hidden in it."""
    reading = read(files or ("-",), call, world)
    stream = reading.stream
    if decode is None:
        return Outcome(reading.effects, Stream(None, stream.taints, stream.origin))
    known = stream.text if stream.text and HOLE not in stream.text and len(stream.text) <= _LONGEST else None
    text = decode(known) if known is not None else None
    return Outcome(reading.effects, Stream(text, stream.taints | {"decoded"}, stream.origin))


def _into(found: Outcome, paths: Sequence[str], call: Call, world: World) -> Outcome:
    """The same, written to a file instead of printed."""
    if not paths:
        return found
    effects: list[Effect] = [written(path, call, world) for path in paths]
    writes = tuple((each.target, found.output) for each in effects if each.place != "unknown")
    return found._replace(effects=(*found.effects, *effects), output=Stream(""), writes=writes)


def _baseencoded(call: Call, world: World) -> Outcome:
    """`base64` and its family, as GNU, BSD and BusyBox spell them."""
    given = parse(call.argv[1:], "w wrap b break i input o output")
    decodes = given.has("d", "decode", "D") or call.name in {"b64decode", "base64decode"}
    files = given.values("i", "input") if not given.operands and not decodes else given.operands
    kind = 32 if "32" in call.name else 64
    found = _passes(files, call, world, (lambda text: _based(text, kind)) if decodes else None)
    if not decodes and found.output.taints == frozenset() and (text := call.stdin.text) and not files:
        found = found._replace(output=Stream(base64.b64encode(text.encode("utf-8", "replace")).decode() + "\n"))
    return _into(found, given.values("o", "output"), call, world)


def _based(text: str, kind: int) -> str | None:
    packed = "".join(text.split()).replace("-", "+").replace("_", "/")
    try:
        if kind == 32:
            return _text(base64.b32decode(packed + "=" * (-len(packed) % 8), casefold=True))
        return _text(base64.b64decode(packed + "=" * (-len(packed) % 4)))
    except (binascii.Error, ValueError):
        return None


def _unhexed(text: str) -> str | None:
    try:
        return _text(bytes.fromhex("".join(text.split()).replace("\\x", "").replace("0x", "")))
    except ValueError:
        return None


def _text(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _dump(call: Call, world: World) -> Outcome:
    """`xxd`, `od` and `hexdump`: only `xxd -r` goes back."""
    given = parse([_short(word) for word in call.argv[1:]], "c l s g o j N A t w e f n S")
    files = given.operands
    back = call.name == "xxd" and given.has("r")
    found = _passes(files[:1], call, world, _unhexed if back else None)
    return _into(found, files[1:2] if call.name == "xxd" else (), call, world)


def _short(word: str) -> str:
    """`xxd` takes its long options with one dash or two."""
    letters = {"revert": "-r", "ps": "-p", "postscript": "-p", "plain": "-p", "len": "-l", "cols": "-c"}
    return letters.get(word.lstrip("-"), word) if word.startswith("-") else word


def _reversed(call: Call, world: World) -> Outcome:
    return _passes(
        parse(call.argv[1:]).operands, call, world, lambda text: "\n".join(x[::-1] for x in text.split("\n"))
    )


def _rot13(call: Call, world: World) -> Outcome:
    shift = int(call.argv[1]) % 26 if call.name == "caesar" and call.argv[1:2] and call.argv[1].isdigit() else 13
    turned = _LETTERS[shift:] + _LETTERS[:shift]
    table = str.maketrans(_LETTERS + _LETTERS.upper(), turned + turned.upper())
    return _passes((), call, world, lambda text: text.translate(table))


def _translated(call: Call, world: World) -> Outcome:
    """`tr`: known text as it becomes; unknown text counts as decoded when many letters become others."""
    given = parse(call.argv[1:], "")
    sets = [_letters(each) for each in given.operands[:2]]
    stream = call.stdin
    deletes = given.has("d", "delete")
    if not sets or None in sets or given.has("c", "C", "complement"):
        return Outcome(output=Stream(None, stream.taints, stream.origin))
    old = sets[0] or ""
    new = "" if deletes or len(sets) < len(("OLD", "NEW")) else (sets[1] or "")
    table: dict[int, str | None] = {}
    for place, letter in enumerate(old):
        if deletes or new:
            table[ord(letter)] = None if deletes else new[min(place, len(new) - 1)]
    changed = sum(1 for code, to in table.items() if to and to.lower() != chr(code).lower() and chr(code).isalpha())
    hides = changed >= _ROTATED and len(set(table.values())) >= _ROTATED
    text = stream.text[:_LONGEST].translate(table) if stream.text is not None else None
    return Outcome(output=Stream(text, stream.taints | ({"decoded"} if hides else frozenset()), stream.origin))


def _letters(written_set: str) -> str | None:
    """A set of `tr` in full; None when it has classes that are not known here."""
    from agentops_mcp.factors.guardrails.rules.programs.filters_escapes import unescaped

    classes = {
        "[:lower:]": _LETTERS,
        "[:upper:]": _LETTERS.upper(),
        "[:digit:]": "0123456789",
        "[:space:]": " \t\n\r\v\f",
    }
    text = written_set
    for name, letters in classes.items():
        text = text.replace(name, letters)
    if "[:" in text or "[=" in text or HOLE in text:
        return None
    text = unescaped(text)
    out: list[str] = []
    place = 0
    while place < len(text):
        if text[place + 1 : place + 2] == "-" and place + 2 < len(text) and text[place] <= text[place + 2]:
            out += [
                chr(code) for code in range(ord(text[place]), min(ord(text[place + 2]), ord(text[place]) + 255) + 1)
            ]
            place += len("a-z")
        else:
            out.append(text[place])
            place += 1
    return "".join(out)


def _openssl(call: Call, world: World) -> Outcome | None:
    """`openssl enc` and `openssl base64`; of its other commands only what they read is secret is told."""
    command = call.argv[1] if len(call.argv) > 1 else ""
    given = parse(call.argv[2:], "in out pass passin passout k kfile K iv S md salt iter bufsize", single_dash=True)
    files = given.values("in")
    ciphers = command == "enc" or command.startswith(("base64", "aes", "des", "camellia", "chacha", "bf", "rc4"))
    if command in {"smime", "cms", "pkeyutl", "rsautl"}:
        ciphers = given.has("decrypt") or ciphers
    if not ciphers:
        return None
    decodes = given.has("d", "decrypt")
    plain = given.has("a", "base64") and not any("-" in name for name, _ in given.given)
    decode: Callable[[str], str | None] = (
        (lambda text: _based(text, 64)) if plain or command == "base64" else lambda _: None
    )
    found = _passes(files, call, world, decode if decodes else None)
    return _into(found, given.values("out"), call, world)


def _packed(call: Call, world: World) -> Outcome:
    """Compression: unpacked text was hidden as encoded text is."""
    given = parse(call.argv[1:], "S suffix T threads o level memlimit")
    unpacks = call.name in _UNPACKERS or given.has("d", "decompress", "uncompress")
    to_output = given.has("c", "stdout", "to-stdout") or not given.operands or call.name.endswith("cat")
    found = _passes(given.operands, call, world, (lambda _: None) if unpacks else None)
    return found if to_output else Outcome(output=Stream(""))


def _converted(call: Call, world: World) -> Outcome:
    """`iconv` and `recode` change no letters that a shell reads."""
    given = parse(call.argv[1:], "f t o from-code to-code output")
    reading = read(given.operands or ("-",), call, world)
    return _into(Outcome(reading.effects, reading.stream), given.values("o", "output"), call, world)


def _unwrapped(call: Call, world: World) -> Outcome:
    """Decoders whose result is not known here."""
    given = parse(call.argv[1:], "o")
    into = [each for each in given.values("o") if each not in {"-", "/dev/stdout"}]
    return _into(_passes(given.operands, call, world, lambda _: None), into, call, world)


def _decrypted(call: Call, world: World) -> Outcome | None:
    """`gpg -d`, `age -d`, `ansible-vault view`: what comes out was hidden, from the guard as well."""
    given = parse(
        call.argv[1:], "o output r recipient i identity u local-user passphrase passphrase-file passphrase-fd homedir"
    )
    if not given.has("d", "decrypt") and given.operands[:1] not in {("decrypt",), ("view",)}:
        return None
    files = [each for each in given.operands if each not in {"decrypt", "view"}]
    return _into(_passes(files, call, world, lambda _: None), given.values("o", "output"), call, world)


_CODERS: dict[str, Callable[[Call, World], Outcome | None]] = {
    **dict.fromkeys(("base64", "gbase64", "base32", "basenc", "b64decode", "base64decode"), _baseencoded),
    **dict.fromkeys(("xxd", "od", "god", "hexdump", "hd"), _dump),
    **dict.fromkeys(("uudecode", "base58", "qprint", "ascii85", "unbase64", "yencdecode", "zbase32"), _unwrapped),
    **dict.fromkeys(("iconv", "recode", "uconv"), _converted),
    **dict.fromkeys(("gpg", "gpg2", "age", "rage", "ansible-vault"), _decrypted),
    "rev": _reversed, "tr": _translated, "gtr": _translated, "rot13": _rot13, "caesar": _rot13, "openssl": _openssl,
}  # fmt: skip
