"""A decoder that tries what its payload says and tells what it got; only ever run in a child."""

import ctypes
import mmap
import os
import signal
import socket
import sys
import threading
import time

from treaty import Reading

libc = ctypes.CDLL(None, use_errno=True)


def decode(uplink):
    name, _, argument = uplink.payload.decode().partition(" ")
    try:
        got = globals()[name](argument)
    except OSError as error:
        got = f"refused: {error.strerror}"
    return [Reading({}, {"got": got})]


def tcp(port):
    with socket.create_connection(("127.0.0.1", int(port)), 1):
        return "connected"


def abstract(name):
    with socket.socket(socket.AF_UNIX) as end:
        end.connect("\0" + name)
        return "connected"


def write(path):
    with open(path, "w") as file:
        file.write("written")
    return "written"


def remove(path):
    os.unlink(path)
    return "removed"


def read(path):
    with open(path, "rb") as file:
        return f"read {len(file.read())}"


def listing(path):
    return f"listed {len(os.listdir(path))}"


def kill(pid):
    os.kill(int(pid), signal.SIGKILL)
    return "killed"


def ptrace(pid):
    attach = 16
    return "attached" if libc.ptrace(attach, int(pid), None, None) == 0 else f"errno {ctypes.get_errno()}"


def syscall(numbers):
    number, *arguments = [int(part) for part in numbers.split()]
    found = libc.syscall(number, *arguments, *[0] * (6 - len(arguments)))
    return f"returned {found}"


def shell(path):
    os.execv("/bin/sh", ["sh", "-c", f"echo > {path}"])


def forks(count):
    made = []
    for _ in range(int(count)):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        made.append(pid)
    for pid in made:
        os.waitpid(pid, 0)
    return f"forked {len(made)}"


def threads(count):
    made = [threading.Thread(target=time.sleep, args=(0.01,)) for _ in range(int(count))]
    try:
        for thread in made:
            thread.start()
    except RuntimeError as error:
        return f"refused: {error}"
    return f"started {len(made)}"


def memory(mebibytes):
    try:
        return f"took {len(bytearray(int(mebibytes) << 20))}"
    except MemoryError:
        return "refused: MemoryError"


def executable(_):
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()
    return "mapped"


def descriptors(_):
    found = []
    for number in range(3, 256):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(number)
    return f"{len(found)} open"


def environment(_):
    return " ".join(sorted(os.environ))


def spin(_):
    while True:
        pass


def flood(_):
    for _ in range(200):
        os.write(1, b"x" * 65536)
        os.write(2, b"x" * 65536)
    print("y" * 1_000_000)
    return "flooded"


def crash(_):
    ctypes.string_at(0)


def running():
    """The frame of the trusted loop below us, which knows the channel and the batch's token."""
    frame = sys._getframe()
    while "token" not in frame.f_locals or "channel" not in frame.f_locals:
        frame = frame.f_back
    return frame.f_locals["channel"], frame.f_locals["token"]


def forge(how):
    import msgspec

    channel, token = running()
    good = ("ok", [({}, {"got": "forged"}, None, None)])
    count = {"many": 3, "none": 0, "more": 2}.get(how, 1)
    channel.send(19, token + (how == "token"), msgspec.msgpack.encode([good] * count))
    if how in ("spin", "more"):
        spin(None)
    return "returned"


def bytes_on_the_channel(_):
    channel, _ = running()
    os.write(channel.fileno(), b"\xff" * 100_000)
    return "returned"
