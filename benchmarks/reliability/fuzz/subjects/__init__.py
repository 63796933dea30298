"""What is fed: each subject makes inputs of one kind and tries them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from fuzz.attempts import Subject

NAMES = ("studies", "networks", "idx", "stores", "commands", "calls")


def _maker(name: str) -> Callable[[], Subject]:
    def made() -> Subject:
        subject: Subject = import_module(f"fuzz.subjects.{name}").Fed()
        return subject

    return made


SUBJECTS: dict[str, Callable[[], Subject]] = {name: _maker(name) for name in (*NAMES, "planted")}
