# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that define something: tables, programs, synonyms, users, roles, grants, parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from . import accounts, commands, locks, rights, sga, tables
from .errors import OracleError
from .plsql import StoredProgram, parse_program, program_errors
from .values import Column, Type
from .verifier import Kind, Verifier, make_verifier

if TYPE_CHECKING:
    from .executor import Executor

_CHARACTER = ("VARCHAR2", "VARCHAR", "NVARCHAR2", "CHARACTER VARYING", "CHAR VARYING", "CLOB", "NCLOB", "LONG", "ROWID")
_NUMERIC = ("NUMBER", "INTEGER", "INT", "SMALLINT", "DECIMAL", "NUMERIC", "DEC", "FLOAT", "REAL", "DOUBLE PRECISION")
_OTHER = {
    "CHAR": Type.CHAR,
    "NCHAR": Type.CHAR,
    "CHARACTER": Type.CHAR,
    "DATE": Type.DATE,
    "RAW": Type.RAW,
    "BLOB": Type.RAW,
    "LONG RAW": Type.RAW,
    "BINARY_DOUBLE": Type.BINARY_DOUBLE,
    "BINARY_FLOAT": Type.BINARY_DOUBLE,
    "TIMESTAMP": Type.TIMESTAMP,
    "TIMESTAMP WITH LOCAL TIME ZONE": Type.TIMESTAMP,
    "TIMESTAMP WITH TIME ZONE": Type.TIMESTAMP_TZ,
    "INTERVAL DAY TO SECOND": Type.INTERVAL_DS,
}
_FIXED_SIZES = {Type.DATE: 7, Type.TIMESTAMP: 11, Type.TIMESTAMP_TZ: 13, Type.INTERVAL_DS: 11, Type.BINARY_DOUBLE: 8}
_STORAGE = {
    Type.NUMBER: "NUMERIC",
    Type.BINARY_DOUBLE: "REAL",
    Type.RAW: "BLOB",
    Type.VARCHAR2: "TEXT",
    Type.CHAR: "TEXT",
}
_MAINTAINED = ("SYS",)


def stored(verifier: Verifier) -> bytes:
    """A verifier as the dictionary keeps it."""
    return f"{verifier.kind}:{verifier.salt.hex()}:{verifier.hash.hex()}".encode()


def loaded(verifiers: bytes | None) -> Verifier | None:
    if not verifiers:
        return None
    kind, salt, digest = verifiers.decode().split(":")
    return Verifier("11g" if kind == "11g" else "12c", bytes.fromhex(salt), bytes.fromhex(digest))


def execute(executor: Executor, command: commands.Command, _text: str) -> None:
    _HANDLERS[type(command)](executor, command)


# ---- accounts


def _verifiers(executor: Executor, clauses: commands.UserClauses) -> bytes | None:
    if clauses.password is None:
        return None
    kind: Kind = executor.options.wire.verifier
    return stored(make_verifier(clauses.password, kind)) if clauses.password else b""


def _create_user(executor: Executor, command: commands.CreateUser) -> None:
    if command.if_not_exists and rights.find_user(executor.connection, command.name, executor.session.con_id):
        return
    clauses = command.clauses
    accounts.create_user(
        executor.connection,
        executor.rights,
        command.name,
        _verifiers(executor, clauses),
        locked=bool(clauses.locked),
        profile=clauses.profile,
        container=clauses.container,
    )


def _alter_user(executor: Executor, command: commands.AlterUser) -> None:
    clauses = command.clauses
    accounts.alter_user(
        executor.connection,
        executor.rights,
        command.name,
        verifiers=_verifiers(executor, clauses),
        locked=clauses.locked,
        profile=clauses.profile,
    )


def _alter_user_proxy(executor: Executor, command: commands.AlterUserProxy) -> None:
    accounts.grant_proxy(executor.connection, executor.rights, command.name, command.proxy, command.grant)


