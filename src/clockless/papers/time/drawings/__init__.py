"""Draws the figures of `clockless.papers.time` from their data."""

from clockless.papers.time.drawings.boards import figure_7
from clockless.papers.time.drawings.clamping import figure_5
from clockless.papers.time.drawings.noise import figure_4
from clockless.papers.time.drawings.power import figure_3
from clockless.papers.time.drawings.relaxing import figure_2, figure_6
from clockless.papers.time.drawings.triggered import figure_1

DRAW = {"1": figure_1, "2": figure_2, "3": figure_3, "4": figure_4, "5": figure_5, "6": figure_6, "7": figure_7}
