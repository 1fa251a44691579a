# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/vnic.ts by npm run docs.
DOCUMENTATION = r'''
module: vnic
short_description: "Manage vnics: network interfaces of guests"
description:
  - "Has a vnic of a cloud of vpc as the task says, or has it not."
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
  subnet:
    description:
      - The subnet that it is in.
      - Name or id of a subnet.
      - Needed to make one.
    type: str
  mac:
    description:
      - Its MAC address.
      - It never changes.
    type: str
  addresses:
    description:
      - "Its addresses; one of each network of the subnet, unless given."
    type: list
    elements: str
  allowed_prefixes:
    description:
      - Networks that it may send from besides.
      - "A new one has C([]) unless given."
    type: list
    elements: str
  groups:
    description:
      - "Its groups; the account's group `default`, unless given."
      - Name or id of a group.
    type: list
    elements: str
  antispoof:
    description:
      - It may send from its own addresses alone.
      - "A new one has C(true) unless given."
    type: bool
  mtu:
    description:
      - "Its MTU; what the vpc has, unless given."
      - From 1280 to 9216.
    type: int
  queues:
    description:
      - Pairs of queues.
      - From 1 to 256.
      - "A new one has C(1) unless given."
    type: int
  dhcp_hostname:
    description:
      - "Its host name, in DNS and metadata; that of its guest, or its own, unless given."
    type: str
'''

EXAMPLES = r'''
- name: Have a vnic
  vpc.cloud.vnic:
    name: vnic1
    account: shop
    subnet: "red/web"
- name: Have it no longer
  vpc.cloud.vnic:
    name: vnic1
    account: shop
    subnet: "red/web"
    state: absent
'''

RETURN = r'''
resource:
  description: The vnic as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
    'account': {'type': 'str'},
    'subnet': {'type': 'str'},
    'mac': {'type': 'str'},
    'addresses': {'type': 'list', 'elements': 'str'},
    'allowed_prefixes': {'type': 'list', 'elements': 'str'},
    'groups': {'type': 'list', 'elements': 'str'},
    'antispoof': {'type': 'bool'},
    'mtu': {'type': 'int'},
    'queues': {'type': 'int'},
    'dhcp_hostname': {'type': 'str'},
}


def main():
    run('vnic', 'vnics', FIELDS, parents=['account'])


if __name__ == '__main__':
    main()
