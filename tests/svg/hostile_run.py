"""Child process of test_hostile.py: parses hostile cases one after the other, and watches what each does.

    python -m tests.svg.hostile_run FOLDER [NAME ...]     (no name: all)

One JSON line per case: CPU seconds of parsing and of writing, how far the memory peak rose (MB), what was opened
or connected, and the result: "rows N", or the reason of the refusal. What is slow is measured again (`seconds_of`).
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
CPU_SECONDS = 2.0  # that parsing a file may take, and writing its rows
GIVE_UP = 20       # CPU seconds of one case, all measurements together, after which the system ends this process
_WATCHED = ("open", "socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "urllib.", "ftplib.", "http.")
_LIBRARY = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "purelib"))


def seconds_of(work: Callable[[], object]) -> tuple[float, object]:
    """CPU seconds of a call, as on a machine that is not slowed down by others, and what it returned.

    Above half of CPU_SECONDS it is called up to twice more, and the least counts: other work on the machine can only
    make it longer. Each is divided by how much slower than usual the machine is just then.
    """
    least = math.inf
    for _ in range(3):
        value, start = None, time.process_time()  # of the last call nothing is held: it would count as memory
        value = work()
        taken = time.process_time() - start
        least = min(least, taken if taken < CPU_SECONDS / 2 else taken / _slowness())
        if least < CPU_SECONDS / 2:
            break
    return least, value


def _slowness() -> float:
    """1, or more where reading a plain file with the standard library takes longer than 0.04 s.

    It makes many small objects, as the parser does: a machine whose memory is busy slows both down, and would not slow
    down a loop over numbers.
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
    """Let the system end this process after so many more CPU seconds, as on a machine that is not slowed down."""
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
        if event == "open" and str(arguments[0]).startswith(_LIBRARY):  # a codec is imported when it is first used
            return
        seen.append(f"{event} {arguments[0] if arguments else ''}"[:200])

    sys.addaudithook(watch)
    for name, build, _ in CASES:
        if names and name not in names:
            continue
        source = build(folder)
        give_up_after(GIVE_UP)
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts from here
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
    """What the case came to, in words, and the rows if there are any."""
    try:
        parsed = parse_svg(source)
    except ValueError as error:
        return str(error), None
    except Exception as error:  # noqa: BLE001 - the parent reports it
        return f"escaped: {error!r:.500}", None
    return f"rows {len(parsed.rows)}", parsed


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
