/** The part of the OpenAPI document about events. */
import { eventNames } from '#resource/cloud-event.ts'
import { filterWords } from '../events/filter.ts'
import { query } from './query-parameter.ts'

type Json = Record<string, any>

const time: Json = { type: 'string', format: 'date-time' }
const orNull = (description: string, more: Json = { type: 'string' }): Json => ({ ...more, type: [more.type, 'null'], description })
const named = (description: string): Json =>
  orNull(description, { type: 'object', properties: { id: { type: 'string' }, name: { type: ['string', 'null'] } } })

const event: Json = {
  type: 'object',
  description: 'something that happened',
  properties: {
    time,
    event: { enum: eventNames },
    kind: { type: 'string' },
    id: { type: 'string', format: 'uuid' },
    name: orNull('with the names of its parents'),
    account: orNull('whose it is'),
    vpc: orNull('where it is'),
    host: named('of a vnic: where it is plugged in'),
    request: orNull(
      'the request that changed it; of a state, the last one since the stream began. The logs of the API and of hosts have it',
    ),
    by: named('who changed it, where the asker may know'),
    fields: { type: 'array', items: { type: 'string' }, description: 'what changed' },
    state: { type: 'string', description: 'of an event `state`: as DerivedState; of a binding: plugged or unplugged' },
    late: { type: 'boolean' },
    problem: { type: ['object', 'null'] },
    drops: { type: 'object', additionalProperties: { type: 'integer' }, description: 'dropped packets by reason, from since to time' },
    since: time,
  },
  required: ['time', 'event', 'kind', 'id', 'name', 'account', 'vpc', 'host', 'request', 'by'],
}

/** Schemas. */
export const eventSchemas: Json = { Event: event }

/** The path. */
export const eventPaths: Json = {
  '/v1/events': {
    get: {
      operationId: 'listEvents',
      summary: 'what happened: changes with who made them, states of vnics and hosts, sums of what was dropped',
      description:
        'Without follow: changes of the last hour, or since a time, from the audit records, and drops of the last hour that hosts have told ' +
        'this API; the newest ones, the oldest first. With follow=true: a stream of events `event`, each an Event. It begins with what ' +
        'happened since a time, if asked for, and with the states of all vnics and hosts that are not at rest; then comes `begun`. ' +
        'A `bookmark` comes every 10 s. Both have a `time`: whoever has lost the stream asks since then, or since the last event. ' +
        'After `reset` ask again.',
      parameters: [
        ...filterWords.map((word) => query(word, `only of this ${word}, by its name or id`)),
        query('since', 'what happened after this time, 31 days back at most', time),
        query('until', 'what happened before this time', time),
        query('limit', 'how many', { type: 'integer', minimum: 1, maximum: 1000 }),
        query('follow', 'go on', { type: 'boolean' }),
      ],
      responses: {
        200: {
          description: 'the events; `isCut`: there are older ones',
          content: {
            'application/json': {
              schema: {
                type: 'object',
                properties: { items: { type: 'array', items: { $ref: '#/components/schemas/Event' } }, isCut: { type: 'boolean' } },
                required: ['items', 'isCut'],
              },
            },
            'text/event-stream': {},
          },
        },
        default: { $ref: '#/components/responses/problem' },
      },
    },
  },
}
