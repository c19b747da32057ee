"""The command line: `svgfusion STAGE --flags`. Every stage calls the function its notebook calls."""

import argparse
import difflib
import re
import shlex
import sys
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import redirect_stdout
from io import TextIOBase
from typing import Any, TextIO

from svgfusion_lib import __version__
from svgfusion_lib.cli import data, editing, measuring, training
from svgfusion_lib.cli.meanings import EXAMPLES, FLAG_HELP, NEXT
from svgfusion_lib.config import DEFAULT_MODEL, SamplingConfig
from svgfusion_lib.errors import Paused, UserError, machine_error, printable
from svgfusion_lib.models.pretrained import name_encoder

ENCODER_FLAGS = {"model", "vae_checkpoint", "precomputed_dir", "latents_dir", "icon_head", "head"}
STAGES = data.STAGES | training.STAGES | measuring.STAGES | editing.STAGES


class _Parser(argparse.ArgumentParser):
    """Reports errors in one line, with exit code 2."""

    def error(self, message: str):
        self.exit(2, f"{self.prog}: {printable(message + self._hint(message))} (see `{self.prog} --help`)\n")

    def _hint(self, message: str) -> str:
        """Suggest the nearest valid command or flag for an unknown one; "" if there is none."""
        strange = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
        unknown = re.search(r"unrecognized arguments: (--\w+)", message)
        if strange:
            word, known = strange[1], re.findall(r"[\w+-]+", strange[2])
        elif unknown:
            word, known = unknown[1], list(self._option_string_actions)
        else:
            return ""
        near = difflib.get_close_matches(word, known, n=1)
        return f"; did you mean {near[0]}?" if near else ""


class _Printable(TextIOBase):
    """A stream that escapes control codes, so that those in file names do not reach the terminal."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(printable(text))

    def flush(self) -> None:
        self._stream.flush()


class _Help(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults where there are any, and keeps the example's line breaks."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        no_default = action.default is None or action.default is False or action.default == []
        return action.help if no_default else super()._get_help_string(action)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one stage; returns the exit code (2: error the user can fix, 3: paused, 130: interrupted)."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    parser = build_parser()
    if not arguments:
        parser.print_help()
        return 0
    known, rest = parser.parse_known_args(arguments)
    if rest:
        stage_parsers(parser)[known.stage].error(f"unrecognized arguments: {' '.join(rest)}")
    options = vars(known)
    stage, run = options.pop("stage"), options.pop("run")
    name_encoder(*options.pop("encoder", None) or ())
    code = 2
    try:
        with redirect_stdout(_Printable(sys.stdout)), warnings.catch_warnings():
            warnings.showwarning = _plain_warnings(stage)
            run(**options)
            if not options.get("in_place"):  # nothing new to go on with
                print(f"next: {next_command(stage, options)}")
        return 0
    except UserError as error:
        message = _in_flags(str(error).removeprefix(f"{stage}: "), options)
    except Paused as pause:
        code, message = 3, f"paused; {pause}"
    except OSError as error:
        message = f"{error.filename}: {error.strerror or error}" if error.filename else str(error.strerror or error)
    except (MemoryError, RuntimeError, SystemError, ImportError) as error:
        trouble = machine_error(error)
        if trouble is None:
            raise
        message = trouble
    except KeyboardInterrupt:
        print(file=sys.stderr)  # end the line of the progress bar
        code, message = 130, "stopped; rerun the same command to resume training"
    _say(stage, message)
    return code


def _plain_warnings(stage: str) -> Callable[..., None]:
    """Return a function that prints a warning as one line, without its place in the code, and only once."""
    said: set[str] = set()

    def show(message: Warning | str, *_: object) -> None:
        if str(message) not in said:
            said.add(str(message))
            _say(stage, f"warning: {message}")

    return show


def _say(stage: str, message: str) -> None:
    """Print an error or a warning as one line."""
    print(f"svgfusion {stage}: {printable(' '.join(message.split()))}", file=sys.stderr)


def next_command(stage: str, options: Mapping[str, object]) -> str:
    """Shell command that usually follows a stage, filled in with its options."""
    quoted = {
        name: " ".join(shlex.quote(str(each)) for each in (value if isinstance(value, list) else [value]))
        for name, value in options.items()
    }
    made = options.get("precomputed_dir") or f"{options.get('output_dir')}/cache"
    quoted |= {"cache": shlex.quote(str(made)), "chosen_model": _chosen_model(NEXT[stage].split()[0], options)}
    return f"svgfusion {NEXT[stage].format(**quoted)}"


def _chosen_model(stage: str, options: Mapping[str, Any]) -> str:
    """The flags of `checkpoints`, after a space each, that are not the default of the next stage, `stage`."""
    own = ("vae_checkpoint", "dit_checkpoint") if options.get("vae_checkpoint") else ("model",)
    given = {name: options[name] for name in own if options.get(name) is not None}
    if not given and stage == "morph":  # it has no prompt that would choose the model, as that of `vary` did
        from svgfusion_lib.reranking.routing import models_for

        chosen = models_for(options["prompt"], options["style"])[0]
        given = {} if chosen == DEFAULT_MODEL else {"model": chosen}
    if not given:
        return ""
    default = stage_parsers(build_parser())[stage].get_default
    return "".join(f" --{name} {shlex.quote(str(value))}" for name, value in given.items() if value != default(name))


def _in_flags(message: str, options: Collection[str]) -> str:
    """Replace Python parameter names in a message by command-line flags."""
    for field, flag in SamplingConfig.FLAGS.items():
        message = message.replace(field, flag)
    return f"--{message}" if message.partition(" is ")[0] in options else message


def build_parser() -> _Parser:
    """Build the parser of all stages, with an example per stage and help for every flag."""
    parser = _Parser(prog="svgfusion", description="Text to editable SVG by latent diffusion in vector space.")
    parser.add_argument("--version", action="version", version=f"svgfusion {__version__}")
    stages = parser.add_subparsers(dest="stage", metavar="STAGE", required=True, parser_class=_Parser)
    for name, (help_text, add_flags, run) in STAGES.items():
        stage = stages.add_parser(name, help=help_text, description=help_text, formatter_class=_Help,
                                  epilog=f"example:\n  svgfusion {name} {EXAMPLES[name]}")
        add_flags(stage.add_argument)
        if ENCODER_FLAGS & {action.dest for action in stage._actions}:
            stage.add_argument(
                "--encoder", action="append", metavar="NAME",
                help="encoder that a model or cache may load besides the built-in ones: a folder or hub name",
            )
        for action in stage._actions:
            action.help = action.help or FLAG_HELP.get(action.dest)
        stage.set_defaults(run=run)
    return parser


def stage_parsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parser of each stage."""
    (stages,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return stages.choices
