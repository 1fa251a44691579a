# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/facility.ts by npm run docs.
DOCUMENTATION = r'''
module: facility
short_description: "Manage facilities: data centres"
description:
  - "Has a facility of a cloud of vpc as the task says, or has it not."
version_added: "0.1.0"
author:
  - "The authors of vpc (@vpc)"
extends_documentation_fragment:
  - vpc.cloud.api
  - vpc.cloud.api.resource
options:
  region:
    description:
      - Where it is.
      - Name or id of a region.
      - Needed to make one.
      - It never changes.
    type: str
  vni_first:
    description:
      - The first VNI that subnets get.
      - From 1 to 16777215.
      - "A new one has C(4096) unless given."
    type: int
  vni_last:
    description:
      - The last VNI that subnets get.
      - From 1 to 16777215.
      - "A new one has C(16777215) unless given."
    type: int
  dns_servers:
    description:
      - "Servers that its hosts ask for names that are not a guest's; guests get their answers."
      - "A new one has C([]) unless given."
    type: list
    elements: str
  mtu_underlay:
    description:
      - MTU of the network between its hosts.
      - From 1280 to 9216.
      - "A new one has C(1500) unless given."
    type: int
'''

EXAMPLES = r'''
- name: Have a facility
  vpc.cloud.facility:
    name: facility1
    region: region1
- name: Have it no longer
  vpc.cloud.facility:
    name: facility1
    region: region1
    state: absent
'''

RETURN = r'''
resource:
  description: The facility as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
    'region': {'type': 'str'},
    'vni_first': {'type': 'int'},
    'vni_last': {'type': 'int'},
    'dns_servers': {'type': 'list', 'elements': 'str'},
    'mtu_underlay': {'type': 'int'},
}


def main():
    run('facility', 'facilities', FIELDS, parents=['region'])


if __name__ == '__main__':
    main()
