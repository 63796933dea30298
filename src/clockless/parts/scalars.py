"""The scalar methods of parts: what of a unit each one names, and its answers for all units of a replica in NumPy.

A *scalar method* says what one unit does, `method(self, unit)`: `acts` of a clock, `wants` of a rule, `writes` of a device,
`keeps` and `first` of any part with memory. `self` holds the part's numbers, `unit` what the unit can sense:

| name | what |
|---|---|
| value | its learning parameter |
| signal | the contrast of its two states over the step's examples (sum; phases: mean), as the optimiser passes it on |
| level | distance to the neighbouring value that its device can hold, on the side that lowers the contrast; 0: any |
| low, high | the range of its parameter |
| wanted | the change that the rule wants (not in `wants`) |
| acts | whether the clock lets it act in this step (in `keeps` and `writes`) |
| memory | the numbers it keeps for this part, a tuple, as they were before the step |
| uniform, normal | random numbers of (seed, replica, step, kind of part, unit): in (0, 1), and of mean 0 and variance 1 |
| step, index | the absolute step, and its own number |

Triggers have other methods, in continuous time: see `triggers`.

`unit_lanes` compiles the method itself for lanes. Here it is called with arrays, or unit by unit where it does not take them
(`if` and `and` do not). The two agree bit for bit where it uses + - * / and comparisons alone.
"""

from __future__ import annotations

import dis
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from numbers import Number
from types import CodeType, FunctionType, SimpleNamespace
from typing import Any

import numpy as np

from clockless.errors import ParameterError
from clockless.numerics.randomness import CLOCK, NORMALS, RULES, TRIGGERS, WRITES, numbers

SENSED = (
    "value", "signal", "wanted", "acts", "level", "low", "high", "memory", "uniform", "normal", "step", "index",
)  # fmt: skip
_AT_FIRST = ("value", "low", "high", "uniform", "normal", "index", "now")
_OF_TRIGGERS = ("now", "signal", "value", "low", "high", "memory", "uniform", "normal", "step", "index")
_NAMES = frozenset((*SENSED, *_OF_TRIGGERS, "passed"))
OFFERED: dict[str, tuple[str, ...]] = {
    "first": _AT_FIRST,
    "wants": tuple(name for name in SENSED if name not in ("wanted", "acts")),
    "acts": tuple(name for name in SENSED if name != "acts"),
    "keeps": SENSED,
    "writes": SENSED,
    **dict.fromkeys(("due", "fires", "hears"), _OF_TRIGGERS),
    "passes": (*_OF_TRIGGERS, "passed"),
}
METHODS = tuple(OFFERED)
FAMILIES = {
    "rule": ("wants", RULES), "clock": ("acts", CLOCK), "device": ("writes", WRITES), "trigger": ("due", TRIGGERS),
}  # fmt: skip
FIRST_STEP = 2**32 - 1  # never a step of a run: the random numbers of `first`
_DRAWN = ("uniform", "normal")


# --- what a method names ------------------------------------------------------------------------------------------------


def scalar(cls: type, method: str) -> FunctionType | None:
    """The scalar method of a class, if it has it as a plain function."""
    function = getattr(cls, method, None)
    return function if isinstance(function, FunctionType) else None


def named(function: FunctionType) -> frozenset[str]:
    """What of its unit a method looks at. Where the unit is handed on, every name of a sense that the code holds counts."""
    names, unit = set(), function.__code__.co_varnames[1:2]
    before = None
    for instruction in dis.get_instructions(function):
        if before is not None and instruction.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            names.add(instruction.argval)
        elif before is not None:
            return frozenset(function.__code__.co_names) & _NAMES
        loaded = instruction.argval if isinstance(instruction.argval, tuple) else (instruction.argval,)
        before = instruction if instruction.opname.startswith("LOAD_FAST") and loaded[-1:] == unit else None
    return frozenset(names)


def named_by(cls: type, *methods: str) -> frozenset[str]:
    """What of its unit a class looks at in any of these scalar methods."""
    functions = [function for method in methods if (function := scalar(cls, method)) is not None]
    return frozenset().union(*map(named, functions))


def slots(cls: type) -> int:
    """Numbers that each unit keeps for a part of this class by its scalar methods."""
    keeping = any(scalar(cls, method) for method in ("keeps", "first", "fires", "passes", "hears"))
    return int(getattr(cls, "slots", 0)) if keeping else 0


