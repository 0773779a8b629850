"""How long each part of a run takes, in one place."""

from __future__ import annotations

from typing import NamedTuple


class Effort(NamedTuple):
    """Sizes and repetitions of everything that is measured; seconds are those of one round."""

    houses: int = 50
    rounds: int = 7
    seconds: float = 1.0
    wrk_rounds: int = 9
    wrk_seconds: int = 2
    starts: int = 3
    imports: int = 15
    request_rows: tuple[int, ...] = (1, 10, 100, 1_000, 10_000)
    trees: tuple[int, ...] = (75, 150, 300, 600, 1_200)
    features: tuple[int, ...] = (10, 20, 40, 79)
    workers: tuple[int, ...] = (1, 2)
    tables: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    table_rounds: int = 3
    longest_peer_table: int = 100_000


NORMAL = Effort()
FULL = NORMAL._replace(tables=(*NORMAL.tables, 5_000_000), longest_peer_table=1_000_000)
SMOKE = Effort(
    houses=5,
    rounds=2,
    seconds=0.05,
    wrk_rounds=1,
    wrk_seconds=1,
    starts=1,
    imports=1,
    request_rows=(1, 100),
    trees=(40,),
    features=(20,),
    workers=(1,),
    tables=(2_000,),
    table_rounds=1,
    longest_peer_table=2_000,
)
KNOWN = {"smoke": SMOKE, "normal": NORMAL, "full": FULL}
