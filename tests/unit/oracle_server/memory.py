# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shared memory as a running server would have filled it, for tests of what is read from it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from servers.oracle import predefined, sga
from servers.oracle.dictionary import Dictionary
from servers.oracle.sql.interface import Context
from servers.oracle.tables import Database, Instance, Lock, Pdb, Process, Session, Transaction

# The time at which everything was created, in days; statements of the tests run a little later.
START = 20000.0
HOST = "db1.example.com"


class Memory:
    """The shared memory of one database, and one connection to it."""

    def __init__(
        self,
        folder: Path,
        version: str = "19.0.0.0.0",
        pdbs: tuple[str, ...] = ("SHOP", "STOCK"),
        instances: int = 1,
        rds: bool = False,
    ) -> None:
        path = folder / sga.FILE_NAME
        sga.create(path)
        self.path = path
        self.connection: sqlite3.Connection = sga.connect(path)
        self.cdb = bool(pdbs)
        database = Database(1234567, "ORCL", "ORCL", version, version, START - 100, cdb=int(self.cdb), rds=int(rds))
        self.add(database)
        for con_id, name in enumerate(("CDB$ROOT", "PDB$SEED", *pdbs) if pdbs else ("ORCL",), 1 if pdbs else 0):
            self.add(Pdb(con_id, name, 1000 + con_id, START - 100))
        for inst_id in range(1, instances + 1):
            self.add(Instance(inst_id, f"ORCL{inst_id}", HOST, START - 1))
        predefined.create(self.connection)
        self.dictionary = Dictionary(self.connection)

    def add(self, record: Any) -> int:
        return sga.insert(self.connection, record)

    def session(self, inst_id: int = 1, *, process: bool = True, pname: str | None = None, **values: Any) -> Session:
        """A new session with a server process of its own."""
        sid, serial = sga.take_session_slot(self.connection, inst_id)
        pid, process_serial = sga.take_process_slot(self.connection, inst_id)
        address = sga.process_address(pid)
        con_id = values.setdefault("con_id", 3 if self.cdb else 0)
        background = 1 if values.get("type") == "BACKGROUND" else None
        if process:
            self.add(
                Process(
                    inst_id,
                    pid,
                    process_serial,
                    address,
                    START,
                    spid=str(4000 + pid),
                    pname=pname,
                    background=background,
                    con_id=con_id,
                )
            )
        values.setdefault("username", "APP")
        found = Session(
            inst_id=inst_id,
            sid=sid,
            serial=serial,
            saddr=sga.session_address(sid),
            paddr=address,
            creator_addr=address,
            creator_serial=process_serial,
            logon_time=START,
            pid=pid,
            **values,
        )
        self.add(found)
        return found

    def transaction(self, session: Session, slot: int = 1, **values: Any) -> Transaction:
        found = Transaction(
            id=None,
            inst_id=session.inst_id,
            sid=session.sid,
            saddr=session.saddr,
            addr=sga.transaction_address(session.inst_id, slot),
            usn=session.inst_id,
            slot=slot,
            sqn=100 + slot,
            start_date=START,
            con_id=session.con_id,
            **values,
        )
        self.add(found)
        return found

    def holds(self, session: Session, resource: int, mode: int = 6, kind: str = "TX", **values: Any) -> None:
        self.add(
            Lock(None, session.inst_id, session.sid, kind, resource, 1, mode, 0, START, con_id=session.con_id, **values)
        )

    def waits(self, session: Session, resource: int, mode: int = 6, kind: str = "TX", **values: Any) -> None:
        """The session waits for a lock from START on."""
        self.add(
            Lock(None, session.inst_id, session.sid, kind, resource, 1, 0, mode, START, con_id=session.con_id, **values)
        )
        changes = {"event": f"enq: {kind} - row lock contention", "waiting": 1, "wait_start": START, "status": "ACTIVE"}
        sga.update(self.connection, Session, changes, inst_id=session.inst_id, sid=session.sid)

    def rows(
        self,
        name: str,
        where: str = "1",
        *,
        user: str = "SYS",
        con_id: int | None = None,
        inst_id: int = 1,
        owner: str | None = None,
        after: float = 0.0,
        sid: int = 1,
        roles_key: Any = (),
    ) -> list[dict[str, Any]]:
        """All rows of a view as this user sees it, ``after`` so many seconds."""
        if con_id is None:
            con_id = 1 if self.cdb else 0
        context = Context(user=user, inst_id=inst_id, con_id=con_id, roles_key=roles_key)
        source = self.dictionary.resolve(owner, name, context)
        parameters = {"now": START + after / sga.SECONDS_PER_DAY, "sid": sid}
        found = self.connection.execute(f"SELECT * FROM {source.sql} WHERE {where}", parameters)
        names = [column[0] for column in found.description]
        assert names == [column.name for column in source.columns]
        return [dict(zip(names, row, strict=True)) for row in found]