def code_digest(cls: type) -> str:
    """A hash of the code of a class's scalar methods and of the numbers they find around them; empty if it has none.

    Methods typed in at a prompt have no file that could be looked at.
    """
    functions = [function for method in METHODS if (function := scalar(cls, method)) is not None]
    if not functions:
        return ""
    text = "\n".join(spelled_code(function) for function in functions)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def spelled_code(function: FunctionType) -> str:
    """The name and code of a function as text, with the numbers it finds around itself."""
    return f"{function.__name__}: {_spelled(function.__code__, function.__globals__)}"


def _spelled(code: CodeType, around: Mapping[str, Any]) -> str:
    constants = [_spelled(item, around) if isinstance(item, CodeType) else repr(item) for item in code.co_consts]
    found = {name: repr(around[name]) for name in code.co_names if isinstance(around.get(name), Number)}
    return f"{code.co_code.hex()} {code.co_names} {code.co_varnames} {constants} {found}"


# --- its answers in NumPy -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Units:
    """All units of a replica at a step; `seen` holds what they sense, arrays [unit] or numbers."""

    seed: int
    replica: int
    step: int
    count: int
    seen: Mapping[str, Any]

    def knowing(self, **more: Any) -> Units:
        """The same units, which sense more."""
        return replace(self, seen={**self.seen, **more})


def luck(name: str, seed: int, replica: int, step: int, purpose: np.uint64, count: int) -> np.ndarray:
    """The random numbers "uniform" or "normal" of all units, float64 [unit].

    Normal numbers are made of two uniform ones each (Box and Muller 1958, doi 10.1214/aoms/1177706645).
    """
    if name == "uniform":
        return (numbers(seed, replica, step, purpose, count) + 0.5) * 2.0**-32
    pairs = (numbers(seed, replica, step, purpose, 2 * count, NORMALS) + 0.5) * 2.0**-32
    return np.sqrt(-2.0 * np.log(pairs[0::2])) * np.cos(2.0 * np.pi * pairs[1::2])


def answers(part: Any, method: str, family: str, units: Units, memory: np.ndarray) -> Any:
    """What a part's scalar method says of every unit, [unit], or for `keeps` and `first` a tuple of such arrays.

    Raises:
        ParameterError: it asks for what units of this medium do not have.
    """
    function = scalar(type(part), method)
    assert function is not None
    fields: dict[str, Any] = {}
    for name in sorted(named(function)):
        if name in _DRAWN:
            fields[name] = luck(name, units.seed, units.replica, units.step, FAMILIES[family][1], units.count)
        elif name == "memory":
            fields[name] = tuple(memory)
        elif name in ("step", "index"):
            fields[name] = units.step if name == "step" else np.arange(units.count)
        elif name in units.seen:
            fields[name] = units.seen[name]
        else:
            raise ParameterError(f"{part} asks for unit.{name} in `{method}`, which units have nothing of here.")
    return called(function, part, fields, (units.count,))


def called(function: Callable[..., Any], part: Any, fields: dict[str, Any], shape: tuple[int, ...]) -> Any:
    """`function(part, unit)` for units of this shape: at once where it takes arrays, else one by one."""
    with np.errstate(all="ignore"):  # division by zero gives inf, as in lanes
        try:
            found = function(part, SimpleNamespace(**fields))
            if isinstance(found, tuple):
                return tuple(np.array(np.broadcast_to(item, shape)) for item in found)
            return np.array(np.broadcast_to(found, shape))
        except (TypeError, ValueError):  # what `if`, `and` and functions of numbers say to arrays
            pass
        each = [function(part, SimpleNamespace(**_at(fields, place, shape))) for place in np.ndindex(shape)]
    if each and isinstance(each[0], tuple):
        return tuple(np.array(column).reshape(shape) for column in zip(*each, strict=True))
    return np.array(each).reshape(shape)


