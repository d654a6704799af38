# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for an OceanBase tenant in Oracle mode, which the unmodified PyMySQL logs in to; see README.md."""
