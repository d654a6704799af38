# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalog of the SQL engine: what a name stands for, and whether this user may see it.

V$X is a public synonym of the view SYS.V_$X, and the grant is on the view; V$X itself, the fixed view, belongs to SYS
alone. The V$ view shows the instance that is asked, GV$ all; in a pluggable database both show what belongs to it and to
the whole (CON_ID 0). What may not be seen is reported like what does not exist (ORA-00942).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Hashable

from . import rights, sga, views
from .errors import OracleError
from .rights import Rights
from .sql.interface import Context, Function, Source
from .tables import Database, Object, TableColumn
from .values import Column, Type
from .views import View
from .views.model import literal, release_of

# The first container that is a pluggable database; PDB$SEED is one, too.
_FIRST_PDB = 2
# What lets a table be named in a statement at all; which statement is another question.
_DATA_PRIVILEGES = frozenset(("SELECT", "READ", "INSERT", "UPDATE", "DELETE"))
_NAMED_SINCE = 23

Functions = Callable[[tuple[str, ...], Context], Function | None]


class Dictionary:
    """Implements ``sql.interface.Catalog`` on one connection to the shared memory; the x_database row must exist.

    Views refer to ``:now``, which the engine gives, and V$MYSTAT to ``:sid``: put it into ``Context.parameters``.
    ``Context.roles_key`` may be a :class:`Rights`, for definer's rights or roles that were switched off; otherwise the
    rights are those of ``Context.user`` with all its roles. ``functions`` answers for functions of the server.
    """

    def __init__(self, connection: sqlite3.Connection, functions: Functions | None = None) -> None:
        views.install(connection)
        database = sga.get(connection, Database)
        if database is None:
            raise ValueError("the database has no name yet")
        self._connection = connection
        self._functions = functions
        self._cdb = bool(database.cdb)
        self.release = release_of(database.version)

    def version(self, context: Context) -> Hashable:
        return sga.dictionary_version(self._connection)

    def function(self, name: tuple[str, ...], context: Context) -> Function | None:
        return self._functions(name, context) if self._functions else None

    def rights(self, context: Context) -> Rights:
        """On whose behalf a statement of this context runs."""
        if isinstance(context.roles_key, Rights):
            return context.roles_key
        return rights.rights_of(self._connection, context.user, context.con_id)

    def resolve(self, owner: str | None, name: str, context: Context) -> Source:
        who = self.rights(context)
        schema = context.schema or context.user
        if who.user == "SYS" and owner in (None, "SYS"):
            # To SYS the fixed views are its own objects, found before any synonym.
            view = self._fixed(name)
            if view is not None:
                return self._view(view, name.startswith("G"), who, context)
        try:
            found = rights.find_object(self._connection, who, schema, owner, name)
        except OracleError:
            raise missing(owner or schema, name, self.release[0]) from None
        held = rights.object_privileges(self._connection, who, found.owner, found.name)
        if held.isdisjoint(_DATA_PRIVILEGES):
            raise missing(found.owner, found.name, self.release[0])
        if found.owner == "SYS" and found.type == "VIEW":
            view = self._fixed(found.name.replace("_$", "$", 1)) or views.DICTIONARY[found.name]
            return self._view(view, found.name.startswith("GV_$"), who, context)
        if found.type != "TABLE":
            raise missing(found.owner, found.name, self.release[0])
        return self._table(found)

    # -- user tables

    def _table(self, found: Object) -> Source:
        if found.id is None:
            raise ValueError(f"the table {found.name} has no number")
        name = f'"{sga.rows_of(found.id)}"'
        described = [
            Column(column.name, Type[column.type], column.size, column.precision, column.scale, bool(column.nullable))
            for column in sga.select(self._connection, TableColumn, object_id=found.id)
        ]
        return Source(name, described, name)

    # -- views

    def _fixed(self, name: str) -> View | None:
        prefix, _unused, rest = name.partition("$")
        view = views.FIXED.get(rest) if prefix in ("V", "GV") else None
        if view is None or view.since > self.release or (prefix == "GV" and not view.everywhere):
            return None
        return view

    def _view(self, view: View, everywhere: bool, who: Rights, context: Context) -> Source:
        shown = view.columns_of(self.release)
        described = [column.column for column in shown]
        items = [f'{column.sql} AS "{column.column.name}"' for column in shown]
        source = view.source
        conditions = [f"({view.where})"] if view.where else []
        if everywhere:
            described.insert(0, views.INSTANCE_COLUMN)
            instance = view.instance
            if not instance:
                source, instance = f"x_instance gi CROSS JOIN {source}", "gi.inst_id"
                conditions.append("gi.status <> 'DOWN'")
            items.insert(0, f'{instance} AS "INST_ID"')
        elif view.instance:
            conditions.append(f"{view.instance} = {context.inst_id}")
        if view.container and self._cdb and context.con_id >= _FIRST_PDB:
            conditions.append(f"{view.container} IN (0, {context.con_id})")
        where = " WHERE " + " AND ".join(conditions) if conditions else ""
        text = f"(SELECT {', '.join(items)} FROM {source}{where})"
        return Source(self._filled(text, who, context) if "{" in text else text, described)

    def _filled(self, text: str, who: Rights, context: Context) -> str:
        """Puts in who asks; see View."""
        privileges = sorted(rights.system_privileges(self._connection, who))
        everything = not {"SELECT ANY TABLE", "SELECT ANY DICTIONARY"}.isdisjoint(privileges)
        for mark, value in (
            ("{user}", literal(who.user)),
            ("{grantees}", ", ".join(map(literal, who.grantees))),
            ("{privileges}", ", ".join(map(literal, privileges)) or "NULL"),
            ("{any}", str(int(everything))),
            ("{container}", str(context.con_id)),
        ):
            text = text.replace(mark, value)
        return text


def missing(owner: str, name: str, release: int) -> OracleError:
    """ORA-00942; from release 23 on its text says what does not exist."""
    error = OracleError(942)
    if release >= _NAMED_SINCE:
        error.message = f'table or view "{owner}"."{name}" does not exist'
        error.args = (error.text,)
    return error
