"""Stores to test with: SQLite, and a PostgreSQL server of our own, started from the system's programs."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from automl_bridge.runs.store import RunStore

if TYPE_CHECKING:
    from collections.abc import Iterator


def _programs() -> Path | None:
    """Return the folder of PostgreSQL's programs: the newest that Debian put there, or the one on the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("postgres")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def _unprivileged() -> list[str]:
    """Return the prefix that runs a program as another user: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    import pwd

    names = {entry.pw_name for entry in pwd.getpwall()}
    user = "postgres" if "postgres" in names else "nobody"
    return ["setpriv", f"--reuid={user}", f"--regid={pwd.getpwnam(user).pw_gid}", "--clear-groups", "--"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Start a server in a folder of its own, on loopback, and give its URL without a database."""
    programs = _programs()
    if programs is None:
        reason = "PostgreSQL's programs are not installed (Debian: apt-get install postgresql)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="automl-bridge-pg-"))
    prefix = _unprivileged()
    if prefix:
        shutil.chown(folder, prefix[1].removeprefix("--reuid="))
    data, port = folder / "data", _free_port()
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"

    def run(program: str, *arguments: str) -> None:
        command = [*prefix, str(programs / program), "-D", str(data), *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr

    try:
        run("initdb", "-A", "trust", "-U", "tester", "-E", "UTF8", "--no-sync")
        run("pg_ctl", "start", "-w", "-t", "60", "-l", str(folder / "log"), "-o", options)
        server = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
        yield f"postgresql://tester@127.0.0.1:{port}"
        run("pg_ctl", "stop", "-w", "-m", "immediate")
        # It has said goodbye; its process may take a moment longer.
        assert psutil.wait_procs([server], timeout=30)[1] == []
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, home: Path) -> str:
    """Return the URL of an empty store, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{home / 'store.sqlite'}"
    import psycopg

    server = request.getfixturevalue("postgresql")
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{server}/{name}"


@pytest.fixture
def store(store_url: str) -> Iterator[RunStore]:
    """Return an empty store, of each kind in turn."""
    made = RunStore(store_url)
    yield made
    made.close()
