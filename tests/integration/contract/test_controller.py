# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every acting module does under the real `ansible` and `ansible-playbook`: logins, secrets, delegation, async."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from servers.seekdb import LOOPBACK

from ..sites import Acting, Site, Wire
from .conftest import nothing_sent, sent, untouched

pytestmark = pytest.mark.shared

Make = Callable[..., list[Any]]

# Nobody listens on these ports; a login there fails with the address that was tried.
TASK, DEFAULTS, VARIABLE, ENVIRONMENT = (f"{LOOPBACK}:{port}" for port in (2, 3, 4, 5))


def login(site: Site, dsn: str, **others: str) -> dict[str, str]:
    """A host's variables: a database, and its administrator."""
    return {f"oracle_sessions_{option}": value for option, value in {"login_dsn": dsn, **site.login, **others}.items()}


def play(*tasks: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {"hosts": "all", "gather_facts": False, "tasks": list(tasks), **keys}


def name(acting: Acting) -> str:
    return f"dbops.oracle_sessions.{acting.module}"


def test_one_line_on_the_command_line(
    acting: Acting, run_ansible: Any, make: Make, proxy: Wire, site: Site, db_user: dict[str, str]
) -> None:
    victim, bystander = make(2)
    typed = " ".join(f"{option}={value}" for option, value in site.typed(victim).items())
    done = run_ansible({"db1": login(site, proxy.dsn)}, "db1", "-m", name(acting), "-a", typed)
    assert done.code == 0, done.output
    assert acting.dead(victim) and untouched(bystander) and sent(proxy, [acting.of(victim)])
    assert site.remark in done.output
    # A dictionary as text must be JSON: Ansible's own key=value form would split the pattern at the comma.
    match = json.dumps({"username": f"{db_user['user']},x", **acting.rule})
    done = run_ansible({"db1": login(site, proxy.dsn)}, "db1", "-m", name(acting), "-a", json.dumps({"match": match}))
    assert done.code == 0 and done.results[0]["result"]["matched"] == 0, done.output
    done = run_ansible({"db1": login(site, proxy.dsn)}, "db1", "-m", name(acting), "-a", "match='username=A,B'")
    assert done.code != 0 and "neither a dictionary nor JSON" in done.output
    assert untouched(bystander)


def test_async_delegation_and_module_defaults(
    acting: Acting, run_playbook: Any, make: Make, proxy: Wire, site: Site, rule: dict[str, Any]
) -> None:
    in_background, delegated, by_defaults = make(3)
    bystander, *_others = make(1, **site.marked)
    group = "group/dbops.oracle_sessions."
    inventory = {
        "db1": login(site, proxy.dsn),
        "elsewhere": {"ansible_connection": "ssh", "ansible_host": "host.invalid"},
    }
    tasks = [
        {"name": "async", name(acting): acting.named(in_background), "async": 60, "poll": 1},
        # The variables are those of the inventory host, wherever the module runs.
        {"name": "delegated", name(acting): acting.named(delegated), "delegate_to": "localhost"},
        {"name": "foretold", name(acting): acting.named(by_defaults), "check_mode": True, "diff": True},
        {
            "name": "defaults",
            name(acting): {"match": rule},
            "module_defaults": {
                f"{group}sessions": {"comment": "CHG-1"},
                f"{group}acting": {"protect": [site.mark]},
            },
        },
    ]
    done = run_playbook(inventory, [play(*tasks, hosts="db1")])
    assert done.code == 0, done.output
    victims = [in_background, delegated, by_defaults]
    assert all(acting.dead(victim) for victim in victims) and untouched(bystander)
    assert sent(proxy, [acting.of(victim) for victim in victims])
    assert done.of("async")["sessions"][0]["outcome"] == "ended"
    assert done.of("delegated")["sessions"][0]["outcome"] == "ended"
    assert done.of("foretold")["sessions"][0]["outcome"] == "planned"
    defaults = done.of("defaults")
    assert defaults["comment"] == "CHG-1"
    assert defaults["counts"]["ended"] == 1 and defaults["counts"]["refused"] == 1


def test_what_ansible_would_drop_before_the_module_sees_it(
    acting: Acting, run_playbook: Any, make: Make, proxy: Wire, site: Site, rule: dict[str, Any]
) -> None:
    """An empty or omitted value must not widen what is meant; Ansible removes nested omits without a word."""
    (bystander,) = make(1, **site.marked)
    nobody = "{{ nobody | default(omit) }}"
    tasks = {
        "match": {"match": {**rule, "schema": nobody}},
        "match in a variable": {"match": "{{ rule }}"},
        "exclude": {"match": rule, "exclude": [nobody]},
        "exclude key": {"match": rule, "exclude": [{"username": "nobody", "schema": nobody}]},
        "protect": {"match": rule, "protect": [{"schema": nobody}]},
        "null": {"match": rule, "protect": None},
        "null text": {**acting.named(bystander), "match": "null"},
        "two names": {**acting.named(bystander), "session_id": bystander.id},
        "limit by name": {**acting.named(bystander), "limit": 1},
        "no address": {**acting.named(bystander), "login_dsn": None},
    }
    plays = play(
        *({"name": task, name(acting): arguments, "ignore_errors": True} for task, arguments in tasks.items()),
        {"name": "whole", name(acting): {"match": rule, "exclude": nobody}, "check_mode": True},
        vars={"rule": {**rule, "schema": nobody}},
    )
    done = run_playbook({"db1": login(site, proxy.dsn)}, [plays])
    assert untouched(bystander) and nothing_sent(proxy)
    for task in tasks:
        option = {
            "null": "protect",
            "null text": "match",
            "two names": "sid",
            "limit by name": "limit",
            "no address": "login_dsn",
        }
        said = done.of(task)["msg"]
        assert said.startswith(f"{option.get(task, task.split()[0])}: "), (task, said)
    assert "omit inside it would drop a condition" in done.of("match in a variable")["msg"]
    assert done.of("whole")["sessions"][0]["outcome"] == "planned"


def test_a_dsn_with_a_password_is_not_shown(acting: Acting, run_playbook: Any, site: Site) -> None:
    task = {"name": "act", name(acting): {**site.somebody, "login_dsn": "{{ dsn }}"}}
    host = {**login(site, "127.0.0.1:1"), "dsn": "app:Gehe1m@db1:2881"}
    done = run_playbook({"db1": host}, [play(task)], "-vvvv")
    said = done.of("act")["msg"]
    assert said.startswith("login_dsn: it must not carry a user or a password") and "Gehe1m" not in done.output


def test_login_precedence(acting: Acting, run_playbook: Any, site: Site) -> None:
    by_task, by_defaults, variable, environment = map(site.dsn_at, (TASK, DEFAULTS, VARIABLE, ENVIRONMENT))
    template = site.dsn_at("{{ 'localhost' }}:{{ 6 }}")
    inventory = {"db1": login(site, variable)}
    act = {**site.somebody, **site.login}
    defaults = {"module_defaults": {"group/dbops.oracle_sessions.sessions": {"login_dsn": by_defaults}}}
    tasks = [
        {"name": "task", name(acting): {**act, "login_dsn": by_task}, **defaults},
        {"name": "defaults", name(acting): act, **defaults},
        {"name": "variable", name(acting): act},
        {"name": "environment", name(acting): act, "vars": {"oracle_sessions_login_dsn": None}},
        {"name": "omitted", name(acting): act, "vars": {"oracle_sessions_login_dsn": "{{ omit }}"}},
        {"name": "template", name(acting): act, "vars": {"oracle_sessions_login_dsn": template}},
    ]
    for task in tasks:
        task["ignore_errors"] = True
    done = run_playbook(inventory, [play(*tasks)], env={"ORACLE_SESSIONS_LOGIN_DSN": environment})
    tried = {task["name"]: done.of(task["name"])["msg"] for task in tasks}
    for task, dsn in (
        ("task", by_task),
        ("defaults", by_defaults),
        ("variable", variable),
        ("environment", environment),
        ("omitted", environment),
        ("template", site.dsn_at("localhost:6")),
    ):
        assert tried[task].startswith(f"login_dsn: no login at {dsn} "), (task, tried[task])


def test_a_dsn_of_the_environment_is_for_one_host_only(
    acting: Acting, run_playbook: Any, make: Make, proxy: Wire, site: Site
) -> None:
    (bystander,) = make()
    task = {"name": "act", name(acting): {**acting.named(bystander), **site.login}}
    done = run_playbook({"db1": {}, "db2": {}}, [play(task)], env={"ORACLE_SESSIONS_LOGIN_DSN": proxy.dsn})
    assert done.code != 0 and proxy.connections == 0 and untouched(bystander)
    for host in ("db1", "db2"):
        assert done.of("act", host)["msg"].startswith("login_dsn: ORACLE_SESSIONS_LOGIN_DSN names one database")


@pytest.mark.parametrize("way", ["task", "variable", "environment"])
def test_no_secret_in_any_output(
    acting: Acting, run_playbook: Any, make: Make, rule: dict[str, Any], proxy: Wire, site: Site, way: str
) -> None:
    secret = f"S3cret-{way}-{acting.verb}"
    admin = site.as_account(site.create_user(site.least, password=secret))["login_user"]
    (victim,) = make()
    host, arguments, env = login(site, proxy.dsn, login_user=admin, login_password=""), {"match": rule}, {}
    del host["oracle_sessions_login_password"]
    if way == "task":
        arguments["login_password"] = secret
    elif way == "variable":
        host["oracle_sessions_login_password"] = secret
    else:
        env["ORACLE_SESSIONS_LOGIN_PASSWORD"] = secret
    tasks = [
        {"name": "act", name(acting): arguments, "diff": True},
        {"name": "wrong", name(acting): {**arguments, "login_user": site.login["login_user"]}, "ignore_errors": True},
    ]
    done = run_playbook({"db1": host}, [play(*tasks)], "-vvvv", env=env)
    assert done.code == 0 and acting.dead(victim), done.output
    assert done.of("wrong")["msg"].startswith("login_password: ")
    assert secret not in done.output and secret not in json.dumps(done.results)
    assert "module_args" in done.output, "the most verbose output shows the arguments"


def test_the_saved_result_of_a_listing(
    acting: Acting, run_playbook: Any, make: Make, proxy: Wire, site: Site, db_user: Any
) -> None:
    """What was looked at, and approved by somebody, is what dies: the result goes from task to task as it is."""
    (victim,) = make()
    tasks = [
        {
            "name": "look",
            "dbops.oracle_sessions.session_info": {"match": {"username": db_user["user"]}},
            "register": "found",
        },
        {"name": "act", name(acting): {"sessions": "{{ found }}"}},
        {"name": "again", name(acting): {"sessions": "{{ found }}"}},
        {"name": "null", name(acting): {"match": {"username": "{{ omit }}", "idle": 0}}, "ignore_errors": True},
    ]
    done = run_playbook({"db1": login(site, proxy.dsn)}, [play(*tasks)])
    assert done.code == 0, done.output
    assert acting.dead(victim) and sent(proxy, [acting.of(victim)])
    assert done.of("act")["changed"] and not done.of("again")["changed"]
    # An omitted condition must not widen the rule: ansible-core 2.19 drops the key, 2.16 leaves a placeholder.
    assert done.of("null")["failed"] and done.of("null")["msg"].startswith(("match: ", "match.username: "))
