"""Block the network beyond this machine in Python processes that have this folder on PYTHONPATH.

Attempts fail as on a machine without network and are logged to the file in SVGFUSION_NETWORK_LOG, so they show even
if the failure is caught. Loopback and Unix sockets still work: notebooks need them.
"""

import errno
import os
import sys

_SENT_TO = ("socket.connect", "socket.sendto", "socket.sendmsg")           # (socket, address)
_LOOKED_UP = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")  # (host, ...)


def is_here(host: object) -> bool:
    """Whether a host is this machine."""
    if isinstance(host, bytes):
        host = host.decode()
    return host in (None, "", "localhost", "::1", "0.0.0.0", "::", os.uname().nodename) or str(host).startswith("127.")


def _guard(event: str, arguments: tuple) -> None:
    if event in _SENT_TO:
        address = arguments[1]
        if not isinstance(address, tuple) or is_here(address[0]):  # the address of a Unix socket is a path
            return
        host = address[0]
    elif event in _LOOKED_UP and not is_here(arguments[0]):
        host = arguments[0]
    else:
        return
    with open(os.environ["SVGFUSION_NETWORK_LOG"], "a", encoding="utf-8") as log:
        log.write(f"{event} {host!r} by {' '.join(sys.argv)[:200]}\n")
    raise OSError(errno.ENETUNREACH, "the network is blocked")


if "SVGFUSION_NETWORK_LOG" in os.environ:
    sys.addaudithook(_guard)
