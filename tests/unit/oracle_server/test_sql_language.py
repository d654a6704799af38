# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Oracle's SQL means: joins, ROWNUM, hierarchies, groups, analytic functions and the rest, with their rows."""

from __future__ import annotations

from datetime import datetime

import pytest
from unit.oracle_server.sql_world import World

# Topic: pairs of a query and its rows.
QUERIES = {
    "ordering": [
        ("select name from emp order by sal", [("ALLEN",), ("CLARK",), ("BLAKE",), ("KING",), ("SMITH",)]),
        ("select name from emp order by sal desc", [("SMITH",), ("KING",), ("BLAKE",), ("CLARK",), ("ALLEN",)]),
        (
            "select name from emp order by sal desc nulls last, 1",
            [("KING",), ("BLAKE",), ("CLARK",), ("ALLEN",), ("SMITH",)],
        ),
        ("select name from emp order by dept fetch first 2 rows with ties", [("KING",), ("CLARK",)]),
        ("select name from emp order by id fetch first 40 percent rows only", [("KING",), ("BLAKE",)]),
        ("select name from emp order by id offset 2 rows fetch next 2 rows only", [("CLARK",), ("ALLEN",)]),
        ("select name from emp order by id offset 3 rows", [("ALLEN",), ("SMITH",)]),
        (
            "select dname from dept order by case id when 30 then 0 else 1 end, dname desc",
            [("SALES",), ("RESEARCH",), ("OPERATIONS",), ("ACCOUNTING",)],
        ),
        ('select sid "Sid", serial# as "Ser #" from v$session where sid = 10 order by "Sid"', [(10, 11)]),
        ("select dept, upper(name) n from emp order by upper(n) desc fetch next row only", [(20, "SMITH")]),
        (
            "select distinct module from v$session order by module nulls first",
            [(None,), ("SQL*Plus",), ("load",), ("order entry",)],
        ),
        ("select unique type from v$session order by type", [("BACKGROUND",), ("USER",)]),
    ],
    "rownum": [
        ("select name from emp where rownum = 1", [("KING",)]),
        ("select name from emp where rownum = 2", []),
        ("select name from emp where 3 > rownum", [("KING",), ("BLAKE",)]),
        ("select name from emp where rownum < 2.5", [("KING",), ("BLAKE",)]),
        ("select count(*) from v$session where rownum > 1", [(0,)]),
        ("select name from emp where rownum between 1 and 2", [("KING",), ("BLAKE",)]),
        ("select rownum, name from emp where rownum <= 2 order by name desc", [(1, "KING"), (2, "BLAKE")]),
        ("select dept, count(*) from emp where rownum <= 3 group by dept order by dept", [(10, 2), (30, 1)]),
        (
            "select * from (select a.*, rownum rn from (select id, name from emp order by name) a where "
            "rownum <= 4) where rn > 2",
            [(3, "CLARK", 3), (1, "KING", 4)],
        ),
        (
            "select name from (select name from emp order by sal desc nulls last) where rownum <= 2",
            [("KING",), ("BLAKE",)],
        ),
        ("select rownum r, level from dual connect by level < 3", [(1, 1), (2, 2)]),
        ("select count(*) n from (select sid from v$session order by sid) where rownum < 3", [(2,)]),
        ("select name from emp where rownum <= 2 and dept = 30", [("BLAKE",), ("ALLEN",)]),
    ],
    "joins": [
        (
            "select e.name, m.name boss from emp e left join emp m on e.mgr = m.id order by e.id",
            [("KING", None), ("BLAKE", "KING"), ("CLARK", "KING"), ("ALLEN", "BLAKE"), ("SMITH", "CLARK")],
        ),
        (
            "select e.name, m.name from emp e, emp m where e.mgr = m.id(+) and m.dept(+) = 10 order by e.id",
            [("KING", None), ("BLAKE", "KING"), ("CLARK", "KING"), ("ALLEN", None), ("SMITH", "CLARK")],
        ),
        (
            "select a.id, b.id, c.dname from emp a, emp b, dept c where a.mgr = b.id(+) and b.dept = c.id(+) "
            "order by a.id",
            [(1, None, None), (2, 1, "ACCOUNTING"), (3, 1, "ACCOUNTING"), (4, 2, "SALES"), (5, 3, "ACCOUNTING")],
        ),
        ("select d.dname, e.name from emp e, dept d where d.id = e.dept(+) and e.id is null", [("OPERATIONS", None)]),
        (
            "select count(*) from v$session s, v$session b where s.blocking_session = b.sid(+) and "
            "b.status(+) = 'ACTIVE'",
            [(6,)],
        ),
        (
            "select emp.id, dept.id, dname from emp full outer join dept on emp.dept = dept.id where emp.id "
            "is null or dept.id = 20",
            [(5, 20, "RESEARCH"), (None, 40, "OPERATIONS")],
        ),
        (
            "select e.name, d.dname from dept d right join emp e on d.id = e.dept and d.id > 10 order by e.id",
            [("KING", None), ("BLAKE", "SALES"), ("CLARK", None), ("ALLEN", "SALES"), ("SMITH", "RESEARCH")],
        ),
        (
            "select n.name, st.value from v$sesstat st join v$statname n using (statistic#) where sid = 11 order by 1",
            [("redo size", 1102), ("user commits", 1101)],
        ),
        (
            "select statistic#, name, value from v$sesstat natural join v$statname where sid = 10 order by 1",
            [(1, "user commits", 1001), (2, "redo size", 1002)],
        ),
        (
            "select * from v$statname join (select statistic#, value from v$sesstat where sid = 10) using "
            "(statistic#) order by 1",
            [(1, "user commits", 1001), (2, "redo size", 1002)],
        ),
        (
            "select d.dname, x.n from dept d, lateral (select count(*) n from emp e where e.dept = d.id) x order by 1",
            [("ACCOUNTING", 2), ("OPERATIONS", 0), ("RESEARCH", 1), ("SALES", 2)],
        ),
        (
            "select e.name, x.name n2 from emp e cross apply (select * from emp z where z.mgr = e.id) x order by 1, 2",
            [("BLAKE", "ALLEN"), ("CLARK", "SMITH"), ("KING", "BLAKE"), ("KING", "CLARK")],
        ),
        (
            "select e.name, x.name n2 from emp e outer apply (select m.name from emp m where m.id = e.mgr) x "
            "order by e.id",
            [("KING", None), ("BLAKE", "KING"), ("CLARK", "KING"), ("ALLEN", "BLAKE"), ("SMITH", "CLARK")],
        ),
        (
            "select d.dname, x.name from dept d cross apply (select name from emp e where e.dept = d.id order"
            " by sal desc nulls last fetch first 1 row only) x order by d.id",
            [("ACCOUNTING", "KING"), ("RESEARCH", "SMITH"), ("SALES", "BLAKE")],
        ),
        (
            "select d.dname, x.name from dept d outer apply (select name from emp e where e.dept = d.id order"
            " by sal desc nulls last fetch first row only) x order by d.id",
            [("ACCOUNTING", "KING"), ("RESEARCH", "SMITH"), ("SALES", "BLAKE"), ("OPERATIONS", None)],
        ),
        (
            "select emp.id, instance_name from (emp join dept on emp.dept = dept.id) join v$instance on 1 = 1"
            " order by emp.id",
            [(1, "ORCL1"), (2, "ORCL1"), (3, "ORCL1"), (4, "ORCL1"), (5, "ORCL1")],
        ),
        ("select hr.emp.id, dual.dummy from hr.emp, dual where emp.id = 1", [(1, "X")]),
        ("select a.dummy || b.dummy from dual a cross join sys.dual b", [("XX",)]),
        ("select d.x, e.id from (select 1 x from dual) d left join emp e on e.id = d.x + 100", [(1, None)]),
    ],
    "subqueries": [
        (
            "select e.name from emp e where sal > (select avg(sal) from emp x where x.dept = e.dept) order by 1",
            [("BLAKE",), ("KING",)],
        ),
        (
            "select (select d.dname from dept d where d.id = e.dept) dn, e.name from emp e order by dn, e.name",
            [
                ("ACCOUNTING", "CLARK"),
                ("ACCOUNTING", "KING"),
                ("RESEARCH", "SMITH"),
                ("SALES", "ALLEN"),
                ("SALES", "BLAKE"),
            ],
        ),
        ("select dname from dept d where not exists (select null from emp e where e.dept = d.id)", [("OPERATIONS",)]),
        ("select dname from dept where id not in (select dept from emp where dept is not null)", [("OPERATIONS",)]),
        ("select id from emp where mgr not in (select mgr from emp)", []),
        (
            "select sid from v$session where sid > all (select blocking_session from v$session where "
            "blocking_session is not null) order by 1",
            [(12,), (13,), (14,)],
        ),
        ("select sid from v$session where sid = any (10, 11, 99) order by 1", [(10,), (11,)]),
        (
            "select s.sid from v$session s where (s.username, s.machine) in (select username, machine from "
            "v$session where sid = 11)",
            [(11,)],
        ),
        (
            "select a.id from emp a where id in (select b.id from emp b where b.mgr = a.mgr and b.sal > 2000 "
            "minus select 2 from dual)",
            [(3,)],
        ),
        ("select id from emp where sal >= some (select max(sal) from emp group by dept)", [(1,), (2,)]),
        ("select id from emp where dept = (select id from dept where dname = 'NOWHERE')", []),
        ("select id from emp where '30' = dept order by id", [(2,), (4,)]),
        (
            "select id from emp where to_char(dept) in (select id from dept where dname = 'SALES') order by id",
            [(2,), (4,)],
        ),
        (
            "with a as (select 1 n from dual), b as (select n + 1 n from a), c as (select * from b) select "
            "a.n, b.n, c.n from a, b, c",
            [(1, 2, 2)],
        ),
        ("select * from (with z as (select 5 n from dual) select n from z)", [(5,)]),
        (
            "with r(n, s) as (select 1, 1 from dual union all select n + 1, s + n + 1 from r where n < 5) "
            "select * from r",
            [(1, 1), (2, 3), (3, 6), (4, 10), (5, 15)],
        ),
        (
            "with t (id, name, lvl) as (select id, name, 1 from emp where mgr is null union all select e.id, "
            "e.name, t.lvl + 1 from emp e join t on e.mgr = t.id) select lvl, count(*) from t group by lvl "
            "order by lvl",
            [(1, 1), (2, 2), (3, 2)],
        ),
        ("select column_value from table(sys.odcivarchar2list('a', 'b'))", [("a",), ("b",)]),
        ("select sum(column_value) from table(sys.odcinumberlist(1, 2, 4))", [(7,)]),
    ],
    "set operations": [
        ("select id from emp where id < 3 union select 1 from dual order by 1", [(1,), (2,)]),
        ("select id from emp where id < 3 union all select 1 from dual order by id", [(1,), (1,), (2,)]),
        (
            "select sid from v$session where username = 'HR' union select session_id from v$locked_object "
            "union select 99 from dual order by sid desc",
            [(99,), (12,), (11,), (10,)],
        ),
        ("(select id from emp where id < 3 union select 9 from dual) minus select 2 from dual", [(1,), (9,)]),
        ("select id from emp minus (select 1 from dual union all select 2 from dual) order by 1", [(3,), (4,), (5,)]),
        (
            "select null x from dual union all select sysdate from dual order by 1 nulls first",
            [(None,), (datetime(2026, 3, 10, 12, 0),)],
        ),
        ("select min(id) from emp union all select max(id) from emp order by 1 desc", [(5,), (1,)]),
        ("select x from (select 'b' x from dual union all select 'a' from dual) order by x", [("a",), ("b",)]),
        ("select id from emp union select id from dept order by id fetch first 3 rows only", [(1,), (2,), (3,)]),
    ],
    "groups": [
        (
            "select dept, count(*), sum(sal), avg(sal), min(name), max(hired) from emp group by dept order by dept",
            [
                (10, 2, 7450, 3725, "CLARK", datetime(2021, 6, 9, 0, 0)),
                (20, 1, None, None, "SMITH", None),
                (30, 2, 4450, 2225, "ALLEN", datetime(2022, 2, 20, 0, 0)),
            ],
        ),
        ("select count(*), count(sal), count(distinct dept), sum(sal) from emp", [(5, 4, 3, 11900)]),
        ("select count(*), sum(sal) from emp where 1 = 0", [(0, None)]),
        ("select dept, count(*) from emp where 1 = 0 group by dept", []),
        ("select max(count(*)), min(count(*)) from v$session group by username", [(2, 1)]),
        (
            "select dept, max(sal) m from emp group by dept having max(sal) > (select avg(sal) from emp) order by m",
            [(10, 5000)],
        ),
        (
            "select trunc(hired, 'YYYY') y, count(*) from emp where hired is not null group by trunc(hired, "
            "'YYYY') order by y",
            [(datetime(2020, 1, 1, 0, 0), 1), (datetime(2021, 1, 1, 0, 0), 2), (datetime(2022, 1, 1, 0, 0), 1)],
        ),
        (
            "select 'x' k, 1 n, dept + 1 d from emp group by dept + 1 order by dept + 1",
            [("x", 1, 11), ("x", 1, 21), ("x", 1, 31)],
        ),
        (
            "select dept, sum(sal), grouping(dept) g from emp group by rollup(dept) order by dept",
            [(10, 7450, 0), (20, None, 0), (30, 4450, 0), (None, 11900, 1)],
        ),
        (
            "select owner, object_type, count(*) from dba_objects group by rollup (owner, object_type) order "
            "by owner, object_type",
            [
                ("HR", "INDEX", 1),
                ("HR", "TABLE", 1),
                ("HR", None, 2),
                ("SCOTT", "PROCEDURE", 1),
                ("SCOTT", "TABLE", 1),
                ("SCOTT", None, 2),
                (None, None, 4),
            ],
        ),
        (
            "select dept, mgr, count(*) c from emp group by cube(dept, mgr) having count(*) > 1 order by "
            "grouping(dept), dept, mgr nulls first",
            [(10, None, 2), (30, None, 2), (None, None, 5), (None, 1, 2)],
        ),
        (
            "select dept, dname, count(*) from emp e join dept d on d.id = e.dept group by grouping sets "
            "((dept), (dname), ()) order by 1, 2",
            [
                (10, None, 2),
                (20, None, 1),
                (30, None, 2),
                (None, "ACCOUNTING", 2),
                (None, "RESEARCH", 1),
                (None, "SALES", 2),
                (None, None, 5),
            ],
        ),
        (
            "select median(sal), percentile_cont(0.25) within group (order by sal), percentile_disc(0.5) "
            "within group (order by sal desc) from emp",
            [(2650, 2237.5, 2850)],
        ),
        (
            "select round(stddev(sal), 3), round(variance(sal), 3), stddev_samp(id), var_pop(id) from emp "
            "where sal is not null and id < 3",
            [(1520.28, 2311250, 0.707106781186548, 0.25)],
        ),
        (
            "select listagg(name, ', ') within group (order by name desc) from emp where dept in (10, 30)",
            [("KING, CLARK, BLAKE, ALLEN",)],
        ),
        ("select listagg(distinct dept, ',') within group (order by dept) from emp", [("10,20,30",)]),
        (
            "select dept, listagg(name) within group (order by id) from emp group by dept order by dept",
            [(10, "KINGCLARK"), (20, "SMITH"), (30, "BLAKEALLEN")],
        ),
        ("select wm_concat(dept) from emp where id < 3", [("10,30",)]),
        (
            "select max(name) keep (dense_rank first order by sal desc nulls last) rich, min(name) keep "
            "(dense_rank last order by dept) from emp",
            [("KING", "ALLEN")],
        ),
        (
            "select dept, count(*), rank() over (order by count(*) desc) r, sum(count(*)) over () t from emp "
            "group by dept order by dept",
            [(10, 2, 1, 5), (20, 1, 3, 5), (30, 2, 1, 5)],
        ),
        ("select sum(case when sal > 2000 then 1 end) n from emp having count(*) > 1", [(3,)]),
        ("select stats_mode(dept), any_value(1), approx_count_distinct(dept) from emp where id < 4", [(10, 1, 2)]),
    ],
    "analytic": [
        (
            "select name, rank() over (order by sal desc nulls last) r, sum(sal) over (partition by dept) ds,"
            " lag(name) over (order by id) p, lead(id, 1, 0) over (order by id) nx from emp order by id",
            [
                ("KING", 1, 7450, None, 2),
                ("BLAKE", 2, 4450, "KING", 3),
                ("CLARK", 3, 7450, "BLAKE", 4),
                ("ALLEN", 4, 4450, "CLARK", 5),
                ("SMITH", 5, None, "ALLEN", 0),
            ],
        ),
        (
            "select id, first_value(sal ignore nulls) over (order by id desc) f, last_value(sal) ignore nulls"
            " over (order by id) l from emp order by id",
            [(1, 1600, 5000), (2, 1600, 2850), (3, 1600, 2450), (4, 1600, 1600), (5, None, 1600)],
        ),
        (
            "select dept, listagg(name, '/') within group (order by name) over (partition by dept) l from emp"
            " order by id",
            [(10, "CLARK/KING"), (30, "ALLEN/BLAKE"), (10, "CLARK/KING"), (30, "ALLEN/BLAKE"), (20, "SMITH")],
        ),
        (
            "select id, max(id) keep (dense_rank last order by sal nulls first) over (partition by dept) k "
            "from emp order by id",
            [(1, 1), (2, 2), (3, 1), (4, 2), (5, 5)],
        ),
        (
            "select sid, sum(value) over (order by sid rows between 1 preceding and current row) c from "
            "v$sesstat where statistic# = 1 order by sid",
            [(10, 1001), (11, 2102), (12, 2302), (13, 2502)],
        ),
        (
            "select sid, count(*) over (order by logon_time range between interval '2' hour preceding and "
            "current row) c from v$session where type = 'USER' order by logon_time",
            [(14, 1), (10, 1), (11, 1), (12, 2), (13, 3)],
        ),
        (
            "select ntile(2) over (order by sid) t, sid, cume_dist() over (order by sid) c from v$sesstat "
            "where statistic# = 1 order by 2",
            [(1, 10, 0.25), (1, 11, 0.5), (2, 12, 0.75), (2, 13, 1)],
        ),
        ("select distinct dept, count(*) over (partition by dept) from emp order by 1", [(10, 2), (20, 1), (30, 2)]),
        (
            "select id, round(ratio_to_report(sal) over (partition by dept), 2) r from emp order by id",
            [(1, 0.67), (2, 0.64), (3, 0.33), (4, 0.36), (5, None)],
        ),
        (
            "select id, median(sal) over (partition by dept) m from emp order by id",
            [(1, 3725), (2, 2225), (3, 3725), (4, 2225), (5, None)],
        ),
    ],
    "hierarchy": [
        (
            "select level, lpad(' ', 2 * (level - 1)) || name n, prior name boss, connect_by_root id r, "
            "sys_connect_by_path(id, '/') p, connect_by_isleaf l from emp start with mgr is null connect by "
            "prior id = mgr order siblings by name",
            [
                (1, "KING", None, 1, "/1", 0),
                (2, "  BLAKE", "KING", 1, "/1/2", 0),
                (3, "    ALLEN", "BLAKE", 1, "/1/2/4", 1),
                (2, "  CLARK", "KING", 1, "/1/3", 0),
                (3, "    SMITH", "CLARK", 1, "/1/3/5", 1),
            ],
        ),
        (
            "select level, name from emp start with mgr is null connect by prior id = mgr and level < 3 order"
            " siblings by id desc",
            [(1, "KING"), (2, "CLARK"), (2, "BLAKE")],
        ),
        (
            "select name from emp where level = 3 start with mgr is null connect by prior id = mgr order by name",
            [("ALLEN",), ("SMITH",)],
        ),
        (
            "select id from emp start with id = 1 connect by nocycle prior mgr = id or prior id = mgr",
            [(1,), (2,), (4,), (3,), (5,)],
        ),
        (
            "select connect_by_root name r, count(*) c, max(level) from emp start with mgr = 1 connect by "
            "prior id = mgr group by connect_by_root name order by 1",
            [("BLAKE", 2, 2), ("CLARK", 2, 2)],
        ),
        (
            "select s.sid, level from v$session s, v$process p where s.paddr = p.addr and s.type = 'USER' "
            "start with s.blocking_session is null connect by prior s.sid = s.blocking_session order siblings"
            " by s.sid",
            [(10, 1), (11, 2), (12, 3), (13, 1)],
        ),
        (
            "select lpad(' ', 2 * (level - 1)) || s.sid tree, p.spid from v$session s join v$process p on "
            "p.addr = s.paddr start with s.blocking_session is null and s.sid in (select b.blocking_session "
            "from v$session b) connect by prior s.sid = s.blocking_session",
            [("10", "4010"), ("  11", "4011"), ("    12", "4012")],
        ),
        (
            "select name, (select count(*) - 1 from emp x start with x.id = e.id connect by prior x.id = "
            "x.mgr) below from emp e order by id",
            [("KING", 4), ("BLAKE", 1), ("CLARK", 1), ("ALLEN", 0), ("SMITH", 0)],
        ),
        (
            "select * from (select name, level lv from emp start with mgr is null connect by prior id = mgr) "
            "where lv = 2 order by 1",
            [("BLAKE", 2), ("CLARK", 2)],
        ),
        ("select level from dual connect by level <= 3", [(1,), (2,), (3,)]),
        ("select level l from dual connect by level <= 3 order by l desc", [(3,), (2,), (1,)]),
        ("select rownum from dual connect by rownum <= 3", [(1,), (2,), (3,)]),
        ("select sum(level) from dual connect by level <= 100", [(5050,)]),
        (
            "select to_char(date '2026-03-30' + level, 'DD-MON') d from dual connect by level <= 2",
            [("31-MAR",), ("01-APR",)],
        ),
        (
            "select rownum, name from emp where rownum <= 3 start with mgr is null connect by prior id = mgr "
            "order siblings by name",
            [(1, "KING"), (2, "BLAKE"), (3, "ALLEN")],
        ),
    ],
    "pivots": [
        (
            "select * from (select dept, sal from emp) pivot (sum(sal) for dept in (10 as d10, 30 as d30))",
            [(7450, 4450)],
        ),
        (
            "select * from (select dept, mgr, id from emp) pivot (count(id) for dept in (10, 30 as d30)) "
            "order by mgr nulls first",
            [(None, 1, 0), (1, 1, 1), (2, 0, 1), (3, 0, 0)],
        ),
        (
            "select * from (select sid, machine, osuser from v$session where sid = 11) unpivot (val for col "
            "in (machine as 'M', osuser as 'O'))",
            [(11, "M", "app1"), (11, "O", "web")],
        ),
    ],
    "words and signs": [
        ("select q'[it's]' || q'!a'b!' || n'x' from dual", [("it'sa'bx",)]),
        ('select 1 as "Mixed Case", 2 b, 3 "C" from dual', [(1, 2, 3)]),
        (
            "select timestamp, type, first, last, day, value, level_ from (select 2 timestamp, 3 type, 5 "
            "first, 6 last, 9 day, 10 value, 11 level_ from dual)",
            [(2, 3, 5, 6, 9, 10, 11)],
        ),
        (
            'select s.type, s.module "Of", s.state end from v$session s where s.sid = 10',
            [("USER", "SQL*Plus", "WAITING")],
        ),
        (
            "select t.*, rowid from emp t where t.id = 1",
            [(1, "KING", 5000, None, datetime(2020, 1, 31, 0, 0), 10, "AAAAAAAABAAAAAAAAB")],
        ),
        ("select id from emp where rowid = 'AAAAAAAABAAAAAAAAC'", [(2,)]),
        (
            "select sid from v$session where sid != 1 and sid <> 10 and sid ^= 11 and not sid = 12 order by sid",
            [(13,), (14,)],
        ),
        ("select sid from v$session where program like '%PMON%' or username like 'S\\_%' escape '\\'", [(1,)]),
        ("select sid from v$session where username like 'hr'", []),
        (
            "select sid from v$session where lnnvl(blocking_session <> 10) order by sid",
            [(1,), (10,), (11,), (13,), (14,)],
        ),
        ("select sid from v$session where regexp_like(program, '^jdbc', 'i') order by 1", [(11,), (12,)]),
        ("select dbms_utility.get_time, sys.dbms_utility.get_time() + 1 from dual", [(123456, 123457)]),
        ("select count(*) from (select 1 from dual where exists (select 1 from emp))", [(1,)]),
        ("select id from emp partition (p1) where id = 1", [(1,)]),
    ],
}


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.mark.parametrize(
    "sql, rows", [pytest.param(*case, id=f"{t}-{n}") for t, of in QUERIES.items() for n, case in enumerate(of)]
)
def test_rows(world: World, sql: str, rows: list[tuple[object, ...]]) -> None:
    assert world.rows(sql) == rows
