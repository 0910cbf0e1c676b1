"""The demo's conversations."""

from itertools import groupby

from edgeroute.sample import conversations


def test_there_are_as_many_turns_as_asked_for() -> None:
    assert sum(1 for _ in conversations(123)) == 123


def test_a_seed_gives_the_same_conversations_again() -> None:
    assert list(conversations(200, seed=7)) == list(conversations(200, seed=7))


def test_another_seed_gives_others() -> None:
    assert list(conversations(200, seed=7)) != list(conversations(200, seed=8))


def test_fewer_turns_are_the_beginning_of_more() -> None:
    assert list(conversations(50)) == list(conversations(100))[:50]


def test_turns_count_from_zero_in_each_conversation() -> None:
    for _, turns in groupby(conversations(300), key=lambda turn: turn.conversation_id):
        numbers = [turn.turn for turn in turns]
        assert numbers == list(range(len(numbers)))


def test_customers_and_agents_take_turns_and_the_customer_begins() -> None:
    turns = list(conversations(300))
    assert all(turn.role == ("customer", "agent")[(turn.turn or 0) % 2] for turn in turns)
