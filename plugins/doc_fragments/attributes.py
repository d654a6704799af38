# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How modules behave in check mode and the like."""

from __future__ import annotations


class ModuleDocFragment:
    # For modules that end something.
    ACTING = r"""
attributes:
  check_mode:
    description: What the module does in check mode.
    support: full
    details:
      - It connects, reads, selects, guards and plans as it would otherwise, sends no statement that ends anything,
        and returns the same rows with the outcome V(planned) and the exact statement.
  diff_mode:
    description: What the module shows in diff mode.
    support: full
    details:
      - It shows the sessions before and after, one line each, in check mode as they would be.
  idempotent:
    description: Whether a second run on an unchanged world changes nothing.
    support: full
    details:
      - What has ended is not there to be ended again, which is not an error. What is killed already and still there is
        waited for, and no second statement is sent.
  action_group:
    description: Which C(module_defaults) groups set defaults for this module.
    support: full
    membership:
      - dbops.oracle_sessions.sessions
      - dbops.oracle_sessions.acting
"""

    # For modules that only look.
    LISTING = r"""
attributes:
  check_mode:
    description: What the module does in check mode.
    support: full
    details:
      - The same as otherwise, because it changes nothing.
  diff_mode:
    description: What the module shows in diff mode.
    support: N/A
    details:
      - Nothing, because it changes nothing.
  idempotent:
    description: Whether a second run on an unchanged world changes nothing.
    support: full
    details:
      - It never changes anything.
  action_group:
    description: Which C(module_defaults) groups set defaults for this module.
    support: full
    membership:
      - dbops.oracle_sessions.sessions
"""

    # For modules that return facts.
    FACTS = r"""
attributes:
  facts:
    description: Whether the module returns facts of the host.
    support: full
    details:
      - The fact is C(ansible_facts.oracle_sessions). It replaces that of an earlier run.
"""
