# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/vpc.ts by npm run docs.
DOCUMENTATION = r'''
module: vpc
short_description: "Manage vpcs: private networks of an account"
description:
  - "Has a vpc of a cloud of vpc as the task says, or has it not."
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
  ipv6_prefix:
    description:
      - "Its IPv6 network, of fd00::/8."
      - It never changes.
    type: str
  dns:
    description:
      - What guests are told about names.
    type: dict
    suboptions:
      name:
        description:
          - Domain of its guests.
        type: str
      servers:
        description:
          - "Servers that guests ask, instead of the resolver of their subnet."
        type: list
        elements: str
  resolution:
    description:
      - "Whether hosts get all its addresses, or ask for what they need."
      - "A new one has C(\"auto\") unless given."
    type: str
    choices:
      - auto
      - push
      - demand
  mtu:
    description:
      - "MTU of its guests; what the underlay takes, unless given."
      - From 1280 to 9216.
    type: int
  cascade:
    description:
      - "With I(state=absent), take along what is in it."
    type: bool
    default: false
'''

EXAMPLES = r'''
- name: Have a vpc
  vpc.cloud.vpc:
    name: vpc1
    account: shop
- name: Have it no longer
  vpc.cloud.vpc:
    name: vpc1
    account: shop
    state: absent
'''

RETURN = r'''
resource:
  description: The vpc as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
    'account': {'type': 'str'},
    'ipv6_prefix': {'type': 'str'},
    'dns': {
        'type': 'dict',
        'options': {
            'name': {'type': 'str'},
            'servers': {'type': 'list', 'elements': 'str'},
        },
    },
    'resolution': {'type': 'str', 'choices': ['auto', 'push', 'demand']},
    'mtu': {'type': 'int'},
}


def main():
    run('vpc', 'vpcs', FIELDS, parents=['account'], cascades=True)


if __name__ == '__main__':
    main()
