# Copyright the authors of vpc. BSD-2-Clause.
"""Requests to the API of a cloud, and what its refusals mean for a task."""
import json
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode

from ansible.module_utils.basic import env_fallback
from ansible.module_utils.urls import open_url

AUTH = {
    'server': {'type': 'str', 'required': True, 'fallback': (env_fallback, ['VPC_API'])},
    'token': {'type': 'str', 'required': True, 'no_log': True, 'fallback': (env_fallback, ['VPC_TOKEN'])},
    'ca': {'type': 'path', 'fallback': (env_fallback, ['VPC_CA'])},
    'timeout': {'type': 'int', 'default': 30},
}


class Refusal(Exception):
    """The API did not do it. `code` is one of its closed list; `fields` has a pointer to each wrong field."""

    def __init__(self, what, status, body):
        body = body if isinstance(body, dict) else {}
        self.status = status
        self.code = str(body.get('type', '')).replace('urn:vpc:problem:', '') or 'status-%s' % status
        self.fields = body.get('fields', [])
        self.users = body.get('users', [])
        others = ['%s: %s' % (each['pointer'], each['detail']) for each in self.fields[1:10]]
        text = '; '.join([body.get('detail', 'status %s' % status)] + others + [body[key] for key in ['hint'] if key in body])
        super().__init__('cannot %s: %s' % (what, text))


class Api:
    """One API, or several of one cloud: the next is asked when one cannot be reached."""

    def __init__(self, params):
        self.servers = [each.rstrip('/') for each in params['server'].split(',')]
        self.token = params['token']
        self.ca = params.get('ca')
        self.timeout = params.get('timeout') or 30

    def ask(self, method, path, body=None, query=None, headers=None):
        """Status and body, whatever the answer is."""
        words = urlencode(query, doseq=True) if query else ''
        for number, server in enumerate(self.servers):
            try:
                return self._send(method, '%s/v1%s%s' % (server, path, '?' + words if words else ''), body, headers)
            except (URLError, OSError) as error:
                if number == len(self.servers) - 1:
                    raise Refusal('reach the API at %s' % server, 0, {'type': 'unreachable', 'detail': str(error)})

    def _send(self, method, url, body, headers):
        sent = {'Authorization': 'Bearer %s' % self.token}
        sent.update(headers or {})
        if body is not None:
            sent['Content-Type'] = 'application/json'
        data = None if body is None else json.dumps(body)
        try:
            answer = open_url(url, method=method, data=data, headers=sent, ca_path=self.ca, timeout=self.timeout + 20, http_agent='vpc-ansible')
        except HTTPError as error:
            answer = error
        text = answer.read()
        try:
            return answer.code, json.loads(text) if text else None
        except ValueError:
            raise Refusal('read the answer of %s' % url, answer.code, {'detail': 'it does not answer as the API of a cloud does'})

    def must(self, what, method, path, body=None, query=None, headers=None):
        """The same; raises a Refusal unless it was done."""
        status, answer = self.ask(method, path, body, query, headers)
        if status >= 400:
            raise Refusal(what, status, answer)
        return status, answer

    def find(self, what, path, query=None):
        """A resource; None: it is not there."""
        status, answer = self.ask('GET', path, query=query)
        if status in (404, 410):
            return None
        if status >= 400:
            raise Refusal(what, status, answer)
        return answer

    def list(self, what, plural, query=None):
        """All pages of a list."""
        items, query = [], dict(query or {}, limit='1000')
        while True:
            page = self.must(what, 'GET', '/' + plural, query=query)[1]
            items += page['items']
            if not page.get('next'):
                return items
            query['after'] = page['next']


def part(text):
    """A text as one part of a path."""
    return quote(text, safe='')


def waiting(params, check_mode):
    """What the options of a task add to the path of a change."""
    query = {'dry-run': 'true'} if check_mode else {}
    if params.get('wait'):
        query.update(wait='ready', timeout='%ds' % params['timeout'])
    return query


def refuse(module, refusal):
    """End the task with what the API said."""
    module.fail_json(msg=str(refusal), code=refusal.code, fields=refusal.fields, users=refusal.users)


def check_ready(module, what, status, answer):
    """End the task when the change was made and hosts are late."""
    if status != 202:
        return
    late = ['host %s: %s' % (each['host'], (each.get('error') or {}).get('text', 'no answer yet')) for each in answer.get('late', [])]
    module.fail_json(msg='did %s, but hosts do not follow yet: %s' % (what, '; '.join(late)), changed=True, code='late', resource=answer)
