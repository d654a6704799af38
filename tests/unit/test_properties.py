# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every rule and every snapshot, not only for those that somebody thought of.

The alphabets are small on purpose: a random rule then fits several sessions of a random snapshot. What a condition
means is stated here a second time, plainly, so that the code is not judged by itself.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import product
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.builders import planned, rule, saved, session, snapshot

from ansible_collections.dbops.oracle_sessions.plugins.filter.plan import plan as plan_filter
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.guard import LIFTABLE, TAG
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.match import KEYS, parse_match
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.plan import CANCEL, KILL
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.result import Report
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.rule import RULE_OPTIONS, parse_rule
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.select import changed_since
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.session import Session, Snapshot
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption

settings.register_profile("unit", deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))
settings.load_profile("unit")

STATEMENT = re.compile(r"KILL (?:QUERY )?([1-9][0-9]*)", re.ASCII)
SQL_IDS = ("A" * 32, "B" * 32)
# Sids that the server can tell apart, and some that it would cut to 32 bits; the second kind is rare, because one of
# them refuses the whole run.
GOOD_SIDS = (*range(1, 9), 1400, 2**31 - 1, 2**31, 3221487726, 2**32 - 1)
BAD_SIDS = (2**32, 4294968696, 2**33 + 7)

# --- sessions


