"""Stage `create_dummy_data`: synthetic SVGs with true captions."""

import random
import re
from pathlib import Path

from svgfusion_lib.corpus.captions import split_of
from svgfusion_lib.corpus.dummy import make_dummy_svg
from svgfusion_lib.corpus.records import COUNT, COUNTED, Record, write_manifest
from svgfusion_lib.errors import UserError
from svgfusion_lib.system.files import write_json
from svgfusion_lib.system.folders import whole_folder

DUMMY_INFO = "dummy.json"


def create_dummy_data(output_dir: str | Path, num_samples: int = 50, seed: int = 0) -> list[Record]:
    """Write `num_samples` captioned SVGs and manifest.jsonl to `output_dir`; return their records.

    Sample i depends on `seed` and i alone, so a larger set begins with the smaller one. A folder
    that an earlier call made is replaced.
    """
    if num_samples < 1:
        raise UserError(f"num_samples is {num_samples}; it must be at least 1")
    with whole_folder(output_dir, DUMMY_INFO) as folder:
        records = []
        for i in range(num_samples):
            svg, caption = make_dummy_svg(random.Random(f"{seed}/{i}"))
            file = f"{i:04d}_{re.sub('[^a-z]+', '-', caption)}.svg"
            (folder / file).write_text(svg, encoding="utf-8")
            records.append(Record(
                file=file, name=caption, captions=(caption,), licence="CC0-1.0", split=split_of(caption),
            ))
        write_manifest(folder, records)
        write_json(
            folder / DUMMY_INFO, {"num_samples": num_samples, "seed": seed, COUNT: num_samples}, COUNTED[DUMMY_INFO]
        )
    return records
