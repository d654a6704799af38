# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: BSD-2-Clause

"""Where the steps meet Ansible: options in, a module's result or its failure out."""

from __future__ import annotations

from contextlib import contextmanager

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .access import SCRIPT, Present, parse_version, parse_wanted, plan
from .database import Database
from .dialect.registry import find
from .errors import DatabaseError, DriverMissing
from .login import parse_procedure
from .options import ACCOUNT_SPEC, ACTING_SPEC, READING_SPEC, WAYS
from .plan import check_sql_id, parse_way
from .result import listing_message
from .rule import parse_rule
from .run import end_sessions, fit_to_dialect, list_sessions
from .values import BadOption
from .verify import parse_waiting

_FACTS = ("sessions", "database", "counts", "spared", "recovering")


def end_module(verb):
    """The whole of a module that ends sessions or statements by this verb."""
    module = AnsibleModule(argument_spec={**ACTING_SPEC, **WAYS[verb]}, supports_check_mode=True)
    params = module.params
    with _failures(module):
        dialect = find(params["dialect"])
        rule, warnings = fit_to_dialect(parse_rule(params), dialect)
        way = parse_way(verb, params)
        check_sql_id(dialect, way.sql_id)
        waiting = parse_waiting(params)
        whole_rows = params["detail"] == "full"
        with Database.open(dialect, params) as database:
            report = end_sessions(database, rule, way, waiting, module.check_mode, whole_rows)
    # A disconnect after the transaction is meant to take its time.
    on_pending = params["on_pending"] or ("ok" if way.post_transaction else None)
    result = {
        "changed": report.changed,
        "msg": report.message(),
        "database": report.database,
        "matched": report.matched,
        "comment": params["comment"],
        "sessions": report.rows(full=whole_rows),
        "counts": report.counts(),
    }
    if module._diff:
        result["diff"] = report.diff()
    for warning in warnings + report.doubts(on_pending):
        module.warn(warning)
    failure = report.failure(rule.named, on_pending)
    if failure:
        result["msg"] = f"{failure}\n{result['msg']}"
        module.fail_json(**result)
    module.exit_json(**result)


def list_module(as_facts=False):
    """The whole of a module that only lists."""
    module = AnsibleModule(argument_spec=dict(READING_SPEC), supports_check_mode=True)
    params = module.params
    with _failures(module):
        dialect = find(params["dialect"])
        rule, warnings = fit_to_dialect(parse_rule(params, acting=False), dialect)
        with Database.open(dialect, params) as database:
            result, doubts = list_sessions(database, rule, params["include"], params["explain"])
    for warning in warnings + doubts:
        module.warn(warning)
    if as_facts:
        module.exit_json(
            changed=False, ansible_facts={"oracle_sessions": {name: result[name] for name in _FACTS if name in result}}
        )
    module.exit_json(changed=False, msg=listing_message(result["counts"]), comment=params["comment"], **result)


def account_module():
    """The whole of the module that sets up an account for the others, or writes down how to."""
    module = AnsibleModule(argument_spec=ACCOUNT_SPEC, supports_check_mode=True)
    params = module.params
    with _failures(module):
        dialect = find(params["dialect"])
        if dialect.driver != "oracle":
            raise BadOption("dialect", "accounts are set up on Oracle Database only; use oracle or oracle_rds.")
        wanted = parse_wanted(params, parse_procedure(params))
        if params["state"] == SCRIPT:
            access = dialect.access_of(parse_version(params["server_version"]), params["cluster"], wanted.account)
            due = plan(wanted, Present(), access)
            module.exit_json(changed=False, script=access.script(due.statements, wanted), **_statements(wanted, due))
        with Database.open(dialect, params) as database:
            access = database.access()
            due = plan(wanted, access.read(wanted), access)
            _set_up(module, wanted, due, access)


def _set_up(module, wanted, due, access):
    """Carries out what is due, unless in check mode, and ends the module."""
    result = {"changed": bool(due.statements), **_statements(wanted, due)}
    if module._diff:
        result["diff"] = {name: "".join(f"{line}\n" for line in getattr(due, name)) for name in ("before", "after")}
    for doubt in due.doubts:
        module.warn(doubt)
    for done, statement in enumerate(() if module.check_mode else due.statements):
        try:
            access.carry_out(statement)
        except DatabaseError as error:
            result.update(changed=done > 0, statements=result["statements"][:done])
            module.fail_json(**{**result, "msg": error.message})
    errors = () if module.check_mode else access.compile_errors(wanted)
    if errors:
        module.fail_json(**{**result, "msg": f"{wanted.procedure} does not compile: {'; '.join(errors)}"})
    module.exit_json(**result)


def _statements(wanted, due):
    shown = [str(statement) for statement in due.statements]
    return {"msg": f"{wanted.account}: {len(shown) or 'no'} statement{'s' * (len(shown) != 1)}", "statements": shown}


@contextmanager
def _failures(module):
    try:
        yield
    except BadOption as error:
        module.fail_json(msg=str(error))
    except DriverMissing as error:
        module.fail_json(msg=f"{error.message}. {missing_required_lib(error.library)}")
    except DatabaseError as error:
        module.fail_json(msg=error.message)
