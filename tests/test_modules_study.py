"""Stacks of modules as experiments: the same bits however they are run, and as the plain session gives them."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import clockless as cl
from clockless.experiments.jobs import Jobs

pytest.importorskip("jax")


from clockless.errors import ClocklessError, DescriptionError, TaskError
from clockless.experiments.experiment import Experiment
from clockless.media.modules.data import labels, mnist
from clockless.media.modules.layers import mlp
from clockless.media.modules.learning import Learning, Session
from clockless.media.modules.methods import DNI
from clockless.media.modules.optimisers import StepSize
from clockless.parts.clocks import Bernoulli
from clockless.stores.store import Store
from clockless.workers.loop import Runner
from clockless.workers.run import Workers, compute, run
from rigs import LIMIT
from small_mnist import write_mnist


def described(**changes):
    """Two methods, by chance, on a small stack."""
    fields = {
        "network": {"kind": "mlp", "layers": 2, "width": 8}, "medium": {"kind": "modules", "rate": 0.01},
        "task": {"kind": "labels", "name": "digits"}, "rule": [{"kind": "backprop"}, {"kind": "dni"}],
        "clock": {"kind": "bernoulli", "p": 0.5}, "batch": 16, "steps": 40, "record": 4, "seeds": 3,
    }  # fmt: skip
    return Experiment(**{**fields, **changes})


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The experiment run by one thread without a stop."""
    return run(described(), tmp_path_factory.mktemp("plain") / "store", Workers(threads=1), progress=False)


def test_processes_give_the_same_bits(plain, tmp_path):
    """More than one worker means processes for this medium, whether they are asked for or not."""
    store = run(described(), tmp_path / "store", Workers(threads=2), progress=False)
    assert store.digest() == plain.digest()
    here = {event["worker"] for event in plain.journal.told() if event["event"] == "unit done"}
    there = {event["worker"] for event in store.journal.told() if event["event"] == "unit done"}
    assert len(here) == 1
    assert not here & there


def test_stopped_and_resumed_gives_the_same_bits(plain, tmp_path):
    """A unit that is stopped between two records goes on from its checkpoint."""
    store = Store.create(tmp_path / "store", described())
    for unit in range(store.job_count):
        looks = iter(range(100))
        receipt = Runner(store, stopped=lambda looks=looks: next(looks) >= 5).compute(unit)
        assert receipt.outcome == "stopped"
        assert 0 < store.journal.counted(store.job_count)[unit] < 40
    assert compute(store, Workers(threads=1), progress=False).complete
    assert store.digest() == plain.digest()


def test_extended_gives_the_same_bits(plain, tmp_path):
    """25 steps and 15 more are 40 steps."""
    short = run(described(steps=25), tmp_path / "store", Workers(threads=1), progress=False)
    longer = short.extended(40)
    compute(longer, Workers(threads=1), progress=False)
    assert longer.digest() == plain.digest()


def test_results_are_those_of_the_session(plain):
    """Replica by replica and record by record, alignment and updates included."""
    data = plain.dataset().isel(rule=1)
    learning = Learning(mlp(64, 8, 2, 10), labels("digits"), DNI(), Bernoulli(0.5), 16, step_size=StepSize(0.01), seed=3)
    session = Session(learning)
    for step in data.step.values.tolist():
        session.advance(step)
        seen, recorded = session.measure(), data.sel(step=step)
        for name in ("error", "cost", "updates"):
            np.testing.assert_array_equal(recorded[name].values, seen[name][0], err_msg=name)
        np.testing.assert_array_equal(recorded.alignment.values, session.alignment()[0])
    np.testing.assert_array_equal(data.parameters.values, session.results()["parameters"][0])
    assert np.isfinite(data.alignment.values[-1]).all()
    assert np.isnan(plain.dataset().alignment.isel(rule=0).values).all()
    assert not plain.dataset().failed.any()


def test_smaller_stacks_are_filled_up(tmp_path):
    """Where stacks differ in depth, what the smaller lacks is NaN; numbers of the medium are axes like others."""
    experiment = described(network={"kind": "mlp", "layers": [1, 2], "width": 8}, rule={"kind": "backprop"}, steps=3)
    data = run(experiment, tmp_path / "store", Workers(threads=1), progress=False).dataset()
    sizes = {1: 64 * 10 + 10, 2: 64 * 8 + 2 * 8 + 8 * 10 + 10}
    for layers, size in sizes.items():
        assert np.isfinite(data.parameters.sel(layers=layers)).sum() == size
        assert np.isfinite(data.updates.sel(layers=layers, step=3)).sum() == layers
    rates = described(medium={"kind": "modules", "optimiser": "descent", "rate": [0.1, 0.2]})
    assert [axis.name for axis in rates.axes] == ["medium_rate", "rule"]


def learned(experiment):
    """What the first replica learns."""
    replica = Jobs(experiment).replica(0)
    return replica.medium.learning(replica)


