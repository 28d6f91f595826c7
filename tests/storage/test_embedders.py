"""Vectors of texts from the model in the package, or from another directory: alike when the texts are, always there."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentops_mcp.storage.embedder_model import PACKAGED, PACKAGED_SHA256, SentenceModel, from_directory, packaged
from agentops_mcp.storage.embedders import EmbedderChoice, EmbedderError, default_embedder, open_embedder

ROOT = Path(__file__).parents[2]
MOST_MIB = 25

# Each text is nearest to the one in its own row, though they share no telling word.
PARAPHRASES = (
    ("The disk filled up and the database stopped accepting writes.", "Postgres went read-only: no space left."),
    ("Requests time out when the upstream is slow.", "Calls hang because the remote service takes too long to answer."),
    ("How do I undo the last commit but keep my changes?", "Take back a git commit without losing edited files."),
    ("The certificate expired last night.", "TLS handshakes are refused since the validity period ended."),
)

COSINES = (0.4729, 0.3812, 0.7586, 0.4104)
"""What the float model says of each pair."""

HOSTILE = {
    "empty": "",
    "spaces": " \t\n" * 50,
    "long": "retry the queue with a bounded backoff. " * 2_500,
    "one long word": "x" * 100_000,
    "NUL": "before\0after",
    "only NUL": "\0",
    "lone surrogates": "broken \ud800 and \udfff text",
    "only a surrogate": "\udc00",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 🚀" * 20,
    "chinese": "我能吞下玻璃而不伤身体。",
    "arabic": "نص حكيم له سر قاطع وذو شأن عظيم",
    "thai": "เป็นมนุษย์สุดประเสริฐเลิศคุณค่า",
    "markers": "[CLS] [SEP] [PAD] [MASK] [UNK]",
    "combining": "e\u0301\u0302\u0303" * 300,
    "control": "".join(map(chr, range(32))) + "\u202e\u2066\ufeff",
}


@pytest.fixture(scope="module")
def embedder() -> SentenceModel:
    return packaged()


def directory(folder: Path, **settings: object) -> Path:
    """The packaged model, laid out as sentence-transformers does, with settings as JSON files by their stem."""
    (folder / "onnx").mkdir(parents=True)
    shutil.copy(PACKAGED / "model.onnx", folder / "onnx")
    shutil.copy(PACKAGED / "tokenizer.json", folder)
    for name, content in settings.items():
        path = folder / ("1_Pooling/config.json" if name == "pooling" else f"{name}.json")
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    return folder


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1_000])


def become_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def test_what_means_the_same_is_near_though_the_words_differ(embedder: SentenceModel) -> None:
    left, right = (embedder.embed(side) for side in zip(*PARAPHRASES, strict=True))
    assert (left @ right.T).argmax(axis=1).tolist() == [0, 1, 2, 3]
    assert (right @ left.T).argmax(axis=1).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("pair", "cosine"), list(zip(PARAPHRASES, COSINES, strict=True))
)  # fmt: skip
def test_similarities_are_those_of_the_float_model(
    embedder: SentenceModel, pair: tuple[str, str], cosine: float
) -> None:
    first, second = embedder.embed(pair)
    assert float(first @ second) == pytest.approx(cosine, abs=0.03)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_every_text_has_a_vector_of_unit_length(embedder: SentenceModel, text: str) -> None:
    vectors = embedder.embed([text])
    assert vectors.shape == (1, embedder.dimension)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors[0]) == pytest.approx(1, abs=1e-5)


@settings(deadline=None, max_examples=50)
@given(text=st.text(st.characters(exclude_categories=()), max_size=200))
def test_any_characters_will_do(embedder: SentenceModel, text: str) -> None:
    assert np.linalg.norm(embedder.embed([text])[0]) == pytest.approx(1, abs=1e-5)


def test_no_texts_have_no_vectors(embedder: SentenceModel) -> None:
    assert embedder.embed([]).shape == (0, 384)


def test_a_text_has_the_same_vector_in_any_company(embedder: SentenceModel) -> None:
    texts = list(HOSTILE.values())
    together = embedder.embed(texts)
    assert all(np.array_equal(embedder.embed([text])[0], row) for text, row in zip(texts, together, strict=True))


def test_threads_get_the_same_vectors_from_one_model(embedder: SentenceModel) -> None:
    texts = [text for pair in PARAPHRASES for text in pair]
    expected = embedder.embed(texts)
    found: list[bool] = []

    def work() -> None:
        found.extend(np.array_equal(embedder.embed(texts), expected) for _ in range(3))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 12


def test_the_model_stops_at_256_word_pieces(embedder: SentenceModel) -> None:
    start = "queue " * 254  # and the two markers
    whole, longer, shorter = embedder.embed([start, f"{start} a wholly different ending", start[: -len("queue ")]])
    assert np.array_equal(whole, longer)
    assert not np.array_equal(whole, shorter)


def test_the_default_is_the_packaged_model_and_says_which_build_it_is() -> None:
    embedder = open_embedder(EmbedderChoice())
    assert (embedder.name, embedder.dimension) == (f"all-MiniLM-L6-v2/int8/{PACKAGED_SHA256['model.onnx'][:12]}", 384)


def test_the_model_uses_no_network_and_leaves_nothing_in_the_home_directory(tmp_path: Path) -> None:
    program = """
        import os, sys
        def watch(event, arguments):
            if event.startswith("socket."):
                os._exit(3)
        sys.addaudithook(watch)
        from agentops_mcp.storage.embedders import default_embedder
        print(default_embedder().embed(["offline"]).shape)
    """
    # No more than this: what says "CI" or "test" would keep onnxruntime from reporting to its makers of its own accord.
    kept = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    empty = {name: str(tmp_path) for name in ("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_CACHE_HOME", "TMPDIR")}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], env=environment | empty,
        cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "(1, 384)\n", "")
    assert list(tmp_path.iterdir()) == []


def test_choosing_an_embedder_loads_nothing() -> None:
    program = (
        "import sys, agentops_mcp.storage.embedders; print([n for n in ('numpy', 'onnxruntime') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("name", PACKAGED_SHA256)
@pytest.mark.parametrize("harm", [damage, cut_short, Path.unlink, become_a_folder])
def test_a_missing_or_damaged_file_is_named(tmp_path: Path, name: str, harm: Callable[[Path], object]) -> None:
    folder = shutil.copytree(PACKAGED, tmp_path / "model")
    harm(folder / name)
    with pytest.raises(EmbedderError, match=rf"file {name} (is damaged|cannot be read).*\. Reinstall"):
        packaged(folder)


def test_the_packaged_files_stay_small() -> None:
    assert sum(path.stat().st_size for path in PACKAGED.iterdir()) <= MOST_MIB * 10**6
    assert {path.name for path in PACKAGED.iterdir()} == set(PACKAGED_SHA256)


@pytest.mark.slow
def test_the_built_wheel_holds_the_model_and_stays_small(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.stat().st_size <= MOST_MIB * 10**6
    with zipfile.ZipFile(wheel) as archive:
        found = {name: archive.read(f"agentops_mcp/storage/data/all-MiniLM-L6-v2/{name}") for name in PACKAGED_SHA256}
    assert {name: hashlib.sha256(content).hexdigest() for name, content in found.items()} == PACKAGED_SHA256


def test_notice_names_the_packaged_files_by_their_checksums() -> None:
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    named = dict(
        re.findall(r"src/agentops_mcp/storage/data/all-MiniLM-L6-v2/(\S+)\n +SHA-256 ([0-9a-f]{64})\n", notice)
    )
    assert dict(named) == PACKAGED_SHA256


def test_another_directory_s_model_is_taken(tmp_path: Path, embedder: SentenceModel) -> None:
    other = from_directory(directory(tmp_path / "mine", pooling={"pooling_mode_mean_tokens": True}))
    assert re.fullmatch(r"mine/[0-9a-f]{12}", other.name)
    assert np.array_equal(other.embed(["the same graph"]), embedder.embed(["the same graph"]))


def test_a_directory_s_name_changes_with_its_tokenizer(tmp_path: Path) -> None:
    folder = directory(tmp_path / "mine")
    before = from_directory(folder).name
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8"))), encoding="utf-8")
    assert from_directory(folder).name != before


def test_a_directory_says_how_many_word_pieces_count(tmp_path: Path) -> None:
    other = from_directory(directory(tmp_path / "mine", sentence_bert_config={"max_seq_length": 4}))
    first, second = other.embed(["two words", "two words and more"])
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("onnx/model.onnx", None, "has no model.onnx"),
        ("onnx/model.onnx", b"", "cannot be used"),
        ("onnx/model.onnx", b"\x08\x09 no graph", "cannot be used"),
        ("tokenizer.json", None, "tokenizer.json cannot be read"),
        ("tokenizer.json", b"{}", "cannot be used"),
        ("tokenizer.json", b"\xff", "cannot be used"),
        ("1_Pooling/config.json", b"{", "config.json cannot be read"),
        ("1_Pooling/config.json", b'{"pooling_mode_cls_token": true}', "does not pool by the mean"),
        ("1_Pooling/config.json", b"[" * 100_000, "config.json cannot be read"),
        ("sentence_bert_config.json", b"\xff", "config.json cannot be read"),
    ],
)
def test_a_directory_without_such_a_model_is_refused_in_words(
    tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    folder = directory(tmp_path / "mine", pooling={"pooling_mode_mean_tokens": True})
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    with pytest.raises(EmbedderError, match=said):
        open_embedder(EmbedderChoice(directory=str(folder)))


def test_a_directory_that_is_not_there_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match=r"has no model.onnx. Name a directory with"):
        open_embedder(EmbedderChoice(directory=str(tmp_path / "nowhere")))


@pytest.mark.parametrize(
    "choice",
    [
        EmbedderChoice(directory="here", url="https://there.example/v1", model="m"),
        EmbedderChoice(url="https://there.example/v1"),
        EmbedderChoice(model="m"),
        EmbedderChoice(directory="here", key_env="KEY"),
    ],
)
def test_a_choice_that_contradicts_itself_is_refused(choice: EmbedderChoice) -> None:
    with pytest.raises(EmbedderError, match=r"Set "):
        open_embedder(choice)


def test_the_default_can_be_had_by_name() -> None:
    assert default_embedder().name == open_embedder(EmbedderChoice()).name
