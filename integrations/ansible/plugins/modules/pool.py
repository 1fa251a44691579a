# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/pool.ts by npm run docs.
DOCUMENTATION = r'''
module: pool
short_description: "Manage pools: public addresses of a facility"
description:
  - "Has a pool of a cloud of vpc as the task says, or has it not."
version_added: "0.1.0"
author:
  - "The authors of vpc (@vpc)"
extends_documentation_fragment:
  - vpc.cloud.api
  - vpc.cloud.api.resource
options:
  facility:
    description:
      - Where packets for them arrive.
      - Name or id of a facility.
      - Needed to make one.
      - It never changes.
    type: str
  prefix:
    description:
      - The addresses.
      - Needed to make one.
      - It never changes.
    type: str
  use:
    description:
      - What they are for.
      - "A new one has C(\"both\") unless given."
    type: str
    choices:
      - both
      - floating
      - snat
  accounts:
    description:
      - "Who may use it; all, unless given."
      - Name or id of an account.
      - "A new one has C([]) unless given."
    type: list
    elements: str
'''

EXAMPLES = r'''
- name: Have a pool
  vpc.cloud.pool:
    name: pool1
    facility: f1
    prefix: "10.0.0.0/24"
- name: Have it no longer
  vpc.cloud.pool:
    name: pool1
    facility: f1
    prefix: "10.0.0.0/24"
    state: absent
'''

RETURN = r'''
resource:
  description: The pool as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
    'facility': {'type': 'str'},
    'prefix': {'type': 'str'},
    'use': {'type': 'str', 'choices': ['both', 'floating', 'snat']},
    'accounts': {'type': 'list', 'elements': 'str'},
}


def main():
    run('pool', 'pools', FIELDS, parents=['facility'])


if __name__ == '__main__':
    main()
