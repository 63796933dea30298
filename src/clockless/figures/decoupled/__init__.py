"""Draws the figures about decoupled neural interfaces from the data of `clockless.papers.decoupled`."""

from clockless.figures.decoupled.alignment import figure_alignment
from clockless.figures.decoupled.bridge import figure_bridge
from clockless.figures.decoupled.errors import figure_errors
from clockless.figures.decoupled.speed import figure_speed1, figure_speed2, figure_speed3, figure_speed4

DRAW = {
    "errors": figure_errors,
    "alignment": figure_alignment,
    "bridge": figure_bridge,
    "speed1": figure_speed1,
    "speed2": figure_speed2,
    "speed3": figure_speed3,
    "speed4": figure_speed4,
}
