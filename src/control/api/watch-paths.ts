/** The part of the OpenAPI document about watches. */
import { query } from './query-parameter.ts'

type Json = Record<string, any>

const states: Json = {
  type: 'object',
  description: 'what the API derives of a vnic or a host; `late`: its host has not done for 5 s what was asked',
  properties: {
    time: { type: 'string', format: 'date-time' },
    kind: { enum: ['vnic', 'host'] },
    id: { type: 'string', format: 'uuid' },
    name: { type: ['string', 'null'] },
    state: { type: 'string' },
    late: { type: 'boolean' },
    problem: {
      type: ['object', 'null'],
      description: 'what fails there',
      properties: { code: { type: 'string' }, text: { type: 'string' }, since: { type: 'string', format: 'date-time' } },
    },
    account: { type: 'string', format: 'uuid', description: 'of a vnic' },
    vpc: { type: 'string', format: 'uuid', description: 'of a vnic' },
    host: { type: ['string', 'null'], description: 'of a vnic: where it is plugged in' },
    vm: { type: ['string', 'null'], description: 'of a vnic: the guest that has it' },
  },
  required: ['time', 'kind', 'id', 'name', 'state', 'late', 'problem'],
}

/** Schemas of events. */
export const watchSchemas: Json = { DerivedState: states }

/** The path. */
export const watchPaths: Json = {
  '/v1/watch': {
    get: {
      summary: 'changes, as events put, delete, bookmark and reset; derived states, as events state and states',
      description:
        'With states=true an event `state` tells each DerivedState that is another than before, unless a `put` says it. Each stream begins ' +
        'with an event `states`: its `items` are all vnics and hosts that are not at rest (ready, unplugged). When there are more than ' +
        '1000, `whole` is false: list. What a whole one does not name is at rest. These events have no id.',
      parameters: [
        query('kind', 'kinds, with commas between'),
        query('after', 'changes after this revision, as Last-Event-ID'),
        query('states', 'also derived states', { type: 'boolean' }),
      ],
      responses: { 200: { description: 'events', content: { 'text/event-stream': {} } } },
    },
  },
}
