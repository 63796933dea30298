"""The learning half of a step in lanes: what every unit wants, which act, what they remember, what is written.

A part with a scalar method (see `scalars`) is compiled from that method: its numbers of a lane become a named tuple of
scalars, the unit another with the fields that the method names, and nothing that it does not name is computed. A part with
the block contract is asked by its registered behaviour.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np
from numba.core import types
from numba.extending import overload

from clockless.numerics.lanes import UNCOUNTED, compiled, known, uncounted
from clockless.numerics.randomness import CLOCK, RULES, WRITES, normal, step_keys, uniform
from clockless.parts.clocks import LEAK, choose
from clockless.parts.devices import spacing, write
from clockless.parts.kernels import separate
from clockless.parts.optimisers import follow, steer
from clockless.parts.packed import Packed, unpack
from clockless.parts.part import spelled
from clockless.parts.rules import wants
from clockless.parts.scalars import Units, clock_memory, first_memory, named, named_by, scalar, slots
from clockless.parts.stages import Stage, keys


class Memory(NamedTuple):
    """What units keep from step to step, each float64 [slot, unit, lane]."""

    rule: np.ndarray
    clock: np.ndarray
    device: np.ndarray
    optimiser: np.ndarray


class Limits(NamedTuple):
    """The range of every edge's learning parameter, each [edge]."""

    low: np.ndarray
    high: np.ndarray


def first_memories(replicas: Sequence[Any], value: np.ndarray, limits: Limits) -> Memory:
    """What units keep at step 0 for the parts of a block of replicas, one to a lane of `value` [unit, lane]."""
    of_lanes = []
    for w, replica in enumerate(replicas):
        seen = {"value": value[:, w], "low": limits.low, "high": limits.high}
        units = Units(int(replica.seed), replica.luck.replica, 0, len(value), seen)
        of_parts = first_memory(replica.rule, "rule", units), clock_memory(replica.clock, units)
        of_lanes.append((*of_parts, first_memory(replica.device, "device", units)))
    rule, clock, device = (np.ascontiguousarray(np.stack(each, axis=-1)) for each in zip(*of_lanes, strict=True))
    return Memory(rule, clock, device, np.zeros((replicas[0].optimiser.lane_slots, *value.shape)))


class Noted(NamedTuple):
    """What is noted of a step besides what units want; None where no part looks at it again."""

    gradient: Any  # [unit, lane] the contrast as it is, for the optimiser's memory
    signal: Any  # [unit, lane] the contrast as the optimiser passes it on
    recent: np.ndarray  # uint8 [unit, lane] actions that have not been added up yet
    rule_key: np.ndarray  # uint32 [2, lane]
    clock_key: np.ndarray
    device_key: np.ndarray


class Sensed(NamedTuple):
    """What one unit senses, as scalars: arrays in a named tuple would be counted references, atomically, for every unit."""

    step: int
    value: float
    low: float
    high: float
    signal: float
    level: float
    wanted: float
    acts: bool


def notes(rule: Any, clock: Any, device: Any, optimiser: Any, units: int, lanes: int) -> Noted:
    """Room for what these parts look at again."""
    later = (
        named_by(type(rule), "keeps") | named_by(type(clock), "acts", "keeps") | named_by(type(device), "writes", "keeps")
    )
    keys = [np.zeros((2, lanes), dtype=np.uint32) for _ in range(3)]
    return Noted(
        np.zeros((units, lanes)) if optimiser.slots else None,
        np.zeros((units, lanes)) if {"signal", "level"} & later else None,
        np.zeros((units, lanes), dtype=np.uint8),
        *keys,
    )


