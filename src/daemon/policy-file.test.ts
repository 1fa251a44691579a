import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parsePolicy, PolicyProblem, readPolicy } from './policy-file.ts'

const id = '07f95a11-6788-2ae7-c306-ba95cff1db38'
const parse = (text: string) => parsePolicy(text, 'p.yaml')

test('a policy is read whole', () => {
  const rules = parse(`
rules:
  - { user: root, types: [vmnic, mgmt], ids: [${id.toUpperCase()}], rights: [read, write] }
  - { user: 1000, rights: [create] }
  - { group: "4000000000", types: [vpcsw], rights: [] }
`)
  assert.deepEqual(rules, [
    { to: { uid: 0 }, types: new Set(['vmnic', 'mgmt']), ids: new Set([id]), rights: new Set(['read', 'write']) },
    { to: { uid: 1000 }, types: undefined, ids: undefined, rights: new Set(['create']) },
    { to: { gid: 4000000000 }, types: new Set(['vpcsw']), ids: undefined, rights: new Set() },
  ])
  assert.deepEqual(parse('rules: []'), [])
})

const wrong: Readonly<Record<string, readonly [text: string, problem: RegExp]>> = {
  'nothing in it': ['', /the keys here are rules/],
  'a list': ['- a', /p.yaml:1: the keys here are rules/],
  'no YAML': ['rules: [', /p.yaml:1: /],
  'another key': ['rules: []\nrule: []\n', /p.yaml:2: unknown key 'rule'; expected one of rules/],
  'no list': ['rules: {}', /rules is a list/],
  'a rule that is a word': ['rules:\n  - read\n', /p.yaml:2: the keys here are user, group/],
  'a rule for nobody': ['rules:\n  - { rights: [read] }\n', /p.yaml:2: a rule is for a user or for a group/],
  'a rule for both': ['rules:\n  - { user: 0, group: 0, rights: [read] }\n', /name one of them/],
  'an unknown user': ['rules:\n  - { user: no-such, rights: [read] }\n', /this host has no user 'no-such'/],
  'a number that is none': ['rules:\n  - { user: 1.5, rights: [read] }\n', /a user is a name or a number/],
  'a number beyond all users': ['rules:\n  - { user: 4294967295, rights: [read] }\n', /no user '4294967295'/],
  'an empty user': ['rules:\n  - { user: , rights: [read] }\n', /a user is a name or a number/],
  'no rights': ['rules:\n  - { user: 0 }\n', /the rule gives no rights/],
  'one right beside a list': ['rules:\n  - { user: 0, rights: read }\n', /rights is a list/],
  'an unknown right': ['rules:\n  - user: 0\n    rights:\n      - read\n      - exec\n', /p.yaml:5: "exec" is not a right/],
  'an unknown type': ['rules:\n  - { user: 0, types: [router], rights: [read] }\n', /"router" is not an object type/],
  'an id that is none': ['rules:\n  - { user: 0, ids: [7], rights: [read] }\n', /'7' is not an id/],
  'an id of no type': [`rules:\n  - { user: 0, ids: [${id.replace('c306', 'c3ff')}], rights: [read] }\n`, /the code of no type/],
}
for (const [what, [text, problem]] of Object.entries(wrong))
  test(`refused: ${what}`, () => {
    assert.throws(
      () => parse(text),
      (error) => error instanceof PolicyProblem && problem.test(error.message),
    )
  })

test('a file that is not there is a problem of its own', () => {
  assert.throws(() => readPolicy('/no/such/file'), /^PolicyProblem: \/no\/such\/file: cannot be read: there is no such file/)
})

test('garbage gives a policy or a PolicyProblem', () => {
  const text = fc.oneof(
    fc.string(),
    fc.json().map((json) => `rules: ${json}`),
    fc.jsonValue().map((value) => JSON.stringify({ rules: [value] })),
  )
  fc.assert(
    fc.property(text, (text) => {
      try {
        parse(text)
      } catch (error) {
        assert.ok(error instanceof PolicyProblem, String(error))
      }
    }),
    { numRuns: 500 },
  )
})
