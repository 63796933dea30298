"""Descriptions: what they may hold, what their axes are called, and what their fingerprints see."""

from __future__ import annotations

import copy
import itertools
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import clockless as cl
from clockless.errors import ClocklessError, DescriptionError
from clockless.experiments.catalogue import CATALOGUE
from clockless.experiments.jobs import Jobs

QUICK = settings(max_examples=60, suppress_health_check=list(HealthCheck))

# --- random descriptions ---------------------------------------------------------------------------------------------


def axis_of(values, most=3):
    """A value, or a list of different ones."""
    return values | st.lists(values, min_size=1, max_size=most, unique=True)


def kind(name, **fields):
    """A description whose fields are drawn, each of which may be left out or be an axis."""
    return st.fixed_dictionaries({"kind": st.just(name)}, optional={key: axis_of(value) for key, value in fields.items()})


def needed(name, fields, **optional):
    """The same with fields that must be there."""
    must = {key: axis_of(value) for key, value in fields.items()}
    may = {key: axis_of(value) for key, value in optional.items()}
    return st.fixed_dictionaries({"kind": st.just(name), **must}, optional=may)


def number(low, high):
    """Whole and broken numbers, which count the same."""
    return st.floats(low, high, exclude_min=True) | (st.integers(int(low) + 1, int(high)) if high >= 1 else st.nothing())


PART = number(0, 1)
SEED = st.integers(0, 2**63)
COMPARATOR = st.just({"kind": "ideal"}) | st.fixed_dictionaries(
    {"kind": st.sampled_from(["magnitudes", "two-comparators"]), "bias": axis_of(number(0, 2))},
    optional={"frozen": axis_of(st.booleans(), 2), "gain": axis_of(number(0, 10))},
)
PARAMETER = st.sampled_from(["resistance", "conductance"])
CLOCK = st.one_of(
    kind("global"),
    needed("bernoulli", {"p": PART}),
    needed("fixed-fraction", {"p": PART}),
    needed("poisson", {"events": number(0, 5)}),
    needed(
        "oscillators", {"bias": st.floats(0.34, 0.66), "spread": st.floats(0, 0.9)}, ticks=number(0, 9), reset=st.booleans()
    ),
)
SECTIONS = {
    "network": st.one_of(
        kind("packing", nodes=st.integers(20, 30), edges=st.integers(40, 60), seed=SEED),
        kind("board16"),
        needed("lattice", {"rows": st.integers(3, 5), "columns": st.integers(3, 5)}, periodic=st.booleans()),
        st.just({"kind": "edges", "edges": [[0, 1], [1, 2], [2, 3]], "positions": [[0.0, 0.5], [1, 2], [3, 4], [5, 6]]}),
    ),
    "medium": kind("resistors", low=number(0, 1), high=number(2, 99)),
    "task": st.one_of(
        kind("regression", inputs=st.integers(1, 3), train=st.integers(1, 9), seed=SEED),
        kind("allosteric", ground=st.integers(1, 2), seed=SEED),
        st.just(
            {
                "kind": "examples", "inputs": [0], "outputs": [1], "ground": [2], "x_train": [[0.5]], "y_train": [[0.25]],
                "x_test": [[1.0]], "y_test": [[0.5]],
            }
        ),
    ),
    "rule": st.one_of(
        needed("coupled-learning", {"nudge": PART, "rate": number(0, 9)}, parameter=PARAMETER),
        needed("sign", {"nudge": PART}),
    ),
    "clock": CLOCK,
    "device": st.one_of(
        st.fixed_dictionaries({"kind": st.just("continuous")}, optional={"comparator": COMPARATOR}),
        st.fixed_dictionaries(
            {"kind": st.just("levels")}, optional={"count": axis_of(st.integers(2, 200)), "comparator": COMPARATOR}
        ),
    ),
    "batch": axis_of(st.just("full") | st.integers(1, 9)) | CLOCK,
    "initial": axis_of(number(0, 9)),
    "seeds": axis_of(st.integers(0, 2**64 - 1)),
}  # fmt: skip
DESCRIPTIONS = st.fixed_dictionaries(
    {},
    optional={
        **SECTIONS,
        "clock": CLOCK | st.just([{"kind": "global"}, {"kind": "bernoulli", "p": 0.5}]),
        "steps": st.integers(1, 10**6),
        "record": st.integers(1, 40) | st.just([1]),
        "traces": st.booleans(),
        "title": st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    },
)


