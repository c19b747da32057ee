import signal
import threading
import time

import pytest

from svgfusion_lib.system.limits import TimeLimitExceeded, call_in_child, cpu_limit


def spin(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_a_block_is_stopped_when_its_time_is_used_up():
    with pytest.raises(TimeLimitExceeded, match="too long"), cpu_limit(0.1, "too long"):
        spin(5)


def test_a_quick_block_is_left_alone_and_everything_is_as_before():
    before = signal.getsignal(signal.SIGPROF)
    with cpu_limit(0.2, "too long"):
        spin(0.01)
        time.sleep(0.3)  # waiting does not count
    assert signal.getsignal(signal.SIGPROF) == before and signal.getitimer(signal.ITIMER_PROF)[0] == 0
    spin(0.3)  # the timer is off


def test_a_thread_that_cannot_be_interrupted_runs_on():
    done = []

    def work():
        with cpu_limit(0.05, "too long"):
            spin(0.2)
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


def test_a_call_in_a_child_returns_or_raises_as_the_call_itself():
    assert call_in_child(5, "too long", divmod, 7, 2) == (3, 1)
    with pytest.raises(ValueError, match="invalid literal"):
        call_in_child(5, "too long", int, "x")


def test_c_code_that_never_returns_is_ended():
    """No Python signal handler can interrupt it."""
    with pytest.raises(TimeLimitExceeded, match="too long"):
        call_in_child(1, "too long", pow, 3, 10**9)
