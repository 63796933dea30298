"""Each combination learns or is refused in one sentence that names a noun, and docs/compose.md says which."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

import clockless as cl
import composition
from clockless.errors import ClocklessError, ParameterError, TaskError
from clockless.experiments.catalogue import CATALOGUE, TRIGGERS
from composition import BATCHES, CLOCKS, DEVICES, OPTIMISERS, cells, composing, media, replica, rules

NOUNS = re.compile(r"\b(medium|rule|clock|device|optimiser|batch|task)\b")
CELLS = [pytest.param(cell, id=f"{cell.medium}-{cell.rule}-{cell.device}") for cell in cells() if cell.batches]


def trained(cell, clock=None):
    """Error at the recorded steps of a cell's machine, and the machine's parameters at its start and end."""
    case = media()[cell.medium]
    one = replica(case, cell.rule, cell.device, BATCHES[cell.batches[0]], CLOCKS[clock or "Global"])
    run = cl.train(
        one.medium, one.task, rule=one.rule, clock=one.clock, device=one.device, batch=one.batch, steps=case.steps, seed=3
    )
    assert not run.data.failed
    return run


def test_the_page_is_what_is_found():
    assert composition.PAGE.read_text(encoding="utf-8") == composition.page(), f"write it anew with: {composition.HERE}"


def test_every_kind_that_a_description_can_name_is_tried():
    """A rule, clock, device, optimiser or comparator that joins the catalogue must join the table."""
    tried = {
        "rule": [*rules().values()],
        "clock": [*CLOCKS.values()],
        "device": [*DEVICES.values()],
        "optimiser": [value for value in OPTIMISERS.values() if value is not None],
        "comparator": [device.comparator for device in DEVICES.values()],
    }
    # As backpropagation, but for who waits; as Bernoulli, for resistors alone; and triggers, for continuous time alone.
    left_out = {"NoBackprop", "DelayedGradients", "Dropout", *(kind.path.partition(":")[2] for kind in TRIGGERS.values())}
    for section, values in tried.items():
        known = {kind.path.partition(":")[2] for kind in CATALOGUE[section].values()} - left_out
        if not composition.HAS_JAX:
            known -= {"Backprop", "LocalLoss", "DNI"}
        assert {type(value).__name__ for value in values} == known, section


def test_every_combination_is_taken_or_refused_in_a_sentence_that_names_a_noun():
    """Every medium x rule x device x optimiser x batch; what two media with one engine refuse they refuse alike."""
    taken = 0
    for name, tried in composition.everything():
        sentence = composition.refusal(tried)
        taken += sentence is None
        if sentence is not None:
            assert NOUNS.search(sentence), (name, sentence)
            assert "\n" not in sentence
            assert sentence.endswith(".")
            assert len(sentence) < 300
    assert taken > 200


def test_what_is_refused_is_refused_before_anything_runs():
    """`train` says what `check` says, for the first refused cell of every medium."""
    for medium in media():
        cell = next(cell for cell in cells() if cell.medium == medium and cell.sentence)
        one = replica(media()[medium], cell.rule, cell.device, "full" if medium != "neural modules" else 3)
        with pytest.raises(ClocklessError) as error:
            cl.train(one.medium, one.task, rule=one.rule, device=one.device, batch=one.batch, steps=1)
        assert str(error.value) == composition.refusal(one)


# Every conductance cell compiles a kernel of its own, and differs from its resistance cell in one line: two are trained.
FEW = {"resistors, by conductance": {("coupled learning", "Continuous"), ("sign", "Levels")}}


TRAINED = [one for one in CELLS if one.values[0].key in FEW.get(one.values[0].medium, {one.values[0].key})]


@pytest.mark.parametrize("cell", TRAINED)
def test_what_composes_learns(cell):
    """Errors fall where values are continuous; levels are met where there are levels, and something moves."""
    run = trained(cell)
    error = run.error.values
    assert np.isfinite(error).all()
    if not hasattr(DEVICES[cell.device], "nearest"):
        assert error[-1] < error[0], f"{error[0]} -> {error[-1]}"
        return
    device, values = DEVICES[cell.device], run.data.parameters.values
    if cell.medium == "resistors, by conductance":
        values = 1 / values
    if hasattr(run.medium, "held_by_device"):
        values = values[run.medium.held_by_device()]
    off = np.abs(values - device.nearest(values))
    if cell.medium == "neural modules":  # in float32, and the device holds the weights alone
        task, width = media()[cell.medium].task, run.medium.network.width
        off = np.sort(off)[: width * (task.x_train.shape[1] + task.classes)]
    assert off.max() < (1e-6 if cell.medium == "neural modules" else 1e-12)
    if cell.rule == "sign":
        assert error[-1] != error[0]


def clocks():
    """A cell for each clock; on resistors a different one for each, so that more pairings are met."""
    for medium in media():
        if medium == "resistors, by conductance":
            continue
        found = [cell for cell in composing(medium) if cell.medium.startswith("resistors") or cell.device == "Continuous"]
        for cell, clock in zip(itertools.cycle(found), CLOCKS, strict=False):
            yield pytest.param(cell, clock, id=f"{medium}-{clock}")


@pytest.mark.parametrize(("cell", "clock"), list(clocks()))
def test_every_clock_drives_every_medium(cell, clock):
    run = trained(cell, clock)
    assert np.isfinite(run.error).all()
    if "actions" in run.data:
        share = run.data.actions.sum() / (run.data.actions.size * media()[cell.medium].steps)
        rate = CLOCKS[clock].rate(run.medium.units)
        assert float(share) == pytest.approx(rate, abs=0.25)


def optimised():
    """A cell for each optimiser that composes; resistors compile each of theirs, and are tested with their engine."""
    for medium in media():
        cell, case = composing(medium)[0], media()[medium]
        for name, optimiser in OPTIMISERS.items():
            one = replica(case, cell.rule, cell.device, BATCHES[cell.batches[0]], optimiser=optimiser)
            if name != "none" and not medium.startswith("resistors") and composition.refusal(one) is None:
                yield pytest.param(one, case.steps, id=f"{medium}-{name}")


@pytest.mark.parametrize(("one", "steps"), list(optimised()))
def test_every_optimiser_that_composes_learns(one, steps):
    run = cl.train(one.medium, one.task, rule=one.rule, optimiser=one.optimiser, batch=one.batch, steps=steps)
    assert run.error[-1] < run.error[0]


# --- what once went wrong in silence --------------------------------------------------------------------------


class Diodes(cl.Resistors):
    """Other physics than the engine's."""

    def settle(self, parameters, held):
        return np.abs(super().settle(parameters, held))


