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
from pathlib import Path, PurePosixPath
from typing import Any

from servers.actors import idle
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


def inventory(server: Seekdb) -> dict[str, Any]:
    return {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "oracle_sessions_dialect": "oceanbase_mysql",
        "oracle_sessions_login_dsn": server.dsn,
        "oracle_sessions_login_user": USER,
        "oracle_sessions_login_password": PASSWORD,
    }


def check_use(server: Seekdb, hosts: str) -> None:
    def module(name: str, arguments: str = "") -> dict[str, Any]:
        # "db1 | CHANGED => {...}"
        shown = run("ansible", "-i", hosts, "db1", "-m", f"{COLLECTION}.{name}", "-a", arguments)
        result: dict[str, Any] = json.loads(shown.partition(" => ")[2])
        return result

    with (
        idle(server, user="victim", password=PASSWORD) as victim,
        idle(server, user="bystander", password=PASSWORD) as bystander,
    ):
        listed = {row["sid"] for row in module("session_info")["sessions"]}
        check({victim.id, bystander.id} <= listed, f"session_info misses one of ours in {listed}")
        killed = module("session_kill", f"sid={victim.id}")
        check(killed["changed"] and killed["counts"]["ended"] == 1, f"session_kill returned {killed}")
        check(not victim.alive(), "the victim still answers")
        check(bystander.alive(), "the bystander died")

    recap = run("ansible-playbook", "-i", hosts, f"{COLLECTION}.report")
    check(re.search(r"^db1 +: ok=[1-9]", recap, re.MULTILINE) is not None, f"the report did nothing:\n{recap}")


def main() -> None:
    modules = check_tarball(sys.argv[1])
    check_documentation(modules)
    with Seekdb() as server, tempfile.TemporaryDirectory() as folder:
        server.create_user(USER, PASSWORD, ["ALL PRIVILEGES ON *.*"])
        for name in ("victim", "bystander"):
            server.create_user(name, PASSWORD)
        hosts = Path(folder) / "hosts.json"
        hosts.write_text(json.dumps({"all": {"hosts": {"db1": inventory(server)}}}))
        check_use(server, str(hosts))
    print(f"The installed collection works: {', '.join(modules)}, playbook report.")


if __name__ == "__main__":
    main()
