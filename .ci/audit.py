"""Run pip-audit on constraints.txt with a clear verdict: exit 0 only if every package was looked up.

    .venv/bin/python .ci/audit.py

Exit 1: packages with known vulnerabilities. Exit 2: no verdict, as the vulnerability database is out of reach.
"""

import json
import subprocess
import sys
from pathlib import Path

CONSTRAINTS = Path(__file__).resolve().parents[1] / "constraints.txt"


def verdict(report: dict) -> tuple[int, str]:
    """Exit status and message for the output of `pip-audit --format json`."""
    packages = report["dependencies"]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    found = [
        f"{package['name']} {package['version']}: {', '.join(v['id'] for v in package['vulns'])}"
        for package in packages if package.get("vulns")
    ]
    if found:
        return 1, "\n".join(["known vulnerabilities:", *found])
    if skipped or not packages:
        return 2, (
            f"NO VERDICT: {len(skipped)} of {len(packages)} packages could not be looked up. Your package index does "
            "not serve advisories; run this where PyPI itself can be reached"
        )
    return 0, f"{len(packages)} packages, no known vulnerability"


def main() -> int:
    """Run pip-audit, print the verdict, return the exit status."""
    command = [
        sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--no-deps",
        "--disable-pip", "-r", str(CONSTRAINTS),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        status, message = verdict(json.loads(done.stdout))
    except json.JSONDecodeError:
        last = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1][:300]
        status, message = 2, f"NO VERDICT: the vulnerability database cannot be reached from here ({last})"
    print(f"audit: {message}", file=sys.stderr if status else sys.stdout)
    return status


if __name__ == "__main__":
    sys.exit(main())
