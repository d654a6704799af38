# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Dialects by their names."""

from __future__ import annotations

from ..values import BadOption

# All names of the contract; those that are not built yet are refused by name, so that nobody suspects a typing error.
DIALECTS = ("oracle", "oracle_rds", "oceanbase", "oceanbase_oracle", "oceanbase_mysql")


def find(name):
    """The dialect of a name; raises BadOption for one that this version does not act on yet."""
    # Imported where they are needed: whoever uses one dialect does not load the others.
    if name == "oracle":
        from .oracle import Oracle

        return Oracle()
    if name == "oracle_rds":
        from .oracle_rds import OracleRDS

        return OracleRDS()
    if name in ("oceanbase", "oceanbase_mysql"):
        from .oceanbase_mysql import OceanBaseMySQL

        return OceanBaseMySQL()
    if name in DIALECTS:
        raise BadOption(
            "dialect",
            f"{name} comes with a later version of this collection; this one acts on oracle, oracle_rds and oceanbase_mysql.",
        )
    raise BadOption("dialect", f"there is no {name!r}; use one of {', '.join(DIALECTS)}.")
