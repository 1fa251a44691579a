# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/peering.ts by npm run docs.
DOCUMENTATION = r'''
module: peering
short_description: "Manage peerings: each joins two vpcs"
description:
  - "Has a peering of a cloud of vpc as the task says, or has it not."
version_added: "0.1.0"
author:
  - "The authors of vpc (@vpc)"
extends_documentation_fragment:
  - vpc.cloud.api
  - vpc.cloud.api.resource
options:
  vpc:
    description:
      - The vpc of the account that asks.
      - Name or id of a vpc.
      - Needed to make one.
      - It never changes.
    type: str
  peer_vpc:
    description:
      - "Id of the other vpc, of this or another account."
      - Needed to make one.
      - It never changes.
    type: str
  accepted:
    description:
      - "Set by an operator of the other vpc's account."
      - "A new one has C(false) unless given."
    type: bool
'''

EXAMPLES = r'''
- name: Have a peering
  vpc.cloud.peering:
    name: peering1
    vpc: red
    peer_vpc: "8a5d3f1e-6f0b-4c1e-9a57-0d2f4b6c8e10"
- name: Have it no longer
  vpc.cloud.peering:
    name: peering1
    vpc: red
    peer_vpc: "8a5d3f1e-6f0b-4c1e-9a57-0d2f4b6c8e10"
    state: absent
'''

RETURN = r'''
resource:
  description: The peering as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
    'vpc': {'type': 'str'},
    'peer_vpc': {'type': 'str'},
    'accepted': {'type': 'bool'},
}


def main():
    run('peering', 'peerings', FIELDS, parents=['vpc'])


if __name__ == '__main__':
    main()