def stages(
    stamp: np.ndarray, tile: Any, parts: tuple[Any, ...], limits: Limits, lanes: Any, state: Any, scratch: Any
) -> list[Stage]:
    """What makes new values of what units sense, in `scratch.wanted`; `parts`: (medium, rule, optimiser, clock, device)."""
    _, rule, _, clock, device = parts
    noted = scratch.noted
    drawing = ((rule, RULES, noted.rule_key), (clock, CLOCK, noted.clock_key), (device, WRITES, noted.device_key))
    drawn = [keys(lanes, purpose, key) for part, purpose, key in drawing if _draws(part._part)]
    return [*drawn, Stage(learn, Packed(stamp, tile, parts, limits, state, scratch), own=True)]


@separate
def learn(packed, step):
    """Turn what units sense into new values.

    All parts see the memory from before the step, and the value from before it is written.
    """
    _, tile, parts, limits, state, scratch = unpack(packed)
    state, scratch = known(tile, state), known(tile, scratch)
    medium, rule, optimiser, clock, device = parts
    # Arrays get names before the loops: to take one out of a named tuple counts a reference. Limits are looked up once a
    # row: what is written might be a limit, for all that the compiler knows.
    noted, memory, value, nudge = scratch.noted, state.memory, state.value, rule.nudge
    conductance, wanted, acts = scratch.conductance, scratch.wanted, scratch.acts
    gradients, signals, recent = noted.gradient, noted.signal, noted.recent
    rule_key, clock_key, device_key = noted.rule_key, noted.clock_key, noted.device_key
    of_rule, of_clock, of_device, of_optimiser = memory.rule, memory.clock, memory.device, memory.optimiser
    edges, width = wanted.shape
    for e in range(edges):
        low, high = limits.low[e], limits.high[e]
        for w in range(width):
            gradient = signal_of(medium, conductance[e, w], wanted[e, w])
            note(gradients, gradient, e, w)
            signal = steer(optimiser, gradient, nudge[w], of_optimiser, e, w)
            note(signals, signal, e, w)
            level = spacing(device, value[e, w], signal, w)
            sensed = Sensed(step, value[e, w], low, high, signal, level, 0.0, False)
            wanted[e, w] = want(rule, sensed, of_rule, rule_key, e, w)
    act((clock, device), step, (value, wanted, limits.low, limits.high), signals, of_clock, clock_key, acts)
    for e in range(edges):
        low, high = limits.low[e], limits.high[e]
        for w in range(width):
            old, acting, signal = value[e, w], acts[e, w], read(signals, e, w)
            level = spacing(device, old, signal, w)
            sensed = Sensed(step, old, low, high, signal, level, wanted[e, w], acting)
            new = put(device, sensed, of_device, device_key, e, w)
            keep(rule, sensed, of_rule, rule_key, e, w)
            keep(clock, sensed, of_clock, clock_key, e, w)
            keep(device, sensed, of_device, device_key, e, w)
            follow(optimiser, read(gradients, e, w), nudge[w], of_optimiser, acting, e, w)
            value[e, w] = new if acting else old
    for e in range(edges):
        for w in range(width):
            recent[e, w] += acts[e, w]
    if step % LONGEST_TALLY == LONGEST_TALLY - 1:
        for e in range(edges):
            for w in range(width):
                state.actions[e, w] += recent[e, w]
                recent[e, w] = 0


LONGEST_TALLY = 255  # steps that bytes can count: they stay in the nearest cache


def tally(scratch: Any, state: Any) -> None:
    """Add the steps that are still counted in bytes to the actions of all steps."""
    state.actions[...] += scratch.noted.recent
    scratch.noted.recent[...] = 0


# --- questions, answered by type ---------------------------------------------------------------------------------------


def signal_of(medium, conductance, sensed):
    """Signal of an edge, dE/dparameter, from its conductance and what it sensed; `medium` says by its type what learns."""


def leave_out(clock, lanes, step, key, conductance):
    """Take from absent edges all but a leak of their conductance, if the clock knows any. Compiled only, as all below."""


def draw(part, lanes, step, purpose, key):
    """Write the step's key of a part's random numbers, if it draws any."""


def want(rule, sensed, memory, key, e, w):
    """The change that a unit wants."""


