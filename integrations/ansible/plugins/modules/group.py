# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/group.ts by npm run docs.
DOCUMENTATION = r'''
module: group
short_description: "Manage security groups: who may talk to whom"
description:
  - "Has a group of a cloud of vpc as the task says, or has it not."
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
  rules:
    description:
      - "What may pass; nothing else does."
      - "A new one has C([]) unless given."
    type: list
    elements: dict
    suboptions:
      id:
        description:
          - "Its id, which drop events name."
        type: str
      direction:
        description:
          - Seen from the vnic.
          - Needed to make one.
        type: str
        choices:
          - in
          - out
      protocol:
        description:
          - What it carries.
          - "A new one has C(\"any\") unless given."
        type: str
        choices:
          - any
          - tcp
          - udp
          - sctp
          - icmp
      ports:
        description:
          - "Ports of the destination; all, unless given."
          - "A new one has C([]) unless given."
        type: list
        elements: str
      icmp:
        description:
          - Which messages of ICMP.
        type: dict
        suboptions:
          type:
            description:
              - Type.
              - From 0 to 255.
              - Needed to make one.
            type: int
          code:
            description:
              - Code.
              - From 0 to 255.
            type: int
      peers:
        description:
          - "Who is at the other end; everybody, unless given."
          - "A new one has C([]) unless given."
        type: list
        elements: dict
        suboptions:
          cidr:
            description:
              - A network.
            type: str
          group:
            description:
              - Members of a group.
              - Name or id of a group.
            type: str
          vpc:
            description:
              - Vnics of a vpc.
              - Name or id of a vpc.
            type: str
          subnet:
            description:
              - Vnics of a subnet.
              - Name or id of a subnet.
            type: str
          az:
            description:
              - Vnics in a zone.
              - Name or id of an az.
            type: str
          prefix_list:
            description:
              - A list of networks.
              - Name or id of a prefix list.
            type: str
      note:
        description:
          - What it is for.
        type: str
'''

EXAMPLES = r'''
- name: Have a group
  vpc.cloud.group:
    name: group1
    account: shop
- name: Have it no longer
  vpc.cloud.group:
    name: group1
    account: shop
    state: absent
'''

RETURN = r'''
resource:
  description: The group as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
    'account': {'type': 'str'},
    'rules': {
        'type': 'list',
        'elements': 'dict',
        'options': {
            'id': {'type': 'str'},
            'direction': {'type': 'str', 'choices': ['in', 'out']},
            'protocol': {'type': 'str', 'choices': ['any', 'tcp', 'udp', 'sctp', 'icmp']},
            'ports': {'type': 'list', 'elements': 'str'},
            'icmp': {
                'type': 'dict',
                'options': {
                    'type': {'type': 'int'},
                    'code': {'type': 'int'},
                },
            },
            'peers': {
                'type': 'list',
                'elements': 'dict',
                'options': {
                    'cidr': {'type': 'str'},
                    'group': {'type': 'str'},
                    'vpc': {'type': 'str'},
                    'subnet': {'type': 'str'},
                    'az': {'type': 'str'},
                    'prefix_list': {'type': 'str'},
                },
            },
            'note': {'type': 'str'},
        },
    },
}


def main():
    run('group', 'groups', FIELDS, parents=['account'])


if __name__ == '__main__':
    main()