def reordered(value):
    """The same description with its fields in the opposite order, and with whole numbers in place of 1.0."""
    if isinstance(value, dict):
        return {key: reordered(item) for key, item in reversed(value.items())}
    if isinstance(value, list):
        return [reordered(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@QUICK
@given(DESCRIPTIONS)
def test_plain_data_gives_the_same_experiment_again(data):
    given_, once = copy.deepcopy(data), cl.Experiment.of(data)
    again = cl.Experiment.of(json.loads(json.dumps(once.plain())))
    assert (again, again.fingerprint, again.axes) == (once, once.fingerprint, once.axes)
    assert data == given_, "what was given must not be changed"


@QUICK
@given(DESCRIPTIONS)
def test_order_of_fields_and_spelling_of_numbers_do_not_matter(data):
    one, other = cl.Experiment.of(data), cl.Experiment.of({**reordered(data), "title": "another"})
    assert one.fingerprint == other.fingerprint
    assert [axis.name for axis in one.axes] == [axis.name for axis in other.axes]


@QUICK
@given(DESCRIPTIONS)
def test_every_axis_has_a_name_of_its_own_and_every_replica_a_point_of_its_own(data):
    experiment = cl.Experiment.of(data)
    names = [axis.name for axis in experiment.axes]
    assert len(set(names)) == len(names)
    assert not {"step", "edge", "error", "failed", "done", "edge_from", "initial_error"} & set(names)
    assert experiment.replicas == np.prod(experiment.shape, dtype=int)
    some = range(min(experiment.replicas, 50))
    points = [json.dumps(experiment.at(k), sort_keys=True) for k in some]
    assert len(set(points)) == len(points)


WORDS = st.sampled_from(
    [
        "kind", "p", "bernoulli", "global", "packing", "nodes", "edges", "full", "given", "dims", "values", "os:getcwd",
        ".a:b", "clockless:engine", "clockless.parts.devices:Levels", "levels", "comparator", "examples", "resistors",
        "seed", "",
    ]
)  # fmt: skip
RUBBISH = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | WORDS
    | st.just(10**400)
    | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.integers(), inner, max_size=4) | st.tuples(inner),
    max_leaves=8,
)
FIELDS = st.sampled_from([*cl.Experiment().plain(), "steps", "nonsense"])


def placed(data, path, item):
    """`data` with `item` somewhere within."""
    if not path or not isinstance(data, dict):
        return item
    return {**data, path[0]: placed(data.get(path[0]), path[1:], item)}


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(DESCRIPTIONS, st.lists(st.tuples(FIELDS, st.lists(WORDS, max_size=2), RUBBISH), min_size=1, max_size=2), RUBBISH)
def test_rubbish_is_an_experiment_or_gets_one_sentence(data, spoilt, whole):
    for name, path, item in spoilt:
        data = placed(data, [name, *path], item)
    for candidate in (data, whole):
        said = ""
        try:
            experiment = cl.Experiment.of(candidate)
            if experiment.replicas < 30:
                Jobs(experiment).check()
        except ClocklessError as error:
            said = str(error)
        assert "\n" not in said


# --- names, order, points ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "names"),
    [
        ({"task": {"kind": "regression", "seed": [0, 1]}, "seeds": [0, 1]}, ["task", "seed"]),
        ({"seeds": [3, 4], "clock": {"kind": "bernoulli", "p": [0.5, 1.0]}}, ["p", "seed"]),
        ({"clock": {"kind": "bernoulli", "p": [0.5]}, "batch": {"kind": "bernoulli", "p": [0.5]}}, ["clock_p", "batch_p"]),
        ({"batch": {"kind": "bernoulli", "p": [0.5]}}, ["batch_p"]),  # p alone is that of the clock
        ({"network": {"kind": "packing", "seed": [1, 2]}, "task": {"kind": "regression", "seed": [0]}}, ["network", "task"]),
        ({"clock": [cl.Global(), cl.Bernoulli(0.5)], "rule": [cl.SignRule(0.1)]}, ["rule", "clock"]),
        ({"device": {"kind": "levels", "comparator": {"kind": "magnitudes", "bias": [0.1, 0.2]}}}, ["bias"]),
        (
            {"medium": {"kind": "resistors", "low": [0.1]}, "device": {"kind": "levels", "low": [0.1]}},
            ["medium_low", "device_low"],
        ),
        ({"initial": [1.0, 2.0], "batch": ["full", 1]}, ["batch", "initial"]),
        ({}, []),
    ],
)  # fmt: skip
def test_axes_are_named_after_their_fields_in_the_order_of_the_sections(data, names):
    assert [axis.name for axis in cl.Experiment.of(data).axes] == names


