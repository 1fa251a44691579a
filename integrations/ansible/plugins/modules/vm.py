# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/vm.ts by npm run docs.
DOCUMENTATION = r'''
module: vm
short_description: "Manage guests: virtual machines and containers"
description:
  - "Has a vm of a cloud of vpc as the task says, or has it not."
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
  type:
    description:
      - "Its vnics are units of type vmnic for kvm, hostif for a container."
      - Needed to make one.
      - It never changes.
    type: str
    choices:
      - kvm
      - container
  vnics:
    description:
      - "Its vnics, in the order in which it sees them; each is in one guest alone."
      - Name or id of a vnic.
      - "A new one has C([]) unless given."
    type: list
    elements: str
  ssh_keys:
    description:
      - Public keys that metadata gives to it.
      - "A new one has C([]) unless given."
    type: list
    elements: str
  user_data:
    description:
      - "User data that metadata gives to it, such as that of cloud-init."
    type: str
  host:
    description:
      - "The host that runs it: its vnics are plugged in there."
      - Name or id of a host.
    type: str
'''

EXAMPLES = r'''
- name: Have a vm
  vpc.cloud.vm:
    name: vm1
    account: shop
    type: kvm
- name: Have it no longer
  vpc.cloud.vm:
    name: vm1
    account: shop
    type: kvm
    state: absent
'''

RETURN = r'''
resource:
  description: The vm as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
    'account': {'type': 'str'},
    'type': {'type': 'str', 'choices': ['kvm', 'container']},
    'vnics': {'type': 'list', 'elements': 'str'},
    'ssh_keys': {'type': 'list', 'elements': 'str'},
    'user_data': {'type': 'str'},
    'host': {'type': 'str'},
}


def main():
    run('vm', 'vms', FIELDS, parents=['account'])


if __name__ == '__main__':
    main()
