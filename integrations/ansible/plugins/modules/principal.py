# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/principal.ts by npm run docs.
DOCUMENTATION = r'''
module: principal
short_description: "Manage principals: people and programs that use the API"
description:
  - "Has a principal of a cloud of vpc as the task says, or has it not."
version_added: "0.1.0"
author:
  - "The authors of vpc (@vpc)"
extends_documentation_fragment:
  - vpc.cloud.api
  - vpc.cloud.api.resource
options:
  account:
    description:
      - "Its account; none for those who run the cloud."
      - Name or id of an account.
      - It never changes.
    type: str
  disabled:
    description:
      - Its tokens are refused.
      - "A new one has C(false) unless given."
    type: bool
'''

EXAMPLES = r'''
- name: Have a principal
  vpc.cloud.principal:
    name: principal1
- name: Have it no longer
  vpc.cloud.principal:
    name: principal1
    state: absent
'''

RETURN = r'''
resource:
  description: The principal as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
    'account': {'type': 'str'},
    'disabled': {'type': 'bool'},
}


def main():
    run('principal', 'principals', FIELDS, parents=['account'])


if __name__ == '__main__':
    main()
