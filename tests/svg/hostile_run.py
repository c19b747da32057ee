"""Child process of test_hostile.py: parses hostile cases one by one and monitors each.

    python -m tests.svg.hostile_run FOLDER [NAME ...]     (no name: all)

One JSON line per case: CPU seconds for parsing and writing, rise of the memory peak (MB), files opened and
connections made, and the result: "rows N" or the reason of refusal. Slow cases are measured again (`seconds_of`).
"""

import json
import math
import re
import resource
import sys
import sysconfig
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from xml.etree import ElementTree

from svgfusion_lib.utils.svg_parser import ParsedSVG, parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg
from tests.svg import hostile_documents, hostile_references, hostile_shapes, hostile_styles

CASES = [*hostile_documents.CASES, *hostile_references.CASES, *hostile_shapes.CASES, *hostile_styles.CASES]
CPU_SECONDS = 2.0  # limit for parsing a file, and for writing its rows
GIVE_UP = 20       # CPU seconds for all measurements of one case; then the system kills this process
_WATCHED = ("open", "socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "urllib.", "ftplib.", "http.")
_LIBRARY = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "purelib"))


def seconds_of(work: Callable[[], object]) -> tuple[float, object]:
    """CPU seconds of a call, corrected for other load on the machine, and its result.

    Above half of CPU_SECONDS the call is repeated up to twice and the minimum counts, as other load can only slow it
    down. Slow measurements are divided by the machine's current slowness.
    """
    least = math.inf
    for _ in range(3):
        value, start = None, time.process_time()  # free the last result: it would count as memory
        value = work()
        taken = time.process_time() - start
        least = min(least, taken if taken < CPU_SECONDS / 2 else taken / _slowness())
        if least < CPU_SECONDS / 2:
            break
    return least, value


def _slowness() -> float:
    """Time to read a plain file with the standard library, relative to 0.04 s; at least 1.

    Like the parser, this creates many small objects, so busy memory slows both down; a loop over numbers would not
    show that.
    """
    plain = "<svg>" + '<path d="M1 2L3 4L5 6z" fill="#09f"/>' * 12_000 + "</svg>"
    taken = []
    for _ in range(3):
        start = time.process_time()
        for element in ElementTree.fromstring(plain):
            dict(element.attrib)["d"] = [float(number) for number in re.findall(r"\d+", element.get("d"))]
        taken.append(time.process_time() - start)
    return max(1.0, sorted(taken)[1] / 0.04)


def _memory(name: str) -> float:
    """VmRSS or VmHWM of this process in MB."""
    return int(re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def give_up_after(seconds: float) -> None:
    """Let the system kill this process after so many more CPU seconds, corrected for other load."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(usage.ru_utime + usage.ru_stime + seconds * _slowness_at_start())
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


@cache
def _slowness_at_start() -> float:
    return _slowness()


def main(folder: Path, names: list[str]) -> None:
    seen: list[str] = []
    watching = False

    def watch(event: str, arguments: tuple) -> None:
        if not watching or not event.startswith(_WATCHED):
            return
        if event == "open" and str(arguments[0]).startswith(_LIBRARY):  # codecs are imported on first use
            return
        seen.append(f"{event} {arguments[0] if arguments else ''}"[:200])

    sys.addaudithook(watch)
    for name, build, _ in CASES:
        if names and name not in names:
            continue
        source = build(folder)
        give_up_after(GIVE_UP)
        Path("/proc/self/clear_refs").write_text("5")  # reset the memory peak
        before = _memory("VmRSS")
        seen.clear()
        watching = True
        parse_seconds, (result, parsed) = seconds_of(partial(_parse, source))
        watching, write_seconds = False, 0.0
        if parsed is not None:
            write_seconds, _ = seconds_of(partial(rows_to_svg, parsed.rows, parsed.size))
        print(json.dumps({
            "name": name, "parse": parse_seconds, "write": write_seconds,
            "memory": _memory("VmHWM") - before, "result": result,
            "opened": [event for event in seen if not (isinstance(source, Path) and event == f"open {source}")],
        }), flush=True)


def _parse(source: str | bytes | Path) -> tuple[str, ParsedSVG | None]:
    """The result in words, and the parsed rows, if any."""
    try:
        parsed = parse_svg(source)
    except ValueError as error:
        return str(error), None
    except Exception as error:  # noqa: BLE001 - the parent reports it
        return f"escaped: {error!r:.500}", None
    return f"rows {len(parsed.rows)}", parsed


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
