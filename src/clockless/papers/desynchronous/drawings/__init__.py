"""Draws the figures of Wycoff et al. 2022 (doi 10.1063/5.0084631) from the data of `clockless.papers.desynchronous`."""

from clockless.papers.desynchronous.drawings.beyond import figure_b1, figure_b2, figure_b3
from clockless.papers.desynchronous.drawings.collapse import figure_1a, figure_1b, figure_1b_far
from clockless.papers.desynchronous.drawings.difficulty import figure_4d, figure_4e
from clockless.papers.desynchronous.drawings.discrete import (
    figure_4a,
    figure_4b,
    figure_4c,
    figure_4f,
    figure_4g,
)
from clockless.papers.desynchronous.drawings.oscillators import figure_3a, figure_3b, figure_3c, figure_3d
from clockless.papers.desynchronous.drawings.sgd import figure_2a, figure_2b, figure_2c

DRAW = {
    "1a": figure_1a,
    "1b": figure_1b,
    "1b-far": figure_1b_far,
    "2a": figure_2a,
    "2b": figure_2b,
    "2c": figure_2c,
    "3a": figure_3a,
    "3b": figure_3b,
    "3c": figure_3c,
    "3d": figure_3d,
    "4a": figure_4a,
    "4b": figure_4b,
    "4c": figure_4c,
    "4d": figure_4d,
    "4e": figure_4e,
    "4f": figure_4f,
    "4g": figure_4g,
    "b1": figure_b1,
    "b2": figure_b2,
    "b3": figure_b3,
}
