# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/placement.ts by npm run docs.
DOCUMENTATION = r'''
module: placement
short_description: "Manage placements: the VNI of a subnet in a facility"
description:
  - "Has a placement of a cloud of vpc as the task says, or has it not."
version_added: "0.1.0"
author:
  - "The authors of vpc (@vpc)"
extends_documentation_fragment:
  - vpc.cloud.api
  - vpc.cloud.api.resource
options:
  subnet:
    description:
      - The subnet.
      - Name or id of a subnet.
      - Needed to make one.
      - It never changes.
    type: str
  facility:
    description:
      - The facility.
      - Name or id of a facility.
      - Needed to make one.
      - It never changes.
    type: str
  vni:
    description:
      - Its VNI there.
      - From 1 to 16777215.
      - It never changes.
    type: int
  vlan:
    description:
      - "Its tag on an uplink; 0 is none."
      - From 0 to 4094.
      - "A new one has C(0) unless given."
    type: int
'''

EXAMPLES = r'''
- name: Have a placement
  vpc.cloud.placement:
    subnet: "red/web"
    facility: f1
- name: Have it no longer
  vpc.cloud.placement:
    subnet: "red/web"
    facility: f1
    state: absent
'''

RETURN = r'''
resource:
  description: The placement as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
    'subnet': {'type': 'str'},
    'facility': {'type': 'str'},
    'vni': {'type': 'int'},
    'vlan': {'type': 'int'},
}


def main():
    run('placement', 'placements', FIELDS, parents=['subnet', 'facility'], key={'subnet': True, 'facility': True})


if __name__ == '__main__':
    main()
