# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback of the tests: one JSON line per task result, in the file that RECORD_RESULTS_IN names."""

from __future__ import annotations

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: record
type: notification
short_description: Write every task result to a file
description: For tests, which read results rather than the text of the screen.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "record"

    def _write(self, result, failed=False):
        # ansible-core 2.19 has public names for what 2.16 offers with an underscore only.
        returned = result.result if hasattr(result, "result") else result._result
        host = result.host if hasattr(result, "host") else result._host
        line = {"host": host.get_name(), "task": result.task_name, "result": {**returned, "failed": failed}}
        with open(os.environ["RECORD_RESULTS_IN"], "a", encoding="utf-8") as records:
            records.write(json.dumps(line, default=str) + "\n")

    v2_runner_on_ok = _write
    v2_runner_on_unreachable = _write
    v2_runner_on_skipped = _write

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._write(result, failed=True)