def test_points_run_through_the_axes_with_the_last_one_fastest():
    experiment = cl.Experiment(
        network={"kind": "board16"}, seeds=[7, 8], clock={"kind": "bernoulli", "p": [0.1, 0.2, 0.3]},
        device={"kind": "levels", "comparator": {"kind": "magnitudes", "bias": [0.5, 1.5]}},
    )  # fmt: skip
    expected = list(itertools.product([0.1, 0.2, 0.3], [0.5, 1.5], [7, 8]))
    points = [experiment.at(k) for k in range(experiment.replicas)]
    assert [(at["clock"]["p"], at["device"]["comparator"]["bias"], at["seeds"]) for at in points] == expected
    assert experiment.shape == (3, 2, 2)
    assert cl.Experiment().at(0)["clock"] == {"kind": "global"}


def test_recorded_steps_do_not_depend_on_how_long_the_run_is():
    for record in (3, 20, [5, 50]):
        short, long = cl.Experiment(steps=60, record=record), cl.Experiment(steps=5000, record=record)
        assert set(short.record_at) - {60} <= set(long.record_at)
        assert {0, 60} <= set(short.record_at)


# --- fingerprints -----------------------------------------------------------------------------------------------------

BASE = {
    "network": {"kind": "packing", "nodes": 20, "edges": 40},
    "clock": {"kind": "bernoulli", "p": 0.5},
    "device": {"kind": "levels", "count": 100, "comparator": {"kind": "magnitudes", "bias": 0.1}},
    "rule": {"kind": "sign", "nudge": 0.5},
    "batch": 1,
}


def leaves(value, path=()):
    """Paths of all that is no dict."""
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in leaves(item, (*path, key))]
    return [path]


CHANGED = {
    "kind": None, "title": None, "parameter": "conductance", "batch": 2, "record": 7, "optimiser": None, "initial": 2.0,
    "traces": True, "periodic": True, "frozen": True,
}  # fmt: skip


def with_item(data, path, change):
    """`data` with `change` applied at a path."""
    if not path:
        return change(data)
    return {**data, path[0]: with_item(data[path[0]], path[1:], change)}


def test_every_decisive_field_changes_the_fingerprint():
    base = cl.Experiment.of(BASE)
    seen = {base.fingerprint}
    for path in leaves(base.plain()):
        name = path[-1]
        if name in CHANGED and CHANGED[name] is None:
            continue
        other = with_item(base.plain(), path, lambda old, name=name: CHANGED.get(name) or old * 2 + 1)
        seen.add(fingerprint := cl.Experiment.of(other).fingerprint)
        assert fingerprint != base.fingerprint, path
    kinds = {"network": {"kind": "board16"}, "clock": {"kind": "global"}, "task": {"kind": "allosteric"}}
    seen |= {base.changed(**{section: value}).fingerprint for section, value in kinds.items()}
    assert len(seen) > 25, "fields, kinds and the base itself, all different"


@pytest.mark.parametrize(
    "same",
    [
        {"title": "another"}, {"clock": cl.Bernoulli(0.5)}, {"clock": {"p": 0.5, "kind": "bernoulli"}},
        {"clock": {"kind": "clockless.parts.clocks:Bernoulli", "p": 0.5}}, {"rule": cl.SignRule(0.5)},
        {"device": cl.Levels(100, comparator=cl.Magnitudes(0.1))},
        {"network": {"kind": "packing", "nodes": np.int64(20), "edges": 40, "seed": 1}}, {"seeds": np.uint8(0)},
        {"medium": {"kind": "resistors"}}, {"medium": {"kind": "resistors", "low": 0.01, "high": 100}},
        {"steps": np.int64(1000)},
    ],
    ids=str,
)  # fmt: skip
def test_what_means_the_same_has_the_same_fingerprint(same):
    assert cl.Experiment.of({**BASE, **same}).fingerprint == cl.Experiment.of(BASE).fingerprint


