# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/account.ts by npm run docs.
DOCUMENTATION = r'''
module: account
short_description: "Manage accounts: each sees its own resources alone"
description:
  - "Has an account of a cloud of vpc as the task says, or has it not."
version_added: "0.1.0"
author:
  - "The authors of vpc (@vpc)"
extends_documentation_fragment:
  - vpc.cloud.api
  - vpc.cloud.api.resource
options:
  org:
    description:
      - The organisation that owns it.
      - Name or id of an org.
      - Needed to make one.
      - It never changes.
    type: str
  quotas:
    description:
      - "How many of a kind it may have, where that differs from the usual number."
      - "Keys are vpc, subnet, vnic, vm, address, group, prefix-list, router, route-table, nat, floating-ip, peering."
      - "A new one has C({}) unless given."
    type: dict
  disabled:
    description:
      - Its tokens are refused.
      - "A new one has C(false) unless given."
    type: bool
  cascade:
    description:
      - "With I(state=absent), take along what is in it."
    type: bool
    default: false
'''

EXAMPLES = r'''
- name: Have an account
  vpc.cloud.account:
    name: account1
    org: acme
- name: Have it no longer
  vpc.cloud.account:
    name: account1
    org: acme
    state: absent
'''

RETURN = r'''
resource:
  description: The account as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
    'org': {'type': 'str'},
    'quotas': {'type': 'dict'},
    'disabled': {'type': 'bool'},
}


def main():
    run('account', 'accounts', FIELDS, parents=['org'], cascades=True)


if __name__ == '__main__':
    main()
