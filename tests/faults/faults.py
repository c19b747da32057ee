"""Faults to inject into a process (kill -9, full disk, power cut, little memory, halt), and its outcome."""

import ctypes
import errno
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

OVERRIDE = 1 << 1  # CAP_DAC_OVERRIDE in linux/capability.h


@dataclass(frozen=True)
class Fault:
    """A fault to inject into a stage; none by default."""

    kill_at: int | None = None      # kill -9 before the n-th file system change
    halt_at: int | None = None      # stop before the n-th change, until SIGCONT
    largest_file: int | None = None  # file size limit in bytes (RLIMIT_FSIZE)
    full_at: int | None = None      # the disk is full from the n-th fsync on
    memory: int | None = None       # bytes it may allocate beyond the current use (RLIMIT_AS)
    held_to_rights: bool = False    # folder permissions apply to root too
    power_cut_at: int | None = None  # at the n-th os.replace: unflushed data is lost


@dataclass
class Outcome:
    """How a stage ended. kind: ok, UserError, OSError, trouble (machine_error), escaped, or killed."""

    kind: str
    message: str = ""
    changes: int = 0    # file system changes
    seconds: float = 0.0


def strike(fault: Fault, folder: Path) -> Callable[[], int]:
    """Set up the fault in this process; returns a function that counts file system changes so far."""
    count, own = 0, str(folder.parent)

    def watch(event: str, arguments: tuple) -> None:
        nonlocal count
        if event == "open":
            changes = isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        else:
            changes = event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir")
        if changes and str(arguments[0]).startswith(own):
            count += 1
            if count in (fault.kill_at, fault.halt_at):
                os.kill(os.getpid(), signal.SIGKILL if count == fault.kill_at else signal.SIGSTOP)

    sys.addaudithook(watch)
    if fault.largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (fault.largest_file, resource.RLIM_INFINITY))
    if fault.full_at is not None:
        _fill_disk(fault.full_at)
    if fault.power_cut_at is not None:
        _cut_power(fault.power_cut_at, folder.parent)
    if fault.memory is not None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + fault.memory, resource.RLIM_INFINITY))
    if fault.held_to_rights and os.geteuid() == 0:
        _give_up_override()
    return lambda: count


def _give_up_override() -> None:
    """Drop the capability that lets root write anywhere."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this process
    sets = (ctypes.c_uint32 * 6)()                 # effective, permitted, inheritable; then their upper halves
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.capget(header, sets) == 0
    sets[0] &= ~OVERRIDE
    assert libc.capset(header, sets) == 0


def _fill_disk(number: int) -> None:
    """Make the disk full from the number-th fsync on: with delayed allocation it shows only then."""
    left = [number]

    def fsync(descriptor: int) -> None:
        left[0] -= 1
        if left[0] <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    os.fsync = fsync


def _cut_power(number: int, around: Path) -> None:
    """Kill the process after its number-th os.replace; a file moved without fsync loses its content."""
    fsync, replace, left = os.fsync, os.replace, [number]
    on_disk: set[int] = set()  # inodes

    def noting_fsync(descriptor: int) -> None:
        fsync(descriptor)
        on_disk.add(os.fstat(descriptor).st_ino)

    def noting_sync() -> None:
        on_disk.update(path.stat().st_ino for path in around.rglob("*") if path.is_file())

    def cutting_replace(source, target) -> None:
        lost = [
            path for path in ([Path(source)] if Path(source).is_file() else Path(source).rglob("*"))
            if path.is_file() and path.stat().st_ino not in on_disk
        ]
        replace(source, target)
        left[0] -= 1
        if not left[0]:
            for path in lost:
                moved = Path(target) / path.relative_to(source) if Path(target).is_dir() else Path(target)
                os.truncate(moved, 0)
            os.kill(os.getpid(), signal.SIGKILL)

    os.fsync, os.sync, os.replace = noting_fsync, noting_sync, cutting_replace
