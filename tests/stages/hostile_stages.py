"""Child process of test_hostile_stages.py: feed the hostile files to every stage that reads SVG.

    python -m tests.stages.hostile_stages FOLDER

FOLDER/reports.jsonl gets a line per stage and file: CPU seconds, outside files and hosts accessed, and the result.
FOLDER/out gets the output of `preprocess` on all files.
"""

import gc
import json
import os
import shutil
import sys
import sysconfig
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from svgfusion_lib.corpus import preprocess as module
from svgfusion_lib.corpus.colours import dominant_colours
from svgfusion_lib.corpus.filters import Source, inspect_svg
from svgfusion_lib.corpus.records import Record
from svgfusion_lib.editing import encode_svg
from svgfusion_lib.editing.files import recolour_svg
from svgfusion_lib.errors import UserError
from svgfusion_lib.experiments.roundtrip import roundtrip_file
from svgfusion_lib.experiments.train_icon_head import _draw
from svgfusion_lib.models import vpvae
from svgfusion_lib.pipeline import SVGFusionPipeline
from svgfusion_lib.utils.render import render_svg
from tests.helpers import ROOT
from tests.svg.hostile_run import CASES, give_up_after, seconds_of

SHARE = int(os.environ.get("HOSTILE_SHARE", "10"))  # stages other than preprocess read one file in so many
GIVE_UP = 30  # CPU seconds for all measurements of one file; then the system kills this process
WATCHED = ("open", "socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "urllib.", "ftplib.", "http.")
LIBRARY = (*(sysconfig.get_paths()[name] for name in ("stdlib", "purelib")), "/proc/", "/sys/", "/dev/shm", "/dev/null")
GOOD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M1 1h5v5z"/></svg>'


def write_cases(folder: Path) -> dict[str, str]:
    """Write the hostile files into a folder; returns their names by case."""
    made, names = folder.parent / "made", {}
    made.mkdir()
    folder.mkdir()
    for number, (name, build, _) in enumerate(CASES):
        source, file = build(made), folder / f"{number:03d}.svg"
        if isinstance(source, Path):
            if source.is_file():
                shutil.copyfile(source, file)
            elif source.exists():  # a device, a pipe, a folder
                file.symlink_to(source)
            else:
                continue
        else:
            file.write_bytes(source.encode("utf-8", "surrogatepass") if isinstance(source, str) else source)
        names[file.name] = name
    (folder / "good.svg").write_text(GOOD)
    return names | {"good.svg": "a good one"}


def main(root: Path) -> None:
    torch.set_num_threads(1)
    svg_dir = root / "svg"
    names = write_cases(svg_dir)
    pipeline = SVGFusionPipeline.from_pretrained("line")
    assert vpvae._pixel_encoder("efficientnet-lite0") and module._encoder("efficientnet-lite0")
    inspect = partial(inspect_svg, stroke_only=False, max_rows=None, pictures=True, whole=True)

    def prepare(file: str) -> str:
        found = inspect(Source(svg_dir / file, Record(file, file, "")))
        return found.reason or ", ".join(dominant_colours(found.svg))  # as measured for emoji

    prepare("good.svg")
    render_svg(GOOD)  # cairo loads libraries at its first drawing
    roundtrip_file("good.svg", svg_dir, root / "unused")
    (root / "edited").mkdir()
    (root / "roundtrip").mkdir()
    stages: dict[str, Callable[[str], object]] = {
        "prepare_dataset": prepare,
        "roundtrip": partial(roundtrip_file, svg_dir=svg_dir, out_dir=root / "roundtrip"),
        "train_icon_head": lambda file: _draw((0, svg_dir / file), 128, 0) is not None,
        "palette": lambda file: recolour_svg(svg_dir / file, ["#d33"], root / "edited")["file"],
        "vary": lambda file: list(encode_svg(pipeline, svg_dir / file).shape),
    }
    reports = (root / "reports.jsonl").open("w", encoding="utf-8")
    seen: list[str] = []
    watching = False

    def watch(event: str, arguments: tuple) -> None:
        if watching and event.startswith(WATCHED):
            target = str(arguments[0]) if arguments else ""
            inside = event == "open" and (target.startswith((*LIBRARY, str(ROOT), str(root))) or target.isdecimal())
            if not inside:
                seen.append(f"{event} {target}"[:200])

    def measured(stage: str, file: str, work: Callable[[], object]):
        nonlocal watching
        give_up_after(GIVE_UP)
        seen.clear()
        watching = True
        seconds, (result, value) = seconds_of(partial(_attempt, work))
        watching = False
        reports.write(json.dumps({
            "stage": stage, "case": names.get(file, file), "seconds": seconds, "result": result, "opened": list(seen),
        }) + "\n")
        reports.flush()
        return value

    sys.addaudithook(watch)
    gc.collect()
    gc.freeze()  # otherwise each full collection walks 200,000 objects of the imported libraries
    make_part = module._make_part
    module.PART_FILES = 1
    module._make_part = lambda files, **options: measured(
        "preprocess", files[0].name, lambda: make_part(files, **options),
    )
    module.preprocess(svg_dir, root / "out", processes=1)
    for number, (stage, work) in enumerate(stages.items()):
        for file in sorted(names)[number % SHARE :: SHARE]:
            if os.path.lexists(svg_dir / file):
                measured(stage, file, partial(work, file))


def _attempt(work: Callable[[], object]) -> tuple[str, object]:
    """The result of reading a file, in words, and what it produced."""
    try:
        return "done", work()
    except UserError as error:
        return f"refused: {error}", None
    except Exception as error:  # noqa: BLE001 - the parent reports it
        return f"escaped: {error!r:.500}", None


if __name__ == "__main__":
    main(Path(sys.argv[1]))
