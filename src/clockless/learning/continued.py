"""Parameters of an earlier run as a beginning: one labelled array, whether they were of one kind or of several."""

from __future__ import annotations

from typing import Any


def as_one_array(given: Any) -> Any:
    """A DataArray [.., parameter] of what `run.parameters` gave; anything else as it is.

    Where parameters are of several kinds, `run.parameters` is a Dataset whose variables W, h, .. are [.., W_number] and so
    on; they are put behind each other again.
    """
    if not hasattr(given, "data_vars"):
        return given
    import xarray

    parts = [values.rename({f"{kind}_number": "parameter"}) for kind, values in given.data_vars.items()]
    return xarray.concat(parts, dim="parameter").assign_attrs(given.attrs)
