# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Dialects by their names."""

from __future__ import annotations

from ..values import BadOption

DIALECTS = ("oracle", "oracle_rds", "oceanbase", "oceanbase_oracle", "oceanbase_mysql")


def find(name):
    """The dialect of a name; raises BadOption where there is none."""
    # Imported where they are needed: whoever uses one dialect does not load the others.
    if name == "oracle":
        from .oracle import Oracle

        return Oracle()
    if name == "oracle_rds":
        from .oracle_rds import OracleRDS

        return OracleRDS()
    if name == "oceanbase":
        from .oceanbase import OceanBase

        return OceanBase()
    if name == "oceanbase_oracle":
        from .oceanbase_oracle import OceanBaseOracle

        return OceanBaseOracle()
    if name == "oceanbase_mysql":
        from .oceanbase_mysql import OceanBaseMySQL

        return OceanBaseMySQL()
    raise BadOption("dialect", f"there is no {name!r}; use one of {', '.join(DIALECTS)}.")
