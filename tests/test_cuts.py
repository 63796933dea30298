"""Cuts of a stack: the counting by hand, dynamic programming against every cut there is, bounds, measured work."""

from __future__ import annotations

from itertools import combinations

import jax
import numpy as np
import pytest

from clockless.errors import ParameterError
from clockless.media.modules import cuts
from clockless.media.modules.cuts import Cut, Work, counted_work, cut_advice, cut_at, measured_work
from clockless.media.modules.interfaces import Interface
from clockless.media.modules.layers import Linear, Stack, mlp
from clockless.media.modules.methods import DNI, LocalLoss


def test_multiply_adds_by_hand():
    """Layer: forward and two gradients, one for the first. Interface: two predictions and one gradient."""
    work = counted_work(mlp(784, 256, 3, 10), DNI())
    assert work.layers == (2 * 784 * 256, 3 * 256 * 256, 3 * 256 * 10)
    assert work.interfaces == (3 * (256 + 10) * 256,) * 2
    assert counted_work(mlp(784, 256, 3, 10)).interfaces == (0, 0)
    assert counted_work(mlp(784, 256, 3, 10), LocalLoss()).interfaces == (3 * 256 * 10,) * 2
    assert counted_work(mlp(784, 256, 3, 10), DNI(conditioned=False)).interfaces == (3 * 256 * 256,) * 2
    deep = counted_work(mlp(784, 256, 3, 10), DNI(conditioned=False, hidden=(1024, 1024)))
    assert deep.interfaces == (3 * (256 * 1024 + 1024 * 1024 + 1024 * 256),) * 2


@pytest.mark.parametrize(("layers", "free", "counted"), [(3, 1.5, 1.0), (4, 2.0, 1.3), (5, 2.5, 1.65), (6, 3.0, 2.0)])
def test_the_bound_of_a_worker_per_layer(layers, free, counted):
    stack = mlp(784, 256, layers, 10)
    assert cut_advice(stack, layers).bound == pytest.approx(free, abs=0.025)
    assert cut_advice(stack, layers, DNI()).bound == pytest.approx(counted, abs=0.03)


def test_six_layers_reach_their_bound_with_three_workers():
    """The first layer is as much work as four others, so more than three workers do not help."""
    stack = mlp(784, 256, 6, 10)
    assert cut_advice(stack, 3).bound == cut_advice(stack, 6).bound
    assert cut_advice(stack, 3, DNI()).bound == cut_advice(stack, 6, DNI()).bound
    assert cut_advice(stack, 1).bound == 1.0


def test_equal_layers_by_hand():
    """Six layers of 3 n on two workers: 9 n each; with an interface of 3 n, 12 n and 9 n."""
    n, even = 100, (3.0 * 100,) * 6
    assert cut_at(Work(even, (0.0,) * 5), (3, 6)) == Cut((3, 6), (9.0 * n, 9.0 * n), 18.0 * n)
    cut = cut_at(Work(even, (3.0 * n,) * 5), (3, 6))
    assert cut.workers == (12.0 * n, 9.0 * n)
    assert cut.bound == pytest.approx(1.5)
    assert cut_advice(mlp(10, 10, 6, 10), 2, work=Work(even, (3.0 * n,) * 5)).bound == pytest.approx(1.5)


@pytest.mark.parametrize("seed", range(8))
def test_the_best_cut_is_the_best_of_all(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, 10))
    layers = mlp(8, 8, count, 8)
    work = Work(tuple(rng.random(count)), tuple(rng.random(count - 1)), tuple(0.3 * rng.random(count - 1)))
    for workers in range(1, count + 1):
        everything = [cut_at(work, (*stops, count)) for stops in combinations(range(1, count), workers - 1)]
        found = cut_advice(layers, workers, work=work)
        assert len(found.stops) == workers
        assert found.critical_path == pytest.approx(min(cut.critical_path for cut in everything), rel=1e-12)


def test_messages_are_paid_on_both_sides():
    work = Work((1.0, 1.0, 1.0), (0.0, 0.0), (0.5, 0.25))
    assert cut_at(work, (1, 2, 3)).workers == (1.5, 1.75, 1.25)
    assert cut_at(work, (3,)).workers == (3.0,)


def test_a_cut_makes_modules():
    layers = mlp(784, 256, 6, 10)
    cut = cut_advice(layers, 3)
    modules = cut.modules(layers)
    assert cut.spans[0] == (0, 1)
    assert modules[0] is layers[0]
    assert all(isinstance(module, Stack) for module, (a, b) in zip(modules, cut.spans, strict=True) if b - a > 1)
    assert [layer for m in modules for layer in (m.layers if isinstance(m, Stack) else (m,))] == list(layers)


def test_measured_work_grows_with_the_layers():
    """1,024 times the multiply-adds take at least four times as long."""
    stack, small = mlp(1024, 1024, 3, 1024), mlp(32, 32, 3, 32)
    large, little = measured_work(stack, 64, None, repeats=5), measured_work(small, 64, None, repeats=5)
    assert all(a > 4 * b > 0 for a, b in zip(large.layers, little.layers, strict=True))
    assert large.interfaces == (0.0, 0.0)
    assert cut_advice(stack, 2, work=large).bound > 1
    assert not jax.config.read("jax_enable_x64")


def test_an_interface_costs_what_it_adds_to_its_layer(monkeypatch):
    """With a clock that counts: 5 s for a layer, 12 s for a layer with an interface, 3 s where that came out faster."""
    seconds = {Interface: 12.0, Linear: 3.0, type(None): 5.0}
    monkeypatch.setattr(cuts, "_seconds", lambda unit, *_: seconds[type(unit.critic or unit.local)])
    assert measured_work(mlp(8, 8, 3, 4), 16, DNI()) == Work((5.0,) * 3, (7.0,) * 2)
    assert measured_work(mlp(8, 8, 3, 4), 16, LocalLoss()) == Work((5.0,) * 3, (0.0,) * 2)
    assert measured_work(mlp(8, 8, 3, 4), 16) == Work((5.0,) * 3, (0.0,) * 2)


def test_events_with_an_interface_can_be_timed():
    assert all(seconds > 0 for seconds in measured_work(mlp(8, 8, 2, 4), 16, DNI(), repeats=1).layers)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: cut_advice(mlp(4, 4, 3, 2), 4), "4 workers, but the stack has 3 layers"),
        (lambda: cut_advice(mlp(4, 4, 3, 2), 0), "workers = 0"),
        (lambda: cut_advice(mlp(4, 4, 3, 2), 2, "magic"), "method = 'magic'"),
        (lambda: cut_advice(mlp(4, 4, 3, 2), 2, work=Work((1.0,), ())), "the work is of 1 layers"),
        (lambda: Work((1.0, 2.0), ()), "interfaces = ()"),
        (lambda: Work((1.0, -2.0), (0.0,)), "give 2 finite numbers"),
        (lambda: cut_at(Work((1.0, 1.0), (0.0,)), (2, 1)), "must rise and end with 2"),
        (lambda: measured_work(mlp(4, 4, 3, 2), 1), "batch = 1"),
    ],
)
def test_bad_input_gets_one_sentence(make, says):
    with pytest.raises(ParameterError) as caught:
        make()
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
