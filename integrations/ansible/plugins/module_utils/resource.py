# Copyright the authors of vpc. BSD-2-Clause.
"""What the modules of all kinds do: have a resource as a task says, or have it not."""
import re

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.yaml import yaml_dump

from ansible_collections.vpc.cloud.plugins.module_utils.api import AUTH, Api, Refusal, check_ready, part, refuse, waiting

# Of all kinds. What a task leaves out stays as it is.
ENVELOPE = {
    'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
    'name': {'type': 'str'},
    'id': {'type': 'str'},
    'description': {'type': 'str'},
    'labels': {'type': 'dict'},
    'protected': {'type': 'bool'},
    'unset': {'type': 'list', 'elements': 'str', 'default': []},
    'wait': {'type': 'bool', 'default': False},
}
# What no output has but the result of the task that makes it.
SECRET = ('token',)
# What changes by itself.
PASSING = ('revision', 'generation', 'updated', 'state', 'problem', 'late')


def camel(key):
    """The API's word for an option: ipv6_prefix is ipv6Prefix."""
    return re.sub('_([a-z0-9])', lambda found: found.group(1).upper(), key)


def given(value):
    """A value without what a task left out, in the words of the API."""
    if isinstance(value, dict):
        return {camel(key): given(each) for key, each in value.items() if each is not None}
    return [given(each) for each in value] if isinstance(value, list) else value


class Task:
    """`parents` are references that never change: they tell things of one name apart. `key` is what a thing without a name
    is known by, and whether it must be given."""

    def __init__(self, module, kind, plural, fields, parents, key):
        self.module, self.kind, self.plural, self.path = module, kind, plural, '/' + plural
        self.fields, self.parents, self.key = fields, parents, key
        self.api = Api(module.params)
        self.name = module.params['id'] or module.params['name']
        self.text = '%s %s' % (kind, self.name) if self.name else kind

    def body(self):
        params = self.module.params
        own = given({key: params[key] for key in self.fields})
        for key in ('name', 'description', 'labels', 'protected'):
            if params[key] is not None:
                own[key] = params[key]
        return own

    def unset(self, body):
        for key in self.module.params['unset']:
            if key not in self.fields:
                self.module.fail_json(msg="unset: a %s has no '%s'; it has %s" % (self.kind, key, ', '.join(sorted(self.fields))))
            body[camel(key)] = [] if self.fields[key]['type'] == 'list' else None

    def find(self):
        """The resource that is meant; None: there is none."""
        params, what = self.module.params, 'find %s' % self.text
        if params['id']:
            return self.api.find(what, '%s/%s' % (self.path, part(params['id'])))
        missing = [key for key, needed in self.key.items() if needed and params[key] is None]
        if params['name'] is None and (missing or not self.key):
            self.module.fail_json(msg='give %s: it says which %s is meant' % (', '.join(['name or id'] + missing), self.kind))
        query = {key: params[key] for key in self.parents if params[key] is not None}
        if params['name'] is not None:
            query['name'] = params['name']
        found = [each for each in self.api.list(what, self.plural, query) if params['name'] is not None or self.is_meant(each)]
        if len(found) > 1:
            self.module.fail_json(msg='there are %d of this %s: %s; give the id' % (len(found), self.kind, ', '.join(each['id'] for each in found)))
        return found[0] if found else None

    def is_meant(self, resource):
        for key in self.key:
            is_given = self.module.params[key] is not None
            if key in self.parents:
                if not is_given and resource.get(camel(key)) is not None:
                    return False
            elif is_given and resource.get(camel(key)) != given(self.module.params[key]):
                return False
        return True

    def present(self):
        before = self.find()
        body = self.body()
        if before is None:
            return self.create(body)
        self.unset(body)
        what = 'change %s' % self.text
        query = waiting(self.module.params, self.module.check_mode)
        status, after = self.api.must(what, 'PATCH', '%s/%s' % (self.path, before['id']), body, query, revision_of(before))
        check_ready(self.module, what, status, after)
        return self.done(before, after)

    def create(self, body):
        what = 'create %s' % self.text
        query = waiting(self.module.params, self.module.check_mode)
        method, path = ('PUT', '%s/%s' % (self.path, self.module.params['id'])) if self.module.params['id'] else ('POST', self.path)
        status, after = self.api.ask(method, path, body, query)
        if status >= 400 and self.module.check_mode and waits_for_others(after):
            self.module.warn('%s cannot be checked: %s' % (self.text, after.get('detail')))
            after = body
        elif status >= 400:
            raise Refusal(what, status, after)
        check_ready(self.module, what, status, after)
        return self.done(None, after)

    def absent(self):
        before = self.find()
        if before is None:
            return {'changed': False, 'resource': None}
        what = 'destroy %s' % self.text
        query = waiting(self.module.params, self.module.check_mode)
        if self.module.params.get('cascade'):
            query['cascade'] = 'true'
        status, answer = self.api.must(what, 'DELETE', '%s/%s' % (self.path, before['id']), None, query, revision_of(before))
        check_ready(self.module, what, status, answer)
        return dict(self.done(before, None), resource=before)

    def done(self, before, after):
        changed = [key for key in sorted(set(before or {}) | set(after or {})) if key not in PASSING and (before or {}).get(key) != (after or {}).get(key)]
        result = {'changed': bool(changed), 'resource': after}
        if changed and self.module._diff:
            shown = [key for key in changed if key not in SECRET]
            result['diff'] = {side: yaml_dump({key: of.get(key) for key in shown}) if of else '' for side, of in (('before', before), ('after', after))}
        return result


def revision_of(resource):
    return {'If-Match': '"%s"' % resource['revision']}


def waits_for_others(problem):
    """Whether a dry run fails for want of a thing that an earlier task would have made."""
    fields = (problem or {}).get('fields') or []
    return bool(fields) and all(each.get('detail', '').startswith('there is no ') for each in fields)


def run(kind, plural, fields, parents=(), key=None, cascades=False):
    """The module of a kind."""
    spec = dict(AUTH, **ENVELOPE)
    spec.update(fields)
    if cascades:
        spec['cascade'] = {'type': 'bool', 'default': False}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    task = Task(module, kind, plural, fields, parents, key or {})
    try:
        module.exit_json(**(task.present() if module.params['state'] == 'present' else task.absent()))
    except Refusal as refusal:
        refuse(module, refusal)