def act(parts, step, arrays, signals, memory, key, acts):
    """Write which units act into `acts`; `parts` are (clock, device), `arrays` (value, wanted, low, high)."""


def put(device, sensed, memory, key, e, w):
    """The new value of a unit if it acts."""


def keep(part, sensed, memory, key, e, w):
    """Write what a unit remembers for a part."""


def note(array, value, e, w):
    """array[e, w] = value, or nothing where there is no array."""


def read(array, e, w):
    """array[e, w], or 0 where there is none."""


@overload(draw, jit_options=UNCOUNTED)
def _draw(part, lanes, step, purpose, key):
    if _draws(_class(part)):
        return lambda part, lanes, step, purpose, key: step_keys(lanes.seed, lanes.replica, step, purpose, key)
    return lambda part, lanes, step, purpose, key: None


def _draws(cls: Any) -> bool:
    """Whether a part of this class has random numbers in lanes."""
    block_clock = hasattr(cls, "acting") and not scalar(cls, "acts")
    return block_clock or bool({"uniform", "normal"} & named_by(cls, "wants", "acts", "writes", "keeps"))


@overload(leave_out, jit_options=UNCOUNTED)
def _leave_out(clock, lanes, step, key, conductance):
    if not getattr(_class(clock), "absent", False):
        return lambda clock, lanes, step, key, conductance: None

    def absent(clock, lanes, step, key, conductance):
        step_keys(lanes.seed, lanes.replica, step, CLOCK, key)
        for e in range(conductance.shape[0]):
            for w in range(conductance.shape[1]):
                if not uniform(e, key[0, w], key[1, w]) < clock.p[w]:
                    conductance[e, w] *= LEAK

    return absent


@overload(want, jit_options=UNCOUNTED)
def _want(rule, sensed, memory, key, e, w):
    if scalar(_class(rule), "wants"):
        return asked(rule, "wants", "rule")
    return lambda rule, sensed, memory, key, e, w: wants(rule, sensed.signal, sensed.level, w)


@overload(act, jit_options=UNCOUNTED)
def _act(parts, step, arrays, signals, memory, key, acts):
    clock = parts[0]
    if not scalar(_class(clock), "acts"):
        return lambda parts, step, arrays, signals, memory, key, acts: choose(parts[0], memory, step, key, arrays[1], acts)
    ask = uncounted(asked(clock, "acts", "clock"))

    def each(parts, step, arrays, signals, memory, key, acts):
        clock, device = parts
        value, wanted, lows, highs = arrays
        for e in range(acts.shape[0]):
            low, high = lows[e], highs[e]
            for w in range(acts.shape[1]):
                signal = read(signals, e, w)
                level = spacing(device, value[e, w], signal, w)
                sensed = Sensed(step, value[e, w], low, high, signal, level, wanted[e, w], False)
                acts[e, w] = ask(clock, sensed, memory, key, e, w)

    return each


@overload(put, jit_options=UNCOUNTED)
def _put(device, sensed, memory, key, e, w):
    if not scalar(_class(device), "writes"):
        return lambda device, sensed, memory, key, e, w: write(
            device, sensed.value, sensed.wanted, sensed.low, sensed.high, w
        )
    writes = uncounted(asked(device, "writes", "device"))

    def within(device, sensed, memory, key, e, w):
        new = writes(device, sensed, memory, key, e, w)
        # Comparisons that let NaN through: a replica that has failed must look failed.
        return sensed.low if new < sensed.low else sensed.high if new > sensed.high else new

    return within


@overload(keep, jit_options=UNCOUNTED)
def _keep(part, sensed, memory, key, e, w):
    if scalar(_class(part), "keeps"):
        return asked(part, "keeps", "part")
    return lambda part, sensed, memory, key, e, w: None


