"""The made-up conversations: their shares, their variety, and that a seed gives them again."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import islice, pairwise
from pathlib import Path
from random import Random

import pytest

from consumers.replay.transcripts import Rejected, transcripts
from router.complexity import KEYWORDS, complexity
from training.generator import Form, Mix, Turn, lines, messages_of, turns
from training.generator.talk import Kind, Label

MESSAGES = 5_000
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
NUMBER = re.compile(r"(?<!\d)\d{6}(?!\d)")


@cache
def made(seed: int = 42, hard: float = 0.1, angry: float = 0.1) -> Sequence[Turn]:
    """So many customers' messages, and the agents' turns between them."""
    return tuple(messages_of(turns(Random(seed), "c", Mix(hard, angry)), MESSAGES))


def labelled(seed: int = 42) -> list[Turn]:
    return [turn for turn in made(seed) if turn.label is not None]


def words(turn: Turn) -> set[str]:
    return set(re.findall(r"[a-z]+", turn.transcript.text.lower()))


@pytest.mark.parametrize("seed", [1, 42, 2026])
@pytest.mark.parametrize(
    ("label", "share"), [("positive", 0.4), ("negative", 0.3), ("neutral", 0.3)]
)
def test_a_label_has_its_share_of_the_messages(seed: int, label: Label, share: float) -> None:
    counts = Counter(turn.label for turn in labelled(seed))
    assert counts.total() == MESSAGES
    # Labels of one conversation belong together, so this scatters more than single draws would.
    assert counts[label] / MESSAGES == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize("kind", ["hard", "angry"])
def test_a_kind_has_the_share_that_was_asked_for(kind: Kind) -> None:
    counts = Counter(turn.kind for turn in labelled())
    assert counts[kind] / MESSAGES == pytest.approx(0.1, abs=0.02)


def test_one_in_five_messages_holds_a_six_digit_account_number() -> None:
    holding = sum(NUMBER.search(turn.transcript.text) is not None for turn in labelled())
    assert holding / MESSAGES == pytest.approx(0.2, abs=0.025)


def test_more_than_95_of_100_messages_are_unlike_any_other() -> None:
    texts = [turn.transcript.text for turn in labelled()]
    assert len(set(texts)) / len(texts) > 0.95


def test_no_word_in_braces_is_left() -> None:
    assert not [turn for turn in made() if "{" in turn.transcript.text]


def test_a_hard_message_is_complex_even_for_a_certain_model() -> None:
    hard = [turn for turn in labelled() if turn.kind == "hard"]
    assert min(complexity(turn.transcript.text, 1.0).total for turn in hard) > 0.75


def test_hard_messages_have_every_label() -> None:
    assert len({turn.label for turn in labelled() if turn.kind == "hard"}) == 3


def test_an_angry_message_is_negative_and_asks_for_a_person() -> None:
    angry = [turn for turn in labelled() if turn.kind == "angry"]
    assert {turn.label for turn in angry} == {"negative"}
    assert all(words(turn) & KEYWORDS for turn in angry)


def test_a_plain_message_has_none_of_the_words_that_escalate() -> None:
    assert not [turn for turn in labelled() if turn.kind == "plain" and words(turn) & KEYWORDS]


def test_most_negative_messages_have_no_word_of_feeling() -> None:
    negative = [turn for turn in labelled() if turn.label == "negative"]
    assert sum(not words(turn) & KEYWORDS for turn in negative) > len(negative) / 2


def test_every_trade_takes_part() -> None:
    counts = Counter(turn.domain for turn in labelled())
    assert len(counts) == 11
    assert min(counts.values()) > MESSAGES / 11 / 2


def test_customers_begin_and_take_turns_with_agents() -> None:
    for turn in made():
        said = turn.transcript
        assert said.role == ("customer", "agent")[(said.turn or 0) % 2]
        assert (turn.label is None) == (said.role == "agent")


def test_with_times_turns_come_in_the_order_of_time() -> None:
    moments = [turn.transcript.timestamp for turn in timed()]
    assert all(before <= after for before, after in pairwise(filter(None, moments)))
    assert moments[0] == START


def test_with_times_a_conversation_goes_forward() -> None:
    by_id: dict[str | None, list[int | None]] = defaultdict(list)
    for turn in timed():
        by_id[turn.transcript.conversation_id].append(turn.transcript.turn)
    assert all(found == list(range(len(found))) for found in by_id.values())


def test_with_times_conversations_overlap() -> None:
    ids = [turn.transcript.conversation_id for turn in timed()]
    mixed = sum(before != after for before, after in pairwise(ids))
    assert mixed > 2 * len(set(ids))


def timed() -> list[Turn]:
    return list(islice(turns(Random(5), "c", start=START), 2_000))


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_a_replay_finds_exactly_the_malformed_lines(form: Form, tmp_path: Path) -> None:
    draw = Random(9)
    file = tmp_path / f"turns.{form}"
    stream = islice(turns(draw, "c", start=START), 3_000)
    file.write_bytes(b"".join(lines(stream, form, 0.2, draw)))
    found = list(transcripts(file))
    malformed = [item for item in found if isinstance(item, Rejected)]
    assert len(found) - len(malformed) == 3_000
    assert len(malformed) / len(found) == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_what_a_replay_reads_is_what_was_made(form: Form, tmp_path: Path) -> None:
    file = tmp_path / f"turns.{form}"
    file.write_bytes(b"".join(lines(islice(turns(Random(3), "c"), 500), form, 0.0, Random(3))))
    read = [item.model_copy(update={"metadata": None}) for item in transcripts(file)]  # type: ignore[union-attr]
    assert read == [turn.transcript for turn in islice(turns(Random(3), "c"), 500)]


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_the_label_reaches_the_metadata(form: Form, tmp_path: Path) -> None:
    file = tmp_path / f"turns.{form}"
    [first] = islice(turns(Random(3), "c"), 1)
    file.write_bytes(b"".join(lines([first], form, 0.0, Random(3))))
    [read] = transcripts(file)
    assert not isinstance(read, Rejected)
    assert read.metadata == {"label": first.label, "domain": first.domain, "kind": first.kind}


def test_the_generator_needs_nothing_that_only_training_installs() -> None:
    import subprocess
    import sys

    program = (
        "import sys, training.generator; print({'torch', 'sklearn', 'numpy'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.strip() == b"set()"
