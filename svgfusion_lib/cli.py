"""The command line: `svgfusion STAGE --flags`. Every stage calls the function its notebook calls."""

import argparse
import sys
from collections.abc import Sequence

from svgfusion_lib import __version__
from svgfusion_lib.commands import data, editing, measuring, training
from svgfusion_lib.errors import Paused, UserError

STAGES = data.STAGES | training.STAGES | measuring.STAGES | editing.STAGES


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, with exit code 2."""

    def error(self, message: str):
        self.exit(2, f"{self.prog}: {message} (see `{self.prog} --help`)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one stage; returns the exit code (2: the user can put it right, 3: paused, 130: interrupted)."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    parser = _build_parser()
    if not arguments:
        parser.print_help()
        return 0
    options = vars(parser.parse_args(arguments))
    stage, run = options.pop("stage"), options.pop("run")
    try:
        run(**options)
    except UserError as error:
        print(f"svgfusion {stage}: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except Paused as pause:
        print(f"svgfusion {stage}: paused; {pause}", file=sys.stderr)
        return 3
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"svgfusion {stage}: {place}{error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\nsvgfusion {stage}: stopped; the same command continues a training", file=sys.stderr)
        return 130
    return 0


def _build_parser() -> _Parser:
    parser = _Parser(prog="svgfusion", description="Text to editable SVG by latent diffusion in vector space.")
    parser.add_argument("--version", action="version", version=f"svgfusion {__version__}")
    stages = parser.add_subparsers(dest="stage", metavar="STAGE", required=True, parser_class=_Parser)
    for name, (help_text, add_flags, run) in STAGES.items():
        stage = stages.add_parser(name, help=help_text, description=help_text,
                                  formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        add_flags(stage.add_argument)
        stage.set_defaults(run=run)
    return parser
