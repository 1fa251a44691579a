/**
 * The versions of the journal: the keys of each version's rows, and the values that older rows get for later keys. A
 * released version never changes. The declaration of a setting has its version (src/abi/settings.ts); all other keys
 * are here.
 */
import { unitTypes, type UnitType } from '#abi/object-type.ts'
import { settingsOf } from '#abi/settings.ts'

/** Keys by type, and their values for older rows. */
type Keys = Readonly<Partial<Record<UnitType, Readonly<Record<string, unknown>>>>>

/** All keys of version 1. No row is older, so they need no values. */
const first: Keys = {
  vpcsw: { mac: null, vni: null, up: null, floodUnknown: null },
  vpcp: {
    mac: null,
    committed: null,
    switch: null,
    uplink: null,
    peer: null,
    vni: null,
    vlan: null,
    antispoof: null,
    addresses: null,
    stats: null,
  },
  vmnic: { mac: null, mtuBytes: null, queues: null, frozen: null },
  hostif: { mac: null, mtuBytes: null },
  ethlink: { mac: null, mtuBytes: null, l2Name: null, vtag: null, promiscBefore: null },
  vpcmux: { mac: null, mtuBytes: null, underlay: null, listen: null, stats: null },
}

/** New keys of a version, besides settings. Later vpcds of version 1 wrote those of version 2 too. */
const added: Readonly<Record<number, Keys>> = {
  2: { vmnic: { ownerUser: null, ownerGroup: 0 }, ethlink: { deviceMtuBytes: 0 } },
  // Both types are new in this version, with their MACs and the places of subnets.
  5: { subnet: { mac: null, switch: null, router: null }, vpcrtr: { mac: null } },
  6: { group: { mac: null }, set: { mac: null } },
  7: { vpcnat: { mac: null, source: null } },
}

const settingVersions = unitTypes.flatMap((type) => settingsOf(type).map(([, { since = 1 }]) => since))

/** Keys that a version renamed. */
const renamed: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  // The index of a port or mux in the datapath's tables is also the source of events.
  3: { stats: 'source' },
}

/** The version that this vpcd writes. */
export const currentVersion = Math.max(...Object.keys({ ...added, ...renamed }).map(Number), ...settingVersions)

/** The new keys of a type in a version. */
function newKeys(version: number, type: UnitType): Record<string, unknown> {
  const settings = settingsOf(type).filter(([, { since }]) => since === version)
  return {
    ...(version === 1 ? first : added[version])?.[type],
    ...Object.fromEntries(settings.map(([name, { kind, initial }]) => [name, kind.toJson(initial)])),
  }
}

/** The keys of a row of a version. */
export function keysOf(version: number, type: UnitType): string[] {
  let keys: string[] = []
  for (let each = 1; each <= version; each++)
    keys = [...keys.map((key) => renamed[each]?.[key] ?? key), ...Object.keys(newKeys(each, type))]
  return keys
}

/**
 * Convert a row of a version to the next one. Throws an Error that names a key that rows of that version cannot have,
 * or lack.
 */
export function upgradeRow(version: number, type: UnitType, row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const next = newKeys(version + 1, type)
  const known = [...keysOf(version, type), ...(version === 1 ? Object.keys(next) : [])]
  checkKeys(row, known, keysOf(version, type))
  const kept = Object.entries(row).map(([key, value]) => [renamed[version + 1]?.[key] ?? key, value])
  return { ...Object.fromEntries(kept), ...Object.fromEntries(Object.entries(next).map(([key, value]) => [key, row[key] ?? value])) }
}

/** What to do about a journal that another version wrote. */
export const wayOut =
  'start the vpcd that wrote it; to go back for good, export the host with that one, move the journal away and apply the document with this one'

/** Refuse a row with an unknown key, or without a required one. */
export function checkKeys(row: Readonly<Record<string, unknown>>, known: readonly string[], needed = known): void {
  const strange = Object.keys(row).find((key) => !known.includes(key))
  if (strange !== undefined) throw new Error(`it has '${strange}', which this vpcd does not know; ${wayOut}`)
  const missing = needed.find((key) => !Object.hasOwn(row, key))
  if (missing !== undefined) throw new Error(`it lacks '${missing}'; ${wayOut}`)
}
