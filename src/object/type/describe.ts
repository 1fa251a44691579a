/** The description of an object in JSON. */
import type { ObjectInfo } from '#abi/info.ts'
import { formatMac } from '#wire/mac.ts'
import type { Context } from '../context.ts'
import { unitName, type VpcObject } from '../store/model.ts'
import { shownMac } from './mirror.ts'
import { typeOf } from './types.ts'

/** Settings, connections and state of an object. */
export function describe({ model, troubles }: Context, object: VpcObject): ObjectInfo {
  const { id, type, committed, owner, name, descriptors } = object
  const shared = {
    id,
    type,
    unit: unitName(object),
    mac: formatMac(shownMac(object)),
    committed,
    owner,
    name,
    trouble: troubles.of(object),
  }
  return { ...shared, ...typeOf(object).describe(model, object), descriptors } as ObjectInfo
}
