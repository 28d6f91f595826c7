"""Token counts are exact in o200k, bounded when cut, and never need the network."""

import json
import math
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st
from tiktoken_ext import openai_public  # pyright: ignore[reportMissingTypeStubs]

from agentops_mcp.core import tokens
from agentops_mcp.core.errors import ConfigError
from agentops_mcp.core.tokens import ByteCounts, O200k, TokenCounter, count, degraded, estimate, load, truncate

SCRIPTS = {
    "latin": "The quick brown fox jumps over the lazy dog, isn't it?",
    "german": "Übergrößenträger mußten süße Äpfel zählen.",
    "greek": "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία.",
    "cyrillic": "Съешь же ещё этих мягких французских булок.",
    "arabic": "نص حكيم له سر قاطع وذو شأن عظيم",
    "hebrew": "דג סקרן שט בים מאוכזב ולפתע מצא חברה",
    "devanagari": "ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण",
    "thai": "เป็นมนุษย์สุดประเสริฐเลิศคุณค่า",
    "chinese": "我能吞下玻璃而不伤身体。但是\uff0c疼\uff01",
    "japanese": "いろはにほへと ちりぬるを、日本語。",
    "korean": "다람쥐 헌 쳇바퀴에 타고파.",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 e\u0301 ñ",
    "code": "def f(x: int) -> int:\n\treturn x ** 2  # ok\r\n\r\n    pass\n",
}
texts = st.text(st.characters(exclude_categories=()), max_size=300) | st.text(
    " \n\t'sA1a/漢。😀\u0301\ud800", max_size=300
)


def in_a_child(program: str, tmp_path: Path) -> str:
    """Run `program` where no cache, no home and no proxy can help it; any use of a socket ends it with 3."""
    guard = """
        import os, sys
        opened = []
        def watch(event, arguments):
            if event.startswith(("socket.connect", "socket.getaddrinfo", "socket.sendto")):
                os._exit(3)
            if event == "open" and str(arguments[0]).endswith("o200k_base.zlib"):
                opened.append(arguments[0])
        sys.addaudithook(watch)
    """
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    empty = {
        name: str(tmp_path) for name in ("HOME", "USERPROFILE", "TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR", "TMPDIR")
    }
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(guard) + textwrap.dedent(program)],
        env=environment | empty | {"PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.returncode, done.stderr)
    return done.stdout


@pytest.fixture(scope="module")
def reference() -> tiktoken.Encoding:
    """The definition of o200k_base in tiktoken itself, fed with the packaged ranks instead of a download."""
    ours = load()
    assert isinstance(ours, O200k)
    ranks = {ours.encoding.decode_single_token_bytes(rank): rank for rank in range(tokens.VOCABULARY_SIZE)}

    def packaged(*_arguments: object, **_options: object) -> dict[bytes, int]:
        return ranks

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(openai_public, "load_tiktoken_bpe", packaged)
        definition: dict[str, Any] = openai_public.o200k_base()
        return tiktoken.Encoding(**definition)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("hello world", [24912, 2375]),
        ("2 + 2 = 4", [17, 659, 220, 17, 314, 220, 19]),
        ("antidisestablishmentarianism", [493, 129901, 376, 160388, 21203, 2367]),
        ("お誕生日おめでとう", [8930, 9697, 243, 128225, 8930, 17693, 4344, 48669]),
    ],
)
def test_text_gets_the_ids_that_openai_publishes_for_o200k(text: str, ids: list[int]) -> None:
    vocabulary = load()
    assert isinstance(vocabulary, O200k)
    assert vocabulary.encoding.encode_ordinary(text) == ids
    assert count(text) == len(ids)


