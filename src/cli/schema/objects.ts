/** Schemas of what vpcd says of its objects: settings by their declarations, and what each type has besides. */
import { unitTypes, type UnitType } from '#abi/object-type.ts'
import { settingsOf } from '#abi/settings.ts'
import { z } from 'zod'

export const text = z.string()
export const count = z.int().min(0)
export const flag = z.boolean()
export const texts = z.array(text)
export const textOrNull = text.nullable()
/** An object with these keys and no others. */
export const only = z.strictObject

const id = z.string().regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)
const idOrNull = id.nullable()

/** Settings whose value is null at first say nothing of their values. */
const ofSettings: Readonly<Record<string, z.ZodType>> = {
  mtuBytes: count.nullable(),
  ownerUser: count.nullable(),
  guest: only({ netns: text, name: text.optional(), addresses: texts.optional(), gateways: texts.optional() }).nullable(),
  dns: texts.nullable(),
  ntp: texts.nullable(),
  dnsForward: texts.nullable(),
  guestRoutes: texts.nullable(),
  hosts: texts.nullable(),
  rules: z.array(z.looseObject({ id: text, direction: z.enum(['in', 'out']) })),
}

/** By the JSON of a new object's value. */
function ofSetting(name: string, initial: unknown): z.ZodType {
  const known = ofSettings[name]
  if (known !== undefined) return known
  if (typeof initial === 'number') return count
  if (typeof initial === 'boolean') return flag
  return Array.isArray(initial) ? texts : initial === null ? textOrNull : text
}

const plug = { port: idOrNull, mtuBytes: count, mtuSet: flag }
/** What a type has besides its settings. */
const besides: { readonly [T in UnitType]: Readonly<Record<string, z.ZodType>> } = {
  vpcsw: { uplink: idOrNull, subnets: z.array(id), ports: z.array(id) },
  vpcp: { switch: idOrNull, peer: idOrNull, peerUnit: textOrNull, uplink: flag },
  vmnic: { ...plug, device: text },
  // A vpcd of before does not say whether something has moved it.
  hostif: { ...plug, device: text, hostDevice: text, xdp: flag, moved: flag.optional() },
  ethlink: plug,
  vpcmux: { mtuBytes: count, device: text, underlay: idOrNull, objections: only({ out: texts, in: texts }), entries: count },
  subnet: { switch: idOrNull, router: idOrNull, gatewayAddress4: textOrNull, gatewayAddress6: textOrNull },
  vpcrtr: { switch: idOrNull, subnets: z.array(id) },
  vpcnat: { obstacle: textOrNull },
  group: { members: count, ports: z.array(id) },
  set: {},
}

const shapeOf = (type: UnitType): Record<string, z.ZodType> => ({
  id,
  type: z.literal(type),
  unit: text,
  mac: text,
  committed: flag,
  descriptors: count,
  trouble: textOrNull,
  ...Object.fromEntries(settingsOf(type).map(([name, { kind, initial }]) => [name, ofSetting(name, kind.toJson(initial))])),
  ...besides[type],
})

const made = Object.fromEntries(unitTypes.map((type) => [type, only(shapeOf(type))])) as Record<UnitType, z.ZodObject>

/** An object of a type. */
export const objectOf = (type: UnitType): z.ZodObject => made[type]
/** Objects of some types. */
export const objectsOf = (...types: readonly UnitType[]): z.ZodType =>
  z.array(types.length === 1 ? objectOf(types[0]!) : z.union(types.map(objectOf)))
/** What a command says that changes an object. */
export const changedObject = (type: UnitType): z.ZodType => only({ changed: flag, object: objectOf(type) })
/** What a command says that removes something. */
export const changedId = only({ changed: flag, id: text.optional() })
/** What a command says that changes something else. */
export const changed = (keys: Readonly<Record<string, z.ZodType>>): z.ZodType => only({ changed: flag, ...keys })
export { id, idOrNull }
