# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""How to reach a database and log in to it: read from the options once, strictly. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from . import values
from .values import BadOption

_ADDRESS = re.compile(r"(\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9._-]+)):(?P<port>[0-9]{1,5})", re.ASCII)
_PROCEDURE = re.compile(r"[A-Za-z][A-Za-z0-9_$#]{0,127}\.[A-Za-z][A-Za-z0-9_$#]{0,127}", re.ASCII)
# Any of these in a connect string hands over a secret where it would be shown.
_SECRET = re.compile(r"@|password|passwd|pwd\s*=", re.IGNORECASE)
_IN_DSN = "login_dsn: it must not carry a user or a password; give them in login_user and login_password."
_IN_USER = "login_user: it must not carry a password; give that in login_password."
MODES = ("default", "sysdba", "sysoper", "sysbackup", "sysdg", "syskm", "sysrac")
_ORACLE_ONLY = (
    *("login_external_auth", "login_wallet_dir", "login_wallet_password", "login_config_dir"),
    *("login_thick_mode", "login_client_dir", "via_procedure"),
)


@dataclass(frozen=True)
class Login:
    """Where and as whom; time limits in seconds. `host` and `port` are taken apart where the dialect needs them so.

    `oracle_mode`: whether to tell an OceanBase server that this client knows its Oracle mode; None: if it asks for that.
    """

    dsn: str
    user: str | None
    password: str
    login_timeout: float
    call_timeout: float
    comment: str | None = None
    host: str | None = None
    port: int | None = None
    ca_cert: str | None = None
    oracle_mode: bool | None = None
    mode: str = "default"
    external_auth: bool = False
    wallet_dir: str | None = None
    wallet_password: str | None = None
    config_dir: str | None = None
    thick_mode: bool = False
    client_dir: str | None = None

    def __repr__(self):
        return f"Login({self.user} at {self.dsn})"


def parse_oceanbase_login(options):
    """The Login of a module's options for OceanBase; refuses what would fail or leak later, and what only Oracle has."""
    for name in _ORACLE_ONLY:
        if options.get(name):
            raise BadOption(name, "OceanBase has no such thing; leave it out.")
    if (options.get("login_mode") or "default") != "default":
        raise BadOption("login_mode", "OceanBase has one way to log in only; leave it out.")
    dsn = values.text(_given(options, "login_dsn", "where the database is, as host:port"), "login_dsn")
    _refuse_secret(options)
    address = _ADDRESS.fullmatch(dsn)
    if address is None or not 1 <= int(address["port"]) <= 65535:
        raise BadOption("login_dsn", f"{values.shown(dsn)} is not host:port; write it such as db1.example.com:2881.")
    return Login(
        dsn=dsn,
        user=values.text(_given(options, "login_user", "the database user, as user@tenant"), "login_user"),
        host=address["v6"] or address["host"],
        port=int(address["port"]),
        ca_cert=options.get("login_ca_cert"),
        **_common(options),
    )


def parse_oracle_login(options):
    """The same for Oracle Database, whose login_dsn is an EZConnect string, a TNS alias or a descriptor."""
    if options.get("login_ca_cert"):
        raise BadOption(
            "login_ca_cert",
            "it is for OceanBase; on Oracle, TLS takes a tcps address in login_dsn and login_wallet_dir.",
        )
    where = "where the database is, as host:port/service, TNS alias or descriptor"
    dsn = values.text(_given(options, "login_dsn", where), "login_dsn").strip()
    _refuse_secret(options)
    mode = options.get("login_mode") or "default"
    if mode not in MODES:
        raise BadOption("login_mode", f"{values.shown(mode)} is not a mode; use one of {', '.join(MODES)}.")
    external = bool(options.get("login_external_auth"))
    if options.get("login_client_dir") and not options.get("login_thick_mode"):
        raise BadOption("login_client_dir", "only the thick mode uses it; set login_thick_mode: true, or leave it out.")
    if external and options.get("login_password"):
        raise BadOption("login_password", "with login_external_auth there is none; leave one of them out.")
    user = options.get("login_user")
    if user is None and not external:
        _given(options, "login_user", "the database user")
    return Login(
        dsn=dsn,
        user=None if user is None else values.text(user, "login_user"),
        mode=mode,
        external_auth=external,
        wallet_dir=options.get("login_wallet_dir"),
        wallet_password=options.get("login_wallet_password"),
        config_dir=options.get("login_config_dir"),
        thick_mode=bool(options.get("login_thick_mode")),
        client_dir=options.get("login_client_dir"),
        **_common(options),
    )


def parse_procedure(options):
    """The wrapper of via_procedure as owner.name in upper case, or None; nothing else may reach a statement."""
    name = options.get("via_procedure")
    if name is None:
        return None
    if not isinstance(name, str) or not _PROCEDURE.fullmatch(name):
        raise BadOption("via_procedure", f"{values.shown(name)} is not owner.name; write it such as DBOPS.END_SESSION.")
    return name.upper()


def shown_secret(options):
    """Why these options would show a secret wherever they are shown, or None. Says nothing of what they hold."""
    if _SECRET.search(str(options.get("login_dsn") or "")):
        return _IN_DSN
    user = str(options.get("login_user") or "")
    if "/" in user and not user.startswith('"'):
        return _IN_USER
    return None


def _refuse_secret(options):
    found = shown_secret(options)
    if found:
        option, _colon, sentence = found.partition(": ")
        raise BadOption(option, sentence)


def _common(options):
    limits = {name: values.seconds(options[name], name) for name in ("login_timeout", "call_timeout")}
    for name, limit in limits.items():
        if limit <= 0:
            raise BadOption(name, "it must be longer than 0 s, or nothing could ever answer in time.")
    return {"password": options.get("login_password") or "", "comment": options.get("comment"), **limits}


def _given(options, name, meaning):
    if options.get(name) is None:
        raise BadOption(
            name,
            f"it is missing: {meaning}; set it in the task, in module_defaults, or as the host's variable oracle_sessions_{name}.",
        )
    return options[name]
