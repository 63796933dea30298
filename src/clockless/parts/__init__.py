"""The parts of the sentence: rules, clocks, devices, optimisers and samplers, and what makes a class of numbers one."""

from clockless.parts.part import Part, behaviour, kind, part, stack

__all__ = ["Part", "behaviour", "kind", "part", "stack"]


def __dir__() -> list[str]:
    """What a person looks for; everything else is there as well."""
    return sorted(__all__)
