/** The part of the OpenAPI document about counters. */
import { kindOf } from '#resource/kinds.ts'
import { mostPoints } from '../feed/counters.ts'
import { countedKinds } from './stats.ts'

type Json = Record<string, any>

const number = (description: string): Json => ({ type: 'integer', description })
const word = (description: string): Json => ({ type: ['string', 'null'], description })
const counts = { type: 'object', additionalProperties: { type: 'integer' }, description: 'dropped packets by reason' }

const point: Json = {
  type: 'object',
  description: 'what passed within one interval; there is none where nothing passed',
  properties: {
    time: { type: 'string', format: 'date-time', description: 'when the interval began' },
    rxPackets: number('from guests'),
    rxBytes: number('from guests'),
    txPackets: number('to guests'),
    txBytes: number('to guests'),
    flows: number('confirmed flows of vnics in groups that counted something'),
    drops: counts,
  },
  required: ['time', 'rxPackets', 'rxBytes', 'txPackets', 'txBytes', 'flows', 'drops'],
}

const drop: Json = {
  type: 'object',
  properties: {
    time: { type: 'string', format: 'date-time' },
    vnic: { type: 'string', format: 'uuid', description: 'whose port dropped it' },
    reason: { type: 'string' },
    length: number('bytes'),
    vni: number('of the subnet'),
    direction: word('to the vnic or from it, if a group refused it'),
    peer: word('the other end, if a group refused it'),
    text: { type: 'string', description: 'its headers in words' },
    rule: word('id of the rule that had allowed the flow before'),
  },
  required: ['time', 'vnic', 'reason', 'length', 'vni', 'direction', 'peer', 'text', 'rule'],
}

const since: Json = {
  name: 'since',
  in: 'query',
  description: 'what came after this time',
  schema: { type: 'string', format: 'date-time' },
}
const points: Json = {
  name: 'points',
  in: 'query',
  description: 'the newest so many',
  schema: { type: 'integer', minimum: 1, maximum: mostPoints },
}

const answer = (description: string, properties: Json): Json => ({
  200: {
    description,
    content: { 'application/json': { schema: { type: 'object', properties, required: Object.keys(properties) } } },
  },
  default: { $ref: '#/components/responses/problem' },
})

const parameters = [{ $ref: '#/components/parameters/id' }]

const { time: _, ...counted } = point.properties
const ofThing: Json = {
  properties: { kind: { enum: ['vnic', 'nat'] }, id: { type: 'string', format: 'uuid' }, ...counted },
  required: ['kind', 'id', ...Object.keys(counted)],
}

/** The paths. */
export function statsPaths(): Json {
  const ofKinds = countedKinds.map((kind) => {
    const { plural } = kindOf(kind)
    const get: Json = {
      operationId: `get${kind[0]!.toUpperCase()}${kind.slice(1)}Stats`,
      tags: [kind],
      summary: `what passed a ${kind} in the last hour, as the API knows it that its hosts are connected to`,
      parameters: [since, points],
      responses: answer('the points, the oldest first', {
        interval: number('seconds of a point'),
        points: { type: 'array', items: point },
      }),
    }
    return [`/v1/${plural}/{id}/stats`, { parameters, get }] as const
  })
  const drops: Json = {
    operationId: 'getVpcDrops',
    tags: ['vpc'],
    summary: 'a sample of the packets of a vpc that were dropped in the last hour',
    parameters: [since],
    responses: answer('the oldest first; 1000 at most', { drops: { type: 'array', items: drop } }),
  }
  const now: Json = {
    operationId: 'getVpcTraffic',
    tags: ['vpc'],
    summary: 'what passes now: the newest point of each vnic and NAT of a vpc that counted something lately',
    parameters: [],
    responses: answer('no point is older than 40 s', {
      interval: number('seconds of a point'),
      items: { type: 'array', items: { ...point, ...ofThing, description: 'a vnic or a NAT; from a NAT means from outside' } },
    }),
  }
  return {
    ...Object.fromEntries(ofKinds),
    '/v1/vpcs/{id}/traffic': { parameters, get: now },
    '/v1/vpcs/{id}/drops': { parameters, get: drops },
  }
}
