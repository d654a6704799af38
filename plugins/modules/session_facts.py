#!/usr/bin/python

# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: session_facts
short_description: List database sessions as facts
version_added: 0.1.0
author: the dbops.oracle_sessions authors (@dbops)
description: [x]
"""

EXAMPLES = r""""""

RETURN = r""""""

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.task import list_module


def main():
    list_module(as_facts=True)


if __name__ == "__main__":
    main()
