# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests, the demo and the benchmark connect to. See README.md beside this file."""
