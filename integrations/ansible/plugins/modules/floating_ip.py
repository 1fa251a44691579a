# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/floating-ip.ts by npm run docs.
DOCUMENTATION = r'''
module: floating_ip
short_description: "Manage floating addresses: a public address for one vnic"
description:
  - "Has a floating ip of a cloud of vpc as the task says, or has it not."
version_added: "0.1.0"
author:
  - "The authors of vpc (@vpc)"
extends_documentation_fragment:
  - vpc.cloud.api
  - vpc.cloud.api.resource
options:
  account:
    description:
      - Who owns it.
      - Name or id of an account.
      - Needed to make one.
      - It never changes.
    type: str
  pool:
    description:
      - Where it is from.
      - Name or id of a pool.
      - Needed to make one.
      - It never changes.
    type: str
  ip:
    description:
      - The address.
      - It never changes.
    type: str
  target:
    description:
      - "Where its packets go; nowhere, unless given."
    type: dict
    suboptions:
      vnic:
        description:
          - A vnic.
          - Name or id of a vnic.
          - Needed to make one.
        type: str
      ip:
        description:
          - "An address of the vnic; its first IPv4 address, unless given."
        type: str
'''

EXAMPLES = r'''
- name: Have a floating ip
  vpc.cloud.floating_ip:
    name: floating-ip1
    account: shop
    pool: pool1
- name: Have it no longer
  vpc.cloud.floating_ip:
    name: floating-ip1
    account: shop
    pool: pool1
    state: absent
'''

RETURN = r'''
resource:
  description: The floating-ip as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
    'account': {'type': 'str'},
    'pool': {'type': 'str'},
    'ip': {'type': 'str'},
    'target': {
        'type': 'dict',
        'options': {
            'vnic': {'type': 'str'},
            'ip': {'type': 'str'},
        },
    },
}


def main():
    run('floating-ip', 'floating-ips', FIELDS, parents=['account', 'pool'])


if __name__ == '__main__':
    main()
