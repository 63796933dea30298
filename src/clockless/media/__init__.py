"""What settles: a medium has an energy, finds the state that minimises it, and tells each unit its own derivative.

Contract of a medium with parameters theta [unit] and state s [node]:

- `energy(parameters, state)`: what the physics minimises while some nodes are held;
- `settle(parameters, held) -> state`: the minimum, with `residual(parameters, state, held)` saying how well it settled;
- `signal(parameters, state)`: the derivative of the energy with respect to each unit's own parameter [unit], which
  a unit can sense locally.

Phases may have several minima and settle step by step, so the XY medium's `settle` takes a start and returns its residual
with the state; it settles many samples at once, [site, sample].
"""
