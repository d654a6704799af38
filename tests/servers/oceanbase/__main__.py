# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m servers.oceanbase``: a stand-in by hand.

Prints one line of JSON when logins work, and serves until SIGTERM, SIGINT or the end of its standard input.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import signal
import sys
from types import FrameType

from .handle import OceanBaseServer
from .options import Options


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m servers.oceanbase", description=__doc__)
    parser.add_argument("--options", default="{}", help="what kind of server to be, as JSON; see options.py")
    parser.add_argument("--password", default=OceanBaseServer.password, help="of SYS, and of ROOT in the tenant sys")
    chosen = parser.parse_args()
    try:
        options = Options.from_json(chosen.options)
    except (TypeError, ValueError) as error:
        parser.error(str(error))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    server = OceanBaseServer(**{field.name: getattr(options, field.name) for field in dataclasses.fields(options)})
    server.password = chosen.password
    with server:
        told = {"host": server.host, "port": server.port, "direct_port": server.direct_port, "tenant": server.tenant}
        print(json.dumps({**told, "user": f"SYS@{server.tenant}", "pid": os.getpid()}), flush=True)
        while sys.stdin.buffer.read(65536):
            pass


def _leave(_number: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    raise SystemExit(0)


if __name__ == "__main__":
    main()
