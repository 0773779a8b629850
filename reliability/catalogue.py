"""Every scenario, in the order of the table."""

from __future__ import annotations

from reliability import (
    artifacts,
    bodies,
    costs,
    disks,
    fuzz,
    observing,
    reloads,
    saving,
    slow_clients,
    soak,
    workers,
)
from reliability.scenario import REGISTERED

MODULES = (
    *(reloads, workers, slow_clients, soak),
    *(bodies, costs, fuzz),
    *(artifacts, saving, disks, observing),
)
SCENARIOS = {
    name: known
    for module in MODULES
    for name, known in REGISTERED.items()
    if known.run.__module__ == module.__name__
}
