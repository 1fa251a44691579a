# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/token.ts by npm run docs.
DOCUMENTATION = r'''
module: token
short_description: "Manage tokens: secrets that stand for a principal"
description:
  - "Has a token of a cloud of vpc as the task says, or has it not."
version_added: "0.1.0"
author:
  - "The authors of vpc (@vpc)"
extends_documentation_fragment:
  - vpc.cloud.api
  - vpc.cloud.api.resource
options:
  principal:
    description:
      - Whose it is.
      - Name or id of a principal.
      - Needed to make one.
      - It never changes.
    type: str
  sources:
    description:
      - "Networks that it may be used from; everywhere, unless given."
      - "A new one has C([]) unless given."
    type: list
    elements: str
  expires:
    description:
      - "When it ends: 90 days from now unless given, a year at most."
      - It never changes.
    type: str
'''

EXAMPLES = r'''
- name: Have a token
  vpc.cloud.token:
    name: token1
    principal: principal1
- name: Have it no longer
  vpc.cloud.token:
    name: token1
    principal: principal1
    state: absent
'''

RETURN = r'''
resource:
  description: The token as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
    'principal': {'type': 'str'},
    'sources': {'type': 'list', 'elements': 'str'},
    'expires': {'type': 'str'},
}


def main():
    run('token', 'tokens', FIELDS, parents=['principal'])


if __name__ == '__main__':
    main()
