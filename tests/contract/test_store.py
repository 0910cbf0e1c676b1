"""What every store must do: run on each kind of Redis there is."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator

import pytest
import redis.asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumers.totals.aggregate import LIVE, Delta, Totals, aggregate
from consumers.totals.store import OTHER_LABEL, Store, StoreError
from schemas.decision import Answered, Routed
from tests.consumers.decisions import answered, decision_lists, routed, verdict

ONE = aggregate([routed(), answered()])


@pytest.fixture
async def store(each_redis_url: str, unique: str) -> AsyncIterator[Store]:
    async with Store(each_redis_url, unique) as store:
        yield store


async def apply(store: Store, expected: int | None, following: int, delta: Delta = ONE) -> bool:
    return await store.apply("cluster", "decisions", 0, expected, following, delta)


async def position(store: Store) -> int | None:
    return await store.position("cluster", "decisions", 0)


async def test_a_new_store_has_no_position_no_totals_and_no_runs(store: Store) -> None:
    assert await position(store) is None
    assert await store.totals(LIVE) == Totals()
    assert await store.totals("a run") == Totals()
    assert await store.runs() == []


async def test_a_batch_adds_to_the_totals_and_moves_the_position(store: Store) -> None:
    assert await apply(store, None, 7)
    assert await position(store) == 7
    assert await store.totals(LIVE) == ONE[LIVE]


async def test_the_same_call_again_changes_nothing(store: Store) -> None:
    assert await apply(store, None, 7)
    assert not await apply(store, None, 7)
    assert await store.totals(LIVE) == ONE[LIVE]


@pytest.mark.parametrize("expected", [None, 0, 6, 8])
async def test_a_batch_from_another_position_changes_nothing(
    store: Store, expected: int | None
) -> None:
    await apply(store, None, 7)
    assert not await apply(store, expected, 20)
    assert await position(store) == 7
    assert await store.totals(LIVE) == ONE[LIVE]


async def test_a_batch_without_decisions_moves_the_position(store: Store) -> None:
    assert await apply(store, None, 3, {})
    assert await position(store) == 3


@pytest.mark.parametrize(("expected", "following"), [(None, -1), (5, 5), (5, 4)])
async def test_a_position_that_does_not_advance_is_refused(
    store: Store, expected: int | None, following: int
) -> None:
    with pytest.raises(ValueError, match="past the expected position"):
        await apply(store, expected, following)


@pytest.mark.parametrize(
    "place", [("other", "decisions", 0), ("cluster", "other", 0), ("cluster", "decisions", 1)]
)
async def test_each_partition_of_each_topic_and_cluster_has_its_own_position(
    store: Store, place: tuple[str, str, int]
) -> None:
    await apply(store, None, 7)
    assert await store.position(*place) is None


async def test_prefixes_do_not_share_anything(each_redis_url: str, unique: str) -> None:
    async with Store(each_redis_url, unique) as one, Store(each_redis_url, unique + "x") as other:
        await apply(one, None, 7)
        assert await position(other) is None
        assert await other.totals(LIVE) == Totals()


async def test_a_run_and_live_traffic_are_kept_apart(store: Store) -> None:
    both = aggregate([routed(), routed(run_id="live", price=0.5)])
    await apply(store, None, 2, both)
    assert await store.totals(LIVE) == both[LIVE]
    assert await store.totals("live") == both["live"]


async def test_runs_are_listed_from_the_one_last_added_to(store: Store) -> None:
    for offset, run in enumerate(["one", "two", "one"]):
        await apply(store, offset or None, offset + 1, aggregate([routed(run_id=run)]))
    assert await store.runs() == ["one", "two"]


async def test_runs_beyond_the_limit_are_deleted_oldest_first(
    each_redis_url: str, unique: str
) -> None:
    async with Store(each_redis_url, unique, max_runs=2) as store:
        for offset, run in enumerate(["one", "two", "three"]):
            await apply(store, offset or None, offset + 1, aggregate([routed(run_id=run)]))
        assert await store.runs() == ["three", "two"]
        assert await store.totals("one") == Totals()
        assert (await store.totals("two")).count("scored") == 1


async def test_a_deleted_run_leaves_no_key(each_redis_url: str, unique: str) -> None:
    delta = aggregate([routed(run_id=str(run)) for run in range(20)])
    async with (
        redis.asyncio.Redis.from_url(each_redis_url) as client,
        Store(each_redis_url, unique, max_runs=3) as store,
    ):
        await apply(store, None, 20, delta)
        keys = [key async for key in client.scan_iter(f"{{{unique}}}*")]
        assert len(keys) == 3 * 3 + len(["positions", "runs"])


async def test_labels_beyond_the_limit_count_together(each_redis_url: str, unique: str) -> None:
    delta = aggregate([routed(verdict=verdict(label=f"l{n}")) for n in range(5)])
    async with Store(each_redis_url, unique, max_labels=2) as store:
        await apply(store, None, 5, delta)
        await apply(store, 5, 10, delta)
        labels = (await store.totals(LIVE)).labels
    assert labels == {"l0": 2, "l1": 2, OTHER_LABEL: 6}


async def test_tiers_beyond_the_limit_count_together(each_redis_url: str, unique: str) -> None:
    delta = aggregate([routed(verdict=verdict(tier=f"t{n}")) for n in range(5)])
    async with Store(each_redis_url, unique, max_labels=2) as store:
        await apply(store, None, 5, delta)
        tiers = (await store.totals(LIVE)).tiers
    assert tiers == {"t0": 1, "t1": 1, OTHER_LABEL: 3}


async def test_moments_keep_the_first_and_the_last(store: Store) -> None:
    for offset, (first, last) in enumerate([(50, 60), (-5, 55), (52, 10**14)]):
        delta: Delta = {LIVE: Totals(first_ms=first, last_ms=last)}
        await apply(store, offset or None, offset + 1, delta)
    totals = await store.totals(LIVE)
    assert (totals.first_ms, totals.last_ms) == (-5, 10**14)


async def test_a_sum_that_would_overflow_stays_at_the_largest(store: Store) -> None:
    delta: Delta = {LIVE: Totals({"edge_nanos": 2**63 - 10, "scored": 1})}
    await apply(store, None, 1, delta)
    assert await apply(store, 1, 2, delta)
    assert (await store.totals(LIVE)).counts == {"edge_nanos": 2**63 - 1, "scored": 2}


async def test_sums_are_exact_beyond_the_precision_of_a_float(store: Store) -> None:
    for offset, nanos in enumerate([2**53, 1]):
        delta: Delta = {LIVE: Totals({"edge_nanos": nanos})}
        await apply(store, offset or None, offset + 1, delta)
    assert (await store.totals(LIVE)).count("edge_nanos") == 2**53 + 1


async def test_a_server_that_lost_the_script_gets_it_again(
    store: Store, each_redis_url: str
) -> None:
    await apply(store, None, 1)
    async with redis.asyncio.Redis.from_url(each_redis_url) as client:
        await client.script_flush()
    assert await apply(store, 1, 2)


@pytest.mark.parametrize(
    "kind", ["positions", "runs", "counts:live", "cloud-labels:live", "tiers:live"]
)
async def test_a_foreign_value_under_a_key_is_refused_and_nothing_changes(
    store: Store, each_redis_url: str, unique: str, kind: str
) -> None:
    async with redis.asyncio.Redis.from_url(each_redis_url) as client:
        key = f"{{{unique}}}:2:{kind}"
        await client.set(key, "not ours")
        with pytest.raises(StoreError, match="nothing else writes under its key prefix"):
            await apply(store, None, 7)
        await client.delete(key)
    assert await position(store) is None
    assert await store.totals(LIVE) == Totals()


async def test_two_writers_of_one_partition_add_each_record_once(
    each_redis_url: str, unique: str
) -> None:
    """Both follow the rule: when refused, read the position again and go on from there."""
    log: list[Routed | Answered] = [routed(), answered(), routed(run_id="r")] * 40

    async def follow(seed: int) -> int:
        chance, won = random.Random(seed), 0
        async with Store(each_redis_url, unique) as store:
            at = await position(store)
            while (at or 0) < len(log):
                end = min((at or 0) + chance.randint(1, 9), len(log))
                if await apply(store, at, end, aggregate(log[at or 0 : end])):
                    at, won = end, won + 1
                else:
                    at = await position(store)
        return won

    wins = await asyncio.gather(follow(1), follow(2))
    async with Store(each_redis_url, unique) as store:
        whole = aggregate(log)
        assert {scope: await store.totals(scope) for scope in whole} == whole
        assert await position(store) == len(log)
    assert sum(wins) > 0


async def test_of_two_writers_at_one_position_one_wins(each_redis_url: str, unique: str) -> None:
    async with Store(each_redis_url, unique) as one, Store(each_redis_url, unique) as other:
        answers = await asyncio.gather(apply(one, None, 5), apply(other, None, 6))
        assert sorted(answers) == [False, True]
        assert await one.totals(LIVE) == ONE[LIVE]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches=st.lists(decision_lists, max_size=4))
def test_totals_equal_a_recount(
    each_redis_url: str, batches: list[list[Routed | Answered]]
) -> None:
    prefix = uuid.uuid4().hex

    async def run() -> None:
        async with Store(each_redis_url, prefix) as store:
            at: int | None = None
            for batch in batches:
                following = (at or 0) + len(batch) + 1
                assert await apply(store, at, following, aggregate(batch))
                at = following
            whole = aggregate([decision for batch in batches for decision in batch])
            assert {scope: await store.totals(scope) for scope in whole} == whole
            assert set(await store.runs()) == {scope for scope in whole if scope is not None}

    asyncio.run(run())


async def test_a_server_tells_its_version_and_its_time(store: Store) -> None:
    import time

    before = time.time()
    version, there = await store.server()
    assert version[0].isdecimal()
    assert there == pytest.approx(before, abs=5)
