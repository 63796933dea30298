"""clockless: machines that learn without a global clock.

A medium settles; a rule compares two settled states; a clock says which units act now; a device says what the hardware
can make of it; a task says what is wanted.
"""

__version__ = "0.1.0"

from clockless import errors, networks, clocks, rules, devices, tasks
from clockless.networks import Network
from clockless.media.resistors import Resistors
from clockless.rules import CoupledLearning
from clockless.clocks import Bernoulli, FixedFraction, Global
from clockless.devices import Continuous
from clockless.tasks import Task
from clockless.training import train
from clockless.results import Run
