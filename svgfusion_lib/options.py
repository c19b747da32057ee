"""Validates option names, types and counts from callers and files."""

import difflib
import math
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import is_dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from svgfusion_lib.errors import UserError

_WORDS: dict[Any, str] = {
    bool: "true or false", int: "a whole number", float: "a finite number", str: "text", Path: "a path",
    dict: "a table",
}


def check_known(name: str, known: Collection[str], what: str, listed: Collection[str] | None = None) -> None:
    """Check that a name is known; the UserError gives `what`, the name, and the nearest valid name or all of `listed`.

    listed: default: all known names.
    """
    if name not in known:
        near = difflib.get_close_matches(str(name), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(listed or known))}"
        raise UserError(f"{what} {str(name)[:60]!r}; {hint}")


def check_counts(**counts: int | None) -> None:
    """Check that all given numbers are whole and at least 1; UserError naming the first that is not."""
    for name, value in counts.items():
        if not fits(value, int | None):
            raise UserError(f"{name} is {value!r:.60}; it must be a whole number")
        if value is not None and value < 1:
            raise UserError(f"{name} is {value}; it must be at least 1")


def check_types(values: Mapping[str, Any], of: Callable, where: str) -> None:
    """Check values against the annotations of the function or class `of`; UserError for the first mismatch."""
    start: Any = of
    hints = get_type_hints(start.__init__ if isinstance(of, type) and not is_dataclass(of) else of)
    for name, value in values.items():
        if name in hints and not fits(value, hints[name]):
            given = " ".join(f"{value!r:.60}".split())  # that of a network has several lines
            raise UserError(f"{where}: {name} must be {describe(hints[name])}, not {given}")


def fits(value: Any, hint: Any) -> bool:
    """Whether a value from a file or a user matches a type annotation."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, types.UnionType):
        return any(fits(value, one) for one in arguments)
    if origin is tuple or origin is Sequence or origin is list:
        inner = arguments[0] if arguments else Any
        return isinstance(value, list | tuple) and all(fits(each, inner) for each in value)
    if origin is not None:
        return isinstance(value, origin)
    if is_dataclass(hint):
        return isinstance(value, hint | Mapping)
    if hint is float:
        return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    if hint is int:
        return isinstance(value, Integral) and not isinstance(value, bool)
    if hint is Path:
        return isinstance(value, str | Path)
    return isinstance(value, hint)


def describe(hint: Any) -> str:
    """Describe a type in words, for messages."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        kinds = [one for one in arguments if one is not type(None)]
        return " or ".join(dict.fromkeys(describe(one) for one in kinds))
    if origin is tuple or origin is Sequence or origin is list:
        return f"a list (of {describe(arguments[0])})" if arguments else "a list"
    if is_dataclass(hint) or origin is not None:
        return "a table"
    return _WORDS.get(hint) or f"a {getattr(hint, '__name__', hint)}"
