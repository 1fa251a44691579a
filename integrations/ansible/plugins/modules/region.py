# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/region.ts by npm run docs.
DOCUMENTATION = r'''
module: region
short_description: "Manage regions: places with low latency inside"
description:
  - "Has a region of a cloud of vpc as the task says, or has it not."
version_added: "0.1.0"
author:
  - "The authors of vpc (@vpc)"
extends_documentation_fragment:
  - vpc.cloud.api
  - vpc.cloud.api.resource
options: {}
'''

EXAMPLES = r'''
- name: Have a region
  vpc.cloud.region:
    name: region1
- name: Have it no longer
  vpc.cloud.region:
    name: region1
    state: absent
'''

RETURN = r'''
resource:
  description: The region as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = {
}


def main():
    run('region', 'regions', FIELDS, parents=[])


if __name__ == '__main__':
    main()
