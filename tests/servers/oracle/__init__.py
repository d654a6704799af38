# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for Oracle Database that the unmodified python-oracledb logs in to; see README.md."""
