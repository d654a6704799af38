# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Oracle Database on Amazon RDS: nobody there has ALTER SYSTEM; the package rdsadmin_util stands in for it.

Source: Amazon RDS User Guide, "Terminating a session", "Disconnecting a session", "Canceling a SQL statement in a session".
"""

from __future__ import annotations

from ..plan import CANCEL, DISCONNECT, KILL
from ..values import BadOption
from .oracle import Oracle


class OracleRDS(Oracle):
    name = "oracle_rds"

    def _recognised(self, row):
        return self

    def doubts(self, way, sessions):
        # Nobody there has ALTER SYSTEM; whether the account may execute the package shows when it does.
        return []

    def _check_kill(self, way):
        for option, given in (("noreplay", way.noreplay), ("server_timeout", way.server_timeout is not None)):
            if given:
                raise BadOption(option, "rdsadmin_util.kill of Amazon RDS has no such option; leave it out.")

    def _check_disconnect(self, way):
        if way.noreplay:
            raise BadOption("noreplay", "rdsadmin_util.disconnect of Amazon RDS has no such option; leave it out.")

    def _check_cancel(self, way):
        self._since("sql_cancel", (19,))

    def statement(self, way, session):
        if self._procedure:
            return super().statement(way, session)
        sid, serial = self._checked(session.sid, "sid"), self._checked(session.serial, "serial")
        function, name, value = {
            KILL: ("kill", "method", "PROCESS" if way.force else "IMMEDIATE" if way.immediate else None),
            DISCONNECT: ("disconnect", "method", "POST_TRANSACTION" if way.post_transaction else "IMMEDIATE"),
            CANCEL: ("cancel", "sql_id", self._clause(way, session) if way.verb == CANCEL else None),
        }[way.verb]
        last = "NULL" if value is None else f"'{value}'"
        return f"BEGIN rdsadmin.rdsadmin_util.{function}(sid => {sid}, serial => {serial}, {name} => {last}); END;"

    def instance_for(self, way, session):
        # RDS has a single instance.
        return None
