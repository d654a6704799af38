# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs ansible-test sanity on what git knows of this checkout or would add to it.

ansible-test insists on a path that ends in ansible_collections/<namespace>/<name> and sees through links, so it gets a
copy. It also wants to download a script that installs pip into its virtual environments; a stand-in that uses the pip
found on PATH makes the run independent of that one server. Packages still come from wherever pip gets them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / ".work"
COPY = WORK / "sanity/ansible_collections/dbops/oracle_sessions"
# ansible-test keeps its caches in the home directory and offers no setting for that.
HOME = WORK / "home"

INSTALL_PIP = """\
import subprocess, sys
packages = [arg for arg in sys.argv[1:] if arg not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call(["pip", "--python", sys.executable, "install", "--quiet"] + packages))
"""
# the pip versions that ansible-core 2.16, 2.19 and 2.21 name
PIP_VERSIONS = ("23_1_2", "24_2", "25_2")


def copy_checkout() -> None:
    listed = subprocess.check_output(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, text=True)
    shutil.rmtree(COPY, ignore_errors=True)
    for name in filter(None, listed.split("\0")):
        if os.path.lexists(ROOT / name):  # git lists deleted files until the deletion is staged
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, COPY / name, follow_symlinks=False)
    # Without a repository of its own the copy would count as part of this one, which ignores .work: nothing would be
    # tested, and that would pass.
    subprocess.check_call(["git", "init", "--quiet"], cwd=COPY)


def prepare_home() -> None:
    cache = HOME / ".ansible/test/cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in PIP_VERSIONS:
        (cache / f"get_pip_{version}.py").write_text(INSTALL_PIP)
    # ansible-test drops pip's variables from the environment, but the user's configuration and cache are still found
    for name in (".config/pip", ".pip", ".cache/pip"):
        link = HOME / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        if (Path.home() / name).exists():
            link.symlink_to(Path.home() / name)


def main() -> int:
    copy_checkout()
    prepare_home()
    command = ["ansible-test", "sanity", "--local", "--python", "3.11", "--color", "no", *sys.argv[1:]]
    return subprocess.call(command, cwd=COPY, env={**os.environ, "HOME": str(HOME)})


if __name__ == "__main__":
    sys.exit(main())
