"""Descriptions of experiments that can be computed: what studies are damaged from, all kinds among them."""

from __future__ import annotations

from typing import Any

SQUARE = {"kind": "square", "rows": 3, "columns": 3, "inputs": [0, 2], "outputs": [6, 8]}
EP = {"kind": "equilibrium-propagation", "nudge": 0.1, "rate": 0.1}
TABLES = {"x_train": [[0.1], [0.5]], "y_train": [[0.05], [0.2]], "x_test": [[0.3]], "y_test": [[0.1]]}
LABELS = {"network": {"kind": "mlp", "layers": 2, "width": 8}, "medium": {"kind": "modules"}, "task": {"kind": "labels"}}

STUDIES: list[dict[str, Any]] = [
    {"network": {"kind": "board16"}, "clock": {"kind": "bernoulli", "p": [0.5, 1.0]}, "steps": 10},
    {"network": {"kind": "packing", "nodes": 12, "edges": 20, "seed": 2}, "medium": {"kind": "resistors", "low": 0.1, "high": 9.0},
     "task": {"kind": "regression", "seed": [0, 1], "train": 4, "test": 4}, "batch": 2, "initial": 1.0, "title": "a", "seeds": [0, 1]},
    {"network": {"kind": "lattice", "rows": 3, "columns": 3, "periodic": False}, "rule": {"kind": "sign", "nudge": 0.1},
     "device": {"kind": "levels", "count": 16, "low": 0.1, "high": 10.0, "comparator": {"kind": "magnitudes", "bias": 1e-4}},
     "medium": {"kind": "resistors", "low": 0.1, "high": 10.0}, "batch": 1, "steps": 5, "record": [1, 2, 5], "traces": True},
    {"network": {"kind": "edges", "edges": [[0, 1], [1, 2], [2, 0], [2, 3]], "positions": [[0, 0], [1, 0], [0, 1], [2, 2]]},
     "task": {"kind": "examples", "inputs": [0], "outputs": [1], "ground": [3], **TABLES}, "clock": {"kind": "poisson", "events": 1.0},
     "device": {"kind": "levels", "values": [0.1, 1.0, 5.0], "count": 3}, "optimiser": {"kind": "adam", "first": 0.5}},
    {"network": {"kind": "board16"}, "rule": {**EP, "centred": True, "cost": "log"}, "clock": {"kind": "fixed-fraction", "p": 0.5},
     "device": {"kind": "analog-memory", "write_noise": 0.1}, "optimiser": {"kind": "momentum"}, "batch": {"kind": "fixed-fraction", "p": 0.5}},
    {"network": {"kind": "board16"}, "clock": {"kind": "oscillators", "bias": 0.4, "spread": 0.1}, "task": {"kind": "allosteric"},
     "initial": {"kind": "given", "dims": ["seed", "edge"], "values": [[1.0] * 16, [2.0] * 16]}, "seeds": [3, 4]},
    {"network": SQUARE, "medium": {"kind": "xy", "residual": 1e-4}, "task": {"kind": "xor"}, "rule": EP, "steps": 3, "batch": {"kind": "epochs", "size": 2},
     "initial": {"kind": "drawn", "deviation": 0.5}},
    {"network": {"kind": "dense", "sizes": [4, 3, 3]}, "medium": {"kind": "xy", "schedule": "poisson-timed"}, "task": {"kind": "iris", "train": 20},
     "rule": EP, "device": {"kind": "signed-levels", "count": 9, "bound": 2.0}, "steps": 2},
    {"network": {"kind": "local", "image": [8, 8], "window": 4, "channels": 1}, "medium": {"kind": "xy"}, "task": {"kind": "digits"},
     "rule": EP, "steps": 1},
    {"network": {"kind": "wiring", "edges": [[0, 1], [1, 2]], "inputs": [0], "outputs": [2], "shared": [0, 1]}, "medium": {"kind": "xy"},
     "task": {"kind": "examples", "inputs": [0], "outputs": [2], "ground": [], **TABLES}, "rule": EP, "steps": 2},
    {"network": {"kind": "stacked", "sizes": [[2, 2], [1, 1]], "window": 2}, "medium": {"kind": "xy"}, "rule": EP, "steps": 2,
     "task": {"kind": "examples", "inputs": [0, 1, 2, 3], "outputs": [4], "ground": [], "x_train": [[0.1, 0.2, 0.3, 0.4]],
              "y_train": [[0.5]], "x_test": [[0.4, 0.3, 0.2, 0.1]], "y_test": [[0.5]]}},
    {"network": {"kind": "all-to-all", "nodes": 5, "inputs": [0, 1], "outputs": [4]}, "medium": {"kind": "xy", "trainable": "W"},
     "task": {"kind": "xor"}, "rule": EP, "steps": 2},
    {**LABELS, "rule": {"kind": "backprop"}, "batch": 32, "steps": 2},
    {**LABELS, "rule": {"kind": "dni", "hidden": [16], "source": [8]}, "clock": {"kind": "bernoulli", "p": 0.5}, "batch": 8, "steps": 2},
    {**LABELS, "rule": {"kind": "delayed", "delay": [0, 1]}, "batch": 8, "steps": 1},
]  # fmt: skip

FLAGS = [
    "--clock.p", "0.1", "0.5", "--steps", "--steps=20", "--seed", "--seeds", "[0,1]", "--clock.kind", "bernoulli", "--network.kind",
    "lattice", "--network.rows", "3", "--task.seed", "--title", "--record", "--initial", "--batch", "full", "--rule.rate",
    "--medium.low", "--device", "{kind: continuous}", "--optimiser", "null", "--device.comparator.bias", "--x", "--", "-x", "--=1",
    "--.", "--clock.", "--.p", "--clock.p.q", "--clock..p", "[[1", "{a: &b [*b]}", "!!python/name:os.system", "0100", "1:30", "1_000",
    "2001-01-01", ".nan", ".inf", "~", "1e999", "'", "é", "\x00", "9" * 400,
]  # fmt: skip

YAML = [
    "&a [*a]", "*a", "&a", "<<: {a: 1}", "<<: *a", "!!python/object/apply:os.system ['true']", "!!binary aGk=", "!!timestamp x",
    "!!int x", "!!float ''", "!!set {a}", "!!omap [a: 1]", "!x", "2001-01-01", "2001-99-99", "0x1F", "0b11", "0o17", "0100", "1_000",
    ".inf", "-.Inf", ".nan", "~", "? x\n: y\n", "? [a]\n: 1\n", "? {a: 1}\n: 1\n", "%YAML 9.9\n", "---\n", "...\n", "\t", "\ufeff",
    "\x00", "\x85", "\u2028", "'", '"', '"\\ud800"', '"\\x00"', "{", "}", "[", "]", "- ", ": ", "|\n", ">\n", "@", "`", "=", "1:30",
    "12:30:45.1", "yes", "on", "1e3", "1e999", "[" * 300, "{a: " * 300, "- " * 300, "'''", '"""', "[[a]]", "a.b = 1\n", "[a.b]\n",
    "inf", "nan", "1979-05-27T07:32:00Z", "0xdead_beef", "+1", "1__0", "x" * 5000,
]  # fmt: skip
