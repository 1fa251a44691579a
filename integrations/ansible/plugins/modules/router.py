# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/router.ts by npm run docs.
DOCUMENTATION = r'''
module: router
short_description: "Manage routers: each joins subnets of a vpc"
description:
  - "Has a router of a cloud of vpc as the task says, or has it not."
version_added: "0.1.0"
author:
  - "The authors of vpc (@vpc)"
extends_documentation_fragment:
  - vpc.cloud.api
  - vpc.cloud.api.resource
options:
  vpc:
    description:
      - Its vpc.
      - Name or id of a vpc.
      - Needed to make one.
      - It never changes.
    type: str
  interfaces:
    description:
      - The subnets that it joins.
      - "A new one has C([]) unless given."
    type: list
    elements: dict
    suboptions:
      subnet:
        description:
          - A subnet.
          - Name or id of a subnet.
          - Needed to make one.
        type: str
      mac:
        description:
          - Its MAC address there.
        type: str
  enabled:
    description:
      - It forwards packets.
      - "A new one has C(true) unless given."
    type: bool
'''

EXAMPLES = r'''
- name: Have a router
  vpc.cloud.router:
    name: router1
    vpc: red
- name: Have it no longer
  vpc.cloud.router:
    name: router1
    vpc: red
    state: absent
'''

RETURN = r'''
resource:
  description: The router as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
    'vpc': {'type': 'str'},
    'interfaces': {
        'type': 'list',
        'elements': 'dict',
        'options': {
            'subnet': {'type': 'str'},
            'mac': {'type': 'str'},
        },
    },
    'enabled': {'type': 'bool'},
}


def main():
    run('router', 'routers', FIELDS, parents=['vpc'])


if __name__ == '__main__':
    main()
