"""A container's health: exits 0 while its /readyz answers 200. Run every few seconds: little is imported."""

import os
import socket
import sys

try:
    with socket.create_connection(("127.0.0.1", int(os.environ["TREATY_HTTP_PORT"])), 4) as probe:
        probe.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b""
        while part := probe.recv(65536):
            answer += part
except OSError as error:
    sys.exit(f"no answer: {error}")
head, _, body = answer.partition(b"\r\n\r\n")
print(body.decode("utf-8", "replace"))
sys.exit(0 if head.split(b" ", 2)[1:2] == [b"200"] else 1)
