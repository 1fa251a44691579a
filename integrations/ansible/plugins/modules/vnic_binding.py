# Copyright the authors of vpc. BSD-2-Clause.
DOCUMENTATION = r'''
module: vnic_binding
short_description: Plug vnics in on hosts
description:
  - Has a vnic of a cloud of vpc plugged in on a host, or plugged in nowhere.
  - A vnic that is plugged in on another host moves.
version_added: "0.1.0"
author:
  - "The authors of vpc (@vpc)"
extends_documentation_fragment:
  - vpc.cloud.api
options:
  vnic:
    description:
      - Name or id of the vnic.
    type: str
    required: true
  account:
    description:
      - The account that has it, where several have one of this name.
    type: str
  host:
    description:
      - Name or id of the host. Needed with I(state=present).
    type: str
  unit:
    description:
      - What it is there, C(hostif) for a container or C(vmnic) for a virtual machine.
    type: str
    choices: [hostif, vmnic]
    default: hostif
  state:
    description:
      - Whether it is plugged in.
    type: str
    choices: [present, absent]
    default: present
  wait:
    description:
      - End when all hosts that it concerns do it.
    type: bool
    default: false
'''

EXAMPLES = r'''
- name: Plug web1 in on h1
  vpc.cloud.vnic_binding:
    vnic: web1
    host: h1
    wait: true
'''

RETURN = r'''
resource:
  description: The vnic as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vpc.cloud.plugins.module_utils.api import AUTH, Api, Refusal, check_ready, part, refuse, waiting


def have(module):
    params, api = module.params, Api(module.params)
    what = ('plug vnic %s in on %s' % (params['vnic'], params['host'])) if params['state'] == 'present' else 'unplug vnic %s' % params['vnic']
    query = {'account': params['account']} if params['account'] else None
    before = api.must(what, 'GET', '/vnics/' + part(params['vnic']), query=query)[1]
    if params['state'] == 'absent' and before['binding'] is None:
        return {'changed': False, 'resource': before}
    method, body = ('PUT', {'host': params['host'], 'unit': params['unit']}) if params['state'] == 'present' else ('DELETE', None)
    path = '/vnics/%s/binding' % before['id']
    status, after = api.must(what, method, path, body, waiting(params, module.check_mode))
    check_ready(module, what, status, after)
    return {'changed': place(before) != place(after), 'resource': after}


def place(vnic):
    binding = vnic.get('binding') or {}
    return binding.get('host'), binding.get('unit')


def main():
    spec = dict(AUTH)
    spec.update(
        vnic={'type': 'str', 'required': True},
        account={'type': 'str'},
        host={'type': 'str'},
        unit={'type': 'str', 'choices': ['hostif', 'vmnic'], 'default': 'hostif'},
        state={'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
        wait={'type': 'bool', 'default': False},
    )
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True, required_if=[('state', 'present', ['host'])])
    try:
        module.exit_json(**have(module))
    except Refusal as refusal:
        refuse(module, refusal)


if __name__ == '__main__':
    main()
