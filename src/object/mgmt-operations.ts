/** The operations of a management handle: counts and lists of objects, counters, and what vpcd says of itself. */
import { encodeArray, objectHeader, readSuperviseRequest, superviseFlag, superviseRequest } from '#abi/layouts.ts'
import { idBytes } from '#abi/id.ts'
import type { SourceStats } from '#abi/info.ts'
import { objectType, typeNameOf, typeNoun } from '#abi/object-type.ts'
import type { Context } from './context.ts'
import { describe } from './type/describe.ts'
import { expectLength, readNumber } from './input.ts'
import { unitName, type Mux, type Port, type VpcObject } from './store/model.ts'
import type { Call, Operations } from './operation.ts'
import { jsonOut, u32Out } from './output.ts'

type MgmtCall = Call<undefined>

export const mgmtOperations: Operations<undefined> = {
  mgmtCount: (call) => u32Out(select(call).length),
  mgmtHeaders(call) {
    const headers = select(call).map(({ type, unit, id }) => ({ type: objectType[type], unit, id: idBytes(id) }))
    return encodeArray(objectHeader, headers)
  },
  mgmtDescribeAll: (call) => jsonOut(select(call).map((object) => describe(call.context, object))),
  mgmtStats: ({ context }) => jsonOut(stats(context)),
  mgmtDropsFollow: ({ context, handle }) => context.events.followDrops(handle),
  mgmtProbe: ({ context }) => jsonOut(context.report.probe()),
  // Done by the daemon, which knows who asks.
  mgmtSupervise({ tx, input }) {
    expectLength(tx, input, 'a descriptor, and flags', 4, superviseRequest.size)
    const { flags } = readSuperviseRequest(input)
    if ((flags & ~superviseFlag.compat) !== 0) tx.refuse('EINVAL', `flags 0x${flags.toString(16)} are not known`, 'compat is 1')
  },
  mgmtInfo: ({ context }) => jsonOut(context.report.info()),
}

/** The objects of the type that the input names (10: all), by type and unit. */
function select({ context: { model }, tx, input }: MgmtCall): VpcObject[] {
  const code = readNumber(tx, input, 'a type', 2)
  const type = typeNameOf(code)
  if (type === undefined) tx.refuse('EINVAL', `${code} is no object type`, 'types are 1 to 11; 10 is all')
  if (type === 'meta') tx.refuse('EINVAL', `${typeNoun[type]} is no object`, 'types are 1 to 11; 10 is all')
  const found = [...model.objects.values()].filter((object) => type === 'any' || object.type === type)
  return found.sort((a, b) => objectType[a.type] - objectType[b.type] || a.unit - b.unit)
}

function stats({ model, datapath: { tables } }: Context): SourceStats[] {
  const drops = tables.drops.readAll()
  return [...model.ofType('vpcp'), ...model.ofType('vpcmux')].map((source) => ({
    unit: unitName(source),
    id: source.id,
    peerUnit: peerUnit(source),
    ...tables.stats.read(source.stats),
    drops: drops.get(source.stats) ?? {},
  }))
}

const peerUnit = (source: Port | Mux): string | null => (source.type === 'vpcp' && source.peer !== null ? unitName(source.peer) : null)
