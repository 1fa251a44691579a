# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/nat.ts by npm run docs.
DOCUMENTATION = r'''
module: nat
short_description: "Manage NATs: public addresses that vnics of a vpc share"
description:
  - "Has a nat of a cloud of vpc as the task says, or has it not."
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
  pool:
    description:
      - Where its addresses are from.
      - Name or id of a pool.
      - Needed to make one.
      - It never changes.
    type: str
  public_ips:
    description:
      - "Its addresses; one of the pool, unless given."
    type: list
    elements: str
'''

EXAMPLES = r'''
- name: Have a nat
  vpc.cloud.nat:
    name: nat1
    vpc: red
    pool: pool1
- name: Have it no longer
  vpc.cloud.nat:
    name: nat1
    vpc: red
    pool: pool1
    state: absent
'''

RETURN = r'''
resource:
  description: The nat as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
    'vpc': {'type': 'str'},
    'pool': {'type': 'str'},
    'public_ips': {'type': 'list', 'elements': 'str'},
}


def main():
    run('nat', 'nats', FIELDS, parents=['vpc', 'pool'])


if __name__ == '__main__':
    main()
