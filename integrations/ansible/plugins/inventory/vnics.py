# Copyright the authors of vpc. BSD-2-Clause.
"""Guests of a cloud as an inventory: each vnic that has a name is a host."""
DOCUMENTATION = r'''
name: vnics
short_description: Vnics of a cloud of vpc as hosts
description:
  - Each vnic with a name is a host, whose address is C(ansible_host).
  - A name that vnics of several accounts have is followed by a dot and the name of the account, such as C(web1.shop), so
    that each is a host of its own. C(vpc_account) says the account of every host.
  - Groups are C(account_NAME), C(vpc_NAME), C(subnet_NAME), C(group_NAME) and C(label_KEY_VALUE), with an underscore for each character that
    names of groups cannot have.
  - The file's name ends in C(vpc.yml) or C(vpc.yaml).
author:
  - "The authors of vpc (@vpc)"
options:
  plugin:
    description: Says that this plugin reads the file.
    required: true
    choices: [vpc.cloud.vnics]
  server:
    description: URL of the API.
    type: str
    required: true
    env: [{name: VPC_API}]
  token:
    description: Token of a principal.
    type: str
    required: true
    env: [{name: VPC_TOKEN}]
  ca:
    description: File with the certificate authority of the API.
    type: path
    env: [{name: VPC_CA}]
  filters:
    description: Only vnics with these, such as C(vpc=red) or C(label=app=web).
    type: list
    elements: str
    default: []
'''

EXAMPLES = r'''
plugin: vpc.cloud.vnics
server: https://cloud.example:7473
filters: [vpc=red]
'''

import re
from collections import Counter

from ansible.errors import AnsibleError
from ansible.plugins.inventory import BaseInventoryPlugin
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.vpc.cloud.plugins.module_utils.api import Api, Refusal


def untrusted(labels):
    """Labels as texts. Tenants write them, so Ansible must not evaluate what looks like a template."""
    return {key: wrap_var(value) if '{' in value else value for key, value in labels.items()}


def hosts_of(vnics, names):
    """A name of its own for each vnic. Accounts name their vnics without asking each other."""
    def once(words):
        counts = Counter(words)
        return [word if counts[word] == 1 else None for word in words]

    plain = [each['name'] for each in vnics]
    full = ['%s.%s' % (each['name'], names.get(each['account'], each['account'])) for each in vnics]
    # A vnic may bear the full name of another one.
    chosen = once([short or long for short, long in zip(once(plain), full)])
    return [word or '%s.%s' % (each['name'], each['id']) for word, each in zip(chosen, vnics)]


class InventoryModule(BaseInventoryPlugin):
    NAME = 'vpc.cloud.vnics'

    def verify_file(self, path):
        return super().verify_file(path) and path.endswith(('vpc.yml', 'vpc.yaml'))

    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        api = Api({key: self.get_option(key) for key in ('server', 'token', 'ca')})
        query = {}
        for each in self.get_option('filters'):
            key, _sign, value = each.partition('=')
            query.setdefault(key, []).append(value)
        try:
            names = {each['id']: each['name'] for plural in ('accounts', 'subnets', 'vpcs', 'groups') for each in api.list('list ' + plural, plural)}
            vpcs = {each['id']: each['vpc'] for each in api.list('list subnets', 'subnets')}
            vnics = [each for each in api.list('list vnics', 'vnics', query) if each['name'] is not None]
            for vnic, host in zip(vnics, hosts_of(vnics, names)):
                self.add(host, vnic, names, vpcs)
        except Refusal as refusal:
            raise AnsibleError(str(refusal))

    def add(self, host, vnic, names, vpcs):
        name = self.inventory.add_host(host)
        if vnic['addresses']:
            self.inventory.set_variable(name, 'ansible_host', vnic['addresses'][0])
        for key in ('id', 'mac', 'addresses', 'state'):
            self.inventory.set_variable(name, 'vpc_' + key, vnic[key])
        self.inventory.set_variable(name, 'vpc_account', names.get(vnic['account'], vnic['account']))
        self.inventory.set_variable(name, 'vpc_labels', untrusted(vnic['labels']))
        groups = [('account', vnic['account']), ('subnet', vnic['subnet']), ('vpc', vpcs.get(vnic['subnet']))] + [('group', each) for each in vnic['groups']]
        words = ['%s_%s' % (kind, names.get(each, each)) for kind, each in groups]
        words += ['label_%s_%s' % pair for pair in vnic['labels'].items()]
        for word in words:
            self.inventory.add_host(name, group=self.inventory.add_group(re.sub('[^A-Za-z0-9_]', '_', word)))
