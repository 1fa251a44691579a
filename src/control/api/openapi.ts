/** The OpenAPI 3.1 document, made from the tables and the schemas that requests are checked with. */
import { z } from 'zod'
import { readOnlyFields } from '#resource/envelope.ts'
import type { Kind } from '#resource/kind.ts'
import { kinds, parentKind } from '#resource/kinds.ts'
import { statusOf } from '../model/problem.ts'
import { units } from './binding.ts'
import { phases } from './migration.ts'
import { query } from './query-parameter.ts'
import { planPaths, planSchemas, sessionPaths } from './plan-paths.ts'
import { eventPaths, eventSchemas } from './event-paths.ts'
import { statsPaths } from './stats-paths.ts'
import { hostPaths, hostStatus } from './host-paths.ts'
import { watchPaths, watchSchemas } from './watch-paths.ts'
import { pathPaths, pathSchemas } from './path-paths.ts'
import { bodySchema } from '../model/schema.ts'

type Json = Record<string, any>

const nameOf = (kind: string): string => kind.replace(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase())
const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` })
const json = (schema: Json): Json => ({ content: { 'application/json': { schema } } })

let made: Json | undefined

/** The document. */
export function openApi(): Json {
  made ??= {
    openapi: '3.1.0',
    info: {
      title: 'vpc',
      version: 'v1',
      description: 'Private cloud networks. Names and ids are both accepted wherever a resource is named.',
    },
    security: [{ token: [] }],
    paths: Object.assign(
      plainPaths(),
      ...kinds.map(pathsOf),
      bindingPaths(),
      migrationPaths(),
      hostPaths(),
      planPaths(),
      pathPaths(),
      statsPaths(),
      eventPaths,
      sessionPaths(),
    ),
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      parameters,
      responses: { problem: { description: 'a problem', content: { 'application/problem+json': { schema: ref('Problem') } } } },
      schemas: Object.assign(
        { Problem: problem, Stamp: stamp },
        planSchemas,
        pathSchemas,
        watchSchemas,
        eventSchemas,
        ...kinds.map(schemasOf),
      ),
    },
  }
  return made
}

const lastUsed: Json = { type: ['string', 'null'], format: 'date', description: 'the day on which it was last used' }
const whole: Json = { type: 'integer', minimum: 0 }
const usage: Json = {
  type: 'object',
  description: 'how many of each kind with a quota it has, and how many it may have',
  additionalProperties: { type: 'object', properties: { used: whole, limit: whole }, required: ['used', 'limit'] },
}
/** What kinds have besides their fields. */
const statusFields: Readonly<Record<string, Json>> = {
  get vnic() {
    return { binding, problem: vnicProblem }
  },
  account: { usage },
  host: hostStatus,
  token: { lastUsed },
}

/** The text of the document that is kept under review. */
export const openApiText = (): string => `${JSON.stringify(openApi(), null, 1)}\n`

function schemasOf(kind: Kind): Json {
  const { $schema: _, ...body } = z.toJSONSchema(bodySchema(kind), { io: 'input' }) as Json
  const more = statusFields[kind.kind] ?? (kind.status?.includes('problem') ? { problem: sharedProblem } : {})
  const required = [...Object.keys(body.properties as object), ...Object.keys(read), ...Object.keys(more)]
  return {
    [`${nameOf(kind.kind)}Write`]: body,
    [nameOf(kind.kind)]: { type: 'object', properties: { ...body.properties, ...read, ...more }, required: [...new Set(required)].sort() },
  }
}

const stamp: Json = {
  type: 'object',
  properties: { time: { type: 'string', format: 'date-time' }, by: { type: 'string' }, request: { type: 'string' } },
  required: ['time', 'by', 'request'],
}

const read: Json = {
  id: { type: 'string', format: 'uuid' },
  kind: { type: 'string', description: readOnlyFields.kind.help },
  state: { type: 'string', description: readOnlyFields.state.help },
  revision: { type: 'string', description: readOnlyFields.revision.help },
  generation: { type: 'integer', description: readOnlyFields.generation.help },
  created: ref('Stamp'),
  updated: ref('Stamp'),
}

const host: Json = { type: 'string', description: 'name or id of the host' }
const unit: Json = { enum: units, description: 'what it is for a guest: a hostif for a container, a vmnic for a VM' }
const epoch: Json = { type: 'integer', description: 'rises each time that it is plugged in, moved or unplugged' }
const binding: Json = {
  type: ['object', 'null'],
  description: 'where it is plugged in',
  properties: { host: { type: 'string', format: 'uuid' }, unit, epoch },
}

/** The answer of `wait=ready` when not all hosts do it. */
const late: Json = {
  202: {
    description: 'it was done; `late` has the hosts that do not do it yet, what they have acknowledged, and what fails there',
    ...json({
      type: 'object',
      properties: {
        late: {
          type: 'array',
          items: {
            type: 'object',
            properties: {
              host: { type: 'string', format: 'uuid' },
              acked: { type: ['string', 'null'] },
              error: { type: ['object', 'null'], properties: { code: { type: 'string' }, text: { type: 'string' } } },
            },
            required: ['host', 'acked', 'error'],
          },
        },
      },
      required: ['late'],
    }),
  },
}

const vnicProblem: Json = {
  type: ['object', 'null'],
  description: 'what fails on its host',
  properties: { code: { type: 'string' }, text: { type: 'string' }, since: { type: 'string' } },
}

const sharedProblem: Json = {
  type: ['object', 'null'],
  description: 'what fails on hosts, and on how many of those that are connected to this API',
  properties: { code: { type: 'string' }, text: { type: 'string' }, since: { type: 'string' }, hosts: { type: 'integer' } },
}

function bindingPaths(): Json {
  const answers = { 200: { description: 'the vnic', ...json(ref('Vnic')) }, ...late, default: { $ref: '#/components/responses/problem' } }
  const of = (operationId: string, summary: string, more: Json = {}): Json => ({
    operationId,
    tags: ['vnic'],
    summary,
    parameters: use(...(operationId === 'getBinding' ? [] : ['dryRun', 'wait', 'timeout', 'ifMatch'])),
    ...more,
    responses: answers,
  })
  const body = {
    type: 'object',
    properties: { host, unit: { ...unit, default: 'hostif' } },
    required: ['host'],
    additionalProperties: false,
  }
  return {
    '/v1/vnics/{id}/binding': {
      parameters: use('id'),
      get: of('getBinding', 'where a vnic is plugged in'),
      put: of('bindVnic', 'plug a vnic in on a host, or move it there', { requestBody: { required: true, ...json(body) } }),
      delete: of('unbindVnic', 'unplug a vnic'),
    },
  }
}

function migrationPaths(): Json {
  const common = {
    tags: ['vm'],
    parameters: use('dryRun', 'wait', 'timeout'),
    responses: { 200: { description: 'the vm', ...json(ref('Vm')) }, ...late, default: { $ref: '#/components/responses/problem' } },
  }
  const body = {
    type: 'object',
    properties: {
      host,
      phase: {
        enum: phases,
        description: 'its interface there is out of service, or in service; left out: it begins, or goes on as it is',
      },
    },
    required: ['host'],
    additionalProperties: false,
  }
  return {
    '/v1/vms/{id}/migration': {
      parameters: use('id'),
      put: {
        operationId: 'migrateVm',
        summary: 'have a guest on its way to another host',
        ...common,
        requestBody: { required: true, ...json(body) },
      },
      delete: { operationId: 'endMigration', summary: 'have it on its way no more: where it is placed, it is', ...common },
    },
  }
}

const problem: Json = {
  type: 'object',
  description: 'RFC 9457',
  properties: {
    type: { enum: Object.keys(statusOf).map((code) => `urn:vpc:problem:${code}`) },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    request: { type: 'string' },
    fields: {
      type: 'array',
      items: {
        type: 'object',
        properties: { pointer: { type: 'string' }, code: { type: 'string' }, detail: { type: 'string' }, nearest: { type: 'string' } },
        required: ['pointer', 'code', 'detail'],
      },
    },
    users: {
      type: 'array',
      items: { type: 'object', properties: { kind: { type: 'string' }, id: { type: 'string' }, name: { type: ['string', 'null'] } } },
    },
    count: { type: 'integer' },
    hint: { type: 'string' },
    current: { type: 'object' },
  },
  required: ['type', 'title', 'status', 'detail', 'request'],
}

const parameters: Json = {
  id: { name: 'id', in: 'path', required: true, description: 'id or name', schema: { type: 'string' } },
  dryRun: query('dry-run', 'do everything but the commit', { type: 'boolean' }),
  wait: query('wait', '`ready`: answer when all hosts that it concerns do it, or 202 with those that are late', { enum: ['ready'] }),
  timeout: query('timeout', 'how long to wait, such as 500ms, 30s or 2m', { type: 'string', default: '30s' }),
  limit: query('limit', 'how many', { type: 'integer', minimum: 1, maximum: 1000, default: 100 }),
  after: query('after', '`next` of the page before'),
  label: query('label', 'KEY=VALUE; may be repeated'),
  onHost: query('host', 'id or name of the host that it is on'),
  ifMatch: { name: 'If-Match', in: 'header', description: '"REVISION" or *', schema: { type: 'string' } },
  ifNoneMatch: { name: 'If-None-Match', in: 'header', description: '* insists on creation', schema: { type: 'string' } },
}
const use = (...names: readonly string[]): Json[] => names.map((name) => ({ $ref: `#/components/parameters/${name}` }))

