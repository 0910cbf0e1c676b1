"""The reflex tier: exact sums whatever the batch, and files that are refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from router.engine import EngineError
from router.reflex import Reflex, Weights, n_grams, write
from tests.router.reflexes import random_reflex, random_weights

PIECES = 50
TIER = Reflex(Path("reflex.npz"), random_weights(pieces=PIECES))
messages = st.lists(st.integers(0, PIECES - 1), max_size=40)
batches = st.lists(messages, max_size=12)


def _alone(batch: list[list[int]]) -> bytes:
    return b"".join(TIER.logits([message]).tobytes() for message in batch)


@given(batches)
def test_a_batch_gives_the_same_bits_as_each_message_alone(batch: list[list[int]]) -> None:
    assert TIER.logits(batch).tobytes() == _alone(batch)


@given(batches, st.randoms(use_true_random=False))
def test_the_order_of_a_batch_changes_no_bits(batch: list[list[int]], chance: Any) -> None:
    order = list(range(len(batch)))
    chance.shuffle(order)
    shuffled = TIER.logits([batch[index] for index in order])
    assert shuffled.tobytes() == TIER.logits(batch)[order].tobytes()


@given(batches, st.integers(0, 300))
def test_padding_changes_no_bits(batch: list[list[int]], width: int) -> None:
    assert TIER.logits(batch, pad_to=width).tobytes() == TIER.logits(batch).tobytes()


@given(messages)
def test_the_logits_are_what_the_definition_says(message: list[int]) -> None:
    weights = TIER.weights
    ids, length = np.array(message, dtype=np.int64), np.array([len(message)])
    rows = n_grams(ids, length, weights.pieces, weights.buckets)
    sums = weights.table[rows.ravel()].astype(np.int64).sum(axis=0)
    expected = weights.bias + weights.scale * sums / np.sqrt(max(len(message), 1))
    np.testing.assert_allclose(TIER.logits([message])[0], expected, rtol=1e-5, atol=1e-5)


@given(st.lists(st.integers(0, PIECES - 1), min_size=1, max_size=30), st.data())
def test_n_grams_do_not_reach_into_the_next_message(message: list[int], data: Any) -> None:
    after = data.draw(messages)
    alone = n_grams(np.array(message), np.array([len(message)]), PIECES, 64)
    beside = n_grams(np.array(message + after), np.array([len(message), len(after)]), PIECES, 64)
    assert (beside[: len(message)] == alone).all()


def test_pairs_and_triples_fill_their_buckets_evenly() -> None:
    ids = np.random.default_rng(2).integers(0, 8_800, 40_000)
    rows = n_grams(ids, np.array([len(ids)]), 8_800, 1_024)[:, 1:] - 8_800
    counts = np.bincount(rows.ravel(), minlength=1_024)
    assert len(counts) == 1_024
    assert 40 < counts.min() < counts.max() < 130


def test_the_order_of_the_pieces_matters() -> None:
    assert (TIER.logits([[1, 2, 3]]) != TIER.logits([[3, 2, 1]])).any()


def test_an_empty_batch_gives_no_rows() -> None:
    assert TIER.logits([]).shape == (0, 3)
    assert TIER.logits([]).dtype == np.float32


def test_a_message_without_pieces_gets_the_bias() -> None:
    assert TIER.logits([[], [1], []])[[0, 2]].tolist() == [TIER.weights.bias.tolist()] * 2


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


def test_the_largest_message_of_the_largest_weights_does_not_overflow() -> None:
    weights = random_weights()
    full = replace(weights, table=np.full_like(weights.table, 127))
    message = [3] * 100_000
    logits = Reflex(Path("full"), full).logits([message])[0]
    expected = weights.bias + weights.scale * (127.0 * 300_000 / np.sqrt(100_000))
    np.testing.assert_allclose(logits, expected, rtol=1e-5)


@pytest.mark.parametrize("labels", [2, 77, 200])
def test_what_was_written_is_read(tmp_path: Path, labels: int) -> None:
    weights = random_weights(labels=labels)
    write(tmp_path / "reflex.npz", weights)
    tier = Reflex.load(tmp_path / "reflex.npz")
    assert tier.labels == labels
    assert tier.path == tmp_path / "reflex.npz"
    assert tier.weights.buckets == 64
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
        replace(_GOOD, table=_GOOD.table[:-1]),
        replace(_GOOD, table=_GOOD.table[:, :1]),
        replace(_GOOD, table=_GOOD.table.ravel()),
        replace(_GOOD, scale=_GOOD.scale[:2]),
        replace(_GOOD, bias=_GOOD.bias.astype(np.float64)),
        replace(_GOOD, bias=np.full(3, np.nan, np.float32)),
        replace(_GOOD, scale=np.full(3, np.inf, np.float32)),
        replace(_GOOD, pieces=0),
        replace(_GOOD, pieces=-14),
        replace(_GOOD, pieces=1_000),
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
    del arrays["bias"]
    np.savez(tmp_path / "less.npz", allow_pickle=True, **arrays)
    with pytest.raises(EngineError, match="holds arrays, but not those of a reflex tier"):
        Reflex.load(tmp_path / "less.npz")
