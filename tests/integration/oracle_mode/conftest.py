# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for a tenant in Oracle mode, on which the tests of this room run unless they start one of their own."""

from __future__ import annotations

import pytest

from servers.oceanbase.handle import OceanBaseServer

from ..sites import OceanBaseOracle


@pytest.fixture
def site(oracle_mode_server: OceanBaseServer) -> OceanBaseOracle:
    return OceanBaseOracle(oracle_mode_server)
