"""Decoupled neural modules: a stack of them learns without any of them waiting for the others.

Contract of a module: a hashable, picklable object with

- `inputs`, `outputs`: the width of what comes in and what goes out;
- `multiply_adds`: of one example's forward pass, matrix products only;
- `init(uniform)`: its `(parameters, statistics)`, trees of NumPy arrays drawn from `uniform(count)` in (0, 1); `parameters`
  learn, `statistics` are what the module only keeps an eye on (running means of batch normalisation);
- `apply(parameters, statistics, h, training)`: h [batch, inputs] -> `(out [batch, outputs], statistics)`, in JAX.

`layers.Pair(init, apply, ...)` makes one from two functions; the last module's output are the logits of the classes.
A module knows nothing of its neighbours. What it learns from is its *method* (`methods`): the gradient that comes back, or
an interface's prediction of it (`interfaces`). Which modules learn in a step is said by the same clocks as for the edges
of a resistor network. `learning.Session` is the plain loop, one module after the other; `actors` are the same modules,
each on its own, for whoever drives them.

Gradients that pass between modules are per example, delta [batch, width] = dL_b/dh_b with the loss L summed over the batch:
their size does not depend on the batch, and a module averages over the batch when it changes its parameters.

Precision: the nets of the papers are single precision, and so are these by default. A mini-batch gradient of 64 examples
is uncertain by a tenth of itself and more, single precision rounds at 6e-8 of it; identities between methods are checked in
double precision (`precision="float64"`), where they hold to 1e-12. Everything outside the nets stays float64.

JAX is the subject here, and nothing outside this package imports it. Its CPU client starts as many threads as there are
cores; a module is one thread's work, and two such pools on two busy cores have slowed a step fifty times. NPROC is what the
client asks (XLA_FLAGS have no say in it), so it is set to 1 unless it is set already.
"""

from __future__ import annotations

import os
from importlib.util import find_spec

from clockless.errors import ClocklessError

if find_spec("jax") is None or find_spec("optax") is None:
    raise ClocklessError(
        "decoupled modules need JAX and optax, which are not installed; run: pip install 'clockless[modules]'."
    )

os.environ.setdefault("NPROC", "1")
