# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a name in a query means to the session that asks."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from ..oracle.errors import OracleError
from ..oracle.sql import Context, Function, Source
from .accounts import PUBLIC, SYS, Account, Accounts
from .data import Data
from .views import View

if TYPE_CHECKING:
    from .session import Session

PROXY_RELEASE = "4.3.3.0"


class Catalog:
    """``session`` is who asks; whoever runs a statement sets it before."""

    session: Session

    def __init__(self, data: Data, accounts: Accounts, views: dict[str, View], release: str) -> None:
        self._data = data
        self._accounts = accounts
        self._views = views
        self._release = release

    def version(self, context: Context) -> Hashable:
        return self._data.changes, self._accounts.changes

    def resolve(self, owner: str | None, name: str, context: Context) -> Source:
        account = self.session.account
        view = self._views.get(name) if owner in (None, SYS) else None
        if view is not None:
            readable = account.has("SELECT ANY DICTIONARY") or self._may(account, "SELECT", SYS, name)
            if view.restricted and not readable:
                raise OracleError(942)
            return view.source
        table = self._data.find(self.session.tenant, owner or context.schema, name)
        if table is None or not any(
            self.may(verb, table.owner, name) for verb in ("SELECT", "INSERT", "UPDATE", "DELETE")
        ):
            raise OracleError(942)
        return table.source()

    def function(self, name: tuple[str, ...], context: Context) -> Function | None:
        if name == ("OB_VERSION",):
            return Function(lambda: self._release, fixed=True)
        if name == ("PROXY_VERSION",) and self.session.client.proxied:
            return Function(lambda: PROXY_RELEASE, fixed=True)
        return None

    def may(self, verb: str, owner: str, name: str) -> bool:
        """Whether the session may do this (SELECT, INSERT, UPDATE, DELETE) with a table."""
        account = self.session.account
        return account.name == owner or account.has(f"{verb} ANY TABLE") or self._may(account, verb, owner, name)

    def _may(self, account: Account, verb: str, owner: str, name: str) -> bool:
        everybody = self._accounts.find(self.session.tenant, PUBLIC)
        return account.may(verb, owner, name) or (everybody is not None and everybody.may(verb, owner, name))
