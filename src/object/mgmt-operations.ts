/** The operations of a management handle: counts and lists of objects, counters, and facts about vpcd. */
import { encodeArray, objectHeader } from '#abi/layouts.ts'
import { idBytes } from '#abi/id.ts'
import type { FollowRequest, SourceStats } from '#abi/info.ts'
import { objectType, typeCodes, typeNameOf, typeNoun } from '#abi/object-type.ts'
import type { Context } from './context.ts'
import { activeFlows, listFlows } from './flows.ts'
import { traceArrival } from './trace/trace-arrival.ts'
import { describe } from './type/describe.ts'
import { usage } from './usage.ts'
import { unitName, type Mux, type Nat, type Port, type VpcObject } from './store/model.ts'
import type { Call, Operations } from './operation.ts'

export const mgmtOperations: Operations<undefined> = {
  mgmtCount: (call) => select(call).length,
  mgmtHeaders(call) {
    const headers = select(call).map(({ type, unit, id }) => ({ type: objectType[type], unit, id: idBytes(id) }))
    return encodeArray(objectHeader, headers)
  },
  mgmtDescribeAll: (call) => select(call).map((object) => describe(call.context, object)),
  mgmtStats: ({ context }) => stats(context),
  mgmtFlows: listFlows,
  mgmtFlowsActive: ({ context, input }: Call<undefined, number>) => activeFlows(context, input),
  mgmtUsage: ({ context }) => usage(context),
  mgmtTraceArrival: traceArrival,
  mgmtTroubles: ({ context: { troubles } }) =>
    troubles.objects().map((object) => ({ id: object.id, unit: unitName(object), trouble: troubles.of(object)! })),
  mgmtFollow: ({ context, handle, input }: Call<undefined, FollowRequest>) => context.changes.follow(handle, readRequest(input)),
  mgmtDropsFollow: ({ context, handle }) => context.events.followDrops(handle),
  mgmtProbe: ({ context }) => context.report.probe(),
  // The daemon does it: it knows the caller.
  mgmtSupervise: () => undefined,
  mgmtInfo: ({ context }) => context.report.info(),
}

/** Anything else in place of a revision counts as none. */
const readRequest = (input: FollowRequest | null): FollowRequest => ({ from: typeof input?.from === 'string' ? input.from : null })

/** The objects of the type that the input names (10: all), by type and unit. */
function select({ context: { model }, tx, input: code }: Call<undefined, number>): VpcObject[] {
  const type = typeNameOf(code)
  if (type === undefined) tx.refuse('EINVAL', `${code} is no object type`, `${typeCodes}; 10 is all`)
  if (type === 'meta') tx.refuse('EINVAL', `${typeNoun[type]} is no object`, `${typeCodes}; 10 is all`)
  const found = [...model.objects.values()].filter((object) => type === 'any' || object.type === type)
  return found.sort((a, b) => objectType[a.type] - objectType[b.type] || a.unit - b.unit)
}

function stats({ model, datapath: { tables } }: Context): SourceStats[] {
  const drops = tables.drops.readAll()
  return [...model.ofType('vpcp'), ...model.ofType('vpcmux'), ...model.ofType('vpcnat')].map((source) => ({
    unit: unitName(source),
    id: source.id,
    peerUnit: peerUnit(source),
    ...tables.stats.read(source.source),
    drops: drops.get(source.source) ?? {},
  }))
}

const peerUnit = (source: Port | Mux | Nat): string | null =>
  source.type === 'vpcp' && source.peer !== null ? unitName(source.peer) : null