def test_objects_and_their_descriptions_are_the_same_experiment():
    network = cl.networks.lattice(3, 3)
    task = cl.tasks.regression(network, seed=3)
    objects = cl.Experiment(network=network, medium=cl.Resistors(network, 0.1, 10), task=task)
    described = cl.Experiment(
        network={"kind": "edges", "edges": network.edges.tolist(), "positions": network.positions.tolist()},
        medium={"kind": "resistors", "low": 0.1, "high": 10},
        task={
            "kind": "examples", "feasible": True, "name": task.name,
            **{name: np.asarray(getattr(task, name)).tolist() for name in CATALOGUE["task"]["examples"].tables},
        },
    )  # fmt: skip
    assert objects == described
    assert objects.fingerprint == described.fingerprint


def test_an_experiment_does_not_change_with_what_it_was_made_of():
    clock = {"kind": "bernoulli", "p": [0.1, 0.2]}
    experiment = cl.Experiment(clock=clock)
    before = experiment.fingerprint
    clock["p"].append(0.3)
    assert cl.Experiment.of(experiment.plain()).fingerprint == before
    with pytest.raises(AttributeError):
        experiment.steps = 3


# --- what no experiment can have ------------------------------------------------------------------------------------------

NAN = float("nan")
BAD = {
    "an unknown field": ({"clocks": 1}, "clocks"),
    "an unknown field of a section": ({"clock": {"kind": "bernoulli", "q": 1}}, "clock.q"),
    "a field of another kind": ({"clock": {"kind": "global", "p": 1}}, "clock.p"),
    "a missing field": ({"clock": {"kind": "bernoulli"}}, "clock.p"),
    "no kind": ({"clock": {"p": 0.5}}, "clock"),
    "an unknown kind": ({"clock": {"kind": "bernouli", "p": 0.5}}, "clock.kind"),
    "a list of kinds": ({"clock": {"kind": ["global"]}}, "clock.kind"),
    "a kind that is no part": ({"clock": {"kind": "os:getcwd"}}, "clock.kind"),
    "a kind that is a module": ({"clock": {"kind": "clockless:clocks"}}, "clock.kind"),
    "a kind that cannot be imported": ({"clock": {"kind": ".a:b"}}, "clock.kind"),
    "a network from outside": ({"network": {"kind": "os:getcwd"}}, "network.kind"),
    "a wrong type": ({"clock": {"kind": "bernoulli", "p": "half"}}, "clock.p"),
    "true for a number": ({"clock": {"kind": "bernoulli", "p": True}}, "clock.p"),
    "a broken number of steps": ({"steps": 10.5}, "steps"),
    "a number for true": ({"traces": 1}, "traces"),
    "a number for a title": ({"title": 3}, "title"),
    "a title that is no text": ({"title": "\udc80"}, "title"),
    "an empty axis": ({"clock": {"kind": "bernoulli", "p": []}}, "clock.p"),
    "an empty section": ({"clock": []}, "clock"),
    "no seeds": ({"seeds": []}, "seeds"),
    "zero steps": ({"steps": 0}, "steps"),
    "negative seeds": ({"seeds": [0, -1]}, "seeds[1]"),
    "not a number": ({"rule": {"kind": "coupled-learning", "nudge": NAN, "rate": 1}}, "rule.nudge"),
    "infinitely much": ({"rule": {"kind": "coupled-learning", "nudge": 0.1, "rate": 10**400}}, "rule.rate"),
    "an initial value that is not a number": ({"initial": NAN}, "initial"),
    "nested lists": ({"clock": {"kind": "bernoulli", "p": [[0.1]]}}, "clock.p[0]"),
    "an axis within an axis": ({"clock": [{"kind": "bernoulli", "p": [0.1]}]}, "clock[0].p"),
    "an axis within an inner axis": (
        {"device": {"kind": "levels", "comparator": [{"kind": "magnitudes", "bias": [1, 2]}]}}, "device.comparator[0].bias",
    ),
    "a value twice": ({"clock": {"kind": "bernoulli", "p": [0.5, 1, 1.0]}}, "clock.p"),
    "a section twice": ({"clock": [{"kind": "bernoulli", "p": 1}, {"kind": "bernoulli", "p": 1.0}]}, "clock"),
    "steps as an axis": ({"steps": [10, 20]}, "steps"),
    "records beyond the end": ({"steps": 10, "record": [20]}, "record[0]"),
    "no records": ({"record": []}, "record"),
    "given values without an edge": ({"initial": {"kind": "given", "dims": ["task"], "values": [1]}}, "initial.dims"),
    "given values of no axis": ({"initial": {"kind": "given", "dims": ["task", "edge"], "values": [[1], [2]]}}, "initial"),
    "given dims that are none": ({"initial": {"kind": "given", "dims": 3, "values": [1]}}, "initial.dims"),
    "given words": ({"initial": {"kind": "given", "dims": ["edge"], "values": ["a"]}}, "initial.values"),
    "given values that are not finite": ({"initial": {"kind": "given", "dims": ["edge"], "values": [NAN]}}, ".values"),
    "ragged tables": ({"network": {"kind": "edges", "edges": [[0, 1], [2]]}}, "network.edges"),
    "a whole number without end": ({"steps": int("f" * 5000, 16)}, "steps"),
    "a medium on another network": ({"medium": cl.Resistors(cl.networks.lattice(3, 4))}, "medium"),
}  # fmt: skip
IMPOSSIBLE = {  # descriptions that are well-formed but cannot be built, or whose sections contradict each other
    "an impossible network": ({"network": {"kind": "packing", "nodes": 10, "edges": 300}}, "300 edges"),
    "a network in parts": ({"network": {"kind": "edges", "edges": [[0, 1], [2, 3]]}}, "parts"),
    "too many roles": ({"task": {"kind": "regression", "inputs": 90}}, "nodes"),
    "a p above 1": ({"clock": {"kind": "bernoulli", "p": [0.5, 1.5]}}, "p = 1.5"),
    "a clock that never acts": ({"clock": {"kind": "fixed-fraction", "p": [0.5, 0.001]}}, "none"),
    "a device as a clock": ({"clock": {"kind": "clockless.parts.devices:Levels"}}, "clock"),
    "a sign rule without levels": ({"rule": {"kind": "sign", "nudge": 0.1}}, "level"),
    "a comparator without one example": (
        {"rule": cl.SignRule(0.1), "device": cl.Levels(comparator=cl.Magnitudes(1.0))}, "batch",
    ),
    "more examples than there are": ({"batch": 17}, "batch"),
    "more examples than one task has": ({"batch": 9, "task": {"kind": "regression", "train": [16, 8]}}, "batch"),
    "levels outside the medium": ({"device": {"kind": "levels", "high": 200.0}}, "range"),
    "a start outside the medium": ({"initial": [1.0, 200.0]}, "range"),
    "a start for another network": ({"initial": {"kind": "given", "dims": ["edge"], "values": [1.0, 2.0]}}, "edges"),
    "an empty range": ({"medium": {"kind": "resistors", "low": 2, "high": [1, 3]}}, "range"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_description_gets_one_sentence_that_names_the_field(case):
    data, where = BAD[case]
    with pytest.raises(DescriptionError) as caught:
        cl.Experiment.of(data)
    assert where in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_what_cannot_be_built_is_found_before_anything_runs(case, tmp_path):
    data, said = IMPOSSIBLE[case]
    with pytest.raises(ClocklessError, match=said) as caught:
        cl.run(cl.Experiment.of(data), tmp_path / "store", progress=False)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir()), "nothing may be left behind"


@pytest.mark.parametrize("data", [None, 3, "text", [], [{"steps": 1}]], ids=str)
def test_what_is_no_mapping_is_no_experiment(data):
    with pytest.raises(DescriptionError, match="no description"):
        cl.Experiment.of(data)


def test_a_long_grid_is_checked_in_a_second(tmp_path):
    """200 x 200 x 200 pairings are not all built, yet a contradiction at their ends is found."""
    values = np.linspace(0.02, 0.9, 200).tolist()
    data = {
        "rule": {"kind": "coupled-learning", "nudge": values, "rate": values}, "initial": [*values, 200.0],
        "network": {"kind": "board16"},
    }  # fmt: skip
    with pytest.raises(ClocklessError, match="range"):
        Jobs(cl.Experiment.of(data)).check()
