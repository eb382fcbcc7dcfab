"""PostgreSQL: any user may run it, root too; it keeps its data through stops and kills."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest

from treaty_embedded import DataDirBusyError, PortBusyError, Postgres

# One server for those that share it.
pytestmark = pytest.mark.xdist_group("embedded-postgres")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    with Postgres(tmp_path_factory.mktemp("postgres")) as found:
        yield found


def test_it_is_postgresql_18_in_utf8(server):
    with psycopg.connect(server.url) as connection:
        assert connection.info.server_version // 10000 == 18
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)


def test_it_listens_on_a_unix_socket_too(server):
    password = psycopg.conninfo.conninfo_to_dict(server.url)["password"]
    port = psycopg.conninfo.conninfo_to_dict(server.url)["port"]
    with psycopg.connect(
        host=str(server.socket_dir), port=port, user="treaty", password=password, dbname="treaty"
    ) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_wrong_password_is_refused(server):
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url, password="guess")


def test_data_survives_a_restart_and_a_kill_with_clients_connected(server):
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        server.restart()
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("UPDATE kept SET n = 8")
        server.kill()
    server.start()
    with psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (8,)


def test_its_secret_is_its_owners(server):
    assert (server.log.parent / "password").stat().st_mode & 0o077 == 0
    assert server.log.parent.stat().st_mode & 0o077 == 0


def test_a_data_directory_has_one_server(server):
    with pytest.raises(DataDirBusyError):
        Postgres(server.log.parent).start()


def test_a_busy_port_names_the_port_and_the_setting(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortBusyError, match=rf"port {port} .*TREATY_POSTGRES_PORT"):
            Postgres(tmp_path, port=port).start()


def test_a_directory_too_deep_for_a_socket_is_no_obstacle(tmp_path):
    deep = tmp_path / ("d" * 100) / "e"
    with Postgres(deep, durable=False) as found, psycopg.connect(found.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        sockets: Path = found.socket_dir
        assert sockets.exists()
    assert not sockets.exists()


WITHOUT_NAMESPACES = """
import ctypes, os, sys
from pathlib import Path

# A namespace in which no more namespaces can be made, as in many containers: root with every id, and no more.
libc = ctypes.CDLL(None, use_errno=True)
ready, go = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    assert libc.unshare(0x10000000) == 0
    os.write(ready[1], b"x")
    os.read(go[0], 1)
    os.setuid(0)
    Path("/proc/sys/user/max_user_namespaces").write_text("0")
    import psycopg
    from treaty_embedded import Postgres

    with Postgres(Path(sys.argv[1]), durable=False) as server, psycopg.connect(server.url) as connection:
        print(connection.execute("SELECT 'as ' || current_user").fetchone()[0])
        print(Path(f"/proc/{server.pid}").stat().st_uid)
        sys.stdout.flush()
    os._exit(0)
os.read(ready[0], 1)
for name in ("uid_map", "gid_map"):
    Path(f"/proc/{child}/{name}").write_text("0 0 65536")
os.write(go[1], b"x")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

if os.geteuid() == 0:

    def test_root_in_a_container_without_user_namespaces_runs_it_as_nobody():
        folder = Path(tempfile.mkdtemp(prefix="treaty-nobody-"))
        try:
            found = subprocess.run(
                [sys.executable, "-c", WITHOUT_NAMESPACES, str(folder / "home" / "postgres")],
                capture_output=True,
                text=True,
                timeout=280,
                check=False,
            )
            assert found.returncode == 0, found.stderr
            assert found.stdout.split("\n")[:2] == ["as treaty", "65534"]
        finally:
            shutil.rmtree(folder)
