# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries as a DBA writes them against the dictionary, with the rows that Oracle gives for these tables."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from unit.oracle_server.sql_world import World

QUERIES = {
    "active user sessions": (
        """
select s.sid, s.serial#, s.username, s.status, s.osuser, s.machine, s.program
  from v$session s
 where s.type <> 'BACKGROUND'
   and s.status = 'ACTIVE'
   and s.sid != 13
 order by s.username, s.sid
        """,
        [
            (11, 12, "HR", "ACTIVE", "web", "app1", "JDBC Thin Client"),
            (12, 13, "HR", "ACTIVE", "web", "app2", "JDBC Thin Client"),
        ],
    ),
    "kill statements": (
        """
SELECT 'ALTER SYSTEM KILL SESSION ''' || sid || ',' || serial# || ',@' || 1 || ''' IMMEDIATE;' AS "Kill"
FROM   v$session
WHERE  username IN ('HR', 'APP') AND status NOT IN ('KILLED')
ORDER  BY logon_time
        """,
        [("ALTER SYSTEM KILL SESSION '11,12,@1' IMMEDIATE;",), ("ALTER SYSTEM KILL SESSION '12,13,@1' IMMEDIATE;",)],
    ),
    "session with its process": (
        """
select a.spid "OS PID", b.sid, b.serial#, nvl(b.username, 'SYS') uname, to_char(b.logon_time, 'dd-mon-yyyy hh24:mi') logon
from v$process a, v$session b
where a.addr = b.paddr
and b.sid in (1, 11)
order by 2
        """,
        [("4001", 1, 101, "SYS", "07-mar-2026 12:00"), ("4011", 11, 12, "HR", "10-mar-2026 10:30")],
    ),
    "who blocks whom": (
        """
select s1.username || '@' || s1.machine || ' ( SID=' || s1.sid || ' )  is blocking '
    || s2.username || '@' || s2.machine || ' ( SID=' || s2.sid || ' ) ' as blocking_status
  from v$lock l1, v$session s1, v$lock l2, v$session s2
 where s1.sid = l1.sid and s2.sid = l2.sid
   and l1.block = 1 and l2.request > 0
   and l1.id1 = l2.id1
   and l1.id2 = l2.id2
 order by s1.sid
        """,
        [
            ("SCOTT@app1 ( SID=10 )  is blocking HR@app1 ( SID=11 ) ",),
            ("HR@app1 ( SID=11 )  is blocking HR@app2 ( SID=12 ) ",),
        ],
    ),
    "blocking tree": (
        """
SELECT LPAD(' ', (LEVEL - 1) * 2) || NVL(s.username, '(oracle)') AS username, s.sid, LEVEL AS depth,
       CONNECT_BY_ROOT s.sid AS root_blocker, SYS_CONNECT_BY_PATH(s.sid, '>') AS chain, CONNECT_BY_ISLEAF AS leaf
FROM   v$session s
WHERE  LEVEL > 1 OR EXISTS (SELECT 1 FROM v$session w WHERE w.blocking_session = s.sid)
CONNECT BY PRIOR s.sid = s.blocking_session
START WITH s.blocking_session IS NULL
ORDER SIBLINGS BY s.sid
        """,
        [("SCOTT", 10, 1, 10, ">10", 0), ("  HR", 11, 2, 10, ">10>11", 0), ("    HR", 12, 3, 10, ">10>11>12", 1)],
    ),
    "final blockers without their own": (
        """
select distinct connect_by_root sid as head
from v$session
where connect_by_isleaf = 1 and level > 1
start with blocking_session is null
connect by nocycle prior sid = blocking_session
        """,
        [(10,)],
    ),
    "waiters per blocker": (
        """
with waiters as (
  select blocking_session blocker, count(*) n, max(seconds_in_wait) longest
  from v$session
  where blocking_session is not null
  group by blocking_session
)
select b.sid, b.username, w.n, w.longest
from waiters w join v$session b on b.sid = w.blocker
order by w.longest desc
        """,
        [(10, "SCOTT", 1, 600), (11, "HR", 1, 60)],
    ),
    "long idle sessions": (
        """
select sid, username,
       trunc(last_call_et / 86400) || 'd ' || trunc(mod(last_call_et, 86400) / 3600) || 'h' idle
from v$session
where status = 'INACTIVE' and last_call_et > 60 * 60 and username is not null
        """,
        [(10, "SCOTT", "0d 2h")],
    ),
    "sessions per machine and program": (
        """
select machine, nvl(module, program) app, count(*) cnt, sum(decode(status, 'ACTIVE', 1, 0)) active
from v$session
where type = 'USER'
group by machine, nvl(module, program)
having count(*) >= 1
order by cnt desc, machine, app
        """,
        [
            ("app1", "SQL*Plus", 1, 0),
            ("app1", "order entry", 1, 1),
            ("app2", "load", 1, 0),
            ("app2", "order entry", 1, 1),
            ("db1", "python3", 1, 1),
        ],
    ),
    "transactions with undo": (
        """
select s.sid, s.serial#, t.used_ublk, t.used_urec,
       round((sysdate - t.start_date) * 24 * 60, 1) minutes,
       rawtohex(t.addr) addr
  from v$transaction t
  join v$session s on t.ses_addr = s.saddr and s.taddr = t.addr
        """,
        [(10, 11, 12, 340, 120, "00000000000001C9")],
    ),
    "locked objects": (
        """
select lo.session_id, lo.oracle_username, o.owner || '.' || o.object_name object,
       decode(lo.locked_mode, 0, 'None', 1, 'Null', 2, 'Row Share', 3, 'Row Exclusive', 4, 'Share', 'Other') lock_mode
from v$locked_object lo, dba_objects o
where lo.object_id = o.object_id
order by 1
        """,
        [(10, "SCOTT", "HR.EMP", "Row Exclusive"), (11, "HR", "HR.EMP", "Row Exclusive")],
    ),
    "lock modes": (
        """
select l.sid, l.type,
       case l.lmode when 6 then 'X' when 3 then 'RX' when 0 then '-' else to_char(l.lmode) end held,
       case when l.request = 0 then '-' else to_char(l.request) end wanted
from v$lock l
where l.sid in (10, 11)
order by l.sid, l.type, l.lmode desc
        """,
        [
            (10, "TM", "RX", "-"),
            (10, "TX", "X", "-"),
            (11, "TM", "RX", "-"),
            (11, "TX", "X", "-"),
            (11, "TX", "-", "6"),
        ],
    ),
    "session's statement": (
        """
select s.sid, q.sql_text
from v$session s left join v$sql q on q.sql_id = s.sql_id and q.child_number = 0
where s.username is not null
order by s.sid
        """,
        [
            (10, "update emp set sal = :1 where id = :2"),
            (11, "select * from orders"),
            (12, "select * from orders"),
            (13, "select 1 from dual"),
            (14, None),
        ],
    ),
    "top SQL by elapsed time": (
        """
select * from (
  select sql_id, sum(executions) execs, round(sum(elapsed_time) / 1000000, 2) secs,
         round(sum(elapsed_time) / 1e6 / greatest(sum(executions), 1), 4) per_exec
  from v$sql
  group by sql_id
  order by 3 desc
) where rownum <= 2
        """,
        [("bbbbbbbbbbbb2", 1005, 900, 0.8955), ("aaaaaaaaaaaa1", 10, 2.5, 0.25)],
    ),
    "share of elapsed time": (
        """
select sql_id, round(100 * ratio_to_report(sum(elapsed_time)) over (), 1) pct
from v$sql group by sql_id having sum(elapsed_time) > 0 order by pct desc
        """,
        [("bbbbbbbbbbbb2", 99.7), ("aaaaaaaaaaaa1", 0.3)],
    ),
    "tablespace usage": (
        """
select df.tablespace_name, round(df.mb) total_mb, round(nvl(fs.mb, 0)) free_mb,
       to_char(100 * (1 - nvl(fs.mb, 0) / df.mb), '990.00') || '%' used
from (select tablespace_name, sum(bytes) / 1024 / 1024 mb from dba_data_files group by tablespace_name) df,
     (select tablespace_name, sum(bytes) / 1024 / 1024 mb from dba_free_space group by tablespace_name) fs
where df.tablespace_name = fs.tablespace_name (+)
order by df.tablespace_name
        """,
        [("SYSTEM", 2048, 512, "  75.00%"), ("USERS", 2048, 512, "  75.00%")],
    ),
    "tablespace usage with total": (
        """
select nvl(tablespace_name, 'TOTAL') ts, sum(bytes) / 1073741824 gb, count(*) files
from dba_data_files
group by rollup(tablespace_name)
order by grouping(tablespace_name), 1
        """,
        [("SYSTEM", 2, 1), ("USERS", 2, 2), ("TOTAL", 4, 3)],
    ),
    "data files above a share of their maximum": (
        """
select substr(file_name, instr(file_name, '/', -1) + 1) name, round(bytes / maxbytes * 100) pct
from dba_data_files where bytes / maxbytes > .2 order by pct desc, name
        """,
        [("users01.dbf", 100), ("users02.dbf", 25)],
    ),
    "invalid objects": (
        """
select owner, object_type, object_name, 'alter ' || lower(object_type) || ' ' || owner || '.' || object_name || ' compile;' cmd
from dba_objects where status <> 'VALID'
        """,
        [("SCOTT", "PROCEDURE", "P1", "alter procedure SCOTT.P1 compile;")],
    ),
    "objects per owner": (
        """
select owner, count(*) total, sum(case when object_type = 'TABLE' then 1 else 0 end) tabs, max(created) newest
from dba_objects group by owner order by owner
        """,
        [("HR", 2, 1, datetime(2025, 11, 30, 12, 0)), ("SCOTT", 2, 1, datetime(2026, 3, 5, 12, 0))],
    ),
    "objects created in the last days": (
        """
select object_name from dba_objects where created >= trunc(sysdate) - 45 and owner not in ('SYS', 'SYSTEM') order by created desc, object_name
        """,
        [("P1",), ("DEPT",)],
    ),
    "parameters that were changed": (
        """
select name, nvl(value, '<null>') value from v$parameter where isdefault = 'FALSE' or value is null order by name
        """,
        [("control_files", "<null>"), ("processes", "300")],
    ),
    "parameters by pattern": (
        r"""
select name from v$parameter where name like '%\_%' escape '\' order by name
        """,
        [("control_files",), ("undo_retention",)],
    ),
    "statistics of sessions": (
        """
select st.sid, max(decode(n.name, 'user commits', st.value)) commits, max(case n.name when 'redo size' then st.value end) redo
from v$sesstat st, v$statname n
where st.statistic# = n.statistic#
group by st.sid
order by redo desc
        """,
        [(13, 1301, 1302), (12, 1201, 1202), (11, 1101, 1102), (10, 1001, 1002)],
    ),
    "statistics of sessions, pivoted": (
        """
select sid, commits, redo from (
  select st.sid, n.name, st.value from v$sesstat st join v$statname n on n.statistic# = st.statistic#
) pivot (max(value) for name in ('user commits' as commits, 'redo size' as redo))
where sid > 11 order by sid
        """,
        [(12, 1201, 1202), (13, 1301, 1302)],
    ),
    "memory of processes": (
        """
select p.pid, round(p.pga_used_mem / 1048576) used_mb, round(p.pga_alloc_mem / 1024 / 1024) alloc_mb, nvl(s.username, 'none') who
from v$process p left outer join v$session s on s.paddr = p.addr
where p.pga_used_mem > (select avg(x.pga_used_mem) from v$process x)
order by p.pga_used_mem desc
        """,
        [(13, 13, 26, "SYSTEM"), (12, 12, 24, "HR"), (11, 11, 22, "HR"), (10, 10, 20, "SCOTT")],
    ),
    "memory in all": (
        """
select round(sum(pga_alloc_mem)/1024/1024) mb, max(pid) from v$process
        """,
        [(94, 13)],
    ),
    "uptime": (
        """
select instance_name, to_char(startup_time, 'YYYY-MM-DD HH24:MI') started,
       floor(sysdate - startup_time) || ' days ' || trunc(24 * ((sysdate - startup_time) - trunc(sysdate - startup_time))) || ' hours' up
from v$instance
        """,
        [("ORCL1", "2026-03-07 10:00", "3 days 2 hours")],
    ),
    "sessions logged on within an hour": (
        """
select sid, round((sysdate - logon_time) * 1440) as "Minutes" from v$session
where logon_time > sysdate - 1/24 order by sid
        """,
        [(12, 45), (13, 1)],
    ),
    "sessions logged on within an interval": (
        """
select sid from v$session where logon_time between systimestamp - interval '2' hour and systimestamp order by sid
        """,
        [(11,), (12,), (13,)],
    ),
    "logons per hour": (
        """
select to_char(trunc(logon_time, 'HH24'), 'HH24:MI') hour, count(*) n
from v$session where type = 'USER' and logon_time >= trunc(sysdate)
group by trunc(logon_time, 'HH24') order by trunc(logon_time, 'HH24')
        """,
        [("07:00", 1), ("10:00", 1), ("11:00", 2)],
    ),
    "wait classes": (
        """
select wait_class, count(*) n, listagg(sid, ',') within group (order by sid) sids
from v$session group by wait_class order by n desc, wait_class
        """,
        [("Idle", 3, "1,10,14"), ("Application", 2, "11,12"), ("Network", 1, "13")],
    ),
    "events that are not idle": (
        """
select event, state, count(*) from v$session where wait_class != 'Idle' group by event, state order by 1
        """,
        [("SQL*Net message to client", "WAITED SHORT TIME", 1), ("enq: TX - row lock contention", "WAITING", 2)],
    ),
    "state of waits": (
        """
select sid, case when state = 'WAITING' then 'waits ' || seconds_in_wait || ' s' else 'on CPU' end what
from v$session where type = 'USER' and wait_class <> 'Idle' order by sid
        """,
        [(11, "waits 600 s"), (12, "waits 60 s"), (13, "on CPU")],
    ),
    "rank of users by sessions": (
        """
select username, n, rank() over (order by n desc) r from (
  select username, count(*) n from v$session where username is not null group by username
) order by r, username
        """,
        [("HR", 2, 1), ("APP", 1, 2), ("SCOTT", 1, 2), ("SYSTEM", 1, 2)],
    ),
    "newest session of each user": (
        """
select username, sid from (
  select username, sid, row_number() over (partition by username order by logon_time desc) rn
  from v$session where username is not null
) where rn = 1 order by username
        """,
        [("APP", 14), ("HR", 12), ("SCOTT", 10), ("SYSTEM", 13)],
    ),
    "newest session of each user, kept": (
        """
select username, max(sid) keep (dense_rank last order by logon_time) sid, count(*) n
from v$session where username is not null group by username order by username
        """,
        [("APP", 14, 1), ("HR", 12, 2), ("SCOTT", 10, 1), ("SYSTEM", 13, 1)],
    ),
    "users on two machines": (
        """
select username from v$session where username is not null group by username having count(distinct machine) > 1
        """,
        [("HR",)],
    ),
    "sessions whose process is gone": (
        """
select s.sid, s.status from v$session s where not exists (select 1 from v$process p where p.addr = s.paddr)
        """,
        [(14, "KILLED")],
    ),
    "processes without a session": (
        """
select spid from v$process where addr not in (select paddr from v$session where paddr is not null)
        """,
        [],
    ),
    "sessions with a lock on a table of HR": (
        """
select s.sid from v$session s where s.sid in (
  select l.sid from v$lock l where l.type = 'TM' and l.id1 in (select object_id from dba_objects where owner = 'HR'))
order by 1
        """,
        [(10,), (11,)],
    ),
    "page of sessions": (
        """
select * from (
  select q.*, rownum rnum from (select sid, username from v$session order by last_call_et desc, sid) q where rownum <= 4
) where rnum >= 3
        """,
        [(10, "SCOTT", 3), (11, "HR", 4)],
    ),
    "page of sessions, 12c": (
        """
select sid, username from v$session order by last_call_et desc, sid offset 2 rows fetch next 2 rows only
        """,
        [(10, "SCOTT"), (11, "HR")],
    ),
    "longest calls with ties": (
        """
select sid from v$session where type = 'USER' order by wait_class fetch first 1 row with ties
        """,
        [(11,), (12,)],
    ),
    "sessions by hour with gaps": (
        """
with hours as (select trunc(sysdate) + (level + 8) / 24 h from dual connect by level <= 3)
select to_char(h.h, 'HH24') hh, count(s.sid) n
from hours h left join v$session s on s.logon_time >= h.h and s.logon_time < h.h + 1/24
group by h.h order by h.h
        """,
        [("09", 0), ("10", 1), ("11", 2)],
    ),
    "difference of two lists": (
        """
select sid from v$session where type = 'USER' minus select sid from v$lock order by 1
        """,
        [(13,), (14,)],
    ),
    "sessions in both lists": (
        """
select sid from v$session where status = 'ACTIVE' intersect select session_id from v$locked_object
        """,
        [(11,)],
    ),
    "all that hold or wait": (
        """
select sid, 'holds' what from v$lock where lmode > 0 and type = 'TX'
union all
select sid, 'waits' from v$lock where request > 0
order by 2, 1
        """,
        [(10, "holds"), (11, "holds"), (11, "waits"), (12, "waits")],
    ),
    "summary in one row": (
        """
select (select count(*) from v$session where status = 'ACTIVE') active,
       (select count(*) from v$session where blocking_session is not null) blocked,
       (select max(value) from v$parameter where name = 'processes') processes
from dual
        """,
        [(4, 2, "300")],
    ),
    "use of a limit": (
        """
select count(*) used, to_number(max(p.value)) limit, round(count(*) / to_number(max(p.value)) * 100, 1) pct
from v$process, v$parameter p where p.name = 'processes'
        """,
        [(5, 300, 1.7)],
    ),
    "histogram of idle times": (
        """
select bucket, count(*) from (
  select case when last_call_et < 60 then '1: < 1 min' when last_call_et < 3600 then '2: < 1 h' else '3: more' end bucket
  from v$session where type = 'USER'
) group by bucket order by bucket
        """,
        [("1: < 1 min", 1), ("2: < 1 h", 2), ("3: more", 2)],
    ),
    "minimum, maximum, median": (
        """
select min(last_call_et), max(last_call_et), median(last_call_et), round(avg(last_call_et), 1) from v$session where type = 'USER'
        """,
        [(0, 86400, 600, 18852)],
    ),
    "running totals": (
        """
select sid, sum(value) over (order by sid) total, round(100 * sum(value) over (order by sid) / sum(value) over (), 1) pct
from v$sesstat where statistic# = 2 order by sid
        """,
        [(10, 1002, 21.7), (11, 2104, 45.7), (12, 3306, 71.7), (13, 4608, 100)],
    ),
    "difference to the row before": (
        """
select sid, last_call_et - lag(last_call_et, 1, 0) over (order by last_call_et) step from v$session where type = 'USER' order by last_call_et
        """,
        [(13, 0), (12, 60), (11, 540), (10, 6600), (14, 79200)],
    ),
    "moment as text and back": (
        """
select to_char(to_date('2026-03-10 13:45', 'YYYY-MM-DD HH24:MI') + interval '30' minute, 'HH:MI AM') from dual
        """,
        [("02:15 PM",)],
    ),
    "idle time as an interval": (
        """
select sid, numtodsinterval(last_call_et, 'SECOND') idle from v$session where sid in (10, 14) order by sid
        """,
        [(10, timedelta(seconds=7200)), (14, timedelta(days=1))],
    ),
    "parts of an interval": (
        """
select extract(hour from numtodsinterval((sysdate - logon_time), 'DAY')) h, extract(minute from numtodsinterval(sysdate - logon_time, 'DAY')) m
from v$session where sid = 11
        """,
        [(1, 30)],
    ),
    "address as text": (
        """
select sid from v$session where rawtohex(saddr) = '000000000000010B' or saddr = hextoraw('000000000000010C') order by sid
        """,
        [(11,), (12,)],
    ),
    "program without its host": (
        """
select distinct regexp_substr(program, '^[^@ ]+') p from v$session where type = 'USER' order by p
        """,
        [("JDBC",), ("perl",), ("python3",), ("sqlplus",)],
    ),
    "background processes' names": (
        r"""
select sid, regexp_replace(program, '.*\(([A-Z0-9]+)\).*', '\1') name from v$session where type = 'BACKGROUND'
        """,
        [(1, "PMON")],
    ),
    "case of names": (
        """
select initcap(username) || ' (' || upper(substr(osuser, 1, 1)) || lower(substr(osuser, 2)) || ')' n from v$session where sid = 11
        """,
        [("Hr (Web)",)],
    ),
    "own session's context": (
        """
select sys_context('USERENV', 'SESSION_USER') u, sys_context('USERENV', 'CURRENT_SCHEMA') s, user, uid from dual
        """,
        [("SYSTEM", "SYSTEM", "SYSTEM", 9)],
    ),
    "instances and their sessions": (
        """
select i.instance_name, count(s.sid) n from v$instance i cross join v$session s where s.type = 'USER' group by i.instance_name
        """,
        [("ORCL1", 5)],
    ),
    "most recent statement of each blocked session": (
        """
select b.sid, x.sql_text from v$session b
cross apply (select q.sql_text from v$sql q where q.sql_id = b.sql_id order by q.child_number desc fetch first 1 row only) x
where b.blocking_session is not null order by b.sid
        """,
        [(11, "select * from orders"), (12, "select * from orders")],
    ),
    "locks next to sessions, all of both": (
        """
select nvl(to_char(s.sid), '-') s, nvl(l.type, '-') t from (select sid from v$session where sid > 11) s
full outer join (select sid, type from v$lock where sid > 10) l on l.sid = s.sid order by s, t
        """,
        [("-", "TM"), ("-", "TX"), ("-", "TX"), ("12", "TX"), ("13", "-"), ("14", "-")],
    ),
    "columns as rows": (
        """
select what, val from (select machine, osuser, program from v$session where sid = 10)
unpivot (val for what in (machine, osuser, program)) order by what
        """,
        [("MACHINE", "app1"), ("OSUSER", "joe"), ("PROGRAM", "sqlplus@app1")],
    ),
    "sessions of the list": (
        """
select sid from v$session where (sid, serial#) in ((10, 11), (12, 13), (14, 99)) order by sid
        """,
        [(10,), (12,)],
    ),
    "with hints and comments": (
        """
select /*+ rule */ -- sessions; really
       /* the count */ count(*) n from v$session /* all ' of them */ where 1 = 1 -- end
        """,
        [(6,)],
    ),
    "sampled twice": (
        """
with a as (select /*+ materialize */ sid, last_call_et from v$session), b as (select sid, last_call_et + 1 last_call_et from v$session)
select count(*) from a, b where a.sid = b.sid and b.last_call_et - a.last_call_et = 1
        """,
        [(6,)],
    ),
}


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.mark.parametrize("name", QUERIES)
def test_rows(world: World, name: str) -> None:
    sql, rows = QUERIES[name]
    assert world.rows(sql) == rows


@pytest.mark.parametrize("name", QUERIES)
def test_described_without_running(world: World, name: str) -> None:
    sql, rows = QUERIES[name]
    columns = world.engine.describe(sql, world.context)
    assert all(len(row) == len(columns) for row in rows)
    assert all(column.size > 0 and column.name for column in columns)
    assert columns == world.result(sql).columns
