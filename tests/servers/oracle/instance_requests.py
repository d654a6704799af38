# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How anybody asks an instance to start a special process (see special.py): one line of JSON over a Unix socket."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any


def control_path(folder: Path, inst_id: int) -> str:
    """Where an instance listens for such requests."""
    return str(folder / f"instance-{inst_id}")


def request(folder: Path, inst_id: int, **what: Any) -> dict[str, Any]:
    """Start one; its SID, SERIAL# and SPID. OSError when the instance is not running, ValueError when it could not."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(control_path(folder, inst_id))
        sock.sendall(json.dumps(what).encode() + b"\n")
        with sock.makefile("rb") as stream:
            line = stream.readline()
    if not line:
        raise ValueError(f"the instance could not start {what}")
    answer: dict[str, Any] = json.loads(line)
    return answer
