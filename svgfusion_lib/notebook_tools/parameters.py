"""The parameters of a notebook: annotated in its first code cell, checked in the second.

    NUM_EPOCHS: int = 150  # passes over the data

    check("03_vae_training", globals(), PRESET=VAEConfig.PRESETS)
"""

import difflib
from collections.abc import Collection, Mapping
from typing import Any, get_args, get_origin

from svgfusion_lib.errors import UserError

LITERALS = (str, int, float, bool, list)
KINDS: dict[str, Any] = {
    "str": str, "int": int, "float": float, "bool": bool, "list[str]": list[str], "list[int]": list[int],
    "list[float]": list[float],
}


def check(notebook: str, namespace: dict[str, Any], **allowed: Collection[str]) -> None:
    """UserError, in one line, for a parameter of another type, a value that is not allowed, or a name that is none.

    namespace: `globals()` of the notebook, before it imports names in capitals: what papermill or a cell put there in
    capitals must be declared. A whole number will do for a float, a text for a list of texts (both are changed in the
    namespace). allowed: of a parameter its possible values.
    """
    declared: Mapping[str, Any] = namespace.get("__annotations__", {})
    for name, value in list(namespace.items()):
        if name.isupper() and name not in declared and isinstance(value, LITERALS):
            near = difflib.get_close_matches(name, declared, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise UserError(f"{notebook} has no parameter {name}; {hint}It has {', '.join(declared)}")
    for name, kind in declared.items():
        namespace[name] = value = converted(notebook, name, namespace[name], kind)
        if name in allowed and value not in allowed[name]:
            raise UserError(f"{notebook}: {name} is {value!r}; it can be {', '.join(map(repr, allowed[name]))}")


def converted(notebook: str, name: str, value: Any, kind: Any) -> Any:
    """The value as one of its type; UserError if it is none."""
    if get_origin(kind) is list:
        (inner,) = get_args(kind)
        items = [value] if inner is str and isinstance(value, str) else value
        if not isinstance(items, list):
            raise UserError(f"{notebook}: {name} is {value!r}; it must be a list of {_NAMES[inner]}s")
        return [converted(notebook, name, item, inner) for item in items]
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise UserError(f"{notebook}: {name} is {value!r}; it must be {_ARTICLES[kind]}")
    return value


_NAMES = {str: "text", int: "whole number", float: "number", bool: "truth value"}
_ARTICLES = {str: "a text", int: "a whole number", float: "a number", bool: "True or False"}
