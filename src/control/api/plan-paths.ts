/** The paths of whole vpcs as documents, for the OpenAPI document. */
import { memberKinds } from '../plan/members.ts'

type Json = Record<string, any>

const problem: Json = { default: { $ref: '#/components/responses/problem' } }
const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` })
const json = (schema: Json): Json => ({ content: { 'application/json': { schema } } })
const nameOf = (kind: string): string => kind.replace(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase())

const document: Json = {
  type: 'object',
  properties: {
    vpc: { description: 'its fields, or its name alone', anyOf: [{ type: 'string' }, { type: 'object' }] },
    account: { type: 'string', description: 'name or id of the account' },
    applySet: { type: 'string', description: 'what has this label, and is not in the document, is destroyed' },
    ...Object.fromEntries(memberKinds.map(({ key, kind }) => [key, { type: 'array', items: ref(`${nameOf(kind.kind)}Write`) }])),
  },
  required: ['vpc'],
  additionalProperties: false,
}

const field = { type: 'object', properties: { field: { type: 'string' }, is: {}, asked: {} }, required: ['field', 'is', 'asked'] }
const change: Json = {
  type: 'object',
  properties: {
    action: { enum: ['create', 'change', 'replace', 'destroy'] },
    kind: { type: 'string' },
    name: { type: ['string', 'null'] },
    id: { type: ['string', 'null'] },
    fields: { type: 'array', items: field },
  },
  required: ['action', 'kind', 'name', 'id', 'fields'],
}
const plan: Json = {
  type: 'object',
  properties: {
    plan: { type: 'string', description: 'hash of the document, and of the revisions of what it names' },
    vpc: { type: 'string' },
    changes: { type: 'array', items: change },
    hosts: { type: 'object', properties: { count: { type: 'integer' }, names: { type: 'array', items: { type: 'string' } } } },
  },
  required: ['plan', 'vpc', 'changes', 'hosts'],
}

/** Schemas that the paths refer to. */
export const planSchemas: Json = { VpcDocument: document, Plan: plan }

/** Paths of sessions and audit records. */
export function sessionPaths(): Json {
  return {
    '/v1/audit': {
      get: {
        operationId: 'readAudit',
        summary: 'who changed what, and what was refused, the newest first; for auditors and admins',
        parameters: ['principal', 'kind', 'target', 'since', 'until', 'limit'].map((name) => ({
          name,
          in: 'query',
          schema: { type: 'string' },
        })),
        responses: { 200: { description: 'records', ...json({ type: 'object' }) }, ...problem },
      },
    },
    '/v1/session': {
      get: {
        operationId: 'getSession',
        summary: 'the session of a cookie',
        responses: { 200: { description: 'csrf and expires' }, ...problem },
      },
      post: {
        operationId: 'beginSession',
        summary: 'a cookie for a browser, in place of the token; changes say vpc-csrf in a header',
        responses: { 201: { description: 'csrf and expires' }, ...problem },
      },
      delete: {
        operationId: 'endSession',
        summary: 'end the session of a cookie',
        responses: { 204: { description: 'it has ended' }, ...problem },
      },
    },
  }
}

/** The paths of documents. */
export function planPaths(): Json {
  const requestBody = { required: true, content: { 'application/json': { schema: ref('VpcDocument') }, 'application/yaml': {} } }
  const made = { 200: { description: 'the plan', ...json(ref('Plan')) }, ...problem }
  return {
    '/v1/plan': { post: { operationId: 'plan', summary: 'what a document of a vpc would change', requestBody, responses: made } },
    '/v1/apply': {
      post: {
        operationId: 'apply',
        summary: 'make a vpc as a document says; with Accept: text/event-stream, events progress, done and problem',
        parameters: [
          { name: 'plan', in: 'query', description: 'do this plan, or nothing: 412 has the new one', schema: { type: 'string' } },
        ],
        requestBody,
        responses: made,
      },
    },
    '/v1/vpcs/{id}/document': {
      parameters: [{ $ref: '#/components/parameters/id' }],
      get: {
        operationId: 'exportVpc',
        summary: 'a vpc as a document: names for ids, and what users wrote alone',
        responses: { 200: { description: 'the document', ...json(ref('VpcDocument')) }, ...problem },
      },
    },
  }
}