def _drop_user(executor: Executor, command: commands.DropUser) -> None:
    if command.if_exists and not rights.find_user(executor.connection, command.name, executor.session.con_id):
        return
    with sga.write(executor.connection):
        for found in accounts.drop_user(executor.connection, executor.rights, command.name, cascade=command.cascade):
            if found.type == "TABLE" and found.id is not None:
                executor.connection.execute(f"DROP TABLE {sga.rows_of(found.id)}")


def _create_role(executor: Executor, command: commands.CreateRole) -> None:
    if command.if_not_exists and rights.find_role(executor.connection, command.name, executor.session.con_id):
        return
    accounts.create_role(executor.connection, executor.rights, command.name)


def _drop_role(executor: Executor, command: commands.DropRole) -> None:
    if command.if_exists and not rights.find_role(executor.connection, command.name, executor.session.con_id):
        return
    accounts.drop_role(executor.connection, executor.rights, command.name)


def _grant(executor: Executor, command: commands.Grant) -> None:
    accounts.grant(
        executor.connection,
        executor.rights,
        command.privileges,
        command.grantees,
        target=_target(executor, command.target),
        option=command.option,
        container=command.container,
    )


def _revoke(executor: Executor, command: commands.Revoke) -> None:
    accounts.revoke(
        executor.connection,
        executor.rights,
        command.privileges,
        command.grantees,
        target=_target(executor, command.target),
        container=command.container,
    )


def _target(executor: Executor, name: commands.Name | None) -> tables.Object | None:
    if name is None:
        return None
    return rights.find_object(executor.connection, executor.rights, executor.schema, *name)


# ---- tables


def column_of(definition: commands.ColumnDefinition) -> Column:
    """ORA-00902 for a type that there is not."""
    kind, arguments = definition.type, definition.arguments
    if kind in _CHARACTER:
        return Column(definition.name, Type.VARCHAR2, arguments[0] if arguments else 4000, nullable=definition.nullable)
    if kind in _NUMERIC:
        whole = kind in ("INTEGER", "INT", "SMALLINT")
        precision = 38 if whole else arguments[0] if arguments and kind != "FLOAT" else 0
        scale = arguments[1] if len(arguments) > 1 else 0 if precision else -127
        return Column(definition.name, Type.NUMBER, 22, precision, scale, definition.nullable)
    if kind not in _OTHER:
        raise OracleError(902)
    found = _OTHER[kind]
    size = _FIXED_SIZES.get(found) or (arguments[0] if arguments else 1 if found is Type.CHAR else 2000)
    return Column(definition.name, found, size, nullable=definition.nullable)


def _owner(executor: Executor, name: commands.Name, kind: str) -> str:
    """Whose object it is to be; ORA-01031 without the privilege."""
    owner = name[0] or executor.schema
    executor.require(*([f"CREATE {kind}"] if owner == executor.rights.user else []), f"CREATE ANY {kind}")
    return owner


def _find(executor: Executor, owner: str, name: str) -> tables.Object | None:
    return sga.get(executor.connection, tables.Object, owner=owner, name=name, con_id=executor.session.con_id)


def _insert_object(executor: Executor, owner: str, name: str, kind: str, authid: str | None = None) -> int:
    now = sga.now()
    number = sga.next_number(executor.connection, "object", first=1000)
    return sga.insert(
        executor.connection,
        tables.Object(number, executor.session.con_id, owner, name, kind, now, now, authid=authid),
    )


def _create_table(executor: Executor, command: commands.CreateTable) -> None:
    connection = executor.connection
    owner = _owner(executor, command.name, "TABLE")
    name = command.name[1]
    if _find(executor, owner, name):
        if command.if_not_exists:
            return
        raise OracleError(955)
    rows = None
    if command.query is not None:
        rows = executor.query(command.query, [])
        columns = rows.columns
    else:
        columns = [column_of(definition) for definition in command.columns]
    if len({column.name for column in columns}) < len(columns):
        raise OracleError(957)
    with sga.write(connection):
        number = _insert_object(executor, owner, name, "TABLE")
        parts = []
        for position, column in enumerate(columns, 1):
            default = command.columns[position - 1].default if command.columns else None
            sga.insert(
                connection,
                tables.TableColumn(
                    number, position, column.name, column.type.name, column.size, column.precision, column.scale,
                    int(column.nullable), default,
                ),
            )  # fmt: skip
            parts.append(
                f'"{column.name}" {_STORAGE.get(column.type, "REAL")}' + ("" if column.nullable else " NOT NULL")
            )
        for definition in command.columns:
            if definition.primary or definition.unique:
                parts.append(f'UNIQUE ("{definition.name}")')
        parts += [f"UNIQUE ({', '.join(_quoted(key))})" for key in command.keys]
        connection.execute(f"CREATE TABLE {sga.rows_of(number)} ({', '.join(parts)})")
        sga.changed(connection)
    if rows is not None:
        executor.insert_rows(f'"{owner}"."{name}"', rows)


