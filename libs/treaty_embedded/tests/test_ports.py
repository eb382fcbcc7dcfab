"""A port that was given is nobody else's before its server listens, nor once it does."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from treaty_embedded import PortBusyError, ports

ELSEWHERE = "import sys; from treaty_embedded import ports; print(ports.choose(None, 'X', int(sys.argv[1])))"


def elsewhere(preferred: int) -> int:
    """What another process is given that would have that one."""
    command = [sys.executable, "-c", ELSEWHERE, str(preferred)]
    return int(subprocess.run(command, capture_output=True, check=True, timeout=120).stdout)


def test_no_port_is_given_twice():
    assert len({ports.choose(None, "X") for _ in range(100)}) == 100


def test_another_process_is_given_another_one_and_this_one_keeps_its_own():
    found = ports.choose(None, "X")
    assert elsewhere(found) != found
    assert ports.choose(None, "X", found) == found


def test_one_that_is_asked_for_is_given_while_nothing_listens_on_it():
    found = ports.choose(None, "X")
    assert ports.choose(found, "X") == found
    with socket.create_server(("127.0.0.1", found)), pytest.raises(PortBusyError):
        ports.choose(found, "X")
