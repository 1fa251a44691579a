/** The modules of the Ansible collection, one for each kind of resource, made from its table. */
import type { Field, Fields } from '#resource/field.ts'
import { kinds } from '#resource/kinds.ts'
import type { Kind } from '#resource/kind.ts'
import { pythonOf, yamlOf, type Data } from './text.ts'

/** What a thing without a name is known by. */
const keys: Readonly<Record<string, readonly string[]>> = {
  'role-binding': ['principal', 'role', 'org', 'account', 'vpc'],
  placement: ['subnet', 'facility'],
  address: ['subnet', 'ip'],
}

/** `allowedPrefixes` is the option allowed_prefixes. */
export function snake(name: string): string {
  const made = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  const back = made.replace(/_([a-z\d])/g, (_, letter: string) => letter.toUpperCase())
  if (back !== name) throw new TypeError(`${name} cannot be an option of Ansible: ${made} would be ${back}`)
  return made
}

/** Names of options that all modules have. */
const taken = ['server', 'token', 'ca', 'timeout', 'state', 'name', 'id', 'description', 'labels', 'protected', 'unset', 'wait', 'cascade']

/** The type of an option, for argument_spec and for the documentation. */
function typeOf(field: Field): Record<string, Data> {
  if (field.type === 'integer') return { type: 'int' }
  if (field.type === 'boolean') return { type: 'bool' }
  if (field.type === 'choice') return { type: 'str', choices: [...field.words] }
  if (field.type === 'list') return { type: 'list', elements: typeOf(field.of).type! }
  return { type: field.type === 'object' || field.type === 'map' ? 'dict' : 'str' }
}

const innerFields = (field: Field): Fields | undefined =>
  field.type === 'object' ? field.fields : field.type === 'list' && field.of.type === 'object' ? field.of.fields : undefined

function specOf(fields: Fields): Record<string, Data> {
  const each = Object.entries(fields).map(([name, field]) => {
    const inner = innerFields(field)
    return [snake(name), { ...typeOf(field), ...(inner && { options: specOf(inner) }) }] as const
  })
  return Object.fromEntries(each)
}

function documentationOf(fields: Fields): Record<string, Data> {
  const each = Object.entries(fields).map(([name, field]) => {
    const inner = innerFields(field)
    return [
      snake(name),
      { description: sentencesOf(field), ...typeOf(field), ...(inner && { suboptions: documentationOf(inner) }) },
    ] as const
  })
  return Object.fromEntries(each)
}

/** What people read of a field. */
function sentencesOf(field: Field): string[] {
  const { required, immutable, default: value } = field
  const of = field.type === 'list' ? field.of : field
  return [
    `${field.help[0]!.toUpperCase()}${field.help.slice(1)}.`,
    ...(of.type === 'reference' ? [`Name or id of ${aOf(of.to)}.`] : []),
    ...(of.type === 'integer' ? [`From ${of.min} to ${of.max}.`] : []),
    ...(field.type === 'map' ? [`Keys are ${field.keys.join(', ')}.`] : []),
    ...(required ? ['Needed to make one.'] : []),
    ...(immutable ? ['It never changes.'] : []),
    ...(value === undefined ? [] : [`A new one has C(${JSON.stringify(value)}) unless given.`]),
  ]
}

/** A value that a field could have, for the example. */
function exampleOf(name: string, field: Field): Data {
  switch (field.type) {
    case 'integer':
      return field.min
    case 'boolean':
      return true
    case 'choice':
      return field.words[0]!
    case 'ip':
      return field.family === 6 ? 'fd00::1' : '198.51.100.1'
    case 'network':
      return field.family === 6 ? 'fd00::/64' : '10.0.0.0/24'
    case 'uuid':
      return '8a5d3f1e-6f0b-4c1e-9a57-0d2f4b6c8e10'
    case 'list':
      return [exampleOf(name, field.of)]
    case 'reference':
      return examples[field.to] ?? `${field.to}1`
    default:
      return `${name}1`
  }
}
const examples: Readonly<Record<string, string>> = { account: 'shop', vpc: 'red', subnet: 'red/web', facility: 'f1', org: 'acme' }

