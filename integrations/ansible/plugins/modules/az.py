# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/az.ts by npm run docs.
DOCUMENTATION = r'''
module: az
short_description: "Manage availability zones of a region: what fails together"
description:
  - "Has an az of a cloud of vpc as the task says, or has it not."
version_added: "0.1.0"
author:
  - "The authors of vpc (@vpc)"
extends_documentation_fragment:
  - vpc.cloud.api
  - vpc.cloud.api.resource
options:
  region:
    description:
      - Its region.
      - Name or id of a region.
      - Needed to make one.
      - It never changes.
    type: str
  letter:
    description:
      - Its letter.
      - Needed to make one.
      - It never changes.
    type: str
    choices:
      - a
      - b
      - c
      - d
      - e
      - f
      - g
      - h
      - i
'''

EXAMPLES = r'''
- name: Have an az
  vpc.cloud.az:
    name: az1
    region: region1
    letter: a
- name: Have it no longer
  vpc.cloud.az:
    name: az1
    region: region1
    letter: a
    state: absent
'''

RETURN = r'''
resource:
  description: The az as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
    'region': {'type': 'str'},
    'letter': {'type': 'str', 'choices': ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']},
}


def main():
    run('az', 'azs', FIELDS, parents=['region'])


if __name__ == '__main__':
    main()
