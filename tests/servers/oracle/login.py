# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From ACCEPT to a session: what both sides can do (protocol, data types), and who the client is.

Source of the layouts: python-oracledb (impl/thin/messages/protocol.pyx, data_types.pyx, auth.pyx, fast_auth.pyx,
capabilities.pyx), read, not copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .requests import DATA_TYPES, FUNCTION, PROTOCOL, V18_EXT, V23_EXT1
from .verifier import Kind, Pair
from .wire import UTF8_CHARSET, UTF16_CHARSET, ProtocolError, Reader, Writer

PHASE_ONE, PHASE_TWO = 118, 115

# ACCEPT's second word of flags.
FAST_AUTH_FLAG = 0x10000000
END_OF_RESPONSE_FLAG = 0x02000000

# Places in the compile capabilities, and their values.
_SQL_VERSION, _LOGON_TYPES, _FIELD_VERSION, _UB2_TYPES, _TTC3, _TTC4 = 0, 4, 7, 27, 37, 40
_COMPILE_CAPABILITIES = 55
_TTC4_END_OF_RESPONSE = 0x20
_TTC3_LONG_ZONE = 0x2
# Places in the runtime capabilities.
_RUNTIME_CAPABILITIES = 11
_COMPATIBILITY, _RUNTIME_FLAGS, _RUNTIME_TTC = 0, 1, 6
_HAS_ZONE = 0x1
_TTC_32K = 0x4
_ZONE_BYTES, _LONG_ZONE_BYTES = 11, 15

_MODES = {
    0x20: "SYSDBA",
    0x40: "SYSOPER",
    0x400000: "SYSASM",
    0x1000000: "SYSBACKUP",
    0x2000000: "SYSDG",
    0x4000000: "SYSKM",
    0x8000000: "SYSRAC",
}

# Releases, and the field version and protocol version that a server of that release offers. The field versions are
# those named in the driver's constants.pxi; that 12.1 speaks 315, 18c 317 (OOB check from 318) and 23ai 319 is what
# its TNS_VERSION_* constants imply, the ones between are chosen.
_RELEASES = (
    ((23, 4), 24, 319),
    ((23,), 20, 319),
    ((21,), 16, 318),
    ((20,), 15, 318),
    ((19,), 13, 318),
    ((18,), 11, 317),
    ((12, 2), 8, 316),
    ((12, 1), 7, 315),
    ((0,), 6, 314),
)


@dataclass(frozen=True)
class Settings:
    """What a server offers. ``protocol_version`` below 315 is one that the thin drivers refuse, as they do 11.2's."""

    version: tuple[int, int, int, int, int] = (19, 0, 0, 0, 0)
    field_version: int = 13
    protocol_version: int = 319
    end_of_response: bool = False
    fast_auth: bool = False
    banner: str = "x86_64/Linux 2.4.xx"
    sdu: int = 8192
    verifier: Kind = "12c"
    max_string: int = 32767  # 4000 before 12.1, or with MAX_STRING_SIZE=STANDARD

    @classmethod
    def of_release(cls, version: tuple[int, int, int, int, int]) -> Settings:
        """As a server of that release has them: 23ai with fast authentication and end of response, others without."""
        field_version, protocol_version = next(entry[1:] for entry in _RELEASES if version >= entry[0])
        modern = version[0] >= 23
        return cls(
            version,
            field_version,
            protocol_version,
            end_of_response=modern,
            fast_auth=modern,
            verifier="12c" if version >= (12, 1) else "11g",
            max_string=32767 if version >= (12, 1) else 4000,
        )


@dataclass
class Login:
    """Who logs in, and from where: what V$SESSION shows of a client.

    ``mode`` is '' or SYSDBA, SYSOPER, SYSASM, SYSBACKUP, SYSDG, SYSKM, SYSRAC. With proxy authentication, ``username``
    is the account that gave its password and ``target`` the one whose session it becomes.
    ``alter_session`` is a statement to run first, ``context`` has namespace, attribute, value of application contexts.
    """

    username: str
    mode: str = ""
    target: str = ""
    program: str = ""
    machine: str = ""
    terminal: str = ""
    pid: str = ""
    os_user: str = ""
    driver_name: str = ""
    client_version: str = ""
    alter_session: str = ""
    connect_string: str = ""
    edition: str = ""
    context: list[tuple[str, str, str]] = field(default_factory=list)


def identifier(written: str) -> str:
    """A user name as the dictionary has it: upper case, unless quoted."""
    if len(written) > 1 and written.startswith('"') and written.endswith('"'):
        return written[1:-1]
    return written.upper()


def version_number(version: tuple[int, int, int, int, int], field_version: int) -> int:
    """AUTH_VERSION_NO, whose layout changed with 18c."""
    a, b, c, d, e = version
    if field_version >= V18_EXT:
        return a << 24 | b << 16 | c << 12 | d << 4 | e
    return a << 24 | b << 20 | c << 12 | d << 8 | e


