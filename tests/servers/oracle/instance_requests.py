# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How anybody asks an instance to start a special process (see special.py), or to send a signal on its host (see
signals.py): one line of JSON over a Unix socket."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def control_path(folder: Path, inst_id: int) -> str:
    """Where an instance listens for such requests."""
    return str(folder / f"instance-{inst_id}")


def tell(folder: Path, inst_id: int, **what: Any) -> None:
    """Ask for what has no answer. OSError when the instance is not running."""
    with _asked(folder, inst_id, what):
        pass


def request(folder: Path, inst_id: int, **what: Any) -> dict[str, Any]:
    """Start one; its SID, SERIAL# and SPID. OSError when the instance is not running, ValueError when it could not."""
    with _asked(folder, inst_id, what) as sock, sock.makefile("rb") as stream:
        line = stream.readline()
    if not line:
        raise ValueError(f"the instance could not start {what}")
    answer: dict[str, Any] = json.loads(line)
    return answer


@contextlib.contextmanager
def _asked(folder: Path, inst_id: int, what: dict[str, Any]) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(control_path(folder, inst_id))
        sock.sendall(json.dumps(what).encode() + b"\n")
        yield sock