def silent():
    lattice, xy = media()["resistors, by resistance"], media()["XY, lattice"]
    yield (
        "subclass",
        lattice,
        {"medium": Diodes(lattice.medium.network)},
        ParameterError,
        "Diodes changes settle of Resistors",
    )
    rule = cl.CoupledLearning(0.1, 0.1, "conductance")
    yield "conductance", xy, {"rule": rule}, ParameterError, "phases learn couplings and fields, not a conductance"
    yield "levels", xy, {"device": cl.Levels(8, 0.1, 1.0)}, ParameterError, "couplings of phases have either sign"
    grounded = cl.Task([0], [2], [4], [[0.1]], [[0.05]], [[0.1]], [[0.05]])
    plain = cl.XY(lattice.medium.network)
    yield "ground", xy, {"medium": plain, "task": grounded}, TaskError, "task has a ground, but phases have none"


@pytest.mark.parametrize(("case", "change", "kind", "sentence"), [pytest.param(*each[1:], id=each[0]) for each in silent()])
def test_what_would_be_wrong_in_silence_is_refused(case, change, kind, sentence):
    nouns = {"medium": case.medium, "task": case.task, "rule": cl.CoupledLearning(0.1, 0.1), "steps": 1, **change}
    with pytest.raises(kind, match=sentence):
        cl.train(**nouns)
