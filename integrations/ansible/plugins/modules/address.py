# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/address.ts by npm run docs.
DOCUMENTATION = r'''
module: address
short_description: "Manage addresses: each keeps an address of a subnet until a vnic asks for it"
description:
  - "Has an address of a cloud of vpc as the task says, or has it not."
version_added: "0.1.0"
author:
  - "The authors of vpc (@vpc)"
extends_documentation_fragment:
  - vpc.cloud.api
  - vpc.cloud.api.resource
options:
  subnet:
    description:
      - Its subnet.
      - Name or id of a subnet.
      - Needed to make one.
      - It never changes.
    type: str
  ip:
    description:
      - "The address; a free IPv4 address if the subnet has some, unless given."
      - It never changes.
    type: str
'''

EXAMPLES = r'''
- name: Have an address
  vpc.cloud.address:
    subnet: "red/web"
- name: Have it no longer
  vpc.cloud.address:
    subnet: "red/web"
    state: absent
'''

RETURN = r'''
resource:
  description: The address as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
    'subnet': {'type': 'str'},
    'ip': {'type': 'str'},
}


def main():
    run('address', 'addresses', FIELDS, parents=['subnet'], key={'subnet': True, 'ip': False})


if __name__ == '__main__':
    main()
