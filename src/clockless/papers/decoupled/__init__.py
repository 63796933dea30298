"""Decoupled neural interfaces: layers that learn without waiting for each other, figure by figure.

Bisong 2017 (arXiv 1712.08314) reports accuracy comparable to backprop and over 3-fold speed. Only its abstract can be read
and no setting of it is known, so these are measurements of its two claims, not of its tables. The method, and the settings
it gives, are of Jaderberg et al. 2017 (arXiv 1608.05343).
"""

from clockless.papers.decoupled.alignment import figure_alignment
from clockless.papers.decoupled.bridge import figure_bridge
from clockless.papers.decoupled.captions import CAPTIONS as CAPTIONS
from clockless.papers.decoupled.end_to_end import figure_mnist_speed
from clockless.papers.decoupled.errors import figure_errors
from clockless.papers.decoupled.interfaces import figure_interfaces
from clockless.papers.decoupled.speed import figure_speed1, figure_speed2, figure_speed3, figure_speed4
from clockless.papers.decoupled.weights import figure_weights

TITLE = "Decoupled neural interfaces with synthetic gradients: accuracy and speed"
CITE = (
    "E. Bisong, 'Benchmarking decoupled neural interfaces with synthetic gradients', arXiv 1712.08314 (2017); "
    "M. Jaderberg et al., 'Decoupled neural interfaces using synthetic gradients', arXiv 1608.05343 (ICML 2017)"
)

USES = ("mnist",)  # data that figures use if the user names their folder
NEEDS = {"mnist-speed": "mnist"}  # and that some are left out without

FIGURES = {
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
