import pytest

from svgfusion_lib.system.limits import TimeLimitExceeded, call_in_child


def test_a_call_in_a_child_returns_or_raises_as_the_call_itself():
    assert call_in_child(5, "too long", divmod, 7, 2) == (3, 1)
    with pytest.raises(ValueError, match="invalid literal"):
        call_in_child(5, "too long", int, "x")


def test_c_code_that_never_returns_is_ended():
    """No Python signal handler can interrupt it."""
    with pytest.raises(TimeLimitExceeded, match="too long"):
        call_in_child(1, "too long", pow, 3, 10**9)
