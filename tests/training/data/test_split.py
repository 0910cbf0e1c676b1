"""Messages cleaned and taken apart: nothing learned from is judged by."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("sklearn")

from training import TrainingError
from training.data.parts import Row
from training.data.split import (
    Seen,
    check_enough,
    check_labels,
    clean,
    divide,
    folded,
    needed,
    spaced,
    unseen,
)

ROWS = [Row(f"message {number}", "ab"[number % 4 == 0]) for number in range(200)]
TALKS = [Row(f"turn {n}", "abc"[(n // 3 + n) % 3], f"talk {n // 4}") for n in range(400)]

few_rows = st.lists(
    st.builds(
        Row,
        st.text("ab@ \n", min_size=1, max_size=4),
        st.sampled_from("xy"),
        st.none() | st.sampled_from(("g", "h")),
    ),
    max_size=30,
)


def test_a_repeated_row_counts_once() -> None:
    cleaned = clean([Row("hi you", "a"), Row(" hi\n you", "a")])
    assert cleaned.rows == [Row("hi you", "a")]
    assert cleaned.repeated == 1


def test_a_text_with_two_labels_is_left_out() -> None:
    cleaned = clean([Row("hi", "a"), Row("hi", "b"), Row("bye", "b"), Row("hi", "a")])
    assert cleaned.rows == [Row("bye", "b")]
    assert (cleaned.repeated, cleaned.contradictory) == (0, 3)


@given(few_rows)
def test_every_row_is_kept_or_counted(rows: list[Row]) -> None:
    cleaned = clean(rows)
    assert len(cleaned.rows) + cleaned.repeated + cleaned.contradictory == len(rows)
    texts = [spaced(row.text) for row in cleaned.rows]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("text", ["Late AGAIN", "late  again\n", "\tlate again"])
def test_case_and_white_space_make_no_difference_when_folded(text: str) -> None:
    assert folded(text) == "late again"


def test_who_is_addressed_makes_no_difference_when_folded() -> None:
    assert folded("@united late, see https://t.co/x") == folded("@delta late, see http://t.co/yz")


@given(few_rows, few_rows)
def test_what_was_seen_is_left_out_or_new(rows: list[Row], others: list[Row]) -> None:
    seen = Seen().and_of(others)
    kept, gone = unseen(rows, seen)
    assert len(kept) + gone.total() == len(rows)
    assert not {folded(row.text) for row in kept} & {folded(row.text) for row in others}
    assert not {row.group for row in kept if row.group} & {row.group for row in others}


def test_a_part_keeps_the_share_of_each_label() -> None:
    first, second = divide(ROWS, 0.2, 42)
    assert Counter(row.label for row in first) == {"a": 120, "b": 40}
    assert Counter(row.label for row in second) == {"a": 30, "b": 10}


def test_a_division_repeats_itself_for_a_seed() -> None:
    assert divide(ROWS, 0.2, 42) == divide(ROWS, 0.2, 42) != divide(ROWS, 0.2, 43)


def test_a_group_is_never_in_two_parts() -> None:
    first, second = divide(TALKS, 0.25, 42)
    assert not {row.group for row in first} & {row.group for row in second}
    assert len(second) == 100


def test_groups_are_divided_by_their_rarest_label() -> None:
    rare = [TALKS[0]._replace(text=f"rare {n}", label="rare", group=f"talk {n}") for n in range(10)]
    _, second = divide([*TALKS, *rare], 0.2, 42)
    assert Counter(row.label for row in second)["rare"] == 2


def test_a_label_of_one_group_does_not_keep_the_rest_from_being_divided() -> None:
    first, second = divide([*ROWS, Row("lonely", "c")], 0.2, 42)
    assert len(first) + len(second) == 201


def test_every_label_of_many_comes_to_a_small_part() -> None:
    rows = [Row(f"message {n}", f"intent {n % 77}") for n in range(770)]
    _, second = divide(rows, 0.05, 42)
    assert len({row.label for row in second}) == 77


def test_what_is_needed_of_a_label_brings_it_to_every_part() -> None:
    few = needed(2, 0.2)
    rows = [*ROWS, *(Row(f"rare {n}", "rare") for n in range(few))]
    check_enough(rows, few)
    train, held_out = divide(rows, 0.2, 42)
    for part in (train, *divide(held_out, 0.5, 42)):
        assert "rare" in {row.label for row in part}


def test_one_label_alone_is_refused() -> None:
    with pytest.raises(TrainingError, match="has 1 label; a classifier needs at least two"):
        check_enough([row for row in ROWS if row.label == "a"], 2)


def test_a_label_with_too_few_messages_is_refused() -> None:
    with pytest.raises(TrainingError, match="label 'c' has 1 messages or conversations and needs"):
        check_enough([*ROWS, Row("lonely", "c")], 2)


def test_many_messages_of_one_conversation_are_still_too_few() -> None:
    rows = [*ROWS, *(Row(f"lonely {n}", "c", "one") for n in range(9))]
    with pytest.raises(TrainingError, match="label 'c' has 1 messages or conversations"):
        check_enough(rows, 2)


def test_a_held_out_label_that_is_never_learned_is_refused() -> None:
    with pytest.raises(TrainingError, match="has the label 'c', which the training data lacks"):
        check_labels([Row("new", "c")], {"a", "b"})


def test_texts_in_the_place_of_labels_are_refused_and_not_told() -> None:
    texts = [Row(f"message {number}", f"a secret {number}") for number in range(40)]
    for refused in (lambda: check_enough(texts, 2), lambda: check_labels(texts, {"a", "b"})):
        with pytest.raises(TrainingError, match="40 unlike labels in 40 messages") as caught:
            refused()
        assert "secret" not in str(caught.value)


def test_one_message_cannot_be_divided() -> None:
    with pytest.raises(TrainingError, match="cannot be divided"):
        divide(ROWS[:1], 0.5, 42)
