"""What a child process gets from Linux when its parent dies, even if the parent was killed."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from signal import Signals

_PR_SET_PDEATHSIG = 1  # prctl(2)


def signal_at_parent_death(number: Signals) -> Callable[[], None]:
    """Return what a child runs before its program, to get ``number`` when its parent dies.

    The wish survives ``exec``. Systems other than Linux have nothing of the kind.
    """
    if sys.platform != "linux":
        return lambda: None
    prctl = ctypes.CDLL(None).prctl  # found here: little is safe between fork and exec
    return lambda: prctl(_PR_SET_PDEATHSIG, int(number))