def read_protocol(reader: Reader) -> str:
    """The client's name for itself, from behind the message type."""
    while reader.u8():
        pass  # the protocol versions that it speaks
    name = bytearray()
    while byte := reader.u8():
        name.append(byte)
    return name.decode("utf-8", "replace")


def write_protocol(writer: Writer, settings: Settings) -> None:
    compile_capabilities = bytearray(_COMPILE_CAPABILITIES)
    compile_capabilities[_SQL_VERSION] = 6
    compile_capabilities[_LOGON_TYPES] = 0x2A
    compile_capabilities[_FIELD_VERSION] = settings.field_version
    compile_capabilities[_UB2_TYPES] = 1
    runtime_capabilities = bytearray(_RUNTIME_CAPABILITIES)
    runtime_capabilities[_COMPATIBILITY] = 2
    runtime_capabilities[_RUNTIME_TTC] = _TTC_32K if settings.max_string > 4000 else 0
    fdo = bytes(9) + UTF16_CHARSET.to_bytes(2, "big")
    writer.u8(PROTOCOL, 6, 0).raw(settings.banner.encode()).u8(0)
    writer.u16le(UTF8_CHARSET).u8(1).u16le(0).u16(len(fdo)).raw(fdo)
    writer.clr(bytes(compile_capabilities)).clr(bytes(runtime_capabilities))


@dataclass(frozen=True)
class ClientCapabilities:
    field_version: int
    end_of_response: bool


def read_data_types(reader: Reader) -> ClientCapabilities:
    """What the client can do, from behind the message type. Its list of conversions is passed over."""
    reader.raw(5)  # character sets, flags
    capabilities = (reader.clr() or b"").ljust(_COMPILE_CAPABILITIES, b"\0")
    runtime = (reader.clr() or b"").ljust(_RUNTIME_CAPABILITIES, b"\0")
    if runtime[_RUNTIME_FLAGS] & _HAS_ZONE:
        # node-oracledb sends its time zone here.
        reader.raw(_LONG_ZONE_BYTES if capabilities[_TTC3] & _TTC3_LONG_ZONE else _ZONE_BYTES)
    while reader.u16():
        if reader.u16():
            reader.raw(4)
    return ClientCapabilities(capabilities[_FIELD_VERSION], bool(capabilities[_TTC4] & _TTC4_END_OF_RESPONSE))


def write_data_types(writer: Writer) -> None:
    writer.u8(DATA_TYPES).u16(0)


@dataclass
class AuthMessage:
    user: str
    mode: int
    pairs: list[tuple[str, str]]

    @property
    def values(self) -> dict[str, str]:
        return dict(self.pairs)


def read_auth(reader: Reader, function: int, field_version: int) -> AuthMessage:
    """One authentication message, with its message type. ProtocolError for any other."""
    kind, found = reader.u8(), reader.u8()
    if (kind, found) != (FUNCTION, function):
        raise ProtocolError(f"function {found} of message type {kind} where authentication was due")
    reader.u8()
    if field_version >= V23_EXT1:
        reader.ub()
    has_user = reader.u8()
    reader.ub()
    mode = reader.ub()
    reader.u8()
    count = reader.ub()
    reader.raw(2)
    user = reader.text() if has_user else ""
    pairs = []
    for _unused in range(count):
        key, value = reader.two() or b"", reader.two() or b""
        reader.ub()
        pairs.append((key.decode("utf-8", "replace").rstrip("\0"), value.decode("utf-8", "replace").rstrip("\0")))
    return AuthMessage(user, mode, pairs)


def write_pairs(writer: Writer, pairs: Sequence[Pair]) -> None:
    for key, value, flags in pairs:
        writer.two(key).two(value).ub(flags)


def login_of(first: AuthMessage, second: AuthMessage) -> Login:
    one, two = first.values, second.values
    flat = [value for key, value in second.pairs if key.startswith("AUTH_APPCTX_")]
    return Login(
        identifier(first.user),
        next((name for bit, name in _MODES.items() if (first.mode | second.mode) & bit), ""),
        identifier(two.get("PROXY_CLIENT_NAME", "")),
        one.get("AUTH_PROGRAM_NM", ""),
        one.get("AUTH_MACHINE", ""),
        one.get("AUTH_TERMINAL", ""),
        one.get("AUTH_PID", ""),
        one.get("AUTH_SID", ""),
        two.get("SESSION_CLIENT_DRIVER_NAME", ""),
        two.get("SESSION_CLIENT_VERSION", ""),
        two.get("AUTH_ALTER_SESSION", ""),
        two.get("AUTH_CONNECT_STRING", ""),
        two.get("AUTH_ORA_EDITION", ""),
        list(zip(flat[0::3], flat[1::3], flat[2::3], strict=False)),
    )
