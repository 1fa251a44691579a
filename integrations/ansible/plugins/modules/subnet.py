# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/subnet.ts by npm run docs.
DOCUMENTATION = r'''
module: subnet
short_description: "Manage subnets: networks of a vpc"
description:
  - "Has a subnet of a cloud of vpc as the task says, or has it not."
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
  network4:
    description:
      - Its IPv4 network.
      - It never changes.
    type: str
  network6:
    description:
      - "Its IPv6 network; 'auto' takes a free one of the vpc."
      - It never changes.
    type: str
  gateway4:
    description:
      - "The first address, unless given."
      - It never changes.
    type: str
  gateway6:
    description:
      - "The first address, unless given."
      - It never changes.
    type: str
  reserved:
    description:
      - Addresses that no vnic can have.
      - "A new one has C([]) unless given."
    type: list
    elements: str
  pool:
    description:
      - "Addresses that vnics get which ask for none; all, unless given."
      - "A new one has C([]) unless given."
    type: list
    elements: str
  dhcp:
    description:
      - What guests are told by DHCP.
    type: dict
    suboptions:
      lease_seconds:
        description:
          - "How long an address is theirs; 3600 unless given."
          - From 60 to 604800.
        type: int
      ntp:
        description:
          - Servers of the time.
        type: list
        elements: str
      search:
        description:
          - Domains that names are looked up in.
        type: list
        elements: str
  ra:
    description:
      - How guests get IPv6 addresses.
      - "A new one has C(\"managed\") unless given."
    type: str
    choices:
      - managed
      - slaac
      - "off"
  metadata:
    description:
      - "Answer guests at 169.254.169.254 and fd00:ec2::254, as EC2 does."
      - "A new one has C(true) unless given."
    type: bool
  resolver:
    description:
      - "Answer DNS at 169.254.169.253 and fd00:ec2::253; guests are told so, unless the vpc names other servers."
      - "A new one has C(true) unless given."
    type: bool
  route_table:
    description:
      - Its route table.
      - Name or id of a route table.
    type: str
  flood_unknown:
    description:
      - Send frames for unknown MACs to all its vnics.
      - "A new one has C(false) unless given."
    type: bool
'''

EXAMPLES = r'''
- name: Have a subnet
  vpc.cloud.subnet:
    name: subnet1
    vpc: red
- name: Have it no longer
  vpc.cloud.subnet:
    name: subnet1
    vpc: red
    state: absent
'''

RETURN = r'''
resource:
  description: The subnet as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
    'vpc': {'type': 'str'},
    'network4': {'type': 'str'},
    'network6': {'type': 'str'},
    'gateway4': {'type': 'str'},
    'gateway6': {'type': 'str'},
    'reserved': {'type': 'list', 'elements': 'str'},
    'pool': {'type': 'list', 'elements': 'str'},
    'dhcp': {
        'type': 'dict',
        'options': {
            'lease_seconds': {'type': 'int'},
            'ntp': {'type': 'list', 'elements': 'str'},
            'search': {'type': 'list', 'elements': 'str'},
        },
    },
    'ra': {'type': 'str', 'choices': ['managed', 'slaac', 'off']},
    'metadata': {'type': 'bool'},
    'resolver': {'type': 'bool'},
    'route_table': {'type': 'str'},
    'flood_unknown': {'type': 'bool'},
}


def main():
    run('subnet', 'subnets', FIELDS, parents=['vpc'])


if __name__ == '__main__':
    main()
