/** Enters objects into the model and removes them: ids, unit numbers and sources of the datapath. */
import { idMac, type Id } from '#abi/id.ts'
import { fullBucket, fullLimitBuckets } from '#datapath/layout.ts'
import { optionOf } from '#datapath/table-sizes.ts'
import { isTitled } from '#abi/object-name.ts'
import type { UnitType } from '#abi/object-type.ts'
import { asMac, type Mac } from '#wire/mac.ts'
import type { Context } from '../context.ts'
import type { Model, Mux, Nat, ObjectOf, Port, VpcObject } from './model.ts'
import type { Transaction } from './transaction.ts'

/** What a new object of any type starts with: the lowest free unit number, and the MAC in its id. */
export interface Base<T extends UnitType> {
  readonly type: T
  readonly id: Id
  readonly unit: number
  mac: Mac
  committed: boolean
  descriptors: number
  dead: boolean
}

export function newBase<T extends UnitType>(model: Model, type: T, id: Id): Base<T> {
  return {
    type,
    id,
    unit: model.nextUnit ?? model.byType[type].lowestFree(),
    mac: asMac(idMac(id)),
    committed: false,
    descriptors: 0,
    dead: false,
  }
}

/** The lowest free source, its counters cleared. Refuses when all are taken. */
export function freeSource({ model, datapath }: Context, tx: Transaction): number {
  const { size } = datapath.tables.stats
  const index = model.sources.lowestFree()
  if (index >= size)
    tx.refuse(
      'ENOSPC',
      `table stats has ${size} entries, one per port, mux and NAT, and all are taken`,
      `destroy ports that are not used, or start vpcd with ${optionOf('stats')}`,
    )
  clearCounters(datapath, index)
  return index
}

/** Reset a source's counters to zero, and fills its buckets. */
export function clearCounters({ tables }: Context['datapath'], index: number): void {
  tables.stats.clear(index)
  tables.drops.clear(index)
  tables.broadcastBuckets.set(index, fullBucket)
  tables.limitBuckets.set(index, fullLimitBuckets)
}

const isSource = (object: VpcObject): object is Port | Mux | Nat =>
  object.type === 'vpcp' || object.type === 'vpcmux' || object.type === 'vpcnat'

/** The key of `Model.names`. */
export const nameKey = (type: UnitType, name: string): string => `${type} ${name}`

/** Display names are not unique, and in no index. */
function indexName({ names }: Model, tx: Transaction, object: VpcObject, isThere: boolean): void {
  const { type, name } = object
  if (name === null || isTitled(type)) return
  if (isThere) tx.put(names, nameKey(type, name), object)
  else tx.drop(names, nameKey(type, name))
}

/** Make an object known. */
export function register<O extends VpcObject>({ model }: Context, tx: Transaction, object: O): O {
  tx.put(model.objects, object.id, object as VpcObject)
  tx.put(model.byType[object.type] as Map<number, VpcObject>, object.unit, object)
  if (isSource(object)) tx.put(model.sources, object.source, object)
  indexName(model, tx, object, true)
  tx.dirty.records.add(object)
  return object
}

/** Forget an object: from now on its handles find nothing. */
export function unregister({ model }: Context, tx: Transaction, object: VpcObject): void {
  tx.set(object, 'dead', true)
  tx.set(object, 'committed', false)
  tx.drop(model.objects, object.id)
  tx.drop(model.byType[object.type] as Map<number, VpcObject>, object.unit)
  if (isSource(object)) tx.drop(model.sources, object.source)
  indexName(model, tx, object, false)
  tx.dirty.records.add(object)
}

/** An object of a type by its id. Refuses with ENOENT when there is none. */
export function find<T extends UnitType>({ model }: Context, tx: Transaction, type: T, id: Id, noun: string): ObjectOf<T> {
  return model.find(type, id) ?? tx.refuse('ENOENT', `there is no ${noun} ${id} on this host`, 'create it first')
}