def _quoted(names: tuple[str, ...]) -> list[str]:
    return [f'"{name}"' for name in names]


def _drop_object(executor: Executor, command: commands.DropObject) -> None:
    if command.kind == "SYNONYM":
        _drop_synonym(executor, command)
        return
    connection = executor.connection
    owner = command.name[0] or executor.schema
    found = _find(executor, owner, command.name[1])
    if found is None or found.type != command.kind:
        if command.if_exists:
            return
        raise OracleError(942) if command.kind == "TABLE" else OracleError(4043, command.name[1])
    _require_drop(executor, found, command.kind)
    assert found.id is not None
    if command.kind == "TABLE":
        locks.lock_table(executor.session, found.id, locks.EXCLUSIVE, 0)
    with sga.write(connection):
        if command.kind == "TABLE":
            connection.execute(f"DROP TABLE {sga.rows_of(found.id)}")
            connection.execute("DELETE FROM x_lock WHERE type = 'TM' AND id1 = ?", (found.id,))
        sga.delete(connection, tables.Object, id=found.id)
        sga.delete(connection, tables.TableColumn, object_id=found.id)
        sga.delete(connection, tables.Source, object_id=found.id)
        sga.delete(connection, tables.ObjectGrant, owner=owner, name=found.name, con_id=found.con_id)
        sga.changed(connection)


def _require_drop(executor: Executor, found: tables.Object, kind: str) -> None:
    if found.owner != executor.rights.user:
        group = "TABLE" if kind == "TABLE" else "PROCEDURE"
        executor.require(f"DROP ANY {group}")


def _truncate(executor: Executor, command: commands.TruncateTable) -> None:
    connection = executor.connection
    found = _find(executor, command.name[0] or executor.schema, command.name[1])
    if found is None or found.type != "TABLE" or found.id is None:
        raise OracleError(942)
    _require_drop(executor, found, "TABLE")
    locks.lock_table(executor.session, found.id, locks.EXCLUSIVE, 0)
    with sga.write(connection):
        connection.execute(f"DELETE FROM {sga.rows_of(found.id)}")
        connection.execute("DELETE FROM x_lock WHERE type = 'TM' AND id1 = ?", (found.id,))


def lock_table(executor: Executor, command: commands.LockTable) -> None:
    found = _target(executor, command.table)
    assert found is not None
    if found.type != "TABLE" or found.id is None:
        raise OracleError(942)
    if found.owner != executor.rights.user:
        executor.require("LOCK ANY TABLE")
    executor.work.begin()
    locks.lock_table(executor.session, found.id, command.mode, 0 if command.nowait else None)


# ---- programs and synonyms


def _create_program(executor: Executor, command: commands.CreateProgram) -> None:
    connection = executor.connection
    owner = _owner(executor, command.name, "PROCEDURE")
    name = command.name[1]
    program = parse_program(command.source)
    present = _find(executor, owner, name)
    if present is not None and (not command.replace or present.type != command.kind):
        raise OracleError(955)
    with sga.write(connection):
        if present is None:
            number = _insert_object(executor, owner, name, command.kind, program.authid)
        else:
            assert present.id is not None
            number = present.id
            sga.update(connection, tables.Object, {"last_ddl": sga.now(), "authid": program.authid}, id=number)
            sga.delete(connection, tables.Source, object_id=number)
        for line, text in enumerate(program.text.splitlines(keepends=True), 1):
            sga.insert(connection, tables.Source(number, line, text))
        sga.changed(connection)
    problems = program_errors(program, executor, owner)
    executor.compiled_with_errors = bool(problems)
    sga.update(connection, tables.Object, {"status": "INVALID" if problems else "VALID"}, id=number)


