/** Where a guest of a cluster is: in a network namespace, in a container, or in a virtual machine. */
import { readGuest } from '#abi/guest-kind.ts'
import type { GuestPlace } from './lab-model.ts'
import type { YamlValue } from './yaml-value.ts'

type Fields = Partial<Record<'netns' | 'container' | 'as' | 'vm', YamlValue>>

/** The guest's own name is that of its namespace, and its interface is eth0, unless the file says otherwise. */
export function readPlace(name: string, value: YamlValue, field: Fields): GuestPlace {
  if (field.vm?.flag() === true) {
    for (const key of ['netns', 'container', 'as'] as const)
      field[key]?.report(`a virtual machine opens its vmnic by itself; leave '${key}' out`)
    return 'vm'
  }
  if (field.netns !== undefined && field.container !== undefined) value.report("give one of 'netns' and 'container'")
  const container = field.container?.text()
  const netns = container === undefined ? (field.netns?.text() ?? name) : `container:${container}`
  const device = field.as?.text() ?? 'eth0'
  const read = readGuest({ netns, name: device })
  if (!read.ok) (field.container ?? field.netns ?? field.as ?? value).report(read.problem)
  return { netns, device }
}

interface Placed {
  readonly name: string
  readonly value: YamlValue
  readonly host: string
  readonly place?: GuestPlace
}

/** An interface's name is unique in its namespace. */
export function reportSharedPlaces(guests: readonly Placed[]): void {
  const seen = new Map<string, string>()
  for (const { name, value, host, place } of guests) {
    if (place === undefined || place === 'vm') continue
    const key = `${host} ${place.netns} ${place.device}`
    const other = seen.get(key)
    if (other !== undefined) value.report(`${other} is ${place.device} in ${place.netns} on ${host}; give another name with 'as'`)
    seen.set(key, name)
  }
}
