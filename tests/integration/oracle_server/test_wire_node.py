# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second client of the Oracle stand-in: node-oracledb (thin), which was not written from the same source.

The package comes from npm into .work/node; without Node or without the package the tests are skipped.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from integration.oracle_server.wire_backend import HOST, Backend, Session

from servers.oracle.errors import OracleError
from servers.oracle.requests import EndToEnd, Execute
from servers.oracle.ttc import Channel, ConnectRequest, Settings
from servers.oracle.values import Column, Type

PACKAGE = "oracledb@26.0.0"
FOLDER = Path(__file__).resolve().parents[3] / ".work" / "node"
INSTALL_SECONDS = 120
RUN_SECONDS = 60

SCRIPT = """
const oracledb = require(process.argv[2] + "/node_modules/oracledb");
const dsn = process.argv[3];
const login = (password) => oracledb.getConnection({user: "scott", password: password, connectString: dsn});
const codeOf = async (action) => {
  try { await action(); return "no error"; } catch (error) { return error.message.split("\\n")[0]; }
};
async function main() {
  const result = {};
  result.wrong = await codeOf(() => login("wrong"));
  const connection = await login("tiger");
  result.version = connection.oracleServerVersionString;
  connection.module = "node";
  connection.action = "test";
  const rows = await connection.execute("SELECT N, S FROM T WHERE N > :low", {low: 3});
  result.names = rows.metaData.map((column) => column.name);
  result.rows = rows.rows;
  const out = {given: 4, result: {dir: oracledb.BIND_OUT, type: oracledb.NUMBER},
               text: {dir: oracledb.BIND_INOUT, type: oracledb.STRING, maxSize: 40, val: "hi"}};
  const block = "BEGIN :result := :given + 1; :text := :text || '!'; END;";
  result.out = [(await connection.execute(block, out)).outBinds, (await connection.execute(block, out)).outBinds];
  const many = await connection.executeMany("INSERT INTO T VALUES (:1, :2)", [[1, "a"], [2, "b"], [3, null]]);
  result.affected = many.rowsAffected;
  result.missing = await codeOf(() => connection.execute("SELECT * FROM NOWHERE"));
  await connection.commit();
  await connection.ping();
  connection.callTimeout = 100;
  result.timeout = await codeOf(() => connection.execute("BEGIN sleep; END;"));
  connection.callTimeout = 0;
  result.again = (await connection.execute("SELECT N, S FROM T WHERE N > :low", {low: 3})).rows.length;
  result.killed = await codeOf(() => connection.execute("SELECT MY DEATH"));
  console.log(JSON.stringify(result));
}
main().catch((error) => { console.error(error); process.exit(1); });
"""


@pytest.fixture(scope="module")
def node_package() -> Path:
    """The folder that holds node_modules/oracledb."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("Node.js with npm is not installed")
    installed = FOLDER / "node_modules" / "oracledb" / "package.json"
    if installed.exists() and json.loads(installed.read_text())["version"] == PACKAGE.partition("@")[2]:
        return FOLDER
    FOLDER.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--prefix", str(FOLDER), "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not install {PACKAGE} within {INSTALL_SECONDS} s")
    if done.returncode != 0:
        pytest.skip(f"npm does not get {PACKAGE}: {done.stderr.strip()[-300:]}")
    return FOLDER


def run(package: Path, dsn: str) -> dict[str, Any]:
    done = subprocess.run(
        ["node", "-", str(package), dsn], input=SCRIPT, capture_output=True, text=True, timeout=RUN_SECONDS
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


def sleep(session: Session, request: Execute) -> None:
    assert session.channel.poll_break(20.0)
    session.channel.answer_break()


def answers(backend: Backend) -> None:
    columns = [Column("N", Type.NUMBER), Column("S", Type.VARCHAR2, 100)]
    backend.query("SELECT N, S FROM T WHERE N > :low", columns, [[n, "é" * n or None] for n in range(300)])
    # What this client asks by itself after its login.
    backend.query("SELECT DBTIMEZONE FROM DUAL", [Column("DBTIMEZONE", Type.VARCHAR2, 6)], [["+00:00"]])
    block = "BEGIN :result := :given + 1; :text := :text || '!'; END;"
    backend.answers |= {
        block: lambda session, request: session.channel.reply_plsql(
            [16, 32, 48], [[given + 1, None, text + "!"] for _result, given, text in request.iterations]
        ),
        "INSERT INTO T VALUES (:1, :2)": lambda session, request: session.channel.reply_dml(len(request.iterations)),
        "SELECT * FROM NOWHERE": lambda session, request: session.channel.reply_error(OracleError(942)),
        "BEGIN sleep; END;": sleep,
        "SELECT MY DEATH": lambda session, request: session.channel.send_death(OracleError(28)),
    }


@pytest.fixture(params=["12.1", "19c-11g-verifier", "19c", "23ai-classic", "23ai"])
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    settings = {
        "12.1": Settings.of_release((12, 1, 0, 2, 0)),
        "19c": Settings.of_release((19, 3, 0, 0, 0)),
        "19c-11g-verifier": replace(Settings.of_release((19, 3, 0, 0, 0)), verifier="11g"),
        "23ai-classic": replace(Settings.of_release((23, 4, 0, 0, 0)), fast_auth=False, end_of_response=False),
        "23ai": Settings.of_release((23, 4, 0, 0, 0)),
    }[request.param]
    with Backend(settings) as running:
        answers(running)
        yield running


def test_node(backend: Backend, node_package: Path) -> None:
    result = run(node_package, backend.dsn)
    assert result["wrong"].startswith("ORA-01017")
    assert result["version"] == ".".join(map(str, backend.settings.version))
    assert result["names"] == ["N", "S"]
    assert result["rows"] == [[n, "é" * n or None] for n in range(300)]
    assert result["out"] == [{"result": 5, "text": "hi!"}] * 2
    assert result["affected"] == 3
    assert result["missing"].startswith("ORA-00942")
    assert result["timeout"].startswith("NJS-123")
    assert result["again"] == 300
    # This driver has one code for all that ends a session.
    assert result["killed"].startswith("NJS-500")
    inserts = [request for request in backend.executed() if request.sql.startswith("INSERT")]
    assert inserts[0].iterations == [[1, "a"], [2, "b"], [3, None]]
    attributes = [item for request in backend.requests for item in request.before if isinstance(item, EndToEnd)]
    assert attributes[0].changes == {"module": "node", "action": "test"}
    assert backend.logins[0].driver_name.startswith("node-oracledb")
    assert backend.connects[0].service_name == "shop"


def test_node_is_redirected(node_package: Path) -> None:
    with Backend() as listener, Backend(Settings.of_release((19, 3, 0, 0, 0))) as instance:
        answers(instance)

        def redirect(channel: Channel, wanted: ConnectRequest) -> bool:
            channel.redirect(f"(ADDRESS=(PROTOCOL=TCP)(HOST={HOST})(PORT={instance.port}))")
            return True

        listener.gate = redirect
        assert run(node_package, listener.dsn)["affected"] == 3
        assert instance.connects[0].redirected