def _compile_program(executor: Executor, command: commands.CompileProgram) -> None:
    found = find_program(executor, *command.name)
    if found is None:
        raise OracleError(4043, command.name[1])


def find_program(executor: Executor, owner: str | None, name: str) -> StoredProgram | None:
    """The stored program that a name stands for, None without one or without the right to execute it."""
    connection = executor.connection
    try:
        found = rights.find_object(connection, executor.rights, executor.schema, owner, name)
    except OracleError:
        return None
    if found.type not in ("PROCEDURE", "FUNCTION"):
        return None
    if "EXECUTE" not in rights.object_privileges(connection, executor.rights, found.owner, found.name):
        return None
    lines = sga.select(connection, tables.Source, object_id=found.id)
    return StoredProgram(found.owner, found.name, parse_program("".join(line.text for line in lines)))


def _create_synonym(executor: Executor, command: commands.CreateSynonym) -> None:
    owner = "PUBLIC" if command.public else command.name[0] or executor.schema
    name = command.name[1]
    if command.public:
        executor.require("CREATE PUBLIC SYNONYM")
    else:
        _owner(executor, command.name, "SYNONYM")
    con_id = executor.session.con_id
    with sga.write(executor.connection) as connection:
        if sga.get(connection, tables.Synonym, con_id=con_id, owner=owner, name=name):
            if not command.replace:
                raise OracleError(955)
            sga.delete(connection, tables.Synonym, con_id=con_id, owner=owner, name=name)
        target = command.target
        sga.insert(connection, tables.Synonym(con_id, owner, name, target[0] or executor.schema, target[1]))
        sga.changed(connection)


def _drop_synonym(executor: Executor, command: commands.DropObject) -> None:
    owner = "PUBLIC" if command.public else command.name[0] or executor.schema
    if command.public:
        executor.require("DROP PUBLIC SYNONYM")
    elif owner != executor.rights.user:
        executor.require("DROP ANY SYNONYM")
    with sga.write(executor.connection) as connection:
        gone = sga.delete(connection, tables.Synonym, con_id=executor.session.con_id, owner=owner, name=command.name[1])
        if not gone and not command.if_exists:
            raise OracleError(1434 if not command.public else 1432)
        sga.changed(connection)


# ---- parameters


def set_parameters(executor: Executor, command: commands.AlterSystemSet) -> None:
    """ALTER SYSTEM SET: of this instance, or of all of them with SID='*'; ORA-02065 for a parameter that is unknown."""
    connection = executor.connection
    parameters = dict(command.parameters)
    scope = parameters.pop("SID", None)
    for word in ("SCOPE", "COMMENT", "CONTAINER"):
        parameters.pop(word, None)
    for name, value in parameters.items():
        key: dict[str, object] = {"name": name.lower()}
        if scope != "*":
            key["inst_id"] = executor.session.inst_id
        if not sga.update(connection, tables.Parameter, {"value": value, "modified": "SYSTEM_MOD"}, **key):
            raise OracleError(2065)


_HANDLERS: Mapping[type, Callable[..., None]] = {
    commands.CreateUser: _create_user,
    commands.AlterUser: _alter_user,
    commands.AlterUserProxy: _alter_user_proxy,
    commands.DropUser: _drop_user,
    commands.CreateRole: _create_role,
    commands.DropRole: _drop_role,
    commands.Grant: _grant,
    commands.Revoke: _revoke,
    commands.CreateTable: _create_table,
    commands.DropObject: _drop_object,
    commands.TruncateTable: _truncate,
    commands.CreateProgram: _create_program,
    commands.CompileProgram: _compile_program,
    commands.CreateSynonym: _create_synonym,
}
KINDS = tuple(_HANDLERS)
