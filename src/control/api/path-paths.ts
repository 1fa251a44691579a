/** The part of the OpenAPI document about questions about paths. */
import { endKinds, hostRoles, hostStates, obstacleCodes, protocols, stages, verdicts, ways } from '../path/answer.ts'

type Json = Record<string, any>

const json = (schema: Json): Json => ({ content: { 'application/json': { schema } } })
const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` })
const object = (properties: Json, description?: string): Json => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  ...(description !== undefined && { description }),
})
const orNull = (schema: Json): Json => ({ anyOf: [schema, { type: 'null' }] })
const text = { type: 'string' }
const textOrNull = { type: ['string', 'null'] }
const id = { type: 'string', format: 'uuid' }

const thing = object({ kind: text, id, name: textOrNull }, 'a resource; without a name where the asker may not know it')
const end: Json = {
  type: 'object',
  properties: {
    kind: { enum: endKinds, description: 'hidden: a vnic that the asker may not know' },
    address: text,
    id,
    name: textOrNull,
    host: orNull(object({ id, name: textOrNull })),
  },
  required: ['kind', 'address'],
}
const step = object({
  way: { enum: ways },
  stage: { enum: stages },
  ok: { type: ['boolean', 'null'], description: 'null: said for information' },
  text,
  thing: orNull(thing),
})
const changed = object({
  time: { type: 'string', format: 'date-time' },
  isNew: { type: 'boolean', description: 'it was created then, and nobody has changed it since' },
  by: { ...text, description: 'id of the principal' },
  name: textOrNull,
  request: text,
  fields: orNull({ type: 'array', items: text }),
})
const obstacle = object({
  step: { type: 'integer', description: 'index of its step' },
  code: { enum: obstacleCodes },
  text,
  thing: orNull(thing),
  changed: orNull(changed),
  command: { ...textOrNull, description: 'what would allow it, if the asker may do that' },
})
const host = object({
  id: { type: ['string', 'null'], format: 'uuid', description: 'null: the asker may not know which' },
  name: textOrNull,
  role: { enum: hostRoles },
  state: { enum: hostStates },
  needs: { ...text, description: 'the newest revision of what the answer depends on' },
  acked: { ...textOrNull, description: 'the revision that the host does' },
  problem: orNull(object({ code: text, text })),
})

const answer = object({
  verdict: {
    enum: verdicts,
    description: 'not-yet: the model allows it, and a host does not do so yet. unknown: a guest may forward it',
  },
  packet: object({
    family: { enum: [4, 6] },
    protocol: { enum: protocols },
    port: { type: ['integer', 'null'] },
    source: text,
    destination: text,
  }),
  from: end,
  to: end,
  steps: { type: 'array', items: step },
  obstacle: orNull(obstacle),
  programmed: object({ revision: text, hosts: { type: 'array', items: host } }),
})

const vnicClass = object({
  id: { type: 'integer' },
  name: text,
  subnet: orNull(thing),
  groups: { type: 'array', items: orNull(thing) },
  plugged: { type: 'boolean' },
  vnics: { type: 'integer', description: 'how many' },
  examples: { type: 'array', items: orNull(thing) },
})
const cell = object({
  from: { type: 'integer', description: 'id of a class' },
  to: { type: 'integer' },
  verdict: { enum: ['reachable', 'blocked'] },
  allowed: { ...text, description: 'such as tcp 22,80-90; icmp, or all; empty when nothing passes' },
  code: { ...textOrNull, description: 'what stands in the way of all' },
})
const matrix = object({
  vpc: orNull(thing),
  classes: { type: 'array', items: vnicClass, description: 'vnics that can reach the same ones, the largest class first' },
  cells: { type: 'array', items: cell },
  truncated: { type: 'boolean', description: 'there are more classes' },
})

/** Schemas that the paths refer to. */
export const pathSchemas: Json = { PathAnswer: answer, PathMatrix: matrix }

const words: Readonly<Record<string, Json>> = {
  from: { ...text, description: 'a vnic: its name, path, id or address; or an address outside' },
  to: { ...text, description: 'a vnic, or an address inside or outside' },
  protocol: { enum: protocols, default: 'icmp', description: 'icmp: a ping' },
  port: { type: 'integer', minimum: 0, maximum: 65_535, description: 'destination port; not for icmp' },
  vpc: { ...text, description: 'of an address that several vpcs have' },
}

const needed = ['from', 'to']

/** The paths. */
export function pathPaths(): Json {
  const responses = { 200: { description: 'the answer', ...json(ref('PathAnswer')) }, default: { $ref: '#/components/responses/problem' } }
  return {
    '/v1/path-check': {
      get: {
        operationId: 'checkPath',
        summary: 'whether a vnic, or somebody outside, can reach an address, and the first thing that stands in the way',
        parameters: Object.entries(words).map(([name, schema]) => ({ name, in: 'query', required: needed.includes(name), schema })),
        responses,
      },
      post: {
        operationId: 'askPath',
        summary: 'the same question as a body',
        requestBody: { required: true, ...json({ type: 'object', properties: words, required: needed, additionalProperties: false }) },
        responses,
      },
    },
    '/v1/path-check/matrix': {
      get: {
        operationId: 'pathMatrix',
        summary: 'who may reach whom in a vpc, on which ports',
        parameters: [{ name: 'vpc', in: 'query', required: true, schema: { ...text, description: 'its name, path or id' } }],
        responses: { 200: { description: 'the matrix', ...json(ref('PathMatrix')) }, default: { $ref: '#/components/responses/problem' } },
      },
    },
  }
}
