"""When a unit acts, where time is continuous: every unit has its own sequence of events, and there is no common step.

A clock says which units act in a step; a *trigger* says of one unit when its next event comes. Contract of a trigger: a
`part` with the scalar method

- `due(self, unit)`: seconds from now to the unit's next event if nothing changes; infinity if there is none;

and, as far as it needs them,

- `first(self, unit)` and `slots`: the numbers that each unit keeps, at time 0 (see `scalars`);
- `fires(self, unit)`: what it keeps after its own event, which is now;
- `passes(self, unit)`: what it keeps after `unit.passed` seconds in which its signal was `unit.signal`;
- `hears(self, unit)`: what it keeps after a neighbour, an edge that shares a node with it, has fired, now;
- if it is known, `rate(units)`: events per unit and second. Otherwise it is measured.

| a unit senses | what |
|---|---|
| now | time, in seconds |
| signal | the contrast of its two states now: between two events of the network it is constant |
| passed | seconds since the last event anywhere (in `passes`) |
| value, low, high | its learning parameter and its range |
| memory | the numbers it keeps, a tuple |
| uniform, normal | random numbers of (seed, replica, number of its event, unit); in `hears`, of the one it hears |
| step, index | how often it has fired, and its own number |

A trigger that looks at `signal` in `due` or `hears`, or has `passes`, *watches*: it is asked again after every event
anywhere, since each changes the signals of all. Any other is asked once after each event of its own, and where it has
`hears`, of its neighbours. Asked twice it meets the same random number: what must not depend on how often it is asked, it
keeps.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from clockless.errors import ParameterError, shown, whole
from clockless.parts.part import part
from clockless.parts.scalars import named_by, scalar

__all__ = ["Avalanches", "FreeOscillators", "PoissonEvents", "SelfTriggered", "SignChanges"]


def is_trigger(thing: Any) -> bool:
    """Whether something says when a unit acts, rather than whether it acts in a step."""
    return hasattr(type(thing), "due") and not isinstance(thing, type)


def watches(cls: type) -> bool:
    """Whether units have to be asked again after every event anywhere."""
    return scalar(cls, "passes") is not None or "signal" in named_by(cls, "due", "hears")


def _number(name: str, value: Any, least: float, above: bool = False, most: float = np.inf) -> None:
    """Raise ParameterError unless `value` is a finite number from `least` (or above it) up to `most`."""
    good = isinstance(value, Real) and not isinstance(value, bool) and np.isfinite(float(value))
    if not good or float(value) < least or float(value) > most or (above and float(value) == least):
        ends = f"above {least:g}" if above else f"from {least:g}"
        raise ParameterError(f"{name} = {shown(value)}; give a number {ends}{f' to {most:g}' if most < np.inf else ''}.")


@part
class PoissonEvents:
    """Each unit has a Poisson process of its own: intervals are independent and exponential with mean 1 / events.

    The limit of `Bernoulli(p)` for small p at equal expected updates, where a step lasts p / events seconds.

    Args:
        events: mean number of events per unit and second.

    Raises:
        ParameterError: events not positive and finite.
    """

    events: float

    def __post_init__(self) -> None:
        _number("events", self.events, 0.0, above=True)

    def rate(self, units: int) -> float:
        """Events per unit and second."""
        return float(self.events)

    def due(self, unit: Any) -> Any:
        """An exponential interval, by inversion."""
        return -np.log(unit.uniform) / self.events


@part
class FreeOscillators:
    """Each unit is written by an oscillator of its own that runs freely: no common trigger, no common phase.

    The astable circuits of Wycoff et al. 2022 (doi 10.1063/5.0084631), Fig. 3, without the global trigger that asks them.
    A unit's output is high for the part `duty` of every cycle. It is written at the rise, and `pulses` times in all,
    spread evenly over the time that the output is high.

    Args:
        period: typical length of a cycle, seconds.
        spread: standard deviation of ln(period), between units, by the tolerance of components; 0 <= spread < 1.
        jitter: standard deviation of a cycle's length relative to it, from cycle to cycle; a cycle is never shorter than a
            tenth of its mean.
        duty: part of the cycle in which the output is high, 0 < duty <= 1.
        pulses: events in a cycle.
        reset: all start at the rise at time 0; otherwise at phases uniform in [0, 1).

    Raises:
        ParameterError: a number outside its range; a duty below 1 that nothing depends on, as there is one write a cycle.
    """

    period: float
    spread: float = 0.0
    jitter: float = 0.0
    duty: float = 1.0
    pulses: int = 1
    reset: bool = False
    slots = 4  # seconds of a mean cycle; of the present one; events left in it; when the next comes

    def __post_init__(self) -> None:
        _number("period", self.period, 0.0, above=True)
        _number("spread", self.spread, 0.0, most=0.99)
        _number("jitter", self.jitter, 0.0, most=1.0)
        _number("duty", self.duty, 0.0, above=True, most=1.0)
        whole("pulses", self.pulses, 1)
        if not isinstance(self.reset, (bool, np.bool_)):
            raise ParameterError(f"reset = {shown(self.reset)}; give True (start together) or False (at random phases).")
        if self.duty < 1 and self.pulses == 1:
            raise ParameterError(
                f"duty = {self.duty:g} changes nothing while a unit is written once a cycle; give pulses=2 or more."
            )

    def rate(self, units: int) -> float:
        """Events per unit and second: pulses / period, whose mean over units is larger by exp(spread^2 / 2)."""
        return float(self.pulses / self.period * np.exp(self.spread**2 / 2))

    def first(self, unit: Any) -> Any:
        """A period, and a phase at which the next cycle begins."""
        mean = self.period * np.exp(self.spread * unit.normal)
        return mean, mean, 1.0 * self.pulses, unit.now + mean * unit.uniform * (1.0 - self.reset)

    def due(self, unit: Any) -> Any:
        """At the time that is kept."""
        return unit.memory[3] - unit.now

    def fires(self, unit: Any) -> Any:
        """The next write of the cycle, or the next cycle."""
        mean, cycle, left, time = unit.memory
        gap = self.duty * cycle / self.pulses
        if left > 1.0:
            return mean, cycle, left - 1.0, time + gap
        following = mean * max(0.1, 1.0 + self.jitter * unit.normal)
        return mean, following, 1.0 * self.pulses, time + cycle - (self.pulses - 1) * gap


@part
class Ticks:
    """A global trigger every `period` seconds asks all units, and each acts with probability p: `Bernoulli(p)` in real time.

    The paper's board (Wycoff et al. 2022, doi 10.1063/5.0084631), eqs. 3 and 11, as the network sees it that has `period`
    seconds to settle. Units that act at the same tick do so one after the other; where the network settles at once, each
    sees what the one before has changed, and where it relaxes, all see the same.

    Raises:
        ParameterError: a period that is not positive, p outside (0, 1].
    """

    period: float
    p: float = 1.0
    slots = 1  # the number of the tick at which it acts next

    def __post_init__(self) -> None:
        _number("period", self.period, 0.0, above=True)
        _number("p", self.p, 0.0, above=True, most=1.0)

    def rate(self, units: int) -> float:
        """Events per unit and second."""
        return float(self.p / self.period)

    def first(self, unit: Any) -> Any:
        """The first tick is at one period."""
        return (np.floor(np.log(unit.uniform) / np.log(max(1.0 - self.p, 1e-300))) + 1.0,)

    def due(self, unit: Any) -> Any:
        """At its tick."""
        return unit.memory[0] * self.period - unit.now

    def fires(self, unit: Any) -> Any:
        """So many ticks later as a coin falls wrong side up, and one more: geometric, by inversion."""
        return (unit.memory[0] + np.floor(np.log(unit.uniform) / np.log(max(1.0 - self.p, 1e-300))) + 1.0,)


@part
class SelfTriggered:
    """A unit triggers itself: it integrates the magnitude of its own signal and fires when that passes a threshold.

        dq/dt = |signal| - leak q;      at q = threshold it fires, q = 0, and it is deaf for `refractory` seconds.

    The 'entirely self-triggered updates' of Wycoff et al. 2022 (doi 10.1063/5.0084631). Between events signals are
    constant, so q is known in closed form: q(t) = s/leak + (q - s/leak) exp(-leak t). With a leak, a unit whose |signal|
    stays below leak x threshold never fires. As learning lowers signals, units fire more and more rarely.

    Args:
        threshold: in units of signal x second: W s / ohm for resistances, V^2 s for conductances.
        refractory: seconds, from 0.
        leak: per second, from 0.

    Raises:
        ParameterError: a threshold that is not positive, a negative time or leak.
    """

    threshold: float
    refractory: float = 0.0
    leak: float = 0.0
    slots = 2  # q; seconds left in which it is deaf

    def __post_init__(self) -> None:
        _number("threshold", self.threshold, 0.0, above=True)
        _number("refractory", self.refractory, 0.0)
        _number("leak", self.leak, 0.0)

    def due(self, unit: Any) -> Any:
        """When q passes the threshold if the signal stays as it is."""
        charge, deaf = unit.memory
        drive = abs(unit.signal)
        if self.leak == 0.0:
            return deaf + max(self.threshold - charge, 0.0) / drive if drive > 0.0 else np.inf
        rest = drive / self.leak
        if charge >= self.threshold:
            return deaf
        return deaf + np.log((rest - charge) / (rest - self.threshold)) / self.leak if rest > self.threshold else np.inf

    def passes(self, unit: Any) -> Any:
        """q and what is left of the deaf time."""
        charge, deaf = unit.memory
        heard = max(unit.passed - deaf, 0.0)
        if self.leak == 0.0:
            return charge + abs(unit.signal) * heard, max(deaf - unit.passed, 0.0)
        rest = abs(unit.signal) / self.leak
        return rest + (charge - rest) * np.exp(-self.leak * heard), max(deaf - unit.passed, 0.0)

    def fires(self, unit: Any) -> Any:
        """Empty again, and deaf."""
        return 0.0, self.refractory


@part
class SignChanges:
    """A unit fires when its comparator changes sign: `delay` seconds after its signal has come to the other side.

    The comparator has a hysteresis: it turns round where the signal passes -hysteresis downwards or +hysteresis upwards.
    What happens within the delay can turn it back; then nothing fires. At time 0 a comparator knows no side, and fires once.

    Args:
        delay: of comparator and writer, seconds, positive: without one, units would answer each other in no time for ever.
        hysteresis: in units of the signal, from 0.

    Raises:
        ParameterError: a delay that is not positive, a negative hysteresis.
    """

    delay: float
    hysteresis: float = 0.0
    slots = 3  # the side at its last event (-1, 1; 0: none); the side now; seconds since it came there

    def __post_init__(self) -> None:
        _number("delay", self.delay, 0.0, above=True)
        _number("hysteresis", self.hysteresis, 0.0)

    def due(self, unit: Any) -> Any:
        """What is left of the delay, if it is on the other side."""
        last, side, since = unit.memory
        there = 1.0 if unit.signal > self.hysteresis else -1.0 if unit.signal < -self.hysteresis else side
        if there == last:
            return np.inf
        return max(self.delay - (since if there == side else 0.0), 0.0)

    def passes(self, unit: Any) -> Any:
        """How long it has been on its side."""
        last, side, since = unit.memory
        there = 1.0 if unit.signal > self.hysteresis else -1.0 if unit.signal < -self.hysteresis else side
        return last, there, (since if there == side else 0.0) + unit.passed

    def fires(self, unit: Any) -> Any:
        """Its side is the one it fired on."""
        return unit.memory[1], unit.memory[1], 0.0


@part
class Avalanches:
    """A unit fires by itself at a small rate, and a neighbour's firing makes it fire, too, with a given chance.

    Edges that share a node are neighbours. With z neighbours on average the branching ratio is about chance x z: below 1
    avalanches die out, near 1 their sizes are broadly distributed.

    Args:
        events: spontaneous events per unit and second.
        chance: that a neighbour's firing is answered, 0 to 1.
        delay: mean of the exponential time after which it is, seconds.
        refractory: seconds after its own event in which a unit hears nothing.

    Raises:
        ParameterError: a number outside its range.
    """

    events: float
    chance: float
    delay: float
    refractory: float = 0.0
    slots = 3  # when it fires by itself; when it answers; until when it is deaf

    def __post_init__(self) -> None:
        _number("events", self.events, 0.0, above=True)
        _number("chance", self.chance, 0.0, most=1.0)
        _number("delay", self.delay, 0.0, above=True)
        _number("refractory", self.refractory, 0.0)

    def first(self, unit: Any) -> Any:
        """An exponential time."""
        return unit.now - np.log(unit.uniform) / self.events, np.inf, -np.inf

    def due(self, unit: Any) -> Any:
        """Whichever comes first."""
        return min(unit.memory[0], unit.memory[1]) - unit.now

    def fires(self, unit: Any) -> Any:
        """Nothing is answered any more; if it was by itself, the next time is drawn."""
        alone, _, _ = unit.memory
        if alone <= unit.now:
            alone = unit.now - np.log(unit.uniform) / self.events
        return alone, np.inf, unit.now + self.refractory

    def hears(self, unit: Any) -> Any:
        """With a chance it will answer; one number decides whether, and when."""
        alone, answer, deaf = unit.memory
        if unit.now >= deaf and unit.uniform < self.chance:
            answer = min(answer, unit.now - self.delay * np.log(unit.uniform / self.chance))
        return alone, answer, deaf


def __dir__() -> list[str]:
    """What a person looks for; everything else is there as well."""
    return sorted(__all__)
