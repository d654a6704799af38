# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second client of the Oracle stand-in: node-oracledb (thin), which was not written from the same source.

The package comes from npm into .work/node; without Node or without the package the tests are skipped.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from servers.oracle.handle import OracleServer

PACKAGE = "oracledb@26.0.0"
FOLDER = Path(__file__).resolve().parents[3] / ".work" / "node"
INSTALL_SECONDS = 120
RUN_SECONDS = 60

SCRIPT = """
const oracledb = require(process.argv[2] + "/node_modules/oracledb");
const [dsn, systemPassword] = process.argv.slice(3);
const login = (user, password) => oracledb.getConnection({user: user, password: password, connectString: dsn});
const codeOf = async (action) => {
  try { await action(); return "no error"; } catch (error) { return error.message.split("\\n")[0]; }
};
async function main() {
  const result = {};
  result.wrong = await codeOf(() => login("scott", "wrong"));
  const connection = await login("scott", "tiger");
  result.version = connection.oracleServerVersionString;
  connection.module = "node";
  connection.action = "test";
  await connection.execute("CREATE TABLE t (n NUMBER, s VARCHAR2(2000))");
  const some = [];
  for (let n = 0; n < 300; n++) some.push([n, n === 7 ? null : "é".repeat(n)]);
  result.affected = (await connection.executeMany("INSERT INTO t VALUES (:1, :2)", some)).rowsAffected;
  await connection.commit();
  const select = "SELECT n, s FROM t WHERE n >= :low ORDER BY n";
  const rows = await connection.execute(select, {low: 0}, {fetchArraySize: 50, prefetchRows: 10});
  result.names = rows.metaData.map((column) => column.name);
  result.rows = rows.rows;
  const out = {given: 4, result: {dir: oracledb.BIND_OUT, type: oracledb.NUMBER},
               text: {dir: oracledb.BIND_INOUT, type: oracledb.STRING, maxSize: 40, val: "hi"}};
  const block = "BEGIN :result := :given + 1; :text := :text || '!'; END;";
  result.out = [(await connection.execute(block, out)).outBinds, (await connection.execute(block, out)).outBinds];
  const self = "SELECT module, action, instance_name FROM v$session, v$instance " +
               "WHERE sid = SYS_CONTEXT('USERENV', 'SID')";
  result.self = (await connection.execute(self)).rows[0];
  result.missing = await codeOf(() => connection.execute("SELECT * FROM nowhere"));
  await connection.ping();
  connection.callTimeout = 100;
  result.timeout = await codeOf(() => connection.execute("BEGIN standin.spin(60); END;"));
  connection.callTimeout = 0;
  result.again = (await connection.execute(select, {low: 100})).rows.length;
  const killer = await login("system", systemPassword);
  const sid = (await connection.execute("SELECT SYS_CONTEXT('USERENV', 'SID') FROM dual")).rows[0][0];
  const name = (await killer.execute("SELECT serial# FROM v$session WHERE sid = :1", [sid])).rows[0][0];
  await killer.execute(`ALTER SYSTEM KILL SESSION '${sid},${name}'`);
  result.killed = await codeOf(() => connection.execute("SELECT 1 FROM dual"));
  await killer.close();
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
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not install {PACKAGE} within {INSTALL_SECONDS} s")
    if done.returncode != 0:
        pytest.skip(f"npm does not get {PACKAGE}: {done.stderr.strip()[-300:]}")
    return FOLDER


def run(package: Path, server: OracleServer, dsn: str) -> dict[str, Any]:
    server.create_user("scott", "tiger", ("CREATE SESSION", "CREATE TABLE", "SELECT_CATALOG_ROLE"))
    done = subprocess.run(
        ["node", "-", str(package), dsn, server.password],
        input=SCRIPT,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


KINDS: dict[str, dict[str, Any]] = {
    "12.1": {"version": "12.1.0.2.0"},
    "19c": {"version": "19.0.0.0.0"},
    "19c-11g-verifier": {"version": "19.0.0.0.0", "verifier": "11g"},
    "23ai-classic": {"version": "23.4.0.0.0", "fast_auth": False, "end_of_response": False},
    "23ai": {"version": "23.4.0.0.0"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_node(kind: str, node_package: Path) -> None:
    options = KINDS[kind]
    with OracleServer(**options) as server:
        result = run(node_package, server, server.dsn)
    assert result["wrong"].startswith("ORA-01017")
    assert result["version"] == options["version"]
    assert result["affected"] == 300
    assert result["names"] == ["N", "S"]
    assert result["rows"] == [[n, None if n in (0, 7) else "é" * n] for n in range(300)]
    assert result["out"] == [{"result": 5, "text": "hi!"}] * 2
    assert result["self"] == ["node", "test", "ORCL"]
    assert result["missing"].startswith("ORA-00942")
    assert result["timeout"].startswith("NJS-123")
    assert result["again"] == 200
    # This driver has one code for all that ends a session.
    assert result["killed"].startswith("NJS-500")


def test_node_is_redirected(node_package: Path) -> None:
    with OracleServer(instances=2) as server:
        dsn = (
            f"(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST={server.host})(PORT={server.ports[1]}))"
            f"(CONNECT_DATA=(SERVICE_NAME={server.service})(INSTANCE_NAME={server.options.instance_name(2)})))"
        )
        assert run(node_package, server, dsn)["self"] == ["node", "test", "ORCL2"]
