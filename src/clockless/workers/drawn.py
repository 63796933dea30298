"""A machine of a store as a picture: what it has learned, or the bare network while it is not done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clockless.errors import ParameterError
from clockless.networks.network import Network
from clockless.pictures.networks import network_figure
from clockless.stores.store import Store
from clockless.workers.runs import of_store

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def drawn_machine(store: Store, number: int) -> tuple[Figure, str]:
    """The picture of machine `number`, and in words how far it is.

    Raises:
        ParameterError: there is no such machine, or one that is not done on a medium without a network.
    """
    count = store.experiment.replicas
    if not 0 <= number < count:
        raise ParameterError(f"machine = {number}; {store.path} has the machines 0 to {count - 1}.")
    run = of_store(store)
    if bool(run.data["done"].values.reshape(-1)[number]):
        return run.draw(number=number), f"after {store.experiment.steps:,} steps"
    replica = store.jobs.replica(number)
    network = getattr(replica.medium, "network", None)
    if not isinstance(network, Network):
        raise ParameterError(f"machine {number} of {store.path} is not done yet; go on with: clockless resume {store.path}.")
    return network_figure(network, replica.task if replica.task.wired else None), "which is not done yet: its network alone"
