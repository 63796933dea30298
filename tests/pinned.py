"""Small experiments whose results are pinned in pins.json: what each is, how its numbers are hashed, and how pins are taken.

    python tests/pinned.py            # adds what is missing to pins.json; what is there is never taken anew

Every pin has the bits of a result (a hash of its numbers as '<f8' in the order of the replicas) and some of the numbers.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import clockless as cl

PINS = Path(__file__).with_name("pins.json")
SOME = 6  # numbers kept of every result

# --- resistors ---------------------------------------------------------------------------------------------------------
# Tasks are tables of short numbers, so that no library of linear algebra has a say in what is learned.

BOARD = {"kind": "board16"}


def given(inputs, outputs, ground, train=5, shift=0.0):
    """Voltages in steps of 1/16 V and wanted ones within their range."""
    count = train + 3
    x = [[((7 * k + 5 * i) % 16 + 1) / 16 for i in range(len(inputs))] for k in range(count)]
    y = [[shift + 0.25 * sum(row) / len(row) + 0.0625 * o for o in range(len(outputs))] for row in x]
    return {
        "kind": "examples", "inputs": inputs, "outputs": outputs, "ground": ground, "x_train": x[:train],
        "y_train": y[:train],
        "x_test": x[train:], "y_test": y[train:],
    }  # fmt: skip


PLAIN = given([0, 8], [4, 5], [2])
GROUNDED = given([1], [3, 5], [0, 6, 8], shift=0.0625)
TWO = [PLAIN, given([3, 7], [1, 8], [0], shift=0.03125)]
COARSE = {"kind": "levels", "count": 400, "low": 0.05, "high": 20.0}
EDGES = 16  # of the board


def levels(kind, bias=0.01, **fields):
    return {**COARSE, "comparator": {"kind": kind, "bias": bias, **fields}}


RESISTORS: dict[str, dict[str, Any]] = {
    "coupled, global, full, grounds, traces": {
        "task": GROUNDED, "rule": {"kind": "coupled-learning", "nudge": [0.1, 1.0], "rate": [0.05, 2.0]}, "traces": True,
    },
    "coupled conductance, bernoulli, one, packing": {
        "network": {"kind": "packing", "nodes": 24, "edges": 45, "seed": 3}, "task": TWO, "batch": 1,
        "seeds": [0, 2**64 - 1],
        "rule": {"kind": "coupled-learning", "nudge": 0.2, "rate": 0.4, "parameter": "conductance"},
        "clock": {"kind": "bernoulli", "p": [0.1, 0.7]},
    },
    "sign, ideal levels, fixed fraction, three": {
        "task": TWO, "rule": {"kind": "sign", "nudge": 0.5}, "device": COARSE, "batch": 3, "seeds": [1, 2],
        "clock": {"kind": "fixed-fraction", "p": [0.25, 0.5]},
    },
    "sign, magnitudes, poisson, one": {
        "task": PLAIN, "rule": {"kind": "sign", "nudge": 1.0},
        "device": levels("magnitudes", [0.01, 0.1], frozen=[False, True]),
        "clock": {"kind": "poisson", "events": [0.3, 1.5]}, "seeds": [3, 4], "batch": 1,
    },
    "sign conductance, two comparators, oscillators, one, torus": {
        "network": {"kind": "lattice", "rows": 4, "columns": 4, "periodic": True}, "task": PLAIN,
        "rule": {"kind": "sign", "nudge": 0.5, "parameter": "conductance"}, "batch": 1,
        "device": levels("two-comparators", [0.02, 0.2], frozen=[True, False], gain=5.0), "seeds": 5,
        "clock": {"kind": "oscillators", "bias": [0.4, 0.6], "spread": 0.1, "reset": [False, True]},
    },
    "coupled, narrow levels, global, oscillators batch, initial": {
        "task": TWO, "rule": {"kind": "coupled-learning", "nudge": 0.5, "rate": 1.0}, "initial": [0.5, 3.0],
        "medium": {"kind": "resistors", "low": 0.1, "high": 9.0},
        "device": {"kind": "levels", "count": 2000, "low": 0.1, "high": 9.0},
        "batch": {"kind": "oscillators", "bias": 0.5, "spread": [0.0, 0.2], "ticks": 3.0}, "traces": True,
    },
    "coupled, fixed fraction, bernoulli batch, given": {
        "task": TWO, "rule": {"kind": "coupled-learning", "nudge": 0.1, "rate": 0.5}, "record": [3, 17],
        "batch": {"kind": "bernoulli", "p": 0.6},
        "clock": {"kind": "fixed-fraction", "p": 0.3},
        "initial": {"kind": "given", "dims": ["task", "edge"],
                    "values": [[0.5 + 0.125 * ((3 * e + t) % 16) for e in range(EDGES)] for t in range(2)]},
    },
    "several rules, edges of its own, poisson batch": {
        "network": {"kind": "edges", "edges": [[0, 1], [1, 2], [2, 3], [3, 0], [0, 2], [3, 4], [4, 1]],
                    "positions": [[0, 0], [1, 0], [1, 1], [0, 1], [2, 2]]},
        "task": given([0], [2], [4]), "clock": {"kind": "poisson", "events": 0.8},
        "batch": {"kind": "poisson", "events": 1.0},
        "rule": [{"kind": "coupled-learning", "nudge": 0.3, "rate": 0.6}, {"kind": "sign", "nudge": 0.3}], "device": COARSE,
    },
}  # fmt: skip
for _fields in RESISTORS.values():
    _fields.setdefault("network", BOARD)
    _fields.setdefault("steps", 40)
    _fields.setdefault("record", 4)

# What the store in data/store-0.1.0 was made of, in units of two replicas.
STORED = {
    "network": BOARD, "task": TWO, "rule": {"kind": "coupled-learning", "nudge": 0.5, "rate": 0.5}, "steps": 16, "record": 3,
    "clock": {"kind": "bernoulli", "p": [0.25, 1.0]}, "title": "A store of version 0.1.0",
}  # fmt: skip

# --- phases --------------------------------------------------------------------------------------------------------------
# Layers are too small for products of whole matrices, whose last bits are the library's.

SQUARE = {"kind": "square", "rows": 4, "columns": 4, "inputs": [0, 3], "outputs": [13]}
EP = {"kind": "equilibrium-propagation", "nudge": 0.1, "rate": 0.3}
IRIS = {"network": {"kind": "dense", "sizes": [4, 6, 3]}, "task": {"kind": "iris", "train": 30}, "rule": EP, "batch": 5}
XOR = {"network": SQUARE, "task": {"kind": "xor"}, "rule": EP, "steps": 8}

PHASES: dict[str, dict[str, Any]] = {
    "log, square, two-colour, traces": {**XOR, "traces": True, "seeds": [0, 2**63 + 11]},
    "cosine, centred, all to all, random order, adam": {
        **XOR, "network": {"kind": "all-to-all", "nodes": 6, "inputs": [0, 1], "outputs": [5]},
        "medium": {"kind": "xy", "schedule": "random-sequential"},
        "rule": {**EP, "cost": "cosine", "centred": True, "rate": 0.05},
        "optimiser": {"kind": "adam"}, "initial": {"kind": "drawn", "deviation": 0.5, "fields": 0.3},
    },
    "inits, eps, poisson-timed, poisson clock": {
        **XOR, "medium": {"kind": "xy", "schedule": "poisson-timed", "residual": 1e-4},
        "rule": {**EP, "inits": 3, "eps": 1e-5},
        "clock": {"kind": "poisson", "events": [0.4, 1.2]},
    },
    "gradient flow, bernoulli, bernoulli batch, momentum": {
        **XOR, "medium": {"kind": "xy", "schedule": "gradient-flow", "residual": 1e-3}, "steps": 4,
        "clock": {"kind": "bernoulli", "p": 0.5}, "batch": {"kind": "bernoulli", "p": 0.7},
        "optimiser": {"kind": "momentum"},
    },
    "coupled learning, triangular torus, fixed fraction": {
        **XOR,
        "network": {"kind": "triangular", "rows": 4, "columns": 4, "inputs": [0, 2], "outputs": [9], "periodic": True},
        "rule": {"kind": "coupled-learning", "nudge": 0.2, "rate": 0.1}, "clock": {"kind": "fixed-fraction", "p": 0.5},
    },
    "sign, signed levels, oscillators, iris epochs": {
        **IRIS, "rule": {"kind": "sign", "nudge": 0.5}, "device": {"kind": "signed-levels", "count": 65, "bound": 1.0},
        "clock": {"kind": "oscillators", "bias": 0.45, "spread": 0.1}, "batch": {"kind": "epochs", "size": 8}, "steps": 6,
    },
    "log, dense, iris, adam, frozen fields, unfinished": {
        **IRIS,
        "medium": {"kind": "xy", "residual": 1e-2, "trainable": "W psi", "rate_W": 0.5, "rate_psi": 2.0, "sweeps_limit": 30},
        "optimiser": {"kind": "adam", "first": 0.8}, "steps": 6,
    },
    "log, skips, levels under gradients": {
        **XOR,
        "network": {"kind": "square-with-skips", "rows": 4, "columns": 4, "inputs": [0, 3], "outputs": [13], "skips": 2},
        "device": {"kind": "signed-levels", "count": 129, "bound": 2.0},
    },
    "log, windows that share, digits": {
        "network": {"kind": "local", "image": [8, 8], "window": 4, "stride": 2, "channels": 2, "outputs": 10}, "rule": EP,
        "task": {"kind": "digits"}, "batch": 6, "steps": 2,
        "medium": {"kind": "xy", "residual": 1e-4, "test_residual": 1e-2},
    },
}  # fmt: skip
for _fields in PHASES.values():
    _fields.setdefault("medium", {"kind": "xy"})
    _fields.setdefault("record", 3)

# --- modules -------------------------------------------------------------------------------------------------------------
# JAX's products of matrices round as the processor likes, so numbers are pinned here and no bits.

STACK = {
    "network": {"kind": "mlp", "layers": 3, "width": 6}, "task": {"kind": "labels", "name": "digits"}, "batch": 8,
    "steps": 6,
    "record": 3, "medium": {"kind": "modules", "rate": 0.01, "precision": "float64"},
    "clock": {"kind": "bernoulli", "p": 0.6},
}  # fmt: skip
MODULES: dict[str, dict[str, Any]] = {
    "backprop": {**STACK, "rule": {"kind": "backprop"}},
    "dni": {**STACK, "rule": {"kind": "dni"}},
    "dni, hidden, forward": {**STACK, "rule": {"kind": "dni", "conditioned": False, "hidden": [5], "unlock": "forward"}},
    "local loss, descent": {
        **STACK, "rule": {"kind": "local-loss"},
        "medium": {"kind": "modules", "rate": 0.1, "precision": "float64", "optimiser": "descent", "drops": [4]},
    },
    "delayed": {**STACK, "rule": {"kind": "delayed", "delay": 1}},
    "backprop in float32": {**STACK, "rule": {"kind": "backprop"}, "medium": {"kind": "modules", "rate": 0.01}, "seeds": 7},
}  # fmt: skip

# --- results -------------------------------------------------------------------------------------------------------------


def arrays(data: Any) -> dict[str, np.ndarray]:
    """The variables of a dataset, float64."""
    return {str(n): np.ascontiguousarray(v.values, dtype="<f8") for n, v in data.data_vars.items() if n != "done"}


def computed(description: dict[str, Any], folder: Path) -> dict[str, np.ndarray]:
    """Results of a description by way of a store."""
    workers = cl.Workers(threads=1)
    return arrays(cl.run(cl.Experiment.of(description), folder / "store", workers, progress=False).dataset())


def trained_lists() -> Any:
    """Tasks of different nodes, and whole parts, in one call."""
    tasks = [cl.Task(**{name: item for name, item in task.items() if name != "kind"}) for task in TWO]
    rules = [cl.CoupledLearning(0.1, 0.3), cl.CoupledLearning(1.0, 0.1)]
    clocks = [cl.Bernoulli(0.3), cl.Bernoulli(1.0)]
    return _trained(tasks, rule=rules, clock=clocks, batch=1, seed=[0, 9], steps=30, record=[0, 5, 30], traces=True)


def trained_levels() -> Any:
    """The sign rule on a device with a comparator of its own per edge."""
    task = cl.Task(**{name: item for name, item in GROUNDED.items() if name != "kind"})
    devices = [cl.Levels(400, 0.05, 20.0, cl.Magnitudes(bias, frozen=True)) for bias in (0.01, 0.1)]
    return _trained(
        task, rule=cl.SignRule(0.5), clock=cl.Poisson(0.5), device=devices, initial=[1.0, 2.0], batch=1, steps=50
    )


def _trained(task: Any, **how: Any) -> Any:
    return cl.train(cl.Resistors(cl.networks.board16()), task, **how).data


TRAINED = {"lists of everything": trained_lists, "levels": trained_levels}

# --- fingerprints --------------------------------------------------------------------------------------------------------

DESCRIBED: dict[str, dict[str, Any]] = {
    "nothing said": {},
    "an ensemble": {
        "network": {"kind": "packing", "nodes": 64, "edges": 143}, "task": {"kind": "regression", "seed": [0, 1, 2, 3]},
        "clock": {"kind": "bernoulli", "p": [0.1, 0.5, 1.0]}, "steps": 5000,
    },
    "allosteric": {"network": BOARD, "task": {"kind": "allosteric", "ground": 2}, "traces": True, "record": [1, 10]},
    "digits": {
        "network": {"kind": "dense", "sizes": [64, 100, 10]}, "medium": {"kind": "xy", "residual": 1.0e-5}, "batch": 300,
        "task": {"kind": "digits"}, "rule": {"kind": "equilibrium-propagation", "nudge": 0.1, "rate": 0.1},
    },
    **{f"resistors: {name}": fields for name, fields in RESISTORS.items()},
    **{f"phases: {name}": fields for name, fields in PHASES.items()},
    **{f"modules: {name}": fields for name, fields in MODULES.items()},
}  # fmt: skip


def task_fingerprints() -> dict[str, int]:
    """Of one task of every builder: the replica words of their random numbers."""
    from clockless import tasks
    from clockless.media.modules.data import labels
    from clockless.media.phases import tasks as phase_tasks
    from clockless.networks import architectures

    board, two, four = cl.networks.board16(), architectures.dense(2, 3, 1), architectures.dense(4, 3, 3)
    digits = architectures.dense(64, 10)
    made = {
        "given": cl.Task(**{name: item for name, item in PLAIN.items() if name != "kind"}),
        "regression": tasks.regression(board),
        "regression of another size": tasks.regression(cl.networks.packing(30, 60), inputs=3, train=5, seed=7),
        "allosteric": tasks.allosteric(board, ground=2, seed=1),
        "xor": phase_tasks.xor(two),
        "iris": phase_tasks.iris(four),
        "digits": phase_tasks.digits(digits),
        "digits drawn": phase_tasks.digits(digits, "random", seed=3),
        "labels": labels("digits"),
        "labels drawn": labels("digits", seed=2),
    }
    return {name: task.fingerprint for name, task in made.items()}


EXACT_TASKS = ("given", "xor", "digits", "digits drawn", "labels", "labels drawn")  # of numbers that no function rounds

# --- pins ----------------------------------------------------------------------------------------------------------------


def bits(values: np.ndarray) -> str:
    """A prefix of the hash of float64 numbers; every NaN counts alike."""
    alike = np.where(np.isnan(values), np.nan, values)
    return hashlib.sha256(np.ascontiguousarray(alike, dtype="<f8").tobytes()).hexdigest()[:12]


def some(values: np.ndarray) -> list[float | None]:
    """Numbers from all over an array, the last one among them; None is NaN."""
    flat = values.ravel()
    picked = flat[np.unique(np.linspace(0, flat.size - 1, SOME).round().astype(int))]
    return [None if np.isnan(number) else float(number) for number in picked]


def pin(values: np.ndarray) -> dict[str, Any]:
    """What is kept of one variable."""
    return {"bits": bits(values), "shape": list(values.shape), "some": some(values)}


def rounding() -> dict[str, str]:
    """How elementary functions and products of matrices round here: hashes of some.

    Libraries have several versions of each and choose by processor. Phases and the tasks of phases follow the functions
    in their last bits, tasks that a teacher sets follow the products, too. What resistors do follows neither.
    """
    from scipy.special import ndtri

    x = (np.arange(1, 2049) * 0.6180339887498949) % 1.0
    wide = 20 * x - 10
    functions = [np.cos(wide), np.sin(wide), np.exp(wide), np.log(x), np.log1p(x), np.arctan2(x, wide), ndtri(x), x**1.7]
    square = wide[:1024].reshape(32, 32)
    products = [square @ square, np.linalg.solve(square + 50 * np.eye(32), x[:32, None])]
    return {
        name: bits(np.concatenate([values.ravel() for values in found]))
        for name, found in (("functions", functions), ("products", products))
    }


def take() -> None:
    """Add the pins that are missing."""
    kept = json.loads(PINS.read_text()) if PINS.exists() else {}
    if kept.setdefault("rounding", rounding()) != rounding():
        raise SystemExit("numbers round otherwise here than where the pins were taken; take new ones there.")
    sections: dict[str, dict[str, Any]] = {
        "resistors": {n: lambda at, d=d: computed(d, at) for n, d in RESISTORS.items()},
        "trained": {n: lambda at, call=call: arrays(call()) for n, call in TRAINED.items()},
        "phases": {n: lambda at, d=d: computed(d, at) for n, d in PHASES.items()},
        "modules": {n: lambda at, d=d: computed(d, at) for n, d in MODULES.items()},
        "stored": {"0.1.0": lambda at: computed(STORED, at)},
    }
    for section, calls in sections.items():
        table = kept.setdefault(section, {})
        for name, call in calls.items():
            if name not in table:
                with tempfile.TemporaryDirectory() as folder:
                    table[name] = {variable: pin(values) for variable, values in call(Path(folder)).items()}
    descriptions = kept.setdefault("descriptions", {})
    for name, fields in DESCRIBED.items():
        descriptions.setdefault(name, cl.Experiment.of(fields).fingerprint)
    tasks = kept.setdefault("tasks", {})
    for name, fingerprint in task_fingerprints().items():
        tasks.setdefault(name, f"{fingerprint:016x}")
    PINS.write_text(_compact(kept))


def _compact(kept: dict[str, Any]) -> str:
    """JSON with one line per variable."""
    lines = []
    for section, table in kept.items():
        if isinstance(table, str):
            lines.append(f"{json.dumps(section)}: {json.dumps(table)}")
            continue
        rows = []
        for name, item in table.items():
            inner = json.dumps(item)
            if isinstance(item, dict):
                inner = "{\n" + ",\n".join(f"   {json.dumps(n)}: {json.dumps(v)}" for n, v in item.items()) + "}"
            rows.append(f"  {json.dumps(name)}: {inner}")
        lines.append(f"{json.dumps(section)}: {{\n" + ",\n".join(rows) + "}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    take()
