"""Posts, and the labelled messages to learn from: shares, variety, and the same again by seed."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import islice
from random import Random

import pytest

from training.generator import Turn, messages
from training.generator.posts import FAMILIES, TRADES, Post, posts
from training.generator.posts.grammar import filled, vocabulary

MANY = 40_000


@cache
def made(seed: int = 42) -> Sequence[Post]:
    return tuple(islice(posts(Random(seed), 0.25, 0.5), MANY))


@cache
def learned(seed: int = 42, positive: float = 0.4, negative: float = 0.3) -> Sequence[Turn]:
    return tuple(islice(messages(Random(seed), "m", positive, negative), 4_000))


def test_more_than_95_of_100_posts_are_unlike_any_other() -> None:
    texts = {post.text for post in made()}
    assert len(texts) / MANY > 0.95


def test_hardly_a_post_has_two_labels() -> None:
    labels: dict[str, set[str]] = {}
    for post in made():
        labels.setdefault(post.text.lower(), set()).add(post.label)
    assert sum(len(found) > 1 for found in labels.values()) < MANY / 500


def test_posts_have_the_shares_that_were_asked_for() -> None:
    counts = Counter(post.label for post in made())
    shares = {label: count / MANY for label, count in counts.items()}
    assert shares == pytest.approx({"positive": 0.25, "negative": 0.5, "neutral": 0.25}, abs=0.01)


def test_every_trade_and_every_family_takes_part() -> None:
    families = {(label, family) for label, known in FAMILIES.items() for family in known}
    assert {(post.label, post.family) for post in made()} == families
    assert {post.trade for post in made()} == {trade.name for trade in TRADES}


def test_no_sign_of_a_pattern_is_left_in_a_post() -> None:
    assert not [post.text for post in made() if re.search(r"[\[\]{}|]| / ", post.text)]


def test_no_post_is_empty() -> None:
    assert all(post.text.strip("@# ") for post in made())


def test_posts_are_of_many_lengths() -> None:
    lengths = sorted(len(post.text.split()) for post in made())
    assert lengths[MANY // 20] <= 5
    assert lengths[-MANY // 20] >= 20


def test_most_negative_posts_have_no_word_of_feeling() -> None:
    feeling = re.compile(r"worst|terrible|horribl|awful|angry|disappoint|frustrat|annoy|joke|hate")
    negative = [post.text.lower() for post in made() if post.label == "negative"]
    assert sum(not feeling.search(text) for text in negative) > 0.7 * len(negative)


def test_a_seed_gives_the_same_posts_again() -> None:
    assert list(islice(posts(Random(42), 0.25, 0.5), 500)) == list(made()[:500])


def test_another_seed_gives_other_posts() -> None:
    other = {post.text for post in islice(posts(Random(43), 0.25, 0.5), 2_000)}
    assert len(other & {post.text for post in made()}) < 200


@pytest.mark.parametrize(("positive", "negative"), [(0.4, 0.3), (0.2, 0.55)])
def test_messages_have_the_shares_that_were_asked_for(positive: float, negative: float) -> None:
    counts = Counter(message.label for message in learned(1, positive, negative))
    assert counts["positive"] / 4_000 == pytest.approx(positive, abs=0.03)
    assert counts["negative"] / 4_000 == pytest.approx(negative, abs=0.03)


def test_messages_come_from_posts_and_from_conversations() -> None:
    trades = {trade.name for trade in TRADES}
    talked = sum(message.domain not in trades for message in learned())
    assert talked > 100


def test_each_message_is_alone_in_its_conversation() -> None:
    assert len({message.transcript.conversation_id for message in learned()}) == 4_000


def test_a_seed_gives_the_same_messages_again() -> None:
    assert list(islice(messages(Random(42), "m"), 300)) == list(learned()[:300])


def test_a_vocabulary_goes_on_over_indented_lines() -> None:
    assert vocabulary("a: one / two /\n three\nb: x") == {"a": ("one", "two", "three"), "b": ("x",)}


def test_a_choice_may_hold_choices_and_slots() -> None:
    known = vocabulary("thing: egg / owl")
    found = {filled("[a {thing}|the [old|new] one]", (known,), Random(seed)) for seed in range(60)}
    assert found == {"an egg", "an owl", "the old one", "the new one"}


def test_the_first_vocabulary_with_a_slot_wins() -> None:
    assert filled("{x}", ({"x": ("mine",)}, {"x": ("yours",)}), Random(1)) == "mine"


def test_a_slot_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(KeyError, match="nothing"):
        filled("{nothing}", ({},), Random(1))
