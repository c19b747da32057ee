"""Stage `fetch_packs`: real icons, by name."""

from collections.abc import Sequence
from pathlib import Path

from svgfusion_lib.corpus import packs as corpus_packs


def fetch_packs(packs: Sequence[str], output_dir: str | Path = "data/packs") -> list[Path]:
    """Fetch pinned icon packs by npm and unfold them into `output_dir/<pack>/*.svg` with manifests.

    Returns the folders in the order of `packs`. Packs that are already there are not fetched again.
    """
    return corpus_packs.fetch_packs(packs, output_dir)
