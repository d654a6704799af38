# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action plugin of every module that logs in: it looks up the login options on the controller.

Task argument, then module_defaults, then the variable oracle_sessions_<option> of the inventory host, then the
controller's environment ORACLE_SESSIONS_<OPTION>, then the default. It works wherever the module itself runs.
"""

from __future__ import annotations

import json
import os

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.dbops.oracle_sessions.plugins.module_utils.login import shown_secret
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.options import RESOLVED
from ansible_collections.dbops.oracle_sessions.plugins.module_utils.values import BadOption, refuse_null, shown

# Where leaving something out widens what is meant.
_DICTIONARIES = ("match", "exclude", "protect")
_OMITTED = "__omitted inside a dictionary__"


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        task_vars = task_vars or {}
        arguments = dict(self._task.args)
        templar = self._templar.copy_with_new_env(available_variables={**task_vars, "omit": _OMITTED})
        refused = _read(arguments) or self._omitted(templar)
        if refused:
            # Outside of an except block: ansible-core 2.16 would print the exception behind it, too.
            raise AnsibleActionFail(refused)
        for option in RESOLVED:
            if option not in arguments:
                found = self._look_up(option, task_vars, templar)
                if found is not None:
                    arguments[option] = found
        # Refused here and not in the module, whose result shows the arguments it was called with.
        refused = shown_secret(arguments)
        if refused:
            raise AnsibleActionFail(refused)
        return self._execute_module(
            module_name=self._task.action,
            module_args=arguments,
            task_vars=task_vars,
            wrap_async=self._task.async_val and not self._connection.has_native_async,
        )

    def _omitted(self, templar):
        """Why a dictionary with `omit` in it is refused, or None.

        Ansible takes such a key out before we see it, and with it the condition. So the task is looked at as it was
        written, with something in the place of omit that stays.
        """
        for written in (self._task.get_ds() or {}).values():
            for option in _DICTIONARIES:
                value = written.get(option) if isinstance(written, dict) else None
                if value is not None and _holds_omitted(templar.template(value)):
                    return f"{option}: omit inside it would drop a condition; leave the key out, or give it a value."
        return None

    def _look_up(self, option, task_vars, templar):
        """The value from the host's variables or the controller's environment, None when it is in neither."""
        variable = f"oracle_sessions_{option}"
        if task_vars.get(variable) is not None:
            found = templar.template(task_vars[variable])
            if found != _OMITTED:
                return found
        value = os.environ.get(variable.upper())
        if value and option == "login_dsn" and len(task_vars.get("ansible_play_hosts_all", ())) > 1:
            raise AnsibleActionFail(
                "login_dsn: ORACLE_SESSIONS_LOGIN_DSN names one database, but this play has several hosts; set oracle_sessions_login_dsn per host."
            )
        return value or None


def _holds_omitted(value, inside=False):
    if isinstance(value, dict):
        return any(_holds_omitted(each, True) for each in value.values())
    if isinstance(value, (list, tuple)):
        return any(_holds_omitted(each, True) for each in value)
    # An option that is omitted as a whole is not given, which is what its author says.
    return inside and value == _OMITTED


def _read(arguments):
    """Reads what was written as text; the reason when the arguments cannot be taken as they are, or None."""
    try:
        _read_dictionaries(arguments)
        refuse_null(arguments)
    except BadOption as error:
        return str(error)
    if "sid" in arguments and "session_id" in arguments:
        return "sid: session_id is another name for it; give one of them."
    return None


def _read_dictionaries(arguments):
    """Reads dictionaries that are written as text, as ad hoc; they must be JSON: Ansible would split text at commas."""
    for option in _DICTIONARIES:
        value = arguments.get(option)
        if not isinstance(value, str):
            continue
        try:
            arguments[option] = json.loads(value)
        except ValueError:
            raise BadOption(
                option,
                f"{shown(value)} is neither a dictionary nor JSON; write it as a dictionary, or as JSON such as "
                '\'{"username": "APP_*", "idle": "2h"}\'.',
            ) from None
