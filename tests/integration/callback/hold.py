# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback of the tests: the task that HOLD_BEFORE names does not begin until the test lets it.

It says that it is there by the file ``reached`` in the folder HOLD_IN, and goes on once the file ``go`` is there.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: hold
type: notification
short_description: Hold a play before one of its tasks
description: For tests, in which something happens between two tasks.
"""
_SECONDS = 120


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "hold"

    def v2_playbook_on_task_start(self, task, is_conditional):
        if task.name != os.environ.get("HOLD_BEFORE"):
            return
        folder = Path(os.environ["HOLD_IN"])
        (folder / "reached").touch()
        deadline = time.monotonic() + _SECONDS
        while not (folder / "go").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
