"""What notebooks ask of an object: HTML of itself, which pictures make and are imported for by name.

Pictures decide no bits, so they must not count among the sources that do.
"""

from __future__ import annotations

import importlib


class Seen:
    """A noun that a notebook shows as a card; `_card` says as what."""

    _card = "medium"

    def _repr_html_(self) -> str:
        html: str = getattr(importlib.import_module("clockless.pictures.shown"), f"{self._card}_html")(self)
        return html
