# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans of DML statements: which rows, and what becomes of them."""

from __future__ import annotations

from datetime import datetime

import pytest
from unit.oracle_server.sql_world import NOW, World

from servers.oracle.errors import OracleError
from servers.oracle.sql import Plan


@pytest.fixture
def world() -> World:
    return World()


def plan(world: World, sql: str, *binds: object, **named: object) -> Plan:
    return world.engine.dml(sql, named or binds, world.context)


def run(world: World, sql: str, *binds: object) -> int:
    """Carries a plan out, and gives the rows that it touched."""
    made = plan(world, sql, *binds)
    rowids, rows = made.rowids(), made.rows
    for row in rows:
        made.insert(row)
    return sum(made.apply(rowid) for rowid in rowids) + len(rows)


def code_of(world: World, sql: str, *binds: object) -> int:
    with pytest.raises(OracleError) as raised:
        run(world, sql, *binds)
    return raised.value.code


def test_update_says_its_rows_before_it_changes_them(world: World) -> None:
    made = plan(world, "update hr.emp e set sal = sal * 1.1, name = lower(name) where e.dept = :d and sal > 0", D=10)
    assert (made.kind, made.name) == ("update", '"HR"."EMP"')
    assert made.rowids() == [1, 3]
    assert world.rows("select name from emp where id = 1") == [("KING",)]
    assert [made.apply(rowid) for rowid in made.rowids()] == [True, True]
    assert world.rows("select name, sal from emp where dept = 10 order by id") == [("king", 5500), ("clark", 2695)]


def test_row_that_no_longer_fits_is_left_alone(world: World) -> None:
    made = plan(world, "update emp set sal = 0 where dept = 10")
    run(world, "update emp set dept = 20 where id = 1")
    assert made.apply(1) is False
    assert made.rowids() == [3]
    assert world.rows("select sal from emp where id = 1") == [(5000,)]


def test_update_from_a_query(world: World) -> None:
    assert run(world, "update emp set (name, sal) = (select dname, 7 from dept where id = emp.dept) where id = 4") == 1
    assert run(world, "update emp set sal = (select max(sal) from emp) where sal is null") == 1
    assert world.rows("select name, sal from emp where id in (4, 5) order by id") == [("SALES", 7), ("SMITH", 5000)]


def test_update_converts_to_the_column(world: World) -> None:
    run(world, "update emp set sal = '12.5', name = 17, hired = '01-FEB-24', mgr = '' where id = 2")
    assert world.rows("select sal, name, hired, mgr from emp where id = 2") == [
        (12.5, "17", datetime(2024, 2, 1), None)
    ]


def test_delete(world: World) -> None:
    made = plan(world, "delete from emp where id = 5")
    assert (made.kind, made.rowids()) == ("delete", [5])
    assert [made.apply(5), made.apply(5)] == [True, False]
    assert run(world, "delete emp where rownum <= 2") == 2
    assert world.rows("select count(*) from emp") == [(2,)]


def test_insert_values(world: World) -> None:
    made = plan(world, "insert into emp (id, name, hired, sal) values (:1, upper(:2), sysdate, default)", 9, "new")
    assert made.rowids() == []
    assert [set(row) for row in made.rows] == [{"ID", "NAME", "SAL", "MGR", "HIRED", "DEPT"}]
    rowid = made.insert(made.rows[0])
    assert world.rows("select * from emp where id = 9") == [(9, "NEW", None, None, NOW, None)]
    assert world.connection.execute('SELECT "ID" FROM "HR.EMP" WHERE rowid = ?', [rowid]).fetchall() == [(9,)]


def test_insert_from_a_query(world: World) -> None:
    assert run(world, "insert into dept select id + 100, name from emp where rownum <= 2 order by id") == 2
    assert world.rows("select * from dept where id > 100 order by id") == [(101, "KING"), (102, "BLAKE")]


def test_merge(world: World) -> None:
    sql = """merge into emp t using (select 1 id, 'one' n from dual union all select 77, 'new' from dual) s on (t.id = s.id)
      when matched then update set t.name = s.n when not matched then insert (id, name) values (s.id, s.n)"""
    assert run(world, sql) == 2
    assert world.rows("select id, name from emp where id in (1, 77) order by id") == [(1, "one"), (77, "new")]


@pytest.mark.parametrize(
    "clause, wait, skip", [("", None, False), ("nowait", 0, False), ("wait 5", 5, False), ("skip locked", None, True)]
)
def test_lock(world: World, clause: str, wait: int | None, skip: bool) -> None:
    sql = f"select id, sal from emp where dept = 10 order by id for update {clause}"
    assert world.engine.is_lock(sql)
    made = plan(world, sql)
    assert (made.kind, made.table, made.wait, made.skip_locked) == ("lock", '"HR.EMP"', wait, skip)
    assert made.rowids() == [1, 3]
    assert [made.apply(1), made.apply(2)] == [True, False]
    assert list(made.query().rows) == [(1, 5000), (3, 2450)]


def test_lock_of_one_table_of_two(world: World) -> None:
    made = plan(world, "select d.dname from emp e, dept d where e.dept = d.id and e.id < 4 for update of d.dname")
    assert (made.table, made.rowids()) == ('"HR.DEPT"', [1, 3])
    assert not world.engine.is_lock("select 'FOR UPDATE' from dual")


@pytest.mark.parametrize(
    "code, sql",
    [
        (904, "update emp set foo = 1"),
        (904, "insert into emp (id, foo) values (1, 2)"),
        (904, "delete from emp where foo = 1"),
        (913, "insert into emp (id) values (1, 2)"),
        (913, "insert into emp (id) select 1, 2 from dual"),
        (926, "insert into emp"),
        (936, "update emp set sal = 1, where id = 1"),
        (942, "delete from nosuch"),
        (947, "insert into emp (id, name) values (1)"),
        (947, "update emp set (id, name) = (select 1 from dual)"),
        (957, "insert into emp (id, id) values (1, 2)"),
        (957, "update emp set sal = 1, sal = 2"),
        (1031, "update v$session set sid = 1"),
        (1031, "insert into dual values ('Y')"),
        (1400, "insert into emp (name) values ('x')"),
        (1407, "update emp set id = null where id = 1"),
        (1427, "update emp set sal = (select sal from emp)"),
        (1438, "update emp set id = 12345678 where id = 1"),
        (1476, "update emp set sal = 1/0"),
        (1722, "update emp set sal = 'much' where id = 1"),
        (12899, "update emp set name = 'much too long a name' where id = 1"),
        (
            30926,
            "merge into emp t using (select 1 id from dual union all select 1 from dual) s on (t.id = s.id) when matched then update set sal = 1",
        ),
        (900, "select * from emp"),
        (900, "create table x (a number)"),
    ],
)
def test_errors(world: World, code: int, sql: str) -> None:
    assert code_of(world, sql) == code


def test_unique_constraint(world: World) -> None:
    world.connection.execute('CREATE UNIQUE INDEX "HR.EMP_PK" ON "HR.EMP" ("ID")')
    assert code_of(world, "insert into emp (id) values (1)") == 1


def test_text_of_a_value_that_is_too_long(world: World) -> None:
    message = r'ORA-12899: value too large for column "HR"."EMP"."NAME" \(actual: 20, maximum: 10\)'
    with pytest.raises(OracleError, match=message):
        run(world, "update emp set name = 'much too long a name' where id = 1")
