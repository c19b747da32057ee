"""Stage roundtrip over whole icon packs: a report for each, and one table over all."""

from collections.abc import Sequence
from pathlib import Path

from svgfusion_lib.corpus.packs import fetch_packs
from svgfusion_lib.experiments.roundtrip import REPORT, REPORT_NAME, roundtrip
from svgfusion_lib.system.files import read_json, write_text

TABLE_NAME = "table.md"
ROW_PERCENTILES = ("p25", "p50", "p75", "p95", "p99")


def roundtrip_packs(
    packs: Sequence[str], out_dir: str | Path, packs_dir: str | Path = "data/packs", **options
) -> str:
    """Fetch packs where they are not there, send each through `roundtrip` into out_dir/<pack>.

    options are those of `roundtrip`. Returns the Markdown table that out_dir/table.md holds.
    """
    out_dir = Path(out_dir)
    reports = {}
    for folder in fetch_packs(packs, packs_dir):
        roundtrip(folder, out_dir / folder.name, **options)
        reports[folder.name] = read_json(out_dir / folder.name / REPORT_NAME, REPORT, "run it again")
    table = comparison_table(reports)
    write_text(out_dir / TABLE_NAME, table)
    return table


def comparison_table(reports: dict[str, dict]) -> str:
    """Markdown: a line for each pack's report, figures of SSIM beside the floor of a blank picture."""
    bins = max((report["summary"]["bins"] for report in reports.values()), default=0)
    titles = ["pack", "files", "parsed", "SSIM >= .98", "mean SSIM", "1% below", "blank picture"]
    titles += [f"mean SSIM, {bins} levels"] if bins else []
    titles += ["same structure", "rows 25 / 50 / 75 / 95 / 99", "parsed per s and core", "missing in (files)"]
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for pack, report in reports.items():
        summary, measured = report["summary"], report["summary"].get("ssim")
        if measured is None:
            lines.append(f"| {pack} | {summary['files']} | {summary['parsed']} |" + " |" * (len(titles) - 3))
            continue
        missing = ", ".join(f"{name} {count['files']}" for name, count in summary["unsupported"].items())
        cells = [
            pack, summary["files"], f"{summary['parsed'] / summary['files']:.2%}", f"{summary['share_ssim_0.98']:.2%}",
            f"{measured['mean']:.4f}", f"{measured['p1']:.3f}", f"{summary['blank_ssim']['mean']:.2f}",
            *([f"{summary[f'ssim_{bins}_bins']['mean']:.3f}"] if bins else []),
            f"{summary['same_structure'] / max(summary['parsed'], 1):.2%}",
            " / ".join(f"{summary['rows'][p]:.0f}" for p in ROW_PERCENTILES),
            report["timing"]["parsed_per_second_and_core"], missing or "-",
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"
