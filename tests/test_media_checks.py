"""Whatever the medium, a description that cannot be computed gets one sentence that names its field."""

import pytest

from clockless.errors import ClocklessError
from clockless.experiments.experiment import Experiment
from clockless.experiments.jobs import Jobs

MODULES = {
    "network": {"kind": "mlp"}, "medium": {"kind": "modules"}, "task": {"kind": "labels", "name": "digits"},
    "rule": {"kind": "dni"}, "batch": 64,
}  # fmt: skip
PHASES = {
    "network": {"kind": "dense", "sizes": [64, 20, 10]}, "medium": {"kind": "xy"}, "task": {"kind": "digits"},
    "rule": {"kind": "equilibrium-propagation", "nudge": 0.1, "rate": 0.1},
}  # fmt: skip
CLOCK = {"clock": {"kind": "bernoulli", "p": 2.0}}


@pytest.mark.parametrize(
    ("description", "field"),
    [
        ({**MODULES, **CLOCK}, "clock"),
        ({**PHASES, **CLOCK}, "clock"),
        (CLOCK, "clock"),
        ({**MODULES, "rule": {"kind": "dni", "mixing": 2.0}}, "rule"),
        ({**MODULES, "network": {"kind": "board16"}}, "network"),
        ({**PHASES, "network": {"kind": "board16"}}, "network"),
        ({**PHASES, "rule": {"kind": "dni"}}, "rule"),
        ({"initial": {"kind": "drawn"}}, "initial"),
        ({"network": PHASES["network"]}, "medium"),
    ],
    ids=str,
)
def test_the_sentence_names_the_field(description, field):
    with pytest.raises(ClocklessError) as error:
        Jobs(Experiment.of(description), 64).check()
    assert str(error.value).startswith(field)
    assert "\n" not in str(error.value)