def test_descriptions_say_the_same_as_objects():
    """An object of the methods is taken apart into the description that makes it; drops change the fingerprint."""
    given = described(rule=DNI(conditioned=False, hidden=(4, 4)))
    assert given.rule == {
        "kind": "dni", "conditioned": False, "hidden": [4, 4], "mixing": 0.0, "unlock": "update", "source": [256],
    }  # fmt: skip
    assert Experiment.of(given.plain()).fingerprint == given.fingerprint
    assert learned(given).method == DNI(conditioned=False, hidden=(4, 4))
    dropped = described(medium={"kind": "modules", "drops": [10, 20]})
    assert learned(dropped).step_size.rate_at(15) == pytest.approx(1e-4)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"network": {"kind": "packing"}}, "network = Network(64 nodes, 143 edges) is no stack of modules"),
        ({"network": {"kind": "mlp", "layers": 0}}, "layers = 0"),
        ({"medium": {"kind": "modules", "precision": "float16"}}, "precision = 'float16'"),
        ({"medium": {"kind": "modules", "optimiser": "lion"}}, "optimiser = 'lion'"),
        ({"medium": {"kind": "modules", "rate": -1.0}}, "rate = -1.0"),
        (
            {"task": {"kind": "regression"}},
            "task: inputs and outputs are drawn among nodes, and MLP(layers=2, width=8) has",
        ),
        ({"task": {"kind": "labels", "name": "faces"}}, "no examples called 'faces'"),
        ({"rule": {"kind": "sign", "nudge": 0.1}}, "rule = SignRule"),
        ({"rule": {"kind": "dni", "mixing": 2.0}}, "mixing = 2.0"),
        ({"rule": {"kind": "dni", "hidden": [0]}}, "hidden = 0"),
        ({"rule": {"kind": "hebb"}}, "kinds of rule are"),
        ({"clock": {"kind": "bernoulli", "p": 0.0}}, "p = 0"),
        ({"device": {"kind": "levels", "count": 8, "low": 1.0, "high": 2.0}}, "device = Levels"),
        ({"optimiser": {"kind": "adam", "eps": 0.0}}, "optimiser: eps = 0"),
        ({"initial": 1.0}, "initial: "),
        ({"batch": "full"}, "batch = 'full'"),
        ({"batch": 2000}, "1347 training examples"),
    ],
)
def test_bad_input_is_one_sentence(changes, words):
    """Before anything runs."""
    with pytest.raises(ClocklessError) as caught:
        Jobs(described(**changes)).check()
    said = str(caught.value)
    assert words in said
    assert "\n" not in said


def test_public_names_train_and_answer(tmp_path):
    """In memory and in a store: the same bits, answers that follow from what is kept, and the error that was recorded."""
    task, device = cl.tasks.labels("digits"), cl.SignedLevels(65, 1.0)
    how = {
        "rule": cl.DNI(), "clock": [cl.Global(), cl.Bernoulli(0.5)], "batch": 64, "steps": 20, "device": device,
        "optimiser": cl.Momentum(0.5), "seed": 5,
    }  # fmt: skip
    here = cl.train(cl.Modules(cl.MLP(2, 8), rate=0.05), task, **how)
    there = cl.train(cl.Modules(cl.MLP(2, 8), rate=0.05), task, store=tmp_path / "store", threads=1, **how)
    for name in here.data.data_vars:
        np.testing.assert_array_equal(here.data[name], there.data[name], err_msg=name)
    weights = here.parameters.values[:, 16 : 16 + 64 * 8] * 32  # after the scales and shifts of the first layer
    np.testing.assert_array_equal(weights, np.rint(weights))
    logits = here.predict(task.x_test)
    assert logits.dims == ("clock", "example", "output")
    error = (logits.values.argmax(axis=2) != task.labels_test).mean(axis=1)
    np.testing.assert_array_equal(error, here.error.isel(step=-1))
    np.testing.assert_array_equal(here.accuracy, 1 - error)
    again = cl.load(tmp_path / "store")
    np.testing.assert_array_equal(again.predict(task.x_test), logits)
    np.testing.assert_allclose(again.predict(task.x_test[3]), logits[:, 3:4], atol=1e-6)  # rounded otherwise than of many
    assert (tmp_path / "store" / "experiment.yaml").stat().st_size < 2000  # the task's name, not its examples
    plain = cl.train(cl.Modules(cl.MLP(2, 8), rate=0.05), task, **{**how, "device": cl.Continuous(), "clock": cl.Global()})
    other = cl.train(cl.Modules(cl.MLP(2, 8), "float32", "momentum", 0.05), task, **{
        **how, "device": cl.Continuous(), "clock": cl.Global(), "optimiser": [None, cl.Momentum(0.9), cl.Momentum(0.5)],
    })  # fmt: skip
    ends = other.parameters.values
    np.testing.assert_array_equal(ends[0], ends[1])  # the medium's word has the usual numbers
    np.testing.assert_array_equal(ends[2], plain.parameters)
    assert not np.array_equal(ends[0], ends[2])


