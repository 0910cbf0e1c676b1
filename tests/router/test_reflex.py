"""The reflex tier: exact sums whatever the batch, and files that are refused."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from router.engine import EngineError
from router.reflex import Reflex, Weights, write
from tests.router.reflexes import random_reflex, random_weights

PIECES = 50
TIERS = [
    Reflex(Path("reflex.npz"), random_weights(pieces=PIECES, window=window, seed=window))
    for window in (1, 2, 3, 5)
]
messages = st.lists(st.integers(0, PIECES - 1), max_size=40)
batches = st.lists(messages, max_size=12)
tiers = st.sampled_from(TIERS)


def _alone(tier: Reflex, batch: list[list[int]]) -> bytes:
    return b"".join(tier.logits([message]).tobytes() for message in batch)


@given(tiers, batches)
def test_a_batch_gives_the_same_bits_as_each_message_alone(
    tier: Reflex, batch: list[list[int]]
) -> None:
    assert tier.logits(batch).tobytes() == _alone(tier, batch)


@given(tiers, batches, st.randoms(use_true_random=False))
def test_the_order_of_a_batch_changes_no_bits(
    tier: Reflex, batch: list[list[int]], chance: random.Random
) -> None:
    order = list(range(len(batch)))
    chance.shuffle(order)
    shuffled = tier.logits([batch[index] for index in order])
    assert shuffled.tobytes() == tier.logits(batch)[order].tobytes()


@given(tiers, batches, st.integers(0, 300))
def test_padding_changes_no_bits(tier: Reflex, batch: list[list[int]], width: int) -> None:
    assert tier.logits(batch, pad_to=width).tobytes() == tier.logits(batch).tobytes()


@given(tiers, messages)
def test_the_logits_are_what_the_definition_says(tier: Reflex, message: list[int]) -> None:
    weights = tier.weights
    window = weights.table.shape[1]
    read = message + [PIECES] * (window - 1)
    values = [
        np.maximum(
            sum(weights.table[read[at + place], place].astype(int) for place in range(window))
            + weights.bias,
            0,
        )
        for at in range(len(message))
    ] or [np.zeros(4)]
    root = np.sqrt(max(len(message), 1))
    largest, total = np.max(values, axis=0), np.sum(values, axis=0)
    sums = largest @ weights.head[0].astype(int) + total @ weights.head[1].astype(int) / root
    expected = weights.offset + weights.scale * sums
    np.testing.assert_allclose(tier.logits([message])[0], expected, rtol=1e-5, atol=1e-5)


TIER = TIERS[2]


def test_the_order_of_the_pieces_matters() -> None:
    assert (TIER.logits([[1, 2, 3]]) != TIER.logits([[3, 2, 1]])).any()


def test_an_empty_batch_gives_no_rows() -> None:
    assert TIER.logits([]).shape == (0, 3)
    assert TIER.logits([]).dtype == np.float32


def test_a_message_without_pieces_gets_the_offsets() -> None:
    assert TIER.logits([[], [1], []])[[0, 2]].tolist() == [TIER.weights.offset.tolist()] * 2


def test_one_piece_is_enough() -> None:
    assert np.isfinite(TIER.logits([[7]])).all()


@pytest.mark.parametrize("wrong", [[-1], [1, PIECES], [2**40]])
def test_a_token_id_out_of_range_is_refused(wrong: list[int]) -> None:
    with pytest.raises(EngineError, match=r"reflex\.npz was given a token id beyond its 50"):
        TIER.logits([[1, 2], wrong])


@pytest.mark.parametrize("wrong", [["a"], [None], [2**70]])
def test_what_is_no_token_id_is_refused(wrong: list[Any]) -> None:
    with pytest.raises(EngineError, match="something that is not a token id"):
        TIER.logits([wrong])


def test_the_largest_sums_do_not_overflow() -> None:
    weights = random_weights(window=16, channels=1_024)
    full = replace(
        weights,
        table=np.full_like(weights.table, 127),
        bias=np.full_like(weights.bias, 10_000),
        head=np.full_like(weights.head, 32_767),
        offset=np.zeros_like(weights.offset),
    )
    length = 5_000
    logits = Reflex(Path("full"), full).logits([[3] * length])[0]
    value = 16 * 127 + 10_000
    expected = weights.scale * (1_024 * 32_767.0 * value * (1 + np.sqrt(length)))
    np.testing.assert_allclose(logits, expected, rtol=1e-5)


def test_a_message_without_end_is_refused() -> None:
    with pytest.raises(EngineError, match="a message of more than 100000 token ids"):
        TIER.logits([[1], [1] * 100_001])


@pytest.mark.parametrize("labels", [2, 77, 200])
def test_what_was_written_is_read(tmp_path: Path, labels: int) -> None:
    weights = random_weights(labels=labels)
    write(tmp_path / "reflex.npz", weights)
    tier = Reflex.load(tmp_path / "reflex.npz")
    assert tier.labels == labels
    assert tier.path == tmp_path / "reflex.npz"
    assert tier.weights.pieces == 50
    batch = [[1, 2, 3], [4]]
    assert tier.logits(batch).tobytes() == Reflex(Path("x"), weights).logits(batch).tobytes()


def test_equal_weights_give_equal_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.npz", random_weights())
    monkeypatch.setattr("time.time", lambda: 2e9)
    monkeypatch.setattr("time.localtime", lambda *_: (2033, 5, 18, 3, 33, 20, 2, 138, 0))
    write(tmp_path / "b.npz", random_weights())
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"gone\.npz cannot be read as a reflex tier .*; get a"):
        Reflex.load(tmp_path / "gone.npz")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_damaged_file_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "reflex.npz"
    random_reflex(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(EngineError, match="cannot be read as a reflex tier"):
        Reflex.load(path)


def test_a_pickle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "reflex.npz"
    np.savez(path, table=np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(EngineError, match="cannot be read as a reflex tier"):
        Reflex.load(path)


def test_a_lone_array_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "reflex.npy", np.zeros(3))
    with pytest.raises(EngineError, match="cannot be read as a reflex tier"):
        Reflex.load(tmp_path / "reflex.npy")


_GOOD = random_weights()


@pytest.mark.parametrize(
    "wrong",
    [
        replace(_GOOD, table=_GOOD.table.astype(np.int16)),
        replace(_GOOD, table=_GOOD.table[:1]),
        replace(_GOOD, table=_GOOD.table[:, :0]),
        replace(_GOOD, table=_GOOD.table[:, :, :0], head=_GOOD.head[:, :0], bias=_GOOD.bias[:0]),
        replace(_GOOD, table=np.repeat(_GOOD.table, 6, axis=1)),
        replace(_GOOD, table=_GOOD.table.ravel()),
        replace(_GOOD, head=_GOOD.head[:1]),
        replace(_GOOD, scale=_GOOD.scale[:2]),
        replace(_GOOD, head=_GOOD.head[:, :, :1], scale=_GOOD.scale[:1], offset=_GOOD.offset[:1]),
        replace(_GOOD, bias=np.full(4, 10_001, np.int16)),
        replace(_GOOD, offset=_GOOD.offset.astype(np.float64)),
        replace(_GOOD, offset=np.full(3, np.nan, np.float32)),
        replace(_GOOD, scale=np.full(3, np.inf, np.float32)),
    ],
)
def test_wrong_arrays_are_refused(tmp_path: Path, wrong: Weights) -> None:
    write(tmp_path / "reflex.npz", wrong)
    with pytest.raises(EngineError, match="holds arrays, but not those of a reflex tier"):
        Reflex.load(tmp_path / "reflex.npz")


def _arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


def test_a_later_version_is_refused(tmp_path: Path) -> None:
    random_reflex(tmp_path / "reflex.npz")
    arrays = _arrays(tmp_path / "reflex.npz")
    arrays["version"] = np.asarray(99)
    np.savez(tmp_path / "later.npz", allow_pickle=True, **arrays)
    with pytest.raises(EngineError, match="holds arrays, but not those of a reflex tier"):
        Reflex.load(tmp_path / "later.npz")


def test_a_file_that_lacks_an_array_is_refused(tmp_path: Path) -> None:
    random_reflex(tmp_path / "reflex.npz")
    arrays = _arrays(tmp_path / "reflex.npz")
    del arrays["offset"]
    np.savez(tmp_path / "less.npz", allow_pickle=True, **arrays)
    with pytest.raises(EngineError, match="holds arrays, but not those of a reflex tier"):
        Reflex.load(tmp_path / "less.npz")
