#!/usr/bin/python

# Copyright (c) 2026, the dbops.oracle_sessions authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: audit_append
short_description: Append records to a JSON-lines file
version_added: 0.1.0
author: the dbops.oracle_sessions authors (@dbops)
description:
  - Appends one line of JSON per record to a file. The role C(session_cleanup) keeps its audit file with it.
  - All records of a call are written at once, at the end of the file, and are on the disk when the module returns.
    Several hosts of a play, and several plays, can write to one file.
  - Without records it proves that the file can be written, so that a play can find that out before it acts.
  - It works on the machine where it runs. To keep one file on the controller, delegate it to C(localhost).
options:
  path:
    description:
      - The file. A missing one is created, readable and writable by its owner only. Its directory must be there.
      - An existing file keeps its owner and its mode.
    type: path
    required: true
  records:
    description:
      - The records, each a dictionary.
      - An empty list writes nothing, and fails when the file cannot be written.
    type: list
    elements: dict
    default: []
attributes:
  check_mode:
    description: What the module does in check mode.
    support: full
    details:
      - It finds out whether the file can be written, and neither writes nor creates it.
  diff_mode:
    description: What the module shows in diff mode.
    support: none
  idempotent:
    description: Whether a second run on an unchanged world changes nothing.
    support: none
    details:
      - It appends the records every time.
"""

EXAMPLES = r"""
- name: Make sure that the file can be written
  dbops.oracle_sessions.audit_append:
    path: /var/log/dbops/sessions.jsonl
  delegate_to: localhost

- name: Write down what a task did
  dbops.oracle_sessions.audit_append:
    path: /var/log/dbops/sessions.jsonl
    records: "{{ killed.sessions }}"
  delegate_to: localhost
"""

RETURN = r"""
path:
  description: The file.
  returned: always
  type: str
  sample: /var/log/dbops/sessions.jsonl
appended:
  description: How many records were appended, or in check mode would be.
  returned: success
  type: int
  sample: 3
"""

import json
import os

from ansible.module_utils.basic import AnsibleModule


def prove(path, create):
    """Raises OSError when the file cannot be appended to; creates a missing one only if told to."""
    if not path:
        raise OSError("its name is empty, most often a variable that came out empty")
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError("it is not a regular file")
    if create or os.path.exists(path):
        os.close(_open(path, os.O_CREAT if create else 0))
        return
    directory = os.path.dirname(os.path.abspath(path))
    if not os.access(directory, os.W_OK | os.X_OK):
        raise OSError(f"it cannot be created in {directory}")


def append(path, records):
    data = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode(
        errors="backslashreplace"
    )
    descriptor = _open(path, os.O_CREAT)
    try:
        size = os.fstat(descriptor).st_size
        if size and not _ends_a_line(path, size):
            data = b"\n" + data
        # A single write at the end of the file: others who append at the same time do not get in between.
        written = os.write(descriptor, data)
        if written != len(data):
            # Half a record would spoil the next one as well.
            os.ftruncate(descriptor, size)
            raise OSError(f"only {written} of {len(data)} bytes found room")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _ends_a_line(path, size):
    """Whether the file ends with a newline; a file that we may append to but not read is taken to."""
    try:
        with open(path, "rb") as file:
            file.seek(size - 1)
            return file.read(1) == b"\n"
    except OSError:
        return True


def _open(path, flags):
    return os.open(path, os.O_WRONLY | os.O_APPEND | flags, 0o600)


def main():
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "records": {"type": "list", "elements": "dict", "default": []},
        },
        supports_check_mode=True,
    )
    path, records = module.params["path"], module.params["records"]
    try:
        prove(path, create=not module.check_mode)
        if records and not module.check_mode:
            append(path, records)
    except OSError as error:
        module.fail_json(
            path=path,
            msg=f"path: {path!r} cannot be appended to ({error.strerror or error}); make it writable, or name another file.",
        )
    module.exit_json(changed=bool(records), path=path, appended=len(records))


if __name__ == "__main__":
    main()
