/** The part of the OpenAPI document about hosts' sub-resources. */

type Json = Record<string, any>

const problem: Json = { $ref: '#/components/responses/problem' }
const use = (...names: readonly string[]): Json[] => names.map((name) => ({ $ref: `#/components/parameters/${name}` }))
const answer = (description: string, schema: Json): Json => ({
  200: { description, content: { 'application/json': { schema } } },
  default: problem,
})

const invitation: Json = {
  type: 'object',
  properties: {
    host: { type: 'string', format: 'uuid' },
    token: { type: 'string', description: 'shown this once' },
    expires: { type: 'string', format: 'date-time' },
    server: { type: 'string', description: 'where the API listens for agents' },
    command: { type: 'string', description: 'to type on the machine' },
  },
  required: ['host', 'token', 'expires', 'server', 'command'],
}

const time = (description: string): Json => ({ type: ['string', 'null'], format: 'date-time', description })

/** What a host has besides its fields. */
export const hostStatus: Json = {
  vnics: { type: 'integer', description: 'how many are plugged in there' },
  joined: time('when a machine joined as this host'),
  lastSeen: time('when the API last had its feed, if it knows'),
  agentVersion: { type: ['string', 'null'], description: 'of its agent, if that is connected to this API' },
  vpcdVersion: { type: ['string', 'null'], description: 'of its vpcd, as its agent tells' },
  lacks: { type: 'array', items: { type: 'string' }, description: 'what that vpcd lacks and its agent knows' },
}

const left: Json = {
  type: 'object',
  properties: {
    host: { type: 'string', format: 'uuid' },
    name: { type: 'string' },
    state: { type: 'string' },
    revision: { type: 'string' },
    left: { type: 'integer', description: 'how many vnics are still plugged in there' },
    vnics: { type: 'array', items: { type: 'object' }, description: 'the first of them' },
    unplugged: { type: 'integer', description: 'how many an evacuation has unplugged' },
  },
  required: ['host', 'name', 'state', 'revision', 'left', 'vnics'],
}

const seconds: Json = {
  name: 'seconds',
  in: 'query',
  description: 'how long to wait until nothing is left',
  schema: { type: 'integer', minimum: 0, maximum: 30 },
}
const fenced: Json = {
  required: false,
  content: {
    'application/json': {
      schema: {
        type: 'object',
        properties: { fenced: { type: 'boolean', default: false, description: 'somebody knows that the machine is switched off' } },
        additionalProperties: false,
      },
    },
  },
}

/** The paths. */
export function hostPaths(): Json {
  const of = (operationId: string, summary: string, more: Json = {}): Json => ({ operationId, tags: ['host'], summary, ...more })
  const dry = { parameters: use('dryRun') }
  return {
    '/v1/hosts/{id}/token': {
      parameters: use('id'),
      post: of('inviteHost', 'make a token that one machine joins as this host with', { responses: answer('the token', invitation) }),
    },
    '/v1/hosts/{id}/drain': {
      parameters: use('id'),
      get: of('getDrain', 'what is still plugged in on a host', { parameters: [seconds], responses: answer('what is left', left) }),
      post: of('drainHost', 'let no new guest come to a host', { ...dry, responses: answer('what is left', left) }),
      delete: of('undrainHost', 'let guests come to a host again', { ...dry, responses: answer('the host', left) }),
    },
    '/v1/hosts/{id}/evacuate': {
      parameters: use('id'),
      post: of('evacuateHost', 'unplug everything from a host that is dead', {
        ...dry,
        requestBody: fenced,
        responses: answer('what was unplugged', left),
      }),
    },
  }
}