@overload(note, jit_options=UNCOUNTED)
def _note(array, value, e, w):
    if isinstance(array, types.NoneType):
        return lambda array, value, e, w: None

    def there(array, value, e, w):
        array[e, w] = value

    return there


@overload(read, jit_options=UNCOUNTED)
def _read(array, e, w):
    if isinstance(array, types.NoneType):
        return lambda array, e, w: 0.0
    return lambda array, e, w: array[e, w]


@overload(choose, jit_options=UNCOUNTED)
def _choose_by_luck(clock, memory, step, key, wanted, acts):
    """Clocks of examples, which have neither values nor wishes."""
    cls = _class(clock)
    if not scalar(cls, "acts") or not named_by(cls, "acts") <= {"uniform", "normal", "step", "index"}:
        return None
    ask = uncounted(asked(clock, "acts", "clock"))

    def each(clock, memory, step, key, wanted, acts):
        for e in range(acts.shape[0]):
            for w in range(acts.shape[1]):
                acts[e, w] = ask(clock, Sensed(step, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, False), memory, key, e, w)

    return each


# --- from a method to a function of lanes ------------------------------------------------------------------------------

_SENSED = {
    **{name: f"sensed.{name}" for name in Sensed._fields}, "index": "e", "uniform": "uniform(e, key[0, w], key[1, w])",
    "normal": "normal(e, key[0, w], key[1, w])",
}  # fmt: skip


_KEEPING = ("keeps", "fires", "passes", "hears")  # methods that say what is kept


def _class(part: Any) -> Any:
    """The class behind the numba type of a part's `Lanes`; None for what is no part."""
    return getattr(getattr(part, "instance_class", None), "_part", None)


def asked(part: Any, method: str, first: str, senses: Mapping[str, str] = _SENSED) -> Callable[..., Any]:
    """A function `(first, sensed, memory, key, e, w)` of lanes that asks a scalar method of a part's class.

    `part` is the numba type of its `Lanes`, `senses` says how what a unit senses is spelled. The function is written as
    text, because only text can say which fields two named tuples have; dataclasses are made like that, too.
    """
    cls = _class(part)
    function = scalar(cls, method)
    assert function is not None
    around: dict[str, Any] = {"method": compiled(function), "uniform": uniform, "normal": normal, "np": np}
    kept = slots(cls)
    texts = {**senses, "memory": "(" + "".join(f"memory[{k}, e, w], " for k in range(kept)) + ")"}
    names = sorted(named(function) & texts.keys()) or ["index"]
    around["Unit"] = namedtuple("Unit", names)
    call = f"method({_numbers(part, first, around)}, Unit({', '.join(texts[name] for name in names)}))"
    lines = [f"def ask({first}, sensed, memory, key, e, w):"]
    if method in _KEEPING:
        lines += [f"    {''.join(f'kept{k}, ' for k in range(kept))} = {call}"]
        lines += [f"    memory[{k}, e, w] = kept{k}" for k in range(kept)]
    else:
        lines += [f"    return {call}"]
    exec("\n".join(lines), around)
    ask: Callable[..., Any] = around["ask"]
    return ask


_IN_LANE = {"float": "{}[w]", "int": "np.int64({}[w])", "bool": "({}[w] != 0.0)"}


def _numbers(part: Any, at: str, around: dict[str, Any]) -> str:
    """The text of a named tuple of a part's numbers in lane w, with those of parts within; its type joins `around`."""
    annotations = {field.name: spelled(field.type) for field in fields(_class(part))}
    texts = {}
    for name, kind in zip(part.fields, part.types, strict=True):
        if _class(kind) is not None:
            texts[name] = _numbers(kind, f"{at}.{name}", around)
        elif annotations[name] in _IN_LANE:
            texts[name] = _IN_LANE[annotations[name]].format(f"{at}.{name}")
    made = f"Numbers{len(around)}"
    around[made] = namedtuple("Numbers", list(texts) or ["nothing"])
    return f"{made}({', '.join(texts.values()) or '0.0'})"
