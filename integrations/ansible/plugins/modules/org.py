# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/org.ts by npm run docs.
DOCUMENTATION = r'''
module: org
short_description: "Manage organisations: each owns accounts"
description:
  - "Has an org of a cloud of vpc as the task says, or has it not."
version_added: "0.1.0"
author:
  - "The authors of vpc (@vpc)"
extends_documentation_fragment:
  - vpc.cloud.api
  - vpc.cloud.api.resource
options: {}
'''

EXAMPLES = r'''
- name: Have an org
  vpc.cloud.org:
    name: org1
- name: Have it no longer
  vpc.cloud.org:
    name: org1
    state: absent
'''

RETURN = r'''
resource:
  description: The org as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
}


def main():
    run('org', 'orgs', FIELDS, parents=[])


if __name__ == '__main__':
    main()