def test_examples_that_were_exchanged_are_described_in_full():
    """A name stands for its own examples only."""
    digits = cl.tasks.labels("digits", seed=3)
    medium = {"network": {"kind": "mlp"}, "medium": {"kind": "modules"}, "rule": cl.DNI(), "batch": 4}
    assert Experiment(task=digits, **medium).task == {"kind": "labels", "name": "digits", "seed": 3}
    other = replace(digits, x_train=digits.x_train[:, ::-1])
    found = Jobs(Experiment(task=other, **medium)).replica(0).task
    assert (found.fingerprint, found.classes) == (other.fingerprint, 10)
    np.testing.assert_array_equal(found.x_train, digits.x_train[:, ::-1])


def test_a_stack_of_one_layer_keeps_no_statistics():
    """Their place is held by a NaN, and it answers all the same."""
    task = cl.tasks.labels("digits")
    found = cl.train(cl.Modules(cl.MLP(1)), task, rule=cl.Backprop(), batch=64, steps=3)
    assert np.isnan(found.data.statistics.values).all()
    weight, bias = np.split(found.parameters.values, [10])[::-1]  # in the order of their names: bias, weight
    expected = task.x_test.astype(np.float32) @ weight.reshape(64, 10).astype(np.float32) + bias
    np.testing.assert_allclose(found.predict(task.x_test), expected, rtol=1e-4, atol=1e-5)


def test_nothing_else_imports_jax():
    """Experiments on other media, given as objects or as data, do without; `clockless --help` too."""
    code = (
        "import sys, clockless as cl\n"
        "import clockless.commands.main, clockless.workers.runs\nfrom clockless.experiments.jobs import Jobs\n"
        "e = cl.Experiment(rule=cl.CoupledLearning(0.1, 0.1), clock=[cl.Bernoulli(0.5)], steps=1)\n"
        "Jobs(e).check()\n"
        "try:\n    cl.Experiment(rule=3)\nexcept cl.errors.DescriptionError:\n    pass\n"
        "assert 'jax' not in sys.modules and 'optax' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=LIMIT)


def test_missing_jax_is_one_sentence():
    """And names the command that mends it."""
    code = (
        "import sys; sys.modules['jax'] = None\n"
        "from clockless.experiments.experiment import Experiment\n"
        "from clockless.errors import ClocklessError\n"
        "try:\n    Experiment(medium={'kind': 'modules'})\n"
        "except ClocklessError as error:\n    print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, timeout=LIMIT, capture_output=True, text=True).stdout
    assert said.count("\n") == 1
    assert "pip install 'clockless[modules]'" in said


def test_mnist_from_its_files(tmp_path):
    """Pixels in [0, 1], the files' own test set, cropped and pooled as asked; it runs as an experiment."""
    write_mnist(tmp_path)
    found = mnist(tmp_path, crop=1, pool=2)
    np.testing.assert_allclose(found.x_train, np.array([3, 1, 4, 1])[:, None] * np.full((1, 4), 20 / 255))
    assert found.labels_test.tolist() == [5, 9]
    task = {"kind": "mnist-labels", "folder": str(tmp_path)}
    experiment = described(task=task, batch=2, rule={"kind": "backprop"}, steps=2, clock={"kind": "global"})
    data = run(experiment, tmp_path / "store", Workers(threads=1), progress=False).dataset()
    assert set(np.unique(data.error)) <= {0.0, 0.5, 1.0}
    assert np.isfinite(data.parameters).sum() == 36 * 8 + 2 * 8 + 8 * 10 + 10


def test_bad_mnist_is_one_sentence(tmp_path):
    """A label out of range names its file; a missing folder says so before anything runs."""
    write_mnist(tmp_path, labels=(3, 10, 4, 1))
    with pytest.raises(TaskError, match="label 1 is 10, outside 0 to 9"):
        mnist(tmp_path)
    with pytest.raises(DescriptionError, match="holds neither"):
        Jobs(described(task={"kind": "mnist-labels", "folder": str(tmp_path / "none")})).check()


def test_own_statistics_are_those_of_the_test_set():
    """Batch normalisation by the test set's moments, computed here in NumPy; other results keep their bits."""
    task = cl.tasks.labels("digits")
    plain, both = (
        cl.train(
            cl.Modules(cl.MLP(2, 8), "float64", rate=0.01, renormalised=own), task, rule=cl.Backprop(), batch=64, steps=5
        )
        for own in (False, True)
    )
    assert (plain.data.cost.values == both.data.cost.values).all()
    assert (plain.parameters == both.parameters).all()
    weights = both.parameters.values.ravel()
    scale, shift = weights[:8], weights[8:16]  # in the order of their names
    first, rest = weights[16 : 16 + 64 * 8].reshape(64, 8), weights[16 + 64 * 8 :]
    bias, second = rest[:10], rest[10:].reshape(8, 10)
    z = task.x_test @ first
    normal = (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + 1e-5)
    logits = np.maximum(scale * normal + shift, 0.0) @ second + bias
    surprise = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(logits)), task.labels_test]
    assert both.data.own_cost.values.ravel()[-1] == pytest.approx(surprise.mean(), rel=1e-9)
    assert both.data.own_error.values.ravel()[-1] == np.mean(logits.argmax(axis=1) != task.labels_test)
    assert both.data.own_cost.values.ravel()[-1] != both.data.cost.values.ravel()[-1]