def facet(**fields: list[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Fields that are drawn as one, which is quicker than one by one: every combination of these values."""
    return st.sampled_from([dict(zip(fields, values, strict=True)) for values in product(*fields.values())])


SIDS = facet(sid=[*GOOD_SIDS * 8, BAD_SIDS[0]]) | facet(sid=[*GOOD_SIDS * 8, *BAD_SIDS])
WHO = facet(
    username=["APP_1", "APP_1", "APP_2", "app_1", "BATCH", None],
    machine=["app1", "app1", "app2", None],
    module=["nightly", "report", None],
    client_port=[40001, 40002],
)
SECONDS = [0.0, 2.5, 59.0, 60.0, 3600.125]
DOING = facet(status=["inactive", "inactive", "killed"], command=["Sleep"], idle_seconds=SECONDS) | facet(
    status=["active", "active", "active", "killed"],
    command=["Query"],
    idle_seconds=[None],
    active_seconds=SECONDS,
    sql_active_seconds=[2.5, 60.0],
    sql_id=[*SQL_IDS, None],
    sql_exec_id=["YB42-1"],
)
NATURE = st.sampled_from(
    [
        *[{}] * 9,
        {"own": True},
        {"module": TAG},
        {"type": "background"},
        {"oracle_maintained": True},
        {"coordinator": {"inst_id": None, "sid": 7}},
    ]
)
TRANSACTION = st.sampled_from(
    [None, None, *({"age_seconds": age, "undo_records": undo} for age in (None, 1.0, 60.0) for undo in (None, 1, 50))]
)
BLOCKING = st.sampled_from(
    [
        *[None] * 6,
        *(
            {"waiters": waiters, "longest_seconds": longest, "root": root}
            for waiters in (1, 2)
            for longest in (1.0, 3.0, 60.0)
            for root in (False, True)
        ),
    ]
)
REST = facet(blocked_by=[None, None, {"inst_id": None, "sid": 1}], logon_seconds=[None, 10.0, 20.0])


def build(*parts: dict[str, Any], **fields: Any) -> Session:
    given: dict[str, Any] = {}
    for part in (*parts, fields):
        given |= part
    return replace(session(), **given)


def sessions() -> st.SearchStrategy[Session]:
    return st.builds(build, SIDS, WHO, DOING, NATURE, REST, transaction=TRANSACTION, blocking=BLOCKING)


def crowds(least: int) -> st.SearchStrategy[Snapshot]:
    found = st.lists(sessions(), min_size=least, max_size=8, unique_by=lambda one: one.sid)
    return found.map(lambda each: snapshot(*each))


snapshots = crowds(0)

# --- rules

TEXTS = {
    "username": st.sampled_from(["APP_1", "app_*", "?PP_1", "BATCH", "*"]),
    "machine": st.sampled_from(["app1", "app?", "*"]),
    "module": st.sampled_from(["nightly", "re*", "*"]),
    "status": st.sampled_from(["active", "inactive", "killed", "*"]),
    "type": st.sampled_from(["user", "*"]),
    "container": st.sampled_from(["sys", "*", "other"]),
    "sql_id": st.sampled_from(SQL_IDS),
}
NUMBERS = {
    "idle": ("idle_seconds", st.sampled_from([0, 1, 60])),
    "active": ("active_seconds", st.sampled_from([0, 1, 60])),
    "sql_active": ("sql_active_seconds", st.sampled_from([0, 60])),
    "logon_age": ("logon_seconds", st.sampled_from([0, 15])),
}
WITHIN = {
    "transaction_age": ("transaction", "age_seconds", st.sampled_from([0, 60])),
    "undo_records": ("transaction", "undo_records", st.sampled_from([0, 2])),
    "waiters": ("blocking", "waiters", st.sampled_from([0, 2])),
    "blocking_for": ("blocking", "longest_seconds", st.sampled_from([0, 10])),
}
FLAGS = ("in_transaction", "blocking", "blocked", "root_blocker")
OPERANDS: dict[str, st.SearchStrategy[Any]] = {
    **{key: texts | st.lists(texts, min_size=1, max_size=2) for key, texts in TEXTS.items()},
    **{key: numbers for key, (_field, numbers) in NUMBERS.items()},
    **{key: numbers for key, (_field, _name, numbers) in WITHIN.items()},
    **dict.fromkeys(FLAGS, st.booleans()),
    "blocked_by": st.sampled_from([{"sid": 1}, {"sid": 2}]),
}


def matches(least: int, most: int, often: tuple[str, ...] = ()) -> st.SearchStrategy[dict[str, Any]]:
    keys = st.lists(st.sampled_from([*OPERANDS, *often]), min_size=least, max_size=most, unique=True)
    return keys.flatmap(lambda found: st.fixed_dictionaries({key: OPERANDS[key] for key in found}))


@st.composite
def options(draw: st.DrawFn) -> dict[str, Any]:
    """The options of a rule by match; keep and per go together."""
    found: dict[str, Any] = {"match": draw(matches(1, 2, ("username",) * 20 + ("machine", "idle", "status") * 2))}
    spare = st.lists(matches(1, 3), min_size=1, max_size=2)
    may = {
        "exclude": spare,
        "protect": spare,
        "allow": st.lists(st.sampled_from([*LIFTABLE, *["unfiltered", "killed"] * 3]), unique=True),
        "pick": st.sampled_from(["all", "oldest", "newest", "longest_idle"]),
        "limit": st.integers(1, 4),
        "max_sessions": st.integers(0, 5),
        "max_percent": st.sampled_from([1, 30, 60, 100]),
        "max_rollback_records": st.sampled_from([0, 10]),
    }
    for name in draw(st.lists(st.sampled_from(sorted(may)), max_size=3, unique=True)):
        found[name] = draw(may[name])
    if draw(st.integers(0, 3)) == 0:
        found |= {"keep": draw(st.integers(0, 2)), "per": draw(st.sampled_from(["username", "machine"]))}
    return found


verbs = st.sampled_from([KILL, KILL, CANCEL])


# --- what a rule means, said a second time


def fits(match: dict[str, Any], one: Session) -> bool:
    return all(holds(key, wanted, one) for key, wanted in match.items())


def texts(wanted: str | list[str]) -> list[str]:
    return wanted if isinstance(wanted, list) else [wanted]


def holds(key: str, wanted: Any, one: Session) -> bool:
    blocks = one.blocking is not None and one.blocking["longest_seconds"] >= 3
    if key in TEXTS:
        value = getattr(one, key)
        if value is None:
            return False
        folded = key in ("username", "container")
        return any(
            fnmatchcase(value.upper() if folded else value, each.upper() if folded else each) for each in texts(wanted)
        )
    if key in NUMBERS:
        value = getattr(one, NUMBERS[key][0])
        return value is not None and value >= wanted
    if key in WITHIN:
        field, name, _numbers = WITHIN[key]
        within = getattr(one, field)
        if within is None or within[name] is None or (field == "blocking" and not blocks):
            return False
        return within[name] >= wanted
    if key == "blocked_by":
        return one.blocked_by is not None and one.blocked_by["sid"] == wanted["sid"]
    return wanted is {
        "in_transaction": one.transaction is not None,
        "blocking": blocks,
        "blocked": one.blocked_by is not None,
        "root_blocker": bool(one.blocking and blocks and one.blocking["root"]),
    }.get(key)


def narrows(match: dict[str, Any]) -> bool:
    for key, wanted in match.items():
        if key in ("status", "type", "container", "in_transaction"):
            continue
        if key in TEXTS:
            if "*" not in texts(wanted):
                return True
        elif key == "blocked_by" or wanted:
            return True
    return False


def must_live(one: Session, given: dict[str, Any]) -> str | None:
    """Why nothing may be sent for this session under these options, whichever way it was picked."""
    allow = given.get("allow", [])
    if one.own or one.module == TAG:
        return "own"
    if one.type != "user":
        return "background"
    for guard, held in (
        ("system_users", one.oracle_maintained),
        ("no_username", not one.username),
        ("parallel_servers", one.coordinator is not None),
        ("killed", one.status == "killed"),
    ):
        if held and guard not in allow:
            return guard
    if any(fits(each, one) for each in given.get("protect", [])):
        return "protected"
    if any(fits(each, one) for each in given.get("exclude", [])):
        return "excluded"
    if "match" in given and not fits(given["match"], one):
        return "does not match"
    limit = given.get("max_rollback_records")
    if limit is not None and one.transaction and (one.transaction["undo_records"] or 0) > limit:
        return "max_rollback_records"
    return None


def attempt(where: Snapshot, given: dict[str, Any], verb: str) -> Report | None:
    """The plan, or None when the run was refused."""
    try:
        return planned(where, rule(**given), verb)
    except BadOption:
        return None


def victims(report: Report | None) -> list[Session]:
    return [each.session for each in report.outcomes if each.statement] if report else []


def check_safe(where: Snapshot, given: dict[str, Any], verb: str, report: Report) -> None:
    """Everything that must hold for the statements of a plan."""
    sent = [each for each in report.outcomes if each.statement is not None]
    for each in sent:
        assert any(each.session is one for one in where.sessions)
        assert must_live(each.session, given) is None
        assert each.outcome == "planned"
        found = STATEMENT.fullmatch(each.statement)
        assert found is not None
        assert int(found[1]) == each.session.sid <= 4294967295
        assert each.statement == f"KILL {'QUERY ' if verb == CANCEL else ''}{each.session.sid}"
    assert len({id(each.session) for each in sent}) == len(sent)
    users = [one for one in where.sessions if one.type == "user"]
    assert len(sent) <= given.get("max_sessions", 20)
    assert len(sent) * 100 <= given.get("max_percent", 100) * len(users)
    assert len(sent) <= given.get("limit", len(sent))


# --- properties


def test_no_rule_and_no_snapshot_ends_what_must_live() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=800)
    @given(crowds(4), options(), verbs)
    def check(where: Snapshot, given: dict[str, Any], verb: str) -> None:
        report = attempt(where, given, verb)
        seen["refused" if report is None else "planned" if victims(report) else "nothing"] += 1
        if report is None:
            return
        check_safe(where, given, verb, report)
        seen.update(f"held {must_live(each.session, given)}" for each in report.outcomes if not each.statement)
        assert narrows(given["match"]) or "unfiltered" in given.get("allow", [])
        for one in victims(report):
            assert one.status != "killed" or "killed" in texts(given["match"].get("status", []))
        if given.get("keep"):
            check_kept(where, given, victims(report))

    check()
    # None of this is worth anything when the rules fit nobody.
    assert seen["planned"] > 100, seen
    assert seen["refused"] > 50, seen
    for held in ("own", "system_users", "parallel_servers", "protected", "max_rollback_records"):
        assert seen[f"held {held}"] > 0, seen


def check_kept(where: Snapshot, given: dict[str, Any], sent: list[Session]) -> None:
    """Of each group, the most recently used ones that fit are left alone."""
    groups = defaultdict(list)
    for one in where.sessions:
        sees_killed = "killed" in texts(given["match"].get("status", []))
        fitting = fits(given["match"], one) and not any(fits(each, one) for each in given.get("exclude", []))
        if one.type == "user" and fitting and (sees_killed or one.status != "killed"):
            groups[getattr(one, given["per"])].append(one)
    for members in groups.values():
        left = [one for one in members if one not in sent]
        assert len(left) >= min(given["keep"], len(members))
        used = sorted(one.idle_seconds or 0.0 for one in members)[: given["keep"]]
        assert all((one.idle_seconds or 0.0) >= used[-1] for one in members if one in sent)


def test_sessions_named_by_identity_are_as_safe() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=400)
    @given(crowds(2), options(), verbs, st.booleans(), st.data())
    def check(where: Snapshot, given: dict[str, Any], verb: str, by_sid: bool, data: st.DataObject) -> None:
        for name in ("keep", "per", "pick", "limit"):
            given.pop(name, None)
        if data.draw(st.booleans()):
            del given["match"]
        if by_sid:
            given["sid"] = data.draw(st.sampled_from([*(one.sid for one in where.sessions), 1]))
            asked = {given["sid"]: None}
        else:
            # Some of them have ended since, and their ids belong to others now.
            before = [replace(one, client_port=data.draw(st.sampled_from([40001, 40002]))) for one in where.sessions]
            given["sessions"] = saved(snapshot(*before))
            asked = {one.sid: one.identity for one in before}
        report = attempt(where, given, verb)
        if report is None:
            return
        check_safe(where, given, verb, report)
        for one in victims(report):
            assert one.sid in asked
            assert asked[one.sid] in (None, one.identity)
            seen["planned"] += 1
        for each in report.outcomes:
            seen[each.outcome] += 1

    check()
    for outcome in ("planned", "gone", "skipped", "refused"):
        assert seen[outcome] > 10, seen


@given(snapshots, options())
def test_every_session_is_accounted_for_once(where: Snapshot, given: dict[str, Any]) -> None:
    report = attempt(where, given, KILL)
    if report is not None:
        told = [each.session.sid for each in report.outcomes] + [row["sid"] for row in report.spared]
        assert sorted(told) == sorted(one.sid for one in where.sessions)
        assert all(each.outcome and each.reason for each in report.outcomes)
        assert all(row["reason"] for row in report.spared)
        assert sum(report.counts().values()) == len(report.outcomes)


@given(snapshots, options(), matches(1, 2), st.sampled_from(["exclude", "protect"]))
def test_more_exclusion_or_protection_never_ends_more(
    where: Snapshot, given: dict[str, Any], entry: dict[str, Any], option: str
) -> None:
    # Where the number is fixed, sparing one session means ending another.
    for name in ("keep", "per", "limit", "pick", "max_sessions", "max_percent"):
        given.pop(name, None)
    before = victims(attempt(where, given, KILL))
    after = victims(attempt(where, {**given, option: [*given.get(option, []), entry]}, KILL))
    if any(one.sid > 4294967295 for one in where.sessions):
        return
    assert [one.sid for one in after] == [one.sid for one in before if not fits(entry, one)]


@given(snapshots, options(), st.sampled_from(LIFTABLE))
def test_lifting_a_guard_never_saves_anybody_else(where: Snapshot, given: dict[str, Any], guard: str) -> None:
    given.pop("max_sessions", None)
    given.pop("max_percent", None)
    before = attempt(where, given, KILL)
    after = attempt(where, {**given, "allow": [*given.get("allow", []), guard]}, KILL)
    if before is not None and after is not None:
        assert {one.sid for one in victims(before)} <= {one.sid for one in victims(after)}


@given(snapshots, options(), verbs, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(where: Snapshot, given: dict[str, Any], verb: str, shuffle: Any) -> None:
    mixed = list(where.sessions)
    shuffle.shuffle(mixed)
    before, after = attempt(where, given, verb), attempt(snapshot(*mixed), given, verb)
    assert (before is None) is (after is None)
    assert [one.sid for one in victims(before)] == [one.sid for one in victims(after)]


@given(snapshots, options(), verbs)
def test_what_has_not_changed_is_not_skipped(where: Snapshot, given: dict[str, Any], verb: str) -> None:
    for one in victims(attempt(where, given, verb)):
        assert changed_since(rule(**given), one, replace(one), cancelling=verb == CANCEL) is None


def test_what_no_longer_fits_is_skipped() -> None:
    told: Counter[str] = Counter()

    @settings(max_examples=400)
    @given(sessions(), sessions(), options(), matches(1, 2), st.sampled_from(["exclude", "protect"]), verbs)
    def check(
        seen: Session, now: Session, given: dict[str, Any], entry: dict[str, Any], option: str, verb: str
    ) -> None:
        given |= {option: [entry]}
        if not fits(given["match"], seen):
            return
        reason = changed_since(rule(**given), seen, now, cancelling=verb == CANCEL)
        spared = [name for name in ("exclude", "protect") if any(fits(each, now) for each in given.get(name, []))]
        spared += [] if fits(given["match"], now) else ["match"]
        told.update(spared or ["nothing"])
        assert reason or not spared
        if "idle" in given["match"] and (now.idle_seconds is None or now.idle_seconds < (seen.idle_seconds or 0.0)):
            assert reason
        if verb == CANCEL and now.execution != seen.execution:
            assert reason

    check()
    for spared in ("match", "exclude", "protect", "nothing"):
        assert told[spared] > 5, told


@given(snapshots, options(), st.data())
def test_what_a_rule_needs_and_cannot_read_refuses_the_run(
    where: Snapshot, given: dict[str, Any], data: st.DataObject
) -> None:
    used = [*given["match"], *(key for name in ("exclude", "protect") for each in given.get(name, []) for key in each)]
    used += [given["per"]] if "per" in given else []
    hidden = data.draw(st.sampled_from(used))
    where.unavailable[hidden] = "not listed"
    with pytest.raises(BadOption, match="cannot be seen here \\(not listed\\)"):
        planned(where, rule(**given))


@given(snapshots, options(), verbs)
def test_a_saved_snapshot_plans_like_the_live_one(where: Snapshot, given: dict[str, Any], verb: str) -> None:
    # A listing leaves background sessions out, and no rule picks them.
    where.sessions[:] = [one for one in where.sessions if one.type == "user"]
    live = attempt(where, given, verb)
    try:
        offline = plan_filter(saved(where), {**given, "verb": verb})
    except AnsibleFilterError:
        assert live is None
        return
    assert live is not None
    assert offline["sessions"] == json.loads(json.dumps(live.rows(full=True)))
    assert offline["spared"] == live.spared
    assert offline["counts"] == live.counts()
    assert offline["matched"] == live.matched


@given(sessions())
def test_a_row_is_its_session_again(one: Session) -> None:
    assert Session.from_row(json.loads(json.dumps(one.row()))) == one
    assert Session.from_row(json.loads(json.dumps(one.row()))).identity == one.identity


@given(snapshots, matches(1, 3))
def test_a_match_means_what_it_says(where: Snapshot, match: dict[str, Any]) -> None:
    parsed = parse_match(match)
    for one in where.sessions:
        assert parsed.fits(one) is fits(match, one)
        assert (parsed.first_miss(one) is None) is fits(match, one)
    assert parsed.narrows() is narrows(match)


# --- whatever comes out of YAML, JSON and templates

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.text(alphabet='~*?"()[]{}\\|.+^$aA0-9,#: \n', max_size=12).map(lambda text: f"~{text}")
    | st.sampled_from(
        ["", "~", '""', '"~"', "10x", "1e2", "3_0", "-1", "9" * 5000, 10**400, "\ud800", "__omit_place_holder__"]
    )
)
JSON_LIKE = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.sampled_from([*KEYS]), inner, max_size=3)
    ),
    max_leaves=8,
)
KNOWN = st.dictionaries(st.sampled_from(sorted(KEYS)), JSON_LIKE, max_size=3)


@settings(max_examples=500)
@given(JSON_LIKE | KNOWN)
def test_a_dictionary_is_parsed_or_refused_by_name(raw: Any) -> None:
    try:
        parsed = parse_match(raw)
    except BadOption as error:
        assert error.option.startswith("match")
        assert str(error).startswith(error.option + ": ")
        return
    assert parsed.keys() == set(raw)
    # What was accepted can be asked, described and judged.
    for one in (Session(), session()):
        miss = parsed.first_miss(one)
        assert miss is None or miss.miss(one)
    assert parsed.narrows() in (True, False)
    assert str(parsed)


@settings(max_examples=400)
@given(
    st.dictionaries(
        st.sampled_from([*RULE_OPTIONS, "sid", "serial", "inst_id", "sessions", "sessions_max_age", "closed_sessions"]),
        JSON_LIKE | KNOWN | st.lists(KNOWN, max_size=2),
        max_size=4,
    )
)
def test_options_are_parsed_or_refused_by_name(raw: dict[str, Any]) -> None:
    try:
        parse_rule(raw)
    except BadOption as error:
        assert str(error).startswith(error.option + ": ")
        assert error.option.split("[")[0].split(".")[0] in {*raw, "match", "keep"}
