"""The complexity score: its range, its direction, and what counts as a word and as a sentence."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.complexity import (
    KEYWORDS,
    complexity,
    complexity_of,
    features,
    uncertainty,
)

shares = st.floats(0, 1)
words = st.text("abcdegimnrsyzäßſı", min_size=1, max_size=12)
keywords = st.sampled_from(sorted(KEYWORDS))


@given(st.text(), shares)
def test_every_part_lies_between_0_and_1(text: str, confidence: float) -> None:
    found = complexity(text, confidence)
    parts = (found.total, found.length, found.syntax, found.uncertainty, found.emotion)
    assert all(0 <= part <= 1 for part in parts)
    assert 0 <= found.keywords <= len(KEYWORDS)


@given(st.text(), shares)
def test_the_total_is_the_weighted_sum_of_its_parts(text: str, confidence: float) -> None:
    found = complexity(text, confidence)
    expected = (
        0.3 * found.length + 0.3 * found.syntax + 0.2 * found.uncertainty + 0.2 * found.emotion
    )
    assert found.total == pytest.approx(expected, abs=1e-12)


def test_a_text_that_is_everything_at_once_has_complexity_1_exactly() -> None:
    text = " ".join([*sorted(KEYWORDS), "word"] * 5)
    assert complexity(text, 0.0).total == 1.0


def test_an_empty_text_is_as_complex_as_the_model_is_unsure() -> None:
    assert complexity("", 1.0).total == 0.0
    assert complexity("", 0.5).total == 0.2


@given(st.text(), shares)
def test_the_same_text_and_confidence_give_the_same_score(text: str, confidence: float) -> None:
    assert complexity(text, confidence) == complexity_of(features(text), confidence)


@given(st.text(), st.text())
def test_a_longer_text_is_never_shorter(text: str, more: str) -> None:
    assert features(text + more).length >= features(text).length


@given(st.lists(st.sampled_from(["a", "bb", "ccc"]), min_size=1), shares)
def test_a_word_more_in_the_sentence_never_lowers_the_score(
    sentence: list[str], confidence: float
) -> None:
    before, after = " ".join(sentence), " ".join([*sentence, "and"])
    assert complexity(after, confidence).total >= complexity(before, confidence).total


@given(st.text(), keywords, shares)
def test_a_keyword_more_never_lowers_the_emotion(text: str, word: str, confidence: float) -> None:
    before, after = complexity(text, confidence), complexity(f"{text} {word}", confidence)
    assert after.emotion >= before.emotion
    assert after.keywords >= max(before.keywords, 1)


@pytest.mark.parametrize(("characters", "length"), [(0, 0), (50, 0.25), (200, 1), (5000, 1)])
def test_length_is_a_200th_a_character(characters: int, length: float) -> None:
    assert features("x" * characters).length == length


def test_a_character_is_a_code_point() -> None:
    assert features("\N{PILE OF POO}" * 100).length == 0.5


@pytest.mark.parametrize(("confidence", "expected"), [(1, 0), (0.75, 0.5), (0.5, 1)])
def test_uncertainty_grows_as_confidence_falls_to_one_half(
    confidence: float, expected: float
) -> None:
    assert uncertainty(confidence) == expected


@given(st.floats(0, 0.5))
def test_below_one_half_uncertainty_is_1(confidence: float) -> None:
    assert uncertainty(confidence) == 1


@given(shares, shares)
def test_uncertainty_never_rises_with_confidence(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert uncertainty(high) <= uncertainty(low)


@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_confidence_that_is_no_share_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        uncertainty(confidence)


@pytest.mark.parametrize(
    "text",
    ["manageress", "angrybird", "mismanager", "awfully", "complaints", "ANGRYBIRD", "angry2"],
)
def test_a_longer_word_that_contains_a_keyword_is_none(text: str) -> None:
    assert features(text).keywords == 0


@given(keywords, words)
def test_a_keyword_glued_to_letters_is_none(keyword: str, glued: str) -> None:
    assert features(keyword + glued).keywords == (keyword + glued.casefold() in KEYWORDS)


@pytest.mark.parametrize(
    "text",
    ["Angry!", "(angry)", "#angry", "_angry_", "so\nangry", "angry's", "“angry”", "angry-ish"],
)
def test_a_keyword_between_signs_is_one(text: str) -> None:
    assert features(text).keywords == 1


@given(st.lists(st.one_of(keywords, words)), st.data())
def test_case_does_not_matter(found: list[str], data: st.DataObject) -> None:
    upper = [word.upper() if data.draw(st.booleans()) else word for word in found]
    plain = features(" ".join(word.upper() for word in found)).keywords
    assert features(" ".join(upper)).keywords == plain


def test_a_keyword_said_twice_counts_once() -> None:
    assert features("angry angry ANGRY manager").keywords == 2


@pytest.mark.parametrize(("count", "emotion"), [(0, 0), (1, 1 / 3), (3, 1), (10, 1)])
def test_emotion_is_a_third_a_keyword(count: int, emotion: float) -> None:
    assert features(" ".join(sorted(KEYWORDS)[:count])).emotion == emotion


@pytest.mark.parametrize(
    ("text", "mean"),
    [
        ("", 0),
        (" \n\t ", 0),
        ("one two three", 3),
        ("one two. three", 1.5),
        ("one two! three four? five", 5 / 3),
        ("one two\nthree four", 2),
        ("one two.\nthree four.", 2),
        ("one two.\n\n\r\nthree four.", 2),
        ("it costs 3.50 at example.com today", 6),
        ("no space.after the stop", 4),
        ("really?! yes", 1),
        ("one\u2028two", 1),
    ],
)
def test_a_sentence_ends_at_a_sign_before_white_space_or_at_a_line_end(
    text: str, mean: float
) -> None:
    assert features(text).syntax == mean / 15


@pytest.mark.parametrize(
    "piece", ["a", " ", ".", "?! ", "a.", "\n", "_", "angry ", "\u0301", "\x1c"]
)
def test_a_hostile_text_of_100_000_characters_takes_no_time(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    start = time.perf_counter()
    features(text)
    # Linear is about ten milliseconds and quadratic minutes: the limit is far from both.
    assert time.perf_counter() - start < 2
