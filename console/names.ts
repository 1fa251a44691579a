/** Words for resources: what a person calls them, and how the API finds them again. */
import { kindOf, parentKind } from '#resource/kinds.ts'
import type { Field } from '#resource/field.ts'
import { known, type Collection } from './live.ts'
import type { Resource } from './api.ts'

/** `Route tables`. */
export function titleOf(kind: string): string {
  const { plural } = kindOf(kind)
  const text = plural.replaceAll('-', ' ')
  const capital = {
    vpcs: 'VPCs',
    vnics: 'vNICs',
    nats: 'NATs',
    vms: 'Guests',
    azs: 'Availability zones',
    orgs: 'Organisations',
    'floating-ips': 'Floating IPs',
  }[plural]
  return capital ?? text.charAt(0).toUpperCase() + text.slice(1)
}

/** `route table`. */
export const wordOf = (kind: string): string => kind.replaceAll('-', ' ')

/** `shop/red/web`; for what has no name, its address or its id. */
export function pathOf(resource: Resource): string {
  const kind = kindOf(resource.kind)
  const own = resource.name ?? nameless(resource)
  const above = parentKind(kind)
  const parent = above && known(above.kind, String(resource[kind.parent!]))
  return parent === undefined ? own : `${pathOf(parent)}/${own}`
}

/** Its own name. */
export const labelOf = (resource: Resource): string => resource.name ?? nameless(resource)

function nameless({ id, ...fields }: Resource): string {
  const { addresses, ip, mac, vni, role } = fields as Record<string, unknown>
  const [first] = Array.isArray(addresses) ? addresses : []
  return String(first ?? ip ?? mac ?? (vni !== undefined ? `VNI ${String(vni)}` : undefined) ?? role ?? id.slice(0, 13))
}

/** What a reference means: a name if it is known, else the id. */
export function referenceText(kind: string, id: string): string {
  const found = known(kind, id)
  return found === undefined ? id : labelOf(found)
}

/** How the API is told which one, in words that a person can read. */
export function handleOf(resource: Resource, among: Collection): string {
  if (resource.name === null) return resource.id
  const twins = [...among.items.values()].filter(({ name }) => name === resource.name)
  // A path of more than four names is none.
  return twins.length === 1 ? resource.name : pathOf(resource).split('/').slice(-4).join('/')
}

/** `1 vNIC`, `2 vNICs`. */
export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`

/** `14:05:09`, and the day when that is another. */
export function timeText(iso: string): string {
  const time = new Date(iso)
  const day = time.toDateString() === new Date().toDateString() ? '' : `${time.toLocaleDateString('en-CA')} `
  return `${day}${time.toLocaleTimeString('en-GB')}`
}

/** `allowed prefixes`, from `allowedPrefixes`. */
export const fieldText = (name: string): string =>
  name
    .replace(/([a-z\d])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`)
    .replace(/^ipv(?=\d)/, 'IPv')
    .replace(/(?<!\bIP)([a-z])(\d)/g, '$1 $2')
    .replace(/^(mac|ip|vni|dns|dhcp|mtu|ra|vpc|nat|az)\b/, (word) => ({ vpc: 'vpc' })[word] ?? word.toUpperCase())

/** The kinds that a field may name. */
export function kindsOf(field: Field): string[] {
  if (field.type === 'reference') return [field.to]
  if (field.type === 'list' || field.type === 'map') return kindsOf(field.of)
  return field.type === 'object' ? Object.values(field.fields).flatMap(kindsOf) : []
}
