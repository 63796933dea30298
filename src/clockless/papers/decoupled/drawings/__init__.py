"""Draws the figures about decoupled neural interfaces from the data of `clockless.papers.decoupled`."""

from clockless.papers.decoupled.drawings.alignment import figure_alignment
from clockless.papers.decoupled.drawings.bridge import figure_bridge
from clockless.papers.decoupled.drawings.end_to_end import figure_mnist_speed
from clockless.papers.decoupled.drawings.errors import figure_errors
from clockless.papers.decoupled.drawings.interfaces import figure_interfaces
from clockless.papers.decoupled.drawings.speed import figure_speed1, figure_speed2, figure_speed3, figure_speed4
from clockless.papers.decoupled.drawings.weights import figure_weights

DRAW = {
    "errors": figure_errors,
    "alignment": figure_alignment,
    "interfaces": figure_interfaces,
    "bridge": figure_bridge,
    "weights": figure_weights,
    "speed1": figure_speed1,
    "speed2": figure_speed2,
    "speed3": figure_speed3,
    "speed4": figure_speed4,
    "mnist-speed": figure_mnist_speed,
}
