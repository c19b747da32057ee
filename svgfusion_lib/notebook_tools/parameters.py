"""Notebook parameters: annotated in the first code cell, checked in the second.

    NUM_EPOCHS: int = 150  # passes over the data

    check("03_vae_training", globals(), PRESET=VAEConfig.PRESETS)
"""

from collections.abc import Collection
from typing import Any

from svgfusion_lib.errors import UserError
from svgfusion_lib.options import check_known, describe, fits

LITERALS = (str, int, float, bool, list)
KINDS: dict[str, Any] = {
    "str": str, "int": int, "float": float, "bool": bool, "list[str]": list[str], "list[int]": list[int],
    "list[float]": list[float],
}


def check(notebook: str, namespace: dict[str, Any], **allowed: Collection[str]) -> None:
    """Raise a one-line UserError for a parameter of the wrong type, a value that is not allowed, or an unknown name.

    namespace: `globals()` of the notebook, before it imports names in capitals: every name in capitals set by
    papermill or a cell must be declared. A whole number is accepted for a float, a text for a list of texts (both are
    converted in the namespace). allowed: possible values by parameter.
    """
    declared: dict[str, Any] = namespace.get("__annotations__", {})
    for name, given in list(namespace.items()):
        if name.isupper() and isinstance(given, LITERALS):
            check_known(name, declared, f"{notebook} has no parameter")
    for name, kind in declared.items():
        value: Any = namespace[name]
        if kind == list[str] and isinstance(value, str):
            value = [value]
        if not fits(value, kind):
            raise UserError(f"{notebook}: {name} is {value!r}; it must be {describe(kind)}")
        namespace[name] = float(value) if kind is float else [*map(float, value)] if kind == list[float] else value
        if name in allowed and value not in allowed[name]:
            raise UserError(f"{notebook}: {name} is {value!r}; it can be {', '.join(map(repr, allowed[name]))}")
