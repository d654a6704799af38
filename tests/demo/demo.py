# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo: real servers, rogue and innocent sessions on them, and the collection's own playbooks at work among them.

Ends with exit code 0 only when every target is dead or cancelled, every bystander lives, and the last run changed
nothing. Stops everything that it started.
"""

from __future__ import annotations

import sys
import time

import oceanbase_act
import oceanbase_oracle_act
import oracle_act
import server_process_act
from stage import BOLD, GREEN, PLAIN, RED


def main() -> int:
    began = time.monotonic()
    played = [act.perform() for act in (oceanbase_act, oracle_act, oceanbase_oracle_act, server_process_act)]
    good = all(played)
    print(f"\n{GREEN if good else RED}{BOLD}{'All as it must be' if good else 'NOT as it must be'}{PLAIN}", end=" ")
    print(f"after {time.monotonic() - began:.0f} s; servers and sessions are stopped.")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
