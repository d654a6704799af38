# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new database: the shared memory with its accounts, containers, instances, services and policies."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sqlite3
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

from . import cleanup, policy, predefined, registration, sga, tables
from .definitions import stored
from .options import Options
from .rights import find_user
from .verifier import make_verifier

_BLOCK_SIZE = 8192
SEED = "PDB$SEED"
DOWN = "DOWN"
_AT_ONCE = 1e9
_PROC = Path("/proc")
_END_SECONDS, _LOOK_SECONDS = 2.0, 0.005
# The file that says which process a folder belongs to.
_OWNER = "pid"


def create(folder: Path, options: Options, password: str, ports: Sequence[int]) -> None:
    """Make it in ``folder``. ``password`` is that of SYS and SYSTEM, on Amazon RDS that of the master user ADMIN."""
    path = folder / sga.FILE_NAME
    sga.create(path)
    with contextlib.closing(sga.connect(path)) as connection, sga.write(connection):
        now = sga.now()
        root = int(bool(options.pdbs))
        dbid = zlib.crc32(str(folder).encode()) or 1
        sga.insert(
            connection,
            tables.Database(
                dbid, options.name, options.name.lower(), options.version, options.full_version, now,
                cdb=root, rds=int(options.rds),
            ),
        )  # fmt: skip
        pdbs = ("CDB$ROOT", SEED, *options.pdbs) if options.pdbs else ()
        for con_id, name in enumerate(pdbs, 1):
            mode = "READ ONLY" if name == SEED else "READ WRITE"
            sga.insert(connection, tables.Pdb(con_id, name, dbid + con_id, now, open_mode=mode))
        for inst_id, port in enumerate(ports, 1):
            sga.insert(
                connection,
                tables.Instance(
                    inst_id, options.instance_name(inst_id), registration.host_name(), now, port=port,
                    status=DOWN, threaded=int(options.threaded),
                ),
            )  # fmt: skip
            for name, value, type_ in _parameters(options, inst_id):
                sga.insert(connection, tables.Parameter(inst_id, name, value, type_))
        services = [
            (options.service(), root),
            *((options.service(name), 3 + at) for at, name in enumerate(options.pdbs)),
        ]
        for number, (name, con_id) in enumerate([("SYS$BACKGROUND", root), ("SYS$USERS", root), *services], 1):
            sga.insert(connection, tables.Service(name, con_id, number, now))
        for name, value in (policy.defaults() | options.policies).items():
            sga.insert(connection, tables.Policy(name, json.dumps(value)))
        predefined.create(connection)
        verifier = stored(make_verifier(password, options.wire.verifier))
        for name in (predefined.RDS_MASTER,) if options.rds else ("SYS", "SYSTEM"):
            user = find_user(connection, name, root)
            assert user is not None
            sga.update(connection, tables.User, {"verifiers": verifier, "locked": 0}, con_id=user.con_id, name=name)
    if options.places:
        # Instances on hosts of their own run as the software owner.
        for each in (folder, path):
            os.chown(each, options.places[0].uid, options.places[0].gid)


def _parameters(options: Options, inst_id: int) -> list[tuple[str, str, int]]:
    """Name, value and type (1 boolean, 2 text, 3 number) of what V$PARAMETER shows."""
    return [
        ("db_block_size", str(_BLOCK_SIZE), 3),
        ("db_name", options.name, 2),
        ("db_unique_name", options.name.lower(), 2),
        ("instance_name", options.instance_name(inst_id), 2),
        ("instance_number", str(inst_id), 3),
        ("cluster_database", str(options.instances > 1).upper(), 1),
        ("compatible", ".".join(options.version.split(".")[:3]), 2),
        ("processes", "5000", 3),
        ("sessions", "7552", 3),
        ("service_names", options.service(), 2),
        ("resource_limit", "TRUE", 1),
        ("threaded_execution", str(options.threaded).upper(), 1),
    ]


def listeners(options: Options) -> list[socket.socket]:
    """A bound socket for each instance; OSError when a port that was asked for is taken."""
    wanted = [*options.ports, *[0] * options.instances][: options.instances]
    return [listen_on(options, inst_id, port) for inst_id, port in enumerate(wanted, 1)]


def listen_on(options: Options, inst_id: int, port: int) -> socket.socket:
    """A bound socket of an instance, not yet listening; 0 chooses a free port."""
    place = options.place(inst_id)
    with place.network() if place else contextlib.nullcontext():
        listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((options.address(inst_id), port))
    return listener


def remove_instance(connection: sqlite3.Connection, options: Options, inst_id: int) -> None:
    """Clean up after an instance that has ended: what its sessions had open is rolled back, as the others' SMON does."""
    place = options.place(inst_id)
    _await_end(connection, inst_id, place.proc if place else _PROC)
    for row in sga.select(connection, tables.Session, inst_id=inst_id):
        cleanup.finish(connection, row, policy.defaults() | {"rollback_rate": _AT_ONCE}, lambda _seconds: None)
    with sga.write(connection):
        sga.delete(connection, tables.DeadTransaction, inst_id=inst_id, state="RECOVERED")
        sga.delete(connection, tables.Process, inst_id=inst_id)
        sga.update(connection, tables.Instance, {"status": DOWN, "os_pid": 0}, inst_id=inst_id)


def _await_end(connection: sqlite3.Connection, inst_id: int, proc: Path) -> None:
    """The kernel ends an instance's processes after the instance: wait until none can write into its shared memory."""
    found = connection.execute(
        "SELECT os_pid FROM x_process WHERE inst_id = ?1 UNION SELECT os_pid FROM x_session WHERE inst_id = ?1",
        (inst_id,),
    ).fetchall()
    deadline = time.monotonic() + _END_SECONDS
    while any(_runs(pid, proc) for (pid,) in found) and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)


def _runs(pid: int, proc: Path = _PROC) -> bool:
    try:
        return pid > 0 and (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# ---- folders that were left behind


def mark_folder(folder: Path) -> None:
    """Note whose folder it is, for :func:`remove_stale_folders`."""
    (folder / _OWNER).write_text(str(os.getpid()))


def remove_stale_folders() -> None:
    """Remove what stand-ins left that were killed: their folders lie in memory."""
    for folder in sga.folders():
        with contextlib.suppress(OSError, ValueError):
            if not _runs(int((folder / _OWNER).read_text())):
                sga.remove_folder(folder)
