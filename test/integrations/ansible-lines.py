"""Output of a play as a line of JSON for each task and host."""
import json

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = 'name: lines\ntype: stdout\nshort_description: lines of JSON\ndescription: [lines of JSON]'


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'stdout'
    CALLBACK_NAME = 'lines'

    def show(self, result, **_more):
        print('@' + json.dumps({'name': result.task_name, 'result': result._result}, default=str), flush=True)

    v2_runner_on_ok = v2_runner_on_failed = v2_runner_on_skipped = v2_runner_on_unreachable = show
