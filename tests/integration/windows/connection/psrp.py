# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection of the tests, by the name of one to Windows hosts: it runs on this machine, or reaches nobody."""

from __future__ import annotations

import os

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = """
name: psrp
short_description: Run on this machine
description: For tests, in the place of a connection to Windows.
author: the dbops.oracle_sessions authors (@dbops)
extends_documentation_fragment:
  - connection_pipelining
"""


class Connection(Local):
    transport = "psrp"

    def _connect(self):
        if self._play_context.remote_addr == os.environ["WINDOWS_IS_DOWN"]:
            raise AnsibleConnectionFailure("psrp: no route to host")
        return super()._connect()
