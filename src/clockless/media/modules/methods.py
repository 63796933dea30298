"""What the modules of a stack learn from: the gradient that comes back, a prediction of it, or something of their own.

A method is a frozen dataclass; `unit(...)` says what each module needs beside itself. All of them run through the same
compiled functions (`units`), so they differ in what is waited for and in nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

from clockless.errors import ParameterError, is_one_of, shown, whole
from clockless.media.modules.interfaces import Interface, checked_hidden
from clockless.media.modules.layers import Linear, Module


@dataclass(frozen=True)
class Backprop:
    """Every module waits for the gradient of all later ones: the loss's own gradient."""


@dataclass(frozen=True)
class NoBackprop:
    """Only the last module learns; those before it stay random features. What any method has to beat."""


@dataclass(frozen=True)
class LocalLoss:
    """Each module has a linear classifier on its output and learns, with it, from that classifier's loss.

    Decoupled greedy learning, Belilovsky et al. 2020 (arXiv 1901.08164; asynchronous: 2106.06401). Nothing comes back.
    """


@dataclass(frozen=True)
class DelayedGradients:
    """Backprop whose gradient arrives late: module i of n uses that of `delay` x (n - 1 - i) steps ago.

    The gradient is of the parameters and the batch of that time, as in decoupled parallel backpropagation, Huo et al.
    2018 (arXiv 1804.10574), where delay = 1. Until its first gradient arrives a module does not move.

    Raises:
        ParameterError: a delay that is not a whole number from 0.
    """

    delay: int = 1

    def __post_init__(self) -> None:
        whole("delay", self.delay)

    def late(self, index: int, count: int) -> int:
        """By how many steps the gradient of module `index` of `count` is late."""
        return self.delay * (count - 1 - index)


@dataclass(frozen=True)
class DNI:
    """Decoupled neural interfaces: each module learns at once from a synthetic gradient at its output.

    The interface learns from what the next module sends back, which is itself made from a synthetic gradient.
    Jaderberg et al. 2017, arXiv 1608.05343.

    Args:
        conditioned: the interface sees the label, too (the papers' cDNI).
        hidden: widths of the interface's hidden layers; () is linear, (1024, 1024) the papers' unconditioned one.
        mixing: lambda of BP(lambda), see `interfaces.blended`; 0 waits for nothing, 1 is backprop.
        unlock: "update", or "forward", where a module's input is predicted from the network's input as well, so that no
            module waits for those before it. The true input, when it comes, teaches that prediction and moves the running
            statistics of batch normalisation, which a test uses.
        source: widths of the hidden layers of that prediction. A linear one does not do: what a module learns on linear
            images of the network's input does not carry over to the true inputs of a test.

    Raises:
        ParameterError: mixing outside [0, 1], an unknown unlock, or both mixing and forward unlocking.
    """

    conditioned: bool = True
    hidden: tuple[int, ...] = ()
    mixing: float = 0.0
    unlock: str = "update"
    source: tuple[int, ...] = (256,)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", checked_hidden("hidden", self.hidden))
        object.__setattr__(self, "source", checked_hidden("source", self.source))
        if not isinstance(self.conditioned, bool):
            raise ParameterError(f"conditioned = {shown(self.conditioned)}; give True or False.")
        if isinstance(self.mixing, bool) or not isinstance(self.mixing, Real) or not 0 <= self.mixing <= 1:
            raise ParameterError(f"mixing = {shown(self.mixing)}; it is the part of the true gradient, 0 to 1.")
        if not is_one_of(self.unlock, ("update", "forward")):
            raise ParameterError(f"unlock = {shown(self.unlock)}; a module is freed of 'update' or also of 'forward' waits.")
        if self.unlock == "forward" and self.mixing > 0:
            raise ParameterError("a module that does not wait forward has no true gradient to mix in; give mixing=0.")

    def gradient_model(self, width: int, classes: int) -> Interface:
        """The model of the gradient at an output of `width`."""
        return Interface(width, width, classes if self.conditioned else 0, self.hidden)

    def input_model(self, inputs: int, width: int) -> Interface:
        """The model of a module's input of `width`, from the network's input. It never sees the label.

        It would otherwise write the label into what the module learns from, and a test has no label to write.
        """
        return Interface(inputs, width, 0, self.source, zero=False)


Method = Backprop | NoBackprop | LocalLoss | DelayedGradients | DNI

# DNI and cDNI have the same linear interface here, so that they differ in the label alone.
NAMED: dict[str, Method] = {
    "no-backprop": NoBackprop(),
    "backprop": Backprop(),
    "local-loss": LocalLoss(),
    "delayed": DelayedGradients(),
    "dni": DNI(conditioned=False),
    "cdni": DNI(),
}


def checked_method(method: Any) -> Method:
    """`method`, or what its name stands for; ParameterError if it is neither."""
    if isinstance(method, str) and method in NAMED:
        return NAMED[method]
    if not isinstance(method, Method):
        raise ParameterError(f"method = {shown(method)} is not one; give DNI(), Backprop(), or one of {', '.join(NAMED)}.")
    return method


def is_method(thing: Any) -> bool:
    """Whether modules can learn by it."""
    return isinstance(thing, Method)


def waits(method: Method) -> bool:
    """Whether a module's update waits for gradients that come back through all later modules."""
    return isinstance(method, (Backprop, DelayedGradients)) or (isinstance(method, DNI) and method.mixing > 0)


def local_classifier(module: Module, classes: int) -> Linear:
    """What a module learns with under `LocalLoss`."""
    return Linear(module.outputs, classes)