def _at(fields: dict[str, Any], place: tuple[int, ...], shape: tuple[int, ...]) -> dict[str, Any]:
    def one(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(one(item) for item in value)
        return np.broadcast_to(value, shape)[place]

    return {name: one(value) for name, value in fields.items()}


def first_memory(part: Any, family: str, units: Units) -> np.ndarray:
    """What units remember for a part before the first step, float64 [slot, unit]: zeros, or what `first` says.

    Raises:
        ParameterError: `first` gives another number of values than `slots`.
    """
    memory = np.zeros((slots(type(part)), units.count))
    if scalar(type(part), "first") is None:
        return memory
    found = answers(part, "first", family, replace(units, step=FIRST_STEP), memory)
    if not isinstance(found, tuple) or len(found) != len(memory):
        raise ParameterError(f"`first` of {part} must give a tuple of as many numbers as `slots` says, {len(memory)}.")
    memory[:] = found
    return memory


def kept(part: Any, family: str, units: Units, memory: np.ndarray) -> np.ndarray:
    """The memory after a step, [slot, unit]."""
    if scalar(type(part), "keeps") is None:
        return memory
    return np.array(answers(part, "keeps", family, units, memory), dtype=np.float64).reshape(memory.shape)


def level_seen(device: Any, value: Any, signal: Any) -> Any:
    """Distance to the neighbouring value that a device can hold, on the side that lowers the contrast; 0 if any."""
    return device.spacing(value, signal) if hasattr(device, "spacing") else getattr(device, "level", 0.0)


def wanted_by(rule: Any, units: Units, memory: np.ndarray) -> np.ndarray:
    """The change that every unit wants [unit]."""
    if hasattr(rule, "change"):
        change: np.ndarray = rule.change(units.seen["signal"], units.seen["level"])
    else:
        change = answers(rule, "wants", "rule", units, memory)
    return change


def acting_by(clock: Any, units: Units, memory: np.ndarray) -> np.ndarray:
    """Which units act, bool [unit]; `memory` is also that of clocks with the block contract."""
    if hasattr(clock, "memory"):
        acts: np.ndarray = clock.acting_at(units.step, memory)
    elif hasattr(clock, "acting"):
        acts = clock.acting(numbers(units.seed, units.replica, units.step, CLOCK, units.count))
    else:
        acts = answers(clock, "acts", "clock", units, memory).astype(bool)
    return acts


def written_by(device: Any, units: Units, memory: np.ndarray) -> np.ndarray:
    """The new value of every unit [unit], whether it acts or not; what a scalar method says stops at the range's ends."""
    seen = units.seen
    if hasattr(device, "written"):
        value: np.ndarray = device.written(seen["value"], seen["wanted"], seen["low"], seen["high"])
    else:
        value = np.clip(answers(device, "writes", "device", units, memory), seen["low"], seen["high"])
    return value


def clock_memory(clock: Any, units: Units) -> np.ndarray:
    """The first memory of a clock of either contract, [slot, unit]."""
    if not hasattr(clock, "memory"):
        return first_memory(clock, "clock", units)
    memory: np.ndarray = clock.memory(units.seed, units.replica, units.count)
    return memory


# --- array methods that follow from the scalar one ----------------------------------------------------------------------


def derived(cls: type) -> dict[str, Callable[..., Any]]:
    """Methods on arrays that follow from scalar ones which look at nothing else: `acting`, `change`, `written`."""
    found: dict[str, Callable[..., Any]] = {}
    if _only(cls, "acts", "uniform", "index") and not slots(cls):
        found["acting"] = _acting
    if _only(cls, "wants", "signal", "level") and not slots(cls):
        found["change"] = _change
    if _only(cls, "writes", "value", "wanted", "low", "high") and not slots(cls):
        found["written"] = _written
    return {name: method for name, method in found.items() if not hasattr(cls, name)}


def _only(cls: type, method: str, *names: str) -> bool:
    function = scalar(cls, method)
    return function is not None and named(function) <= set(names)


def _acting(self: Any, numbers: np.ndarray) -> np.ndarray:
    """Which units act, given their uniform 32-bit numbers of the step: uint32 [unit] -> bool [unit]."""
    uniform = (numbers + 0.5) * 2.0**-32
    seen = {"uniform": uniform, "index": np.arange(numbers.size)}
    acts: np.ndarray = called(type(self).acts, self, seen, numbers.shape).astype(bool)
    return acts


def _change(self: Any, signal: np.ndarray, level: Any) -> np.ndarray:
    """Wanted change [unit] from the summed signal difference of the two states [unit] and the device's level."""
    change: np.ndarray = called(type(self).wants, self, {"signal": signal, "level": level}, np.shape(signal))
    return change


def _written(self: Any, value: np.ndarray, wanted: np.ndarray, low: Any, high: Any) -> np.ndarray:
    """New values [unit] within [low, high]."""
    seen = {"value": value, "wanted": wanted, "low": low, "high": high}
    new: np.ndarray = np.clip(called(type(self).writes, self, seen, np.shape(value)), low, high)
    return new
