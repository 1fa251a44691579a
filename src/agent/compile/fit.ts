/**
 * Fits a document to a vpcd that is older than this agent: what that vpcd does not know is left out where it says
 * nothing. Where it says something, the object is left out, or does without, and its item says which feature is
 * missing.
 */
import type { UnitType } from '#abi/object-type.ts'
import { keyOf, settingsOf } from '#abi/settings.ts'
import { featureOf, isOptional } from '#feed/features.ts'

/** What a vpcd tells of itself. */
export interface About {
  readonly version: string
  /** Settings that it knows, such as `vpcp.groups`; undefined: it is too old to tell. */
  readonly settings: ReadonlySet<string> | undefined
  /** Whether the kernel there has IPsec; undefined: vpcd is too old to tell. */
  readonly ipsec?: boolean | undefined
}

const typeOf: Readonly<Record<string, UnitType>> = {
  ethlinks: 'ethlink',
  muxes: 'vpcmux',
  vmnics: 'vmnic',
  hostifs: 'hostif',
  switches: 'vpcsw',
  ports: 'vpcp',
  routers: 'vpcrtr',
  subnets: 'subnet',
  sets: 'set',
  groups: 'group',
  nats: 'vpcnat',
}

/** The value that an object has without the key, by setting. */
const initial = new Map(
  Object.values(typeOf).flatMap((type) =>
    settingsOf(type).map(([name, setting]) => [`${type}.${keyOf(name, setting)}`, JSON.stringify(setting.kind.toJson(setting.initial))]),
  ),
)

/** Take out of an object what vpcd does not know. Gives false when it cannot be without; `refuse` hears why. */
export function fit(about: About, list: string, object: Record<string, unknown>, refuse: (text: string) => void): boolean {
  const { version, settings } = about
  if (settings === undefined) return true
  let fits = true
  for (const key of Object.keys(object)) {
    const setting = `${typeOf[list]}.${key}`
    const without = initial.get(setting)
    if (without === undefined || settings.has(setting)) continue
    const { [key]: value } = object
    delete object[key]
    if (value === null || value === undefined || JSON.stringify(value) === without) continue
    const feature = featureOf(setting)
    const what = feature === undefined ? `'${key}'` : `${feature} ('${key}')`
    refuse(`vpcd ${version} of this host does not know ${what}; update vpcd there`)
    fits &&= feature !== undefined && isOptional(feature)
  }
  return fits
}