const cascade = query('cascade', 'take along what is in it; unplug: also what is plugged in', { enum: ['true', 'false', 'unplug'] })
const fallen: Json = { 200: { description: 'with cascade: what went along, as changes', ...json({ type: 'object' }) } }

function pathsOf(kind: Kind): Json {
  const name = nameOf(kind.kind)
  const one = { description: `the ${kind.kind}`, headers: { ETag: { schema: { type: 'string' } } }, ...json(ref(name)) }
  const other = { default: { $ref: '#/components/responses/problem' } }
  const changed = { ...late, ...other }
  const requestBody = { required: true, ...json(ref(`${name}Write`)) }
  const parent = parentKind(kind)
  const parents = parent === undefined ? [] : [query(kind.parent!, `id or name of its ${parent.kind}`)]
  const operation = (id: string, summary: string, more: Json): Json => ({
    operationId: `${id}${name}`,
    tags: [kind.kind],
    summary,
    ...more,
  })
  const list = { type: 'object', properties: { items: { type: 'array', items: ref(name) }, next: { type: 'string' } }, required: ['items'] }
  return {
    [`/v1/${kind.plural}`]: {
      get: operation('list', `list ${kind.plural}`, {
        parameters: [...use('limit', 'after', 'label', ...(kind.kind === 'vnic' || kind.kind === 'vm' ? ['onHost'] : [])), ...parents],
        responses: { 200: { description: 'a page', headers: { 'Vpc-Revision': { schema: { type: 'string' } } }, ...json(list) }, ...other },
      }),
      post: operation('create', `create a ${kind.kind}; the API chooses its id`, {
        parameters: [...use('dryRun', 'wait', 'timeout'), ...parents],
        requestBody,
        responses: { 201: one, ...changed },
      }),
    },
    [`/v1/${kind.plural}/{id}`]: {
      parameters: use('id'),
      get: operation('get', `show a ${kind.kind}`, { parameters: parents, responses: { 200: one, ...other } }),
      put: operation('put', `make a ${kind.kind} so`, {
        parameters: use('dryRun', 'wait', 'timeout', 'ifMatch', 'ifNoneMatch'),
        requestBody,
        responses: { 200: one, 201: one, ...changed },
      }),
      patch: operation('patch', `change fields of a ${kind.kind}, RFC 7396`, {
        parameters: [...use('dryRun', 'wait', 'timeout', 'ifMatch'), ...parents],
        requestBody: { required: true, content: { 'application/merge-patch+json': { schema: { type: 'object' } } } },
        responses: { 200: one, ...changed },
      }),
      delete: operation('destroy', `destroy a ${kind.kind}`, {
        parameters: [...use('dryRun', 'wait', 'timeout', 'ifMatch'), ...(kind.cascades ? [cascade] : []), ...parents],
        responses: { 204: { description: 'it is not there any more' }, ...(kind.cascades && fallen), ...changed },
      }),
    },
  }
}

function plainPaths(): Json {
  const ok = (description: string, type = 'application/json'): Json => ({ 200: { description, content: { [type]: {} } } })
  return {
    '/health/live': { get: { summary: 'is the process there', security: [], responses: ok('it is') } },
    '/health/ready': { get: { summary: 'does the store answer', security: [], responses: ok('it does') } },
    '/metrics': { get: { summary: 'metrics of the API', responses: ok('metrics', 'text/plain') } },
    '/v1/whoami': { get: { summary: 'who the token stands for', responses: ok('principal, account and roles') } },
    ...watchPaths,
  }
}
