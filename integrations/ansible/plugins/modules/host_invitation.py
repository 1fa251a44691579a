# Copyright the authors of vpc. BSD-2-Clause.
DOCUMENTATION = r'''
module: host_invitation
short_description: Make a token that a machine joins a cloud with
description:
  - Makes a new join token of a host of a cloud of vpc. It is good for one machine and one hour; the one before it ends.
  - Each run makes one, so ask only for a machine that has not joined. The role C(vpc.cloud.host) does.
version_added: "0.1.0"
author:
  - "The authors of vpc (@vpc)"
extends_documentation_fragment:
  - vpc.cloud.api
options:
  host:
    description:
      - Name or id of the host.
    type: str
    required: true
'''

EXAMPLES = r'''
- name: Invite h1
  vpc.cloud.host_invitation:
    host: h1
  register: invitation
'''

RETURN = r'''
invitation:
  description: The token, when it ends, where the API listens for agents, and the command for the machine.
  returned: success
  type: dict
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vpc.cloud.plugins.module_utils.api import AUTH, Api, Refusal, part, refuse


def main():
    module = AnsibleModule(argument_spec=dict(AUTH, host={'type': 'str', 'required': True}), supports_check_mode=True)
    host = module.params['host']
    try:
        if module.check_mode:
            module.exit_json(changed=True, invitation={})
        answer = Api(module.params).must('make a join token of host %s' % host, 'POST', '/hosts/%s/token' % part(host))[1]
        module.exit_json(changed=True, invitation=answer)
    except Refusal as refusal:
        refuse(module, refusal)


if __name__ == '__main__':
    main()
