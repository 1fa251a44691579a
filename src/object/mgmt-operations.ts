/** The operations of a management handle: counts and lists of objects, counters, and facts about vpcd. */
import { encodeArray, objectHeader } from '#abi/layouts.ts'
import { idBytes } from '#abi/id.ts'
import type { FindRequest, FollowRequest, FoundObject, SourceStats } from '#abi/info.ts'
import { kindOf } from '#abi/kind.ts'
import { idPrefix } from '#abi/object-name.ts'
import { isUnitType, objectType, unitTypes, typeCodes, typeNameOf, typeNoun, type UnitType } from '#abi/object-type.ts'
import type { Sees } from './claim.ts'
import type { Context } from './context.ts'
import { activeFlows, listFlows } from './flows.ts'
import { traceArrival } from './trace/trace-arrival.ts'
import { describe } from './type/describe.ts'
import { writeMoved } from './type/guest.ts'
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
  mgmtFind: find,
  mgmtTroubles: ({ context: { troubles }, seesHost }) =>
    visible(troubles.objects(), seesHost).map((object) => ({ id: object.id, unit: unitName(object), trouble: troubles.of(object)! })),
  mgmtMovedKeep({ context, handle }) {
    context.moved.keep(context.devices, handle)
    writeMoved(context)
  },
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
function select({ context: { model }, tx, input: code, seesHost }: Call<undefined, number>): VpcObject[] {
  const type = typeNameOf(code)
  if (type === undefined) tx.refuse('EINVAL', `${code} is not an object type`, `${typeCodes}; 10 is all`)
  if (type === 'meta') tx.refuse('EINVAL', `${typeNoun[type]} is not an object`, `${typeCodes}; 10 is all`)
  const found = [...model.objects.values()].filter((object) => type === 'any' || object.type === type)
  return visible(found, seesHost).sort((a, b) => objectType[a.type] - objectType[b.type] || a.unit - b.unit)
}

/** Those that the opener of the handle may read. */
const visible = (objects: readonly VpcObject[], sees: Sees): VpcObject[] => (sees() ? [...objects] : objects.filter((each) => sees(each)))

/** A name wins over a unit name, and this one over the beginning of an id: a name cannot look like either. */
function find({ context: { model }, tx, input, seesHost }: Call<undefined, FindRequest>): FoundObject[] {
  const { types, given } = readFind(tx, input)
  const text = given.toLowerCase()
  const found = types
    .flatMap((type): Iterable<VpcObject>[] => [model.ofType(type)])
    .flatMap((objects) => [...objects])
    .filter((object) => object.name === given || unitName(object) === text || (idPrefix.test(text) && object.id.startsWith(text)))
  return visible(found, seesHost).map((object) => ({ type: object.type, id: object.id, unit: unitName(object), name: object.name }))
}

function readFind(tx: Call<undefined>['tx'], input: unknown): { readonly types: readonly UnitType[]; readonly given: string } {
  const { types, given } = (input ?? {}) as { readonly types?: unknown; readonly given?: unknown }
  if (typeof given !== 'string') return tx.refuse('EINVAL', `'given' must be text, not ${kindOf(given)}`)
  if (!Array.isArray(types)) return tx.refuse('EINVAL', `'types' must be a list, not ${kindOf(types)}`)
  const strange: unknown = types.find((type) => typeof type !== 'string' || !isUnitType(type))
  if (strange !== undefined) return tx.refuse('EINVAL', `${kindOf(strange)} is not a type of object`)
  return { types: types.length === 0 ? unitTypes : (types as UnitType[]), given }
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
