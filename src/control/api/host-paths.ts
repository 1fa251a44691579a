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

/** The paths. */
export function hostPaths(): Json {
  return {
    '/v1/hosts/{id}/token': {
      parameters: use('id'),
      post: {
        operationId: 'inviteHost',
        tags: ['host'],
        summary: 'make a token that one machine joins as this host with',
        responses: answer('the token', invitation),
      },
    },
  }
}
