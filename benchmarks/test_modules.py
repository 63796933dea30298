"""Modules side by side: what two processes reach of the bound of their cut. Means something on two idle cores only."""

from __future__ import annotations

import pytest

from clockless.media.modules.cuts import cut_advice, cut_at, measured_work
from clockless.media.modules.layers import mlp
from clockless.media.modules.learning import Learning
from clockless.media.modules.timing import event_seconds, noise, real_seconds, step_seconds
from measuring import store

WIDTH, BATCH, LAYERS, CLASSES = 1024, 256, 6, 10
EVENTS = 120
LEAST = 0.8  # of the bound


def reach(width: int = WIDTH, layers: int = LAYERS, events: int = EVENTS) -> dict[str, float]:
    """Seconds per batch of backprop in one process and of cDNI in two, the bounds of the cut, and what is reached."""
    stack, task = mlp(width, width, layers, CLASSES), noise(width, CLASSES)
    work = measured_work(stack, BATCH, "cdni")
    cut = cut_advice(stack, 2, "cdni")
    backprop = step_seconds(Learning(stack, task, "backprop", batch=BATCH), 5)
    learning = Learning(cut.modules(stack), task, "cdni", batch=BATCH)
    seconds, processor = real_seconds(learning, events)
    busiest = max(event_seconds(learning))
    measured = cut_at(work, cut.stops).bound
    return {
        "backprop": backprop,
        "two": seconds,
        "busiest": busiest,
        "processor": processor,
        "counted": cut.bound,
        "measured": measured,
        "speed_up": backprop / seconds,
        "of_counted": backprop / seconds / cut.bound,
        "of_measured": backprop / seconds / measured,
        "of_busiest": busiest / seconds,
        "of_counted_by_processor": backprop / processor / cut.bound,
    }


@pytest.mark.timeout(600)
def test_two_processes_reach_their_bound(benchmark):
    """`of_busiest` is what transport and waiting leave of the time: it does not depend on how the bound is counted."""
    found = benchmark.pedantic(reach, rounds=1)
    store(
        benchmark, "batch of six layers on two processes, cDNI", f"width {WIDTH}, batch {BATCH}", found["two"],
        found["backprop"], "backprop, one process, JAX", **{name: found[name] for name in ("counted", "measured")},
    )  # fmt: skip
    assert found["of_counted"] >= LEAST, found
    assert found["of_busiest"] >= LEAST, found


if __name__ == "__main__":
    for name, value in reach().items():
        print(f"{name:12s} {value:.4g}")
