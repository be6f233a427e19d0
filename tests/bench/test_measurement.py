"""What timed runs come to."""

from __future__ import annotations

import asyncio
import os

import pytest

from cutline.bench.measurement import Figures, Run, Spread, closed_loop, cpu_s_of, quantile_ms, run_of


def test_quantiles_are_latencies_that_were_measured() -> None:
    latencies_s = [number / 1_000 for number in range(1, 101)]
    assert quantile_ms(latencies_s, 0.50) == pytest.approx(50.0)
    assert quantile_ms(latencies_s, 0.99) == pytest.approx(99.0)
    assert quantile_ms([], 0.99) == 0.0


def test_a_latency_may_stand_for_a_whole_commit() -> None:
    run = run_of([0.001, 0.001], 0.5, 0.1, operations_each=64)
    assert (run.done, run.per_second) == (128, 256.0)
    assert run.cpu_us == pytest.approx(0.1 / 128 * 1e6)


def test_a_figure_is_the_median_with_its_extremes() -> None:
    runs = [Run(done=done, elapsed_s=1.0, p50_ms=1.0, p99_ms=2.0, cpu_us=3.0) for done in (10, 30, 20)]
    figures = Figures(subject="x", in_flight=8, runs=runs)
    assert figures.spread("per_second") == Spread(median=20.0, low=10.0, high=30.0)
    assert figures.as_json()["per_second"] == {"median": 20.0, "min": 10.0, "max": 30.0}


async def test_a_closed_loop_keeps_so_many_callers_waiting_and_no_more() -> None:
    under_way = most = 0

    async def operate() -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.005)
        under_way -= 1

    run = await closed_loop(operate, in_flight=8, seconds=0.05)
    assert (most, under_way) == (8, 0)
    assert run.done >= 8
    assert run.p50_ms >= 5.0


def test_a_process_uses_cpu() -> None:
    before = cpu_s_of(os.getpid())
    sum(range(3_000_000))
    assert cpu_s_of(os.getpid()) >= before > 0.0
