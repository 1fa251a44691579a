# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/route-table.ts by npm run docs.
DOCUMENTATION = r'''
module: route_table
short_description: "Manage route tables: where packets go that no subnet has"
description:
  - "Has a route table of a cloud of vpc as the task says, or has it not."
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
  routes:
    description:
      - "Routes; the longest prefix decides."
      - "A new one has C([]) unless given."
    type: list
    elements: dict
    suboptions:
      destination:
        description:
          - Which packets.
          - Needed to make one.
        type: str
      router:
        description:
          - To a router.
          - Name or id of a router.
        type: str
      nat:
        description:
          - "Out, by addresses of a NAT."
          - Name or id of a nat.
        type: str
      vnic:
        description:
          - To a guest.
          - Name or id of a vnic.
        type: str
      peering:
        description:
          - Into another vpc.
          - Name or id of a peering.
        type: str
      blackhole:
        description:
          - Nowhere.
        type: str
        choices:
          - drop
'''

EXAMPLES = r'''
- name: Have a route table
  vpc.cloud.route_table:
    name: route-table1
    vpc: red
- name: Have it no longer
  vpc.cloud.route_table:
    name: route-table1
    vpc: red
    state: absent
'''

RETURN = r'''
resource:
  description: The route-table as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
    'vpc': {'type': 'str'},
    'routes': {
        'type': 'list',
        'elements': 'dict',
        'options': {
            'destination': {'type': 'str'},
            'router': {'type': 'str'},
            'nat': {'type': 'str'},
            'vnic': {'type': 'str'},
            'peering': {'type': 'str'},
            'blackhole': {'type': 'str', 'choices': ['drop']},
        },
    },
}


def main():
    run('route-table', 'route-tables', FIELDS, parents=['vpc'])


if __name__ == '__main__':
    main()
