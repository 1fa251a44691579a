# Copyright the authors of vpc. BSD-2-Clause.
"""Documentation of what all modules have in common."""


class ModuleDocFragment:
    DOCUMENTATION = r'''
options:
  server:
    description:
      - URL of the API, such as C(https://cloud.example:7473). Of several APIs of one cloud name all, with commas between.
      - The environment variable C(VPC_API) says it unless given.
    type: str
    required: true
  token:
    description:
      - Token of a principal. The environment variable C(VPC_TOKEN) says it unless given.
    type: str
    required: true
  ca:
    description:
      - File with the certificate authority of the API. The environment variable C(VPC_CA) says it unless given.
    type: path
  timeout:
    description:
      - Seconds that I(wait) waits.
    type: int
    default: 30
notes:
  - It asks the API from where it runs, so it mostly runs on C(localhost).
'''

    RESOURCE = r'''
options:
  state:
    description:
      - Whether there is one.
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - Name, unique beside others of its kind.
    type: str
  id:
    description:
      - UUID. A task with one and without a name finds it by that, and makes it with that.
    type: str
  description:
    description:
      - A note for people.
    type: str
  labels:
    description:
      - Labels. Those that are not named stay; one with C(null) goes.
    type: dict
  protected:
    description:
      - Destroying it is refused.
    type: bool
  unset:
    description:
      - Options whose values go, so that the API has its default.
    type: list
    elements: str
    default: []
  wait:
    description:
      - End when all hosts that the change concerns do it. The task fails when some are late.
    type: bool
    default: false
notes:
  - What a task leaves out stays as it is. A list replaces the whole list.
  - Supports C(check_mode), which the API does as a dry run, and C(diff).
'''

