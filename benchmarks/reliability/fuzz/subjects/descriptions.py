"""Studies that can be computed, of all kinds of parts, and what may be put into them: flags and pieces of YAML and TOML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

STUDIES: list[dict[str, Any]] = list(yaml.safe_load_all(Path(__file__).with_name("sound.yaml").read_text(encoding="utf-8")))

FLAGS = [
    "--clock.p", "0.1", "0.5", "--steps", "--steps=20", "--seed", "--seeds", "[0,1]", "--clock.kind", "bernoulli",
    "--network.kind", "lattice", "--network.rows", "3", "--task.seed", "--title", "--record", "--initial", "--batch",
    "full", "--rule.rate", "--medium.low", "--device", "{kind: continuous}", "--optimiser", "null",
    "--device.comparator.bias", "--x", "--", "-x", "--=1", "--.", "--clock.", "--.p", "--clock.p.q", "--clock..p",
    "[[1", "{a: &b [*b]}", "!!python/name:os.system", "0100", "1:30", "1_000", "2001-01-01", ".nan", ".inf", "~",
    "1e999", "'", "é", "\x00", "9" * 400,
]  # fmt: skip

YAML = [
    "&a [*a]", "*a", "&a", "<<: {a: 1}", "<<: *a", "!!python/object/apply:os.system ['true']", "!!binary aGk=",
    "!!timestamp x", "!!int x", "!!float ''", "!!set {a}", "!!omap [a: 1]", "!x", "2001-01-01", "2001-99-99", "0x1F",
    "0b11", "0o17", "0100", "1_000", ".inf", "-.Inf", ".nan", "~", "? x\n: y\n", "? [a]\n: 1\n", "? {a: 1}\n: 1\n",
    "%YAML 9.9\n", "---\n", "...\n", "\t", "\ufeff", "\x00", "\x85", "\u2028", "'", '"', '"\\ud800"', '"\\x00"', "{",
    "}", "[", "]", "- ", ": ", "|\n", ">\n", "@", "`", "=", "1:30", "12:30:45.1", "yes", "on", "1e3", "1e999",
    "[" * 300, "{a: " * 300, "- " * 300, "'''", '"""', "[[a]]", "a.b = 1\n", "[a.b]\n", "inf", "nan",
    "1979-05-27T07:32:00Z", "0xdead_beef", "+1", "1__0", "x" * 5000,
]  # fmt: skip
