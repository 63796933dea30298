"""One network that alternates between a free and a pushed phase, in place of twins; every edge remembers the free one.

In the free phase both columns of potentials are those of the network, and nothing is pushed. In the pushed phase the first
column is what edges remember of the end of the free phase and stands still, the second is the network, whose clamped
outputs are held. The next free phase begins with the potentials that the pushed one has left.

An edge senses the difference of both columns whenever it acts: none in a free phase, in a pushed one that of its drop now
and of the one that it remembers. Where both phases are long against relaxation and an edge acts at the end of a pushed
phase, that is what twins tell it, up to exp(-phase x rate of the slowest mode). Nothing is forgotten in between.
"""

from __future__ import annotations

from clockless.media.resistors.relaxing.propagation import FREE, PUSHED, hold
from clockless.numerics.lanes import uncounted


@uncounted
def turn_over(push, wiring, medium, charged, target, now):
    """The other phase of a network that alternates."""
    volts = charged.volts
    if charged.phase[0] == FREE:
        hold(push, wiring, medium, target, volts)
        charged.phase[0] = PUSHED
        charged.turn[0] = now + medium.spans[1]
    else:
        release(medium, charged, now)


@uncounted
def release(medium, charged, now):
    """A free phase begins with the potentials as they are."""
    for n in range(charged.volts.shape[0]):
        charged.volts[n, 0] = charged.volts[n, 1]
    charged.phase[0] = FREE
    charged.turn[0] = now + medium.spans[0]
