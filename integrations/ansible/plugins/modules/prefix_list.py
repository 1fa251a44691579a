# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/prefix-list.ts by npm run docs.
DOCUMENTATION = r'''
module: prefix_list
short_description: "Manage prefix lists: networks that rules name as one"
description:
  - "Has a prefix list of a cloud of vpc as the task says, or has it not."
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
  entries:
    description:
      - Its networks.
      - "A new one has C([]) unless given."
    type: list
    elements: str
'''

EXAMPLES = r'''
- name: Have a prefix list
  vpc.cloud.prefix_list:
    name: prefix-list1
    account: shop
- name: Have it no longer
  vpc.cloud.prefix_list:
    name: prefix-list1
    account: shop
    state: absent
'''

RETURN = r'''
resource:
  description: The prefix-list as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
    'account': {'type': 'str'},
    'entries': {'type': 'list', 'elements': 'str'},
}


def main():
    run('prefix-list', 'prefix-lists', FIELDS, parents=['account'])


if __name__ == '__main__':
    main()
