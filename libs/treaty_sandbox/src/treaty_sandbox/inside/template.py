"""Main of the template process: a pre-imported interpreter that forks one child a request.

Run as a script: `python -I -S template.py <control descriptor> <module to import>... -- <import path>...`.
It never loads plugin code, never sees a child's configuration or environment, and ends when its
supervisor does. Control messages, one a packet: in `S<id>` with the child's end of the channel and the
progress memory attached, `K<id>`; out `R` ready, `F<text>` failed, `P<id><pid>`,
`X<id><wait status><microseconds it had of a core>`.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from types import FrameType, ModuleType

_NUMBERS = struct.Struct(">Qi")
_END = struct.Struct(">QiQ")


def main(arguments: list[str]) -> None:
    control = socket.socket(fileno=int(arguments[0]))
    try:
        cut = arguments.index("--")
        sys.path[:0] = arguments[cut + 1 :]
        child = import_lean("treaty_sandbox.inside.child")
        import_lean("treaty_sandbox.confinement.apply").prepare()
        for name in arguments[1:cut]:
            import_lean(name)
    except BaseException as error:
        control.send(b"F" + f"{type(error).__name__}: {error}"[:1000].encode(errors="replace"))
        raise
    gc.collect()
    gc.freeze()
    serve(control, child.main)


def import_lean(name: str) -> ModuleType:
    """Imports a module and runs no __init__ of the packages it is in: they serve the supervisor."""
    parts = name.split(".")
    for depth in range(1, len(parts)):
        parent = ".".join(parts[:depth])
        if parent not in sys.modules:
            above = sys.modules[".".join(parts[: depth - 1])].__path__ if depth > 1 else None
            spec = PathFinder.find_spec(parent, above)
            if spec is None:
                raise ModuleNotFoundError(f"no module named {parent!r}", name=parent)
            sys.modules[parent] = module_from_spec(spec)
    return import_module(name)


def serve(control: socket.socket, child_main: Callable[..., None]) -> None:
    wake_in, wake_out = socket.socketpair()
    for end in (wake_in, wake_out):
        end.setblocking(False)
    signal.set_wakeup_fd(wake_out.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, _noted)
    children: dict[int, int] = {}
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(wake_in, select.POLLIN)
    control.send(b"R")
    while True:
        ready = {descriptor for descriptor, _ in poll.poll()}
        if wake_in.fileno() in ready:
            wake_in.recv(4096)
        for pid, number in list(children.items()):
            reaped, status, usage = os.wait4(pid, os.WNOHANG)
            if reaped:
                del children[pid]
                used = int((usage.ru_utime + usage.ru_stime) * 1e6)
                control.send(b"X" + _END.pack(number, status, used))
        if control.fileno() not in ready:
            continue
        message, descriptors, _, _ = socket.recv_fds(control, 64, 2)
        if not message:
            os._exit(0)
        number = int.from_bytes(message[1:9], "big")
        if message[:1] == b"S":
            pid = os.fork()
            if pid == 0:
                _become_child(control, wake_in, wake_out, descriptors, child_main)
            children[pid] = number
            control.send(b"P" + _NUMBERS.pack(number, pid))
            for descriptor in descriptors:
                os.close(descriptor)
        elif message[:1] == b"K":
            for pid, known in children.items():
                if known == number:
                    os.kill(pid, signal.SIGKILL)


def _noted(_number: int, _frame: FrameType | None) -> None:
    """Only there so that SIGCHLD writes to the wake-up descriptor."""


def _become_child(
    control: socket.socket,
    wake_in: socket.socket,
    wake_out: socket.socket,
    descriptors: list[int],
    child_main: Callable[..., None],
) -> None:
    """Never returns: whatever happens, the process ends here and not in the template's loop."""
    parent = os.getppid()
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for mine in (control, wake_in, wake_out):
            mine.close()
        child_main(descriptors[0], descriptors[1], parent, import_lean)
    finally:
        os._exit(70)


if __name__ == "__main__":
    main(sys.argv[1:])
