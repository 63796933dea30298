"""Pictures of networks, learning curves, phases and couplings in the house style; they draw arrays and never simulate."""

from clockless.pictures.curves import AVERAGED, draw_curve, error_figure, mean_and_interval, study_figure
from clockless.pictures.networks import ROLES, draw_network, network_figure, placed
from clockless.pictures.style import COLUMN, PAGE, STYLE, in_house_style, ordered_line, subplots

__all__ = [
    "AVERAGED",
    "COLUMN",
    "PAGE",
    "ROLES",
    "STYLE",
    "draw_curve",
    "draw_network",
    "error_figure",
    "in_house_style",
    "mean_and_interval",
    "network_figure",
    "ordered_line",
    "placed",
    "study_figure",
    "subplots",
]


def __dir__() -> list[str]:
    """What a person looks for; everything else is there as well."""
    return sorted(__all__)
