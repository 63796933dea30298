"""The baseline of equilibrium propagation: coordinate descent in NumPy, all samples at once, colour by colour.

For layered networks a colour is every other layer and the pulls are complex matrix products by BLAS; for other wirings they
are sparse products. What the inputs pull is worked out once per gradient, and samples that have settled are left out.
Outputs under the logarithmic cost take one damped Newton step per sweep.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

CHECK_EVERY = 5  # sweeps between two looks at the residual


class Alternating:
    """Free and nudged states of sites in two colours, z complex [site of the colour, sample].

    Args:
        forward: couplings [second colour, first colour], dense or sparse.
        held: what the held sites pull on the first and second colour, given z of the held sites: two matrices or None.
        outputs: (colour, place) of outputs; all in one colour.
    """

    def __init__(self, forward, held, outputs) -> None:
        self.forward, self.backward = forward, forward.T.tocsr() if hasattr(forward, "tocsr") else forward.T.copy()
        self.held = held
        self.colour, self.place = outputs

    def gradient_states(self, inputs, start, targets, nudge, residual):
        """Free and nudged z of both colours."""
        fields = [None if matrix is None else _times(matrix, inputs) for matrix in self.held]
        free = self.relax(start, fields, None, 0.0, residual)
        return free, self.relax(free, fields, targets, nudge, residual)

    def relax(self, start, fields, targets, nudge, residual):
        done, fields = [part.copy() for part in start], list(fields)
        z, going = [part.copy() for part in start], np.arange(start[0].shape[1])
        for sweep in range(100_000):
            for colour in (0, 1):
                g = self._pull(colour, z, fields)
                if nudge and colour == self.colour:
                    g, stay = self._nudged(g, z[colour], targets, nudge)
                    z[colour] = g / np.abs(g)
                    z[colour][self.place] = stay
                else:
                    z[colour] = g / np.abs(g)
            if sweep % CHECK_EVERY == CHECK_EVERY - 1:
                worst = self._residual(z, fields, targets, nudge)
                settled = worst <= residual
                if settled.any():
                    for colour in (0, 1):
                        done[colour][:, going[settled]] = z[colour][:, settled]
                        z[colour] = z[colour][:, ~settled]
                        fields[colour] = fields[colour] if fields[colour] is None else fields[colour][:, ~settled]
                    targets = targets if targets is None else targets[:, ~settled]
                    going = going[~settled]
                    if not going.size:
                        return done
        raise RuntimeError("the baseline did not settle")

    def _pull(self, colour, z, fields):
        g = _times(self.backward, z[1]) if colour == 0 else _times(self.forward, z[0])
        return g if fields[colour] is None else g + fields[colour]

    def _residual(self, z, fields, targets, nudge):
        worst = 0.0
        for colour in (0, 1):
            torque = (np.conj(z[colour]) * self._pull(colour, z, fields)).imag
            if nudge and colour == self.colour:
                turned = z[colour][self.place] * np.conj(targets)
                torque[self.place] -= nudge * turned.imag / (1 + turned.real)
            worst = np.maximum(worst, np.abs(torque).max(axis=0))
        return worst

    def _nudged(self, g, z, targets, nudge):
        """One damped Newton step of the outputs under E - nudge log(1 + cos(delta))."""
        pull, old = g[self.place], z[self.place]
        relative, turned = np.conj(old) * pull, old * np.conj(targets)
        torque = relative.imag - nudge * turned.imag / (1 + turned.real)
        curvature = np.abs(relative.real + nudge / (1 + turned.real))
        step = np.clip(torque / np.maximum(curvature, 1e-300), -0.5, 0.5)
        for _ in range(40):
            turn = np.exp(1j * step)
            gained = (turned * (turn - 1)).real / (1 + turned.real)
            change = -(np.conj(pull) * old * (turn - 1)).real - nudge * np.log1p(gained)
            rising = change > 0
            if not (rising & (np.abs(step) > 1e-7)).any():
                break
            step = np.where(rising, 0.5 * step, step)
        return g, old * np.exp(1j * step)


def _times(matrix, z):
    """Real matrix times complex z, as one real product."""
    return np.ascontiguousarray(matrix @ np.ascontiguousarray(z).view(float)).view(complex)


def layered(first, second, outputs):
    """Inputs, one hidden layer and outputs: `first` [hidden, input], `second` [output, hidden]."""
    return Alternating(second, [first, None], (1, np.arange(outputs)))


def checkered(couplings: csr_array, colours, free, held, outputs):
    """A bipartite wiring given by its symmetric couplings [site, site]: two-colour sweeps over the free sites."""
    sites = [free[colours[free] == colour] for colour in (0, 1)]
    forward = couplings[sites[1]][:, sites[0]].tocsr()
    pulls = [couplings[part][:, held].tocsr() for part in sites]
    colour = int(colours[outputs[0]])
    place = np.searchsorted(sites[colour], outputs)
    return Alternating(forward, pulls, (colour, place)), sites
