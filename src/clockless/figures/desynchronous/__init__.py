"""Draws the figures of Wycoff et al. 2022 (doi 10.1063/5.0084631) from the data of `clockless.papers.desynchronous`."""

from clockless.figures.desynchronous.collapse import figure_1a, figure_1b

DRAW = {"1a": figure_1a, "1b": figure_1b}
