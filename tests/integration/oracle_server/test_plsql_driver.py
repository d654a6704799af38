# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks as administrators and tools write them, sent by the real driver: binds, arrays, stored programs, errors."""

from __future__ import annotations

from collections.abc import Callable

import oracledb
import pytest
from integration.oracle_server.life import await_gone

from servers.oracle.handle import OracleServer
from servers.oracle_actors import Session

ONE = """BEGIN
  SELECT COUNT(*) INTO :n FROM v$session WHERE sid = :sid AND serial# = :serial AND type = 'USER';
  IF :n = 0 THEN :code := -30; ELSE
    EXECUTE IMMEDIATE 'alter system kill session ''' || :sid || ',' || :serial || ''' immediate'; :code := 0;
  END IF;
EXCEPTION WHEN OTHERS THEN :code := SQLCODE; :text := SUBSTR(SQLERRM, 1, 400); END;"""

MANY = """DECLARE
  c PLS_INTEGER;
BEGIN
  FOR i IN 1 .. :n LOOP
    BEGIN
      SELECT COUNT(*) INTO c FROM gv$session
       WHERE inst_id = :insts(i) AND sid = :sids(i) AND serial# = :serials(i) AND username IS NOT NULL;
      IF c = 0 THEN :codes(i) := -30; :texts(i) := 'gone before statement';
      ELSE
        EXECUTE IMMEDIATE
          'alter system kill session ''' || :sids(i) || ',' || :serials(i) || ',@' || :insts(i) || ''' immediate';
        :codes(i) := 0; :texts(i) := NULL;
      END IF;
    EXCEPTION WHEN OTHERS THEN :codes(i) := SQLCODE; :texts(i) := SUBSTR(SQLERRM, 1, 400);
    END;
  END LOOP;
END;"""

STORED = """CREATE OR REPLACE PROCEDURE stop_it(p_sid NUMBER, p_serial NUMBER, p_code OUT NUMBER, p_text OUT VARCHAR2) IS
  n NUMBER;
BEGIN
  SELECT COUNT(*) INTO n FROM v$session WHERE sid = p_sid AND serial# = p_serial;
  IF n = 0 THEN p_code := -30; RETURN; END IF;
  EXECUTE IMMEDIATE 'alter system kill session ''' || p_sid || ',' || p_serial || ''' immediate';
  p_code := 0;
EXCEPTION WHEN OTHERS THEN p_code := SQLCODE; p_text := SUBSTR(SQLERRM, 1, 200);
END;"""


def _target(session: Session) -> tuple[int, int]:
    return session.connection.session_id, session.connection.serial_num


def test_one_session(
    killer: oracledb.Connection, server: OracleServer, idle: Callable[..., Session], bystander: Session
) -> None:
    victim = idle()
    sid, serial = _target(victim)
    with killer.cursor() as cursor:
        n, code, text = cursor.var(int), cursor.var(int), cursor.var(str, 400)
        binds = {"n": n, "sid": sid, "serial": serial, "code": code, "text": text}
        cursor.execute(ONE, binds)
        assert (n.getvalue(), code.getvalue(), text.getvalue()) == (1, 0, None)
        await_gone(victim)
        cursor.execute(ONE, binds)
        assert (n.getvalue(), code.getvalue()) == (0, -30)
        own = killer.session_id, killer.serial_num
        cursor.execute(ONE, binds | {"sid": own[0], "serial": own[1]})
        assert (code.getvalue(), text.getvalue()) == (-27, "ORA-00027: cannot kill current session")


def test_many_sessions(killer: oracledb.Connection, idle: Callable[..., Session], bystander: Session) -> None:
    victims = [idle() for _number in range(3)]
    sids, serials = zip(*(_target(victim) for victim in victims), strict=True)
    with killer.cursor() as cursor:
        codes, texts = cursor.arrayvar(int, [0] * 4), cursor.arrayvar(str, [""] * 4, 400)
        cursor.execute(
            MANY,
            {
                "n": 4,
                "insts": cursor.arrayvar(int, [1] * 4),
                "sids": cursor.arrayvar(int, [*sids, 9999]),
                "serials": cursor.arrayvar(int, [*serials, 1]),
                "codes": codes,
                "texts": texts,
            },
        )
        assert codes.getvalue() == [0, 0, 0, -30]
        assert texts.getvalue() == [None, None, None, "gone before statement"]
    for victim in victims:
        await_gone(victim)


@pytest.mark.parametrize("granted", [True, False])
def test_stored_procedure_has_the_rights_of_its_owner(
    granted: bool, server: OracleServer, idle: Callable[..., Session]
) -> None:
    """What its owner has by a role does not count in it."""
    owner = f"OPS_{granted}".upper()
    server.create_user(
        owner, "Tr0ub4dor_3", ("CREATE SESSION", "CREATE PROCEDURE", "SELECT_CATALOG_ROLE", "ALTER SYSTEM")
    )
    if granted:
        server.sql(f"GRANT SELECT ON sys.v_$session TO {owner}")
    sid, serial = _target(idle())
    with server.connect(user=owner, password="Tr0ub4dor_3") as connection, connection.cursor() as cursor:
        cursor.execute(STORED)
        assert bool(cursor.warning) is not granted
        code, text = cursor.var(int), cursor.var(str, 200)
        if granted:
            cursor.callproc("stop_it", [sid, serial, code, text])
            assert (code.getvalue(), text.getvalue()) == (0, None)
        else:
            with pytest.raises(oracledb.DatabaseError, match=rf"PLS-00905: object {owner}\.STOP_IT is invalid"):
                cursor.callproc("stop_it", [sid, serial, code, text])


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("BEGIN x := ; END;", 'ORA-06550: line 1, column 12:\nPLS-00103: Encountered the symbol ";"'),
        ("BEGIN\n  nosuch;\nEND;", "ORA-06550: line 2, column 3:\nPLS-00201: identifier 'NOSUCH' must be declared"),
        (
            "BEGIN FOR r IN (SELECT 1 FROM nosuch) LOOP NULL; END LOOP; END;",
            "ORA-06550: line 1, column 31:\nPL/SQL: ORA-00942",
        ),
        ("DECLARE n NUMBER;\nBEGIN\n  n := 1 / 0;\nEND;", "ORA-01476: divisor is equal to zero\nORA-06512: at line 3"),
        ("BEGIN raise_application_error(-20001, 'no'); END;", "ORA-20001: no\nORA-06512: at line 1"),
    ],
)
def test_errors(statement: str, expected: str, killer: oracledb.Connection) -> None:
    with killer.cursor() as cursor, pytest.raises(oracledb.DatabaseError) as caught:
        cursor.execute(statement)
    assert str(caught.value).startswith(expected)


def test_functions_that_sql_evaluates(killer: oracledb.Connection) -> None:
    with killer.cursor() as cursor:
        result = cursor.var(str, 200)
        cursor.execute(
            """BEGIN
              :r := TO_CHAR(TO_DATE('2026-11-21', 'YYYY-MM-DD') + INTERVAL '1' DAY, 'DD.MM.YYYY') || ' '
                || REGEXP_REPLACE('a1b2', '[0-9]', '') || ' ' || SYS_CONTEXT('USERENV', 'SID') || ' '
                || EXTRACT(YEAR FROM DATE '2026-11-21') || TO_CHAR(1234.5, '9,990.00');
            END;""",
            {"r": result},
        )
        assert result.getvalue() == f"22.11.2026 ab {killer.session_id} 2026 1,234.50"
