# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in of the tests for the module of that name: runs a program, and does nothing in check mode."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule({"argv": {"type": "list", "elements": "str", "required": True}}, supports_check_mode=True)
    if module.check_mode:
        module.exit_json(skipped=True, changed=False, msg="skipped, running in check mode")
    code, out, err = module.run_command(module.params["argv"])
    result = {"changed": True, "rc": code, "stdout": out, "stderr": err, "cmd": " ".join(module.params["argv"])}
    if code:
        module.fail_json(msg="non-zero return code", **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
