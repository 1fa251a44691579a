# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/flow-log.ts by npm run docs.
DOCUMENTATION = r'''
module: flow_log
short_description: "Manage flow logs: records of what passes vnics"
description:
  - "Has a flow log of a cloud of vpc as the task says, or has it not."
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
  vnics:
    description:
      - Vnics whose flows are written.
      - Name or id of a vnic.
      - "A new one has C([]) unless given."
    type: list
    elements: str
  subnets:
    description:
      - "Subnets: the flows of all their vnics are written."
      - Name or id of a subnet.
      - "A new one has C([]) unless given."
    type: list
    elements: str
  destination:
    description:
      - "Where records go: a name that the operator of the hosts has given to a place."
      - Needed to make one.
    type: str
  verdict:
    description:
      - Only these flows.
      - "A new one has C(\"all\") unless given."
    type: str
    choices:
      - all
      - accepted
      - denied
  sample:
    description:
      - One of so many flows.
      - From 1 to 1000000.
      - "A new one has C(1) unless given."
    type: int
'''

EXAMPLES = r'''
- name: Have a flow log
  vpc.cloud.flow_log:
    name: flow-log1
    account: shop
    destination: destination1
- name: Have it no longer
  vpc.cloud.flow_log:
    name: flow-log1
    account: shop
    destination: destination1
    state: absent
'''

RETURN = r'''
resource:
  description: The flow-log as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
    'account': {'type': 'str'},
    'vnics': {'type': 'list', 'elements': 'str'},
    'subnets': {'type': 'list', 'elements': 'str'},
    'destination': {'type': 'str'},
    'verdict': {'type': 'str', 'choices': ['all', 'accepted', 'denied']},
    'sample': {'type': 'int'},
}


def main():
    run('flow-log', 'flow-logs', FIELDS, parents=['account'])


if __name__ == '__main__':
    main()
