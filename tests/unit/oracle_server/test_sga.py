# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shared memory: rows, numbers that are given out, transactions among processes."""

from __future__ import annotations

import multiprocessing
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.oracle import sga
from servers.oracle.tables import TABLES, Policy, Process, Record, Session, Undo


@pytest.fixture
def memory(tmp_path: Path) -> sqlite3.Connection:
    sga.create(tmp_path / "sga")
    return sga.connect(tmp_path / "sga")


def process(pid: int, serial: int = 1, inst_id: int = 1) -> Process:
    return Process(inst_id, pid, serial, sga.process_address(pid), 1.0, spid=str(pid))


@pytest.mark.parametrize("cls", TABLES, ids=lambda cls: cls.TABLE)
def test_every_table_has_the_columns_of_its_class(memory: sqlite3.Connection, cls: type[Record]) -> None:
    found = memory.execute(f"SELECT * FROM {cls.TABLE}")
    assert tuple(column[0] for column in found.description) == cls.columns()
    assert set(cls.KEY) <= set(cls.columns())


def test_a_row_comes_back_as_it_was_written(memory: sqlite3.Connection) -> None:
    row = process(3)
    sga.insert(memory, row)
    assert sga.get(memory, Process, inst_id=1, pid=3) == row
    assert sga.select(memory, Process, pname=None) == [row]
    assert sga.get(memory, Process, pid=4) is None


def test_rows_are_changed_and_removed_by_key(memory: sqlite3.Connection) -> None:
    for pid in (1, 2, 3):
        sga.insert(memory, process(pid))
    assert sga.update(memory, Process, {"pname": "P000", "pga_used": 7}, inst_id=1, pid=2) == 1
    assert [(row.pid, row.pname, row.pga_used) for row in sga.select(memory, Process, pname="P000")] == [(2, "P000", 7)]
    assert sga.delete(memory, Process, inst_id=1) == 3
    assert sga.select(memory, Process) == []


def test_sqlite_gives_out_ids(memory: sqlite3.Connection) -> None:
    numbers = [sga.insert(memory, Undo(None, 1, 2, row, "insert", b"x")) for row in (5, 6)]
    assert [row.id for row in sga.select(memory, Undo)] == numbers
    assert len(set(numbers)) == 2


def test_a_sid_is_used_again_with_another_serial(memory: sqlite3.Connection) -> None:
    seen: set[tuple[int, int]] = set()
    for _unused in range(5):
        with sga.write(memory):
            sid, serial = sga.take_session_slot(memory, 1)
            assert sid == 1
            address = sga.process_address(1)
            row = Session(1, sid, serial, sga.session_address(sid), address, address, 1, 1.0)
            sga.insert(memory, row)
        seen.add((sid, serial))
        sga.delete(memory, Session, inst_id=1, sid=sid)
    assert len(seen) == 5


def test_places_are_given_out_per_instance_and_lowest_first(memory: sqlite3.Connection) -> None:
    for _unused in range(3):
        pid, serial = sga.take_process_slot(memory, 1)
        sga.insert(memory, process(pid, serial))
    assert [row.pid for row in sga.select(memory, Process)] == [1, 2, 3]
    assert sga.take_process_slot(memory, 2)[0] == 1
    sga.delete(memory, Process, inst_id=1, pid=2)
    assert sga.take_process_slot(memory, 1)[0] == 2


def test_a_serial_fits_16_bits(memory: sqlite3.Connection) -> None:
    sga.take_session_slot(memory, 1)
    memory.execute("UPDATE x_slot SET serial = 65530")
    serials = [sga.take_session_slot(memory, 1)[1] for _unused in range(8)]
    assert all(1 <= serial <= 65535 for serial in serials)
    assert len(set(serials)) == 8


@given(st.integers(1, 60000), st.integers(1, 60000))
def test_addresses_are_one_to_one_and_apart(one: int, other: int) -> None:
    for address in (sga.session_address, sga.process_address):
        assert (address(one) == address(other)) == (one == other)
        assert len(address(one)) == 8
        assert address(one) != sga.PSEUDO_PROCESS


def test_transactions_have_an_address_for_each_slot() -> None:
    assert len({sga.transaction_address(usn, slot) for usn in range(40) for slot in range(48)}) == 40 * 48


def test_counters_start_where_they_are_told(memory: sqlite3.Connection) -> None:
    assert [sga.next_number(memory, "object", first=70) for _unused in range(3)] == [70, 71, 72]
    assert sga.next_number(memory, "object", inst_id=2) == 1


def test_an_exception_rolls_a_block_back(memory: sqlite3.Connection) -> None:
    def fail() -> None:
        with sga.write(memory):
            sga.insert(memory, process(1))
            with sga.write(memory):
                sga.insert(memory, process(2))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert sga.select(memory, Process) == []
    assert not memory.in_transaction


def test_a_block_waits_for_the_writer_before_it(memory: sqlite3.Connection, tmp_path: Path) -> None:
    memory.execute("BEGIN IMMEDIATE")
    other = sga.connect(tmp_path / "sga")
    other.execute("PRAGMA busy_timeout=1")
    with pytest.raises(sqlite3.OperationalError, match="locked"), sga.write(other):
        pass
    # Readers do not wait.
    assert sga.select(other, Process) == []
    memory.execute("ROLLBACK")


def _count(path: str, times: int) -> None:
    connection = sga.connect(path)
    for _unused in range(times):
        sga.next_number(connection, "n")


def test_many_processes_write_side_by_side(memory: sqlite3.Connection, tmp_path: Path) -> None:
    spawning = multiprocessing.get_context("spawn")
    workers = [spawning.Process(target=_count, args=(str(tmp_path / "sga"), 50)) for _unused in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert sga.next_number(memory, "n") == 201


def test_a_session_starts_when_it_logs_on() -> None:
    address = sga.process_address(1)
    row = Session(1, 1, 1, sga.session_address(1), address, address, 1, 55.5)
    assert (row.status_since, row.wait_start) == (55.5, 55.5)
    changed = Session(1, 1, 1, sga.session_address(1), address, address, 1, 55.5, status_since=60.0)
    assert changed.status_since == 60.0


def test_a_key_that_is_there_is_refused(memory: sqlite3.Connection) -> None:
    sga.insert(memory, Policy("a", "1"))
    with pytest.raises(sqlite3.IntegrityError):
        sga.insert(memory, Policy("a", "2"))


def test_the_version_of_the_dictionary_rises(memory: sqlite3.Connection) -> None:
    before = sga.dictionary_version(memory)
    sga.changed(memory)
    assert sga.dictionary_version(memory) > before


def test_a_folder_is_made_and_removed() -> None:
    folder = sga.make_folder()
    sga.create(folder / sga.FILE_NAME)
    sga.remove_folder(folder)
    assert not folder.exists()
