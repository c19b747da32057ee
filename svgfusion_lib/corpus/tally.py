"""Counts of a data set: what was kept and what was dropped, per pack and in all."""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from svgfusion_lib.corpus.records import SPLITS

PERCENTILES = (25, 50, 75, 95, 99)


class Tally:
    """Counts of one pack, or of all."""

    def __init__(self) -> None:
        self.splits: Counter = Counter()
        self.dropped: Counter = Counter()
        self.approximated: Counter = Counter()
        self.rows: list[int] = []  # of the icons kept, without <BOS> and <EOS>

    def keep(self, split: str, rows: int, approximated: Iterable[str]) -> None:
        self.splits[split] += 1
        self.approximated.update(approximated)
        self.rows.append(rows)

    @classmethod
    def merge(cls, tallies: Iterable["Tally"]) -> "Tally":
        total = cls()
        for tally in tallies:
            total.splits += tally.splits
            total.dropped += tally.dropped
            total.approximated += tally.approximated
            total.rows += tally.rows
        return total

    def summary(self) -> dict:
        quantiles = np.percentile(self.rows, PERCENTILES).tolist() if self.rows else []
        return {
            "icons": len(self.rows) + self.dropped.total(), "kept": len(self.rows),
            **{split: self.splits[split] for split in SPLITS},
            "dropped": dict(self.dropped.most_common()),
            "approximated": dict(self.approximated.most_common()),
            "rows": {f"p{p}": round(q) for p, q in zip(PERCENTILES, quantiles, strict=False)},
        }