def test_the_pattern_special_tokens_and_size_are_those_of_tiktoken(reference: tiktoken.Encoding) -> None:
    ours = load()
    assert isinstance(ours, O200k)
    assert ours.encoding.special_tokens_set == reference.special_tokens_set
    assert ours.encoding.encode("<|endoftext|>", allowed_special="all") == [199_999]
    assert ours.encoding.n_vocab == reference.n_vocab == 200_019


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS)
def test_every_script_counts_as_tiktoken_counts_it(text: str, reference: tiktoken.Encoding) -> None:
    assert count(text) == len(reference.encode_ordinary(text))


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS)
def test_a_long_text_is_cut_without_changing_its_count(text: str, reference: tiktoken.Encoding) -> None:
    long = f"{text} " * (250_000 // len(text))
    assert count(long) == len(reference.encode_ordinary(long))


@pytest.mark.parametrize("run", [" ", "\t", "\n", "a", "A", "漢", "😀", "-", "/", "\u0301"])
def test_a_long_run_of_one_character_is_never_under_counted(run: str, reference: tiktoken.Encoding) -> None:
    exact = len(reference.encode_ordinary(run * 250_000))
    assert exact <= count(run * 250_000) <= exact + 20


def test_a_million_spaces_are_counted_and_cut() -> None:
    """In one piece they overflow the stack of tiktoken's regex engine: a panic that no `except Exception` stops."""
    spaces = " " * 1_000_000
    assert 1_000_000 / 128 <= count(spaces) < 8_000
    assert 100_000 < len(truncate(spaces, 1_000)) <= 128_000
    assert count(truncate(spaces, 1_000)) <= 1_000


def test_a_spelled_special_token_is_ordinary_text() -> None:
    assert count("<|endoftext|>") > 1
    assert truncate("<|endoftext|>", 100) == "<|endoftext|>"


def test_no_text_has_no_tokens() -> None:
    assert (count(""), truncate("", 5), estimate("")) == (0, "", 0)


@pytest.mark.parametrize("lone", ["\ud800", "a\udfffb", "\ud83d \ude00", "\udc80" * 5])
def test_unpaired_surrogates_are_counted_and_come_back_replaced(lone: str) -> None:
    assert count(lone) >= 1
    assert truncate(lone, 100) == "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in lone)


@settings(deadline=None)
@given(texts, st.integers(0, 40))
def test_a_truncated_text_is_a_start_of_the_text_and_never_over_the_limit(text: str, limit: int) -> None:
    cut = truncate(text, limit)
    assert count(cut) <= limit
    assert "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text).startswith(cut)
    assert (cut == "") or count(text) <= limit or len(cut) < len(text)


@pytest.mark.parametrize(
    ("text", "limit"), [("ურდ is", 1), (" ურდ richer", 1), ("irişುತ್ತಿದೆ sit কথង្គ", 5), ("亚洲AVpc", 1)]
)
def test_a_cut_inside_a_character_gives_up_more_rather_than_cost_more(text: str, limit: int) -> None:
    """A token may hold half a character; what is left of it without that half can take two tokens to write."""
    assert text.startswith(truncate(text, limit))
    assert count(truncate(text, limit)) <= limit


@settings(deadline=None)
@given(texts, st.integers(1, 40))
def test_truncating_again_changes_nothing(text: str, limit: int) -> None:
    assert truncate(truncate(text, limit), limit) == truncate(text, limit)


@settings(deadline=None)
@given(texts)
def test_a_text_that_fits_is_not_cut(text: str) -> None:
    assert len(truncate(text, max(count(text), 1))) == len(text)


@pytest.mark.parametrize("limit", [1, 2, 7, 1_000, 30_000, 60_000])
@pytest.mark.parametrize(
    "text", ["word " * 50_000, "漢字、" * 80_000, "x" * 300_000, "👩‍👩‍👧 \n" * 40_000], ids=lambda t: repr(t[:5])
)
def test_a_long_text_is_truncated_close_to_the_limit_and_not_over_it(text: str, limit: int) -> None:
    fitting = count(truncate(text, limit))
    assert fitting <= limit
    assert fitting >= min(limit, count(text)) - 10


@settings(deadline=None)
@given(texts, texts)
def test_two_texts_together_cost_little_more_than_apart(first: str, second: str) -> None:
    assert count(first + second) <= count(first) + count(second) + 8


def test_the_limit_zero_or_less_leaves_nothing() -> None:
    assert truncate("anything", 0) == truncate("anything", -1) == ""


def test_an_estimate_is_the_count_times_the_factor_of_the_family_rounded_up() -> None:
    text = "word " * 20
    assert count(text) == 21
    assert {family: estimate(text, family) for family in tokens.FAMILY_FACTORS} == {
        "claude": 33, "claude-legacy": 26, "openai": 21,
    }  # fmt: skip


def test_factors_can_be_replaced() -> None:
    counter = TokenCounter("house-model", {"house-model": 2.5})
    assert counter.estimate("hello world") == 5


@pytest.mark.parametrize("family", tokens.FAMILY_FACTORS)
def test_room_in_o200k_tokens_never_exceeds_the_estimated_budget(family: str) -> None:
    counter = TokenCounter(family)
    for budget in range(3_000):
        assert counter.from_o200k(counter.to_o200k(budget)) <= budget < counter.from_o200k(counter.to_o200k(budget) + 1)


@pytest.mark.parametrize(
    ("family", "factors"),
    [
        ("nobody", {"claude": 1.5}),
        ("a", {"a": 0.0}),
        ("a", {"a": -1.0}),
        ("a", {"a": math.inf}),
        ("a", {"a": math.nan}),
    ],
)
def test_a_family_without_a_usable_factor_is_refused(family: str, factors: dict[str, float]) -> None:
    with pytest.raises(ConfigError) as refused:
        TokenCounter(family, factors)
    assert family in refused.value.problem


def test_with_its_vocabulary_counting_is_not_degraded() -> None:
    assert degraded() is None


def test_a_missing_vocabulary_falls_back_to_bytes_and_says_so(tmp_path: Path) -> None:
    vocabulary = load(tmp_path / "gone")
    assert isinstance(vocabulary, ByteCounts)
    assert "cannot be read" in vocabulary.reason


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (0, -1), (1, None), (500, 600)])
def test_a_damaged_vocabulary_falls_back_to_bytes_and_says_so(start: int, stop: int | None, tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    packed.write_bytes(tokens.PACKED.read_bytes()[start:stop])
    vocabulary = load(packed)
    assert isinstance(vocabulary, ByteCounts)
    assert "checksum" in vocabulary.reason


def test_without_tiktoken_counting_falls_back_to_bytes_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    vocabulary = load()
    assert isinstance(vocabulary, ByteCounts)
    assert "tiktoken" in vocabulary.reason


@pytest.mark.parametrize(("text", "expected"), [("", 0), ("a", 1), ("abc", 1), ("abcd", 2), ("漢", 1), ("😀", 2)])
def test_the_fallback_counts_bytes_in_thirds(text: str, expected: int) -> None:
    assert ByteCounts("why").count(text) == expected


def test_the_fallback_cuts_between_characters() -> None:
    assert ByteCounts("why").truncate("a漢漢", 1) == "a"
    assert ByteCounts("why").truncate("漢漢", 1) == "漢"


def test_no_network_and_no_cache_is_needed_to_count(tmp_path: Path) -> None:
    report = json.loads(in_a_child("""
        import json
        from agentops_mcp.core import tokens
        heavy = [name for name in ("tiktoken", "requests") if name in sys.modules]
        print(json.dumps([heavy, tokens.count("hello world"), tokens.degraded(), "requests" in sys.modules]))
    """, tmp_path))  # fmt: skip
    assert report == [[], 2, None, False]
    assert list(tmp_path.iterdir()) == []


def test_threads_that_count_at_once_load_the_vocabulary_once(tmp_path: Path) -> None:
    report = json.loads(in_a_child("""
        import json, threading
        from agentops_mcp.core import tokens
        counts, gate = [], threading.Barrier(8)
        def work():
            gate.wait()
            counts.append(tokens.count("hello world"))
        threads = [threading.Thread(target=work) for _ in range(8)]
        [t.start() for t in threads], [t.join() for t in threads]
        print(json.dumps([counts, len(opened)]))
    """, tmp_path))  # fmt: skip
    assert report == [[2] * 8, 1]


def test_the_network_guard_of_these_tests_notices_a_connection(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="3"):
        in_a_child("import socket; socket.create_connection(('127.0.0.1', 9))", tmp_path)


def test_the_notice_names_the_packaged_vocabulary_and_its_checksum() -> None:
    notice = (Path(__file__).parents[2] / "NOTICE").read_text(encoding="utf-8")
    assert tokens.PACKED_SHA256 in notice
    assert tokens.PACKED.name in notice
