# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks into the tarball, then uses the collection that was installed from it, with the checkout out of reach.

``ANSIBLE_COLLECTIONS_PATH`` says where it was installed; the only argument is the tarball.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import Any

from servers import actors, oracle_actors
from servers.oracle.handle import OracleServer
from servers.seekdb import Seekdb

ROOT = Path(__file__).resolve().parents[2]
FOLDER = os.environ["ANSIBLE_COLLECTIONS_PATH"]
COLLECTION = "dbops.oracle_sessions"
USER, PASSWORD = "operator", "Package-1"


def run(*command: str) -> str:
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True, cwd=FOLDER)
    if done.returncode:
        sys.exit(f"{done.stdout}\n{' '.join(command)} ended with {done.returncode}")
    return done.stdout


def check(fact: bool, otherwise: object) -> None:
    if not fact:
        sys.exit(f"check_installed: {otherwise}")


def check_tarball(path: str) -> list[str]:
    """Returns the full names of the modules in it."""
    with tarfile.open(path) as tarball:
        files = {member.name for member in tarball if member.isfile()}
    known = subprocess.check_output(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, text=True)
    strays = files - set(known.split("\0")) - {"MANIFEST.json", "FILES.json"}
    check(not strays, f"files in the tarball that git does not know: {sorted(strays)}")
    hidden = [name for name in files if name.startswith(".")]
    check(not hidden, f"files in the tarball that only matter to developers: {sorted(hidden)}")
    modules = [PurePosixPath(name) for name in files if re.fullmatch(r"plugins/modules/\w+\.py", name)]
    return sorted(f"{COLLECTION}.{module.stem}" for module in modules)


def check_documentation(modules: list[str]) -> None:
    listed = json.loads(run("ansible-doc", "-t", "module", "--list", "--json", COLLECTION))
    check(sorted(listed) == modules, f"ansible-doc lists {sorted(listed)}, the tarball holds {modules}")
    for name, page in json.loads(run("ansible-doc", "-t", "module", "--json", *modules)).items():
        empty = [section for section in ("doc", "examples", "return") if not page[section]]
        check(not empty, f"{name} has no {empty}")


def inventory(dsn: str, **variables: str) -> dict[str, Any]:
    return {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "oracle_sessions_login_dsn": dsn,
        **{f"oracle_sessions_{name}": value for name, value in variables.items()},
    }


def check_use(hosts: str, host: str, victim: Any, bystander: Any, named: str) -> None:
    """Kills the victim by its name, and nobody else."""

    def module(name: str, arguments: str = "") -> dict[str, Any]:
        # "db1 | CHANGED => {...}"
        shown = run("ansible", "-i", hosts, host, "-m", f"{COLLECTION}.{name}", "-a", arguments)
        result: dict[str, Any] = json.loads(shown.partition(" => ")[2])
        return result

    listed = {row["sid"] for row in module("session_info")["sessions"]}
    check({victim.id, bystander.id} <= listed, f"session_info misses one of ours in {listed}")
    killed = module("session_kill", named)
    check(killed["changed"] and killed["counts"]["ended"] == 1, f"session_kill returned {killed}")
    check(not victim.alive(), "the victim still answers")
    check(bystander.alive(), "the bystander died")


def main() -> None:
    modules = check_tarball(sys.argv[1])
    check_documentation(modules)
    with Seekdb() as seekdb, OracleServer() as oracle, tempfile.TemporaryDirectory() as folder:
        seekdb.create_user(USER, PASSWORD, ["ALL PRIVILEGES ON *.*"])
        for name in ("victim", "bystander"):
            seekdb.create_user(name, PASSWORD)
            oracle.create_user(name, PASSWORD)
        login = {"login_user": USER, "login_password": PASSWORD}
        on_oceanbase = inventory(seekdb.dsn, dialect="oceanbase_mysql", **login)
        on_oracle = inventory(oracle.dsn, login_user="system", login_password=oracle.password)
        hosts = Path(folder) / "hosts.json"
        hosts.write_text(json.dumps({"all": {"hosts": {"shop_ob": on_oceanbase, "db1": on_oracle}}}))
        with ExitStack() as stack:
            for host, server, cast in (("shop_ob", seekdb, actors), ("db1", oracle, oracle_actors)):
                victim, bystander = (
                    stack.enter_context(cast.idle(server, user=name, password=PASSWORD))
                    for name in ("victim", "bystander")
                )
                named = f"sid={victim.id}" + (f" serial={victim.serial}" if host == "db1" else "")
                check_use(str(hosts), host, victim, bystander, named)
        recap = run("ansible-playbook", "-i", str(hosts), f"{COLLECTION}.report")
        for host in ("shop_ob", "db1"):
            check(
                re.search(rf"^{host} +: ok=[1-9]", recap, re.MULTILINE) is not None, f"the report did nothing:\n{recap}"
            )
    print(f"The installed collection works: {', '.join(modules)}, playbook report.")


if __name__ == "__main__":
    main()
