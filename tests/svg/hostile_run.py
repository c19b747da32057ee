"""Child process of test_hostile.py: parses hostile cases one after the other, and watches what each does.

    python hostile_run.py FOLDER [NAME ...]     (no name: all)

One JSON line per case: CPU seconds of parsing and of writing, how far the memory peak rose (MB), what was opened
or connected, and the result: "rows N", or the reason of the refusal.
"""

import json
import re
import resource
import runpy
import sys
import sysconfig
import time
from pathlib import Path

from svgfusion_lib.utils.svg_parser import parse_svg
from svgfusion_lib.utils.tensorsvg import rows_to_svg

GIVE_UP = 8   # CPU seconds after which the system ends this process
_WATCHED = ("open", "socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "urllib.", "ftplib.", "http.")
_LIBRARY = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "purelib"))


def load_cases() -> list[tuple]:
    here = Path(__file__)
    return [
        case
        for name in ("hostile_documents.py", "hostile_references.py", "hostile_shapes.py")
        for case in runpy.run_path(str(here.with_name(name)))["CASES"]
    ]


def slowness() -> float:
    """By how much limits of time are longer on this machine: 1, more where a plain loop takes longer than 0.15 s."""
    times = []
    for _ in range(3):
        start, total = time.process_time(), 0
        for i in range(2_000_000):
            total += i
        times.append(time.process_time() - start)
    return max(1.0, max(times) / 0.15)


def _memory(name: str) -> float:
    """VmRSS or VmHWM of this process in MB."""
    return int(re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def _cpu_used() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main(folder: Path, names: list[str]) -> None:
    seen: list[str] = []
    watching = False

    def watch(event: str, arguments: tuple) -> None:
        if not watching or not event.startswith(_WATCHED):
            return
        if event == "open" and str(arguments[0]).startswith(_LIBRARY):  # a codec is imported when it is first used
            return
        seen.append(f"{event} {arguments[0] if arguments else ''}"[:200])

    sys.addaudithook(watch)
    for name, build, _ in load_cases():
        if names and name not in names:
            continue
        source = build(folder)
        resource.setrlimit(resource.RLIMIT_CPU, (int(_cpu_used()) + GIVE_UP, resource.RLIM_INFINITY))
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts from here
        before, start, parsed = _memory("VmRSS"), time.process_time(), None
        seen.clear()
        watching = True
        try:
            parsed = parse_svg(source)
            result = f"rows {len(parsed.rows)}"
        except ValueError as error:
            result = str(error)
        except Exception as error:  # noqa: BLE001 - the parent reports it
            result = f"escaped: {error!r:.500}"
        watching, middle = False, time.process_time()
        if parsed is not None:
            rows_to_svg(parsed.rows, parsed.size)
        print(json.dumps({
            "name": name, "parse": middle - start, "write": time.process_time() - middle,
            "memory": _memory("VmHWM") - before, "result": result,
            "opened": [event for event in seen if not (isinstance(source, Path) and event == f"open {source}")],
        }), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
