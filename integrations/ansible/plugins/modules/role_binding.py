# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/role-binding.ts by npm run docs.
DOCUMENTATION = r'''
module: role_binding
short_description: "Manage role bindings: what principals may do, and where"
description:
  - "Has a role binding of a cloud of vpc as the task says, or has it not."
version_added: "0.1.0"
author:
  - "The authors of vpc (@vpc)"
extends_documentation_fragment:
  - vpc.cloud.api
  - vpc.cloud.api.resource
options:
  principal:
    description:
      - Who gets the role.
      - Name or id of a principal.
      - Needed to make one.
      - It never changes.
    type: str
  role:
    description:
      - What it may do.
      - Needed to make one.
      - It never changes.
    type: str
    choices:
      - viewer
      - operator
      - admin
      - auditor
      - host-admin
  org:
    description:
      - In this organisation.
      - Name or id of an org.
      - It never changes.
    type: str
  account:
    description:
      - In this account.
      - Name or id of an account.
      - It never changes.
    type: str
  vpc:
    description:
      - In this vpc alone.
      - Name or id of a vpc.
      - It never changes.
    type: str
'''

EXAMPLES = r'''
- name: Have a role binding
  vpc.cloud.role_binding:
    principal: principal1
    role: viewer
- name: Have it no longer
  vpc.cloud.role_binding:
    principal: principal1
    role: viewer
    state: absent
'''

RETURN = r'''
resource:
  description: The role-binding as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
    'principal': {'type': 'str'},
    'role': {'type': 'str', 'choices': ['viewer', 'operator', 'admin', 'auditor', 'host-admin']},
    'org': {'type': 'str'},
    'account': {'type': 'str'},
    'vpc': {'type': 'str'},
}


def main():
    run('role-binding', 'role-bindings', FIELDS, parents=['principal', 'org', 'account', 'vpc'], key={'principal': True, 'role': True, 'org': False, 'account': False, 'vpc': False})


if __name__ == '__main__':
    main()