function playOf({ kind, fields }: Kind): Data {
  const required = Object.entries(fields).filter(([, field]) => field.required)
  const words = Object.fromEntries(required.map(([name, field]) => [snake(name), exampleOf(name, field)]))
  const name = keys[kind] === undefined ? { name: `${kind}1` } : {}
  return [
    { name: `Have ${aOf(kind)}`, [`vpc.cloud.${snakeKind(kind)}`]: { ...name, ...words } },
    { name: `Have it no longer`, [`vpc.cloud.${snakeKind(kind)}`]: { ...name, ...words, state: 'absent' } },
  ]
}

const aOf = (kind: string): string => `${/^[aeo]/.test(kind) ? 'an' : 'a'} ${kind.replaceAll('-', ' ')}`
const snakeKind = (kind: string): string => kind.replaceAll('-', '_')

function moduleOf(kind: Kind, version: string): string {
  const { fields, plural, cascades = false } = kind
  for (const name of Object.keys(fields)) if (taken.includes(snake(name))) throw new TypeError(`${kind.kind}: option ${name} is taken`)
  const parents = Object.entries(fields).filter(([, { type, immutable }]) => type === 'reference' && immutable === true)
  const key = Object.fromEntries((keys[kind.kind] ?? []).map((name) => [snake(name), fields[name]!.required === true]))
  const documentation = {
    module: snakeKind(kind.kind),
    short_description: `Manage ${kind.summary}`,
    description: [`Has ${aOf(kind.kind)} of a cloud of vpc as the task says, or has it not.`],
    version_added: version,
    author: ['The authors of vpc (@vpc)'],
    extends_documentation_fragment: ['vpc.cloud.api', 'vpc.cloud.api.resource'],
    options: {
      ...documentationOf(fields),
      ...(cascades && {
        cascade: { description: ['With I(state=absent), take along what is in it.'], type: 'bool', default: false },
      }),
    },
  }
  return `# Copyright the authors of vpc. BSD-2-Clause. Made from src/resource/kind/${kind.kind}.ts by npm run docs.
DOCUMENTATION = r'''
${yamlOf(documentation)}'''

EXAMPLES = r'''
${yamlOf(playOf(kind))}'''

RETURN = r'''
resource:
  description: The ${kind.kind} as the API has it, in its words.
  returned: success
  type: dict
'''

from ansible_collections.vpc.cloud.plugins.module_utils.resource import run

FIELDS = ${pythonOf(specOf(fields))}


def main():
    run(${[
      pythonOf(kind.kind),
      pythonOf(plural),
      'FIELDS',
      `parents=${pythonOf(parents.map(([name]) => snake(name)))}`,
      ...(Object.keys(key).length > 0 ? [`key=${pythonOf(key, 1)}`] : []),
      ...(cascades ? ['cascades=True'] : []),
    ].join(', ')})


if __name__ == '__main__':
    main()
`
}

/** Modules that no table makes. */
const others = ['host_invitation', 'vnic_binding']

/** What Ansible asks of a collection: its name and version, and the group of modules for `module_defaults`. */
const collectionFiles = (version: string): Readonly<Record<string, string>> => ({
  'galaxy.yml': yamlOf({
    namespace: 'vpc',
    name: 'cloud',
    version,
    readme: 'README.md',
    authors: ['The authors of vpc'],
    description: 'Networks, interfaces, groups and hosts of a cloud of vpc, as tasks',
    license: ['BSD-2-Clause'],
    tags: ['networking', 'cloud'],
  }),
  'meta/runtime.yml': yamlOf({
    requires_ansible: '>=2.14.0',
    action_groups: { all: [...kinds.map(({ kind }) => snakeKind(kind)), ...others].sort() },
  }),
})

/** The files that are made, by their paths below the collection. */
export const ansibleFiles = (version: string): ReadonlyMap<string, string> =>
  new Map([
    ...Object.entries(collectionFiles(version)),
    ...kinds.map((kind) => [`plugins/modules/${snakeKind(kind.kind)}.py`, moduleOf(kind, version)] as const),
  ])
