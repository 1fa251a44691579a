# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/host.ts by npm run docs.
DOCUMENTATION = r'''
module: host
short_description: "Manage hosts: machines that run guests"
description:
  - "Has a host of a cloud of vpc as the task says, or has it not."
version_added: "0.1.0"
author:
  - "The authors of vpc (@vpc)"
extends_documentation_fragment:
  - vpc.cloud.api
  - vpc.cloud.api.resource
options:
  facility:
    description:
      - Where it stands.
      - Name or id of a facility.
      - Needed to make one.
      - It never changes.
    type: str
  az:
    description:
      - Its availability zone.
      - Name or id of an az.
      - It never changes.
    type: str
  underlay:
    description:
      - Where other hosts reach its mux.
      - "A new one has C([]) unless given."
    type: list
    elements: dict
    suboptions:
      address:
        description:
          - Where other hosts send packets to.
          - Needed to make one.
        type: str
      port:
        description:
          - UDP port.
          - From 1 to 65535.
          - "A new one has C(4789) unless given."
        type: int
  wires:
    description:
      - "Interfaces where public addresses are; of several hosts with a pool, one has its packets."
      - "A new one has C([]) unless given."
    type: list
    elements: dict
    suboptions:
      pool:
        description:
          - The pool whose addresses are on it.
          - Name or id of a pool.
          - Needed to make one.
        type: str
      interface:
        description:
          - "The interface, as the host calls it."
          - Needed to make one.
        type: str
      prefix4:
        description:
          - Destinations that are on the wire itself.
        type: str
      gateway4:
        description:
          - "The next router on the wire; as the routes of the host say, unless given."
        type: str
      priority:
        description:
          - "Of several hosts with a pool, the highest that is there has its packets."
          - From 0 to 255.
          - "A new one has C(100) unless given."
        type: int
  capacity:
    description:
      - How many vnics it takes.
      - From 0 to 65536.
      - "A new one has C(1024) unless given."
    type: int
  schedulable:
    description:
      - New guests may come.
      - "A new one has C(true) unless given."
    type: bool
  disabled:
    description:
      - "Its agent may not connect; what runs there goes on."
      - "A new one has C(false) unless given."
    type: bool
'''

EXAMPLES = r'''
- name: Have a host
  vpc.cloud.host:
    name: host1
    facility: f1
- name: Have it no longer
  vpc.cloud.host:
    name: host1
    facility: f1
    state: absent
'''

RETURN = r'''
resource:
  description: The host as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
    'facility': {'type': 'str'},
    'az': {'type': 'str'},
    'underlay': {
        'type': 'list',
        'elements': 'dict',
        'options': {
            'address': {'type': 'str'},
            'port': {'type': 'int'},
        },
    },
    'wires': {
        'type': 'list',
        'elements': 'dict',
        'options': {
            'pool': {'type': 'str'},
            'interface': {'type': 'str'},
            'prefix4': {'type': 'str'},
            'gateway4': {'type': 'str'},
            'priority': {'type': 'int'},
        },
    },
    'capacity': {'type': 'int'},
    'schedulable': {'type': 'bool'},
    'disabled': {'type': 'bool'},
}


def main():
    run('host', 'hosts', FIELDS, parents=['facility', 'az'])


if __name__ == '__main__':
    main()
