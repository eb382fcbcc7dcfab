"""Run a command that does not outlive its parent: `python -I -S leash.py PARENT SIGNAL USER COMMAND...`.

Executed as a file between fork and the real command, so that no Python code runs in a forked copy of
a threaded process. SIGNAL is sent to the command when the thread that started it ends
(prctl(2), PR_SET_PDEATHSIG; it survives execve). USER is `same`, or for a command that refuses to run as
root the folder it works in: root then becomes an ordinary user of a user namespace of its own
(user_namespaces(7)), which needs no account and changes no file's owner. Where there are none to be had,
as in many containers, it becomes the kernel's overflow user, `nobody`, who is given the folder.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
ORDINARY_ID = 1000
NOBODY_ID = 65534


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _leave_root(libc: ctypes.CDLL, folder: str) -> None:
    user, group = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWUSER) != 0:
        _become_nobody(folder)
        return
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{ORDINARY_ID} {user} 1"),
        ("gid_map", f"{ORDINARY_ID} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _become_nobody(folder: str) -> None:
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for parent, folders, files in os.walk(folder):
        for path in (parent, *(os.path.join(parent, name) for name in folders + files)):
            os.chown(path, NOBODY_ID, NOBODY_ID, follow_symlinks=False)
    # To be reached, the folder's parents let others pass, though not look.
    parent = os.path.dirname(folder)
    for path in (parent, os.path.dirname(parent)):
        os.chmod(path, os.stat(path).st_mode | 0o011)  # noqa: S103
    os.setgroups([])
    os.setgid(NOBODY_ID)
    os.setuid(NOBODY_ID)
    os.stat(folder)


def main(arguments: list[str]) -> None:
    parent, signal, user, *command = arguments
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if user != "same" and os.geteuid() == 0:
            _leave_root(libc, user)
        _check(libc.prctl(PR_SET_PDEATHSIG, int(signal), 0, 0, 0), "prctl(PR_SET_PDEATHSIG)")
        if os.getppid() != int(parent):
            sys.exit(f"the process that started {command[0]} has ended")
    os.execv(command[0], command)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main(sys.argv[1:])
