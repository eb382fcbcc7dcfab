"""Run a command that does not outlive its parent: `python -I -S leash.py PARENT SIGNAL USER COMMAND...`.

Executed as a file between fork and the real command, so that no Python code runs in a forked copy of
a threaded process. SIGNAL is sent to the command when the thread that started it ends
(prctl(2), PR_SET_PDEATHSIG; it survives execve). USER is `same`, or `unprivileged` for a command that
refuses to run as root: root then becomes an ordinary user of a user namespace of its own
(user_namespaces(7)), which needs no account and changes no file's owner.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
ORDINARY_ID = 1000


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _leave_root(libc: ctypes.CDLL) -> None:
    user, group = os.getuid(), os.getgid()
    _check(libc.unshare(CLONE_NEWUSER), "cannot leave root: unshare(CLONE_NEWUSER)")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{ORDINARY_ID} {user} 1"),
        ("gid_map", f"{ORDINARY_ID} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def main(arguments: list[str]) -> None:
    parent, signal, user, *command = arguments
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if user == "unprivileged" and os.geteuid() == 0:
            _leave_root(libc)
        _check(libc.prctl(PR_SET_PDEATHSIG, int(signal), 0, 0, 0), "prctl(PR_SET_PDEATHSIG)")
        if os.getppid() != int(parent):
            sys.exit(f"the process that started {command[0]} has ended")
    os.execv(command[0], command)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main(sys.argv[1:])
