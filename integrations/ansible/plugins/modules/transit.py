# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/transit.ts by npm run docs.
DOCUMENTATION = r'''
module: transit
short_description: "Manage transits: each carries packets from one facility to another"
description:
  - "Has a transit of a cloud of vpc as the task says, or has it not."
version_added: "0.1.0"
author:
  - "The authors of vpc (@vpc)"
extends_documentation_fragment:
  - vpc.cloud.api
  - vpc.cloud.api.resource
options:
  from:
    description:
      - Whose hosts send.
      - Name or id of a facility.
      - Needed to make one.
      - It never changes.
    type: str
  to:
    description:
      - "Whose hosts receive; the way back is a transit of its own."
      - Name or id of a facility.
      - Needed to make one.
      - It never changes.
    type: str
  mode:
    description:
      - "Ipsec: hosts send to the other facility, and take packets of it, under IPsec alone."
      - "A new one has C(\"plain\") unless given."
    type: str
    choices:
      - plain
      - ipsec
  mtu:
    description:
      - "Largest packet of the underlay on the way; as the network says, unless given."
      - From 1280 to 9216.
    type: int
'''

EXAMPLES = r'''
- name: Have a transit
  vpc.cloud.transit:
    name: transit1
    from: f1
    to: f1
- name: Have it no longer
  vpc.cloud.transit:
    name: transit1
    from: f1
    to: f1
    state: absent
'''

RETURN = r'''
resource:
  description: The transit as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
    'from': {'type': 'str'},
    'to': {'type': 'str'},
    'mode': {'type': 'str', 'choices': ['plain', 'ipsec']},
    'mtu': {'type': 'int'},
}


def main():
    run('transit', 'transits', FIELDS, parents=['from', 'to'])


if __name__ == '__main__':
    main()
