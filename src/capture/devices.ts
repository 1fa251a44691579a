/** Where the frames of a unit can be seen: its device on the host, and the end that a container has. */
import { execFileSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import type { HostifInfo, ObjectInfo } from '#abi/info.ts'
import type { Place } from './tcpdump.ts'

/** What a unit's user sends, and what is delivered to it. */
export interface Sides {
  readonly sent: { readonly place: Place; readonly way: 'in' | 'out' }
  readonly delivered: { readonly place: Place; readonly way: 'in' | 'out' }
}

/** The device cannot be found. */
export class NoDevice extends Error {}

/** The sides of a vmnic or hostif. Throws NoDevice. */
export function sidesOf(unit: ObjectInfo): Sides {
  if (unit.type === 'vmnic') {
    const place = { device: unit.device }
    return { sent: { place, way: 'in' }, delivered: { place, way: 'out' } }
  }
  if (unit.type !== 'hostif') throw new NoDevice(`${unit.unit} is not an interface of a guest; tcpdump -i shows what passes it`)
  // Frames go straight into the other end (bpf_redirect_peer): the host's end does not send them.
  return { sent: { place: { device: unit.hostDevice }, way: 'in' }, delivered: { place: otherEnd(unit), way: 'in' } }
}

/** The end that the user has, in any network namespace that has a name or a process. */
function otherEnd({ unit, id, device }: HostifInfo): Place {
  for (const netns of namespaces()) {
    const name = deviceOf(id, netns)
    if (name !== undefined) return { device: name, netns }
  }
  throw new NoDevice(`cannot find ${device} of ${unit} in a network namespace with a name or a process; is its container stopped?`)
}

/** Each once: this one first. */
function namespaces(): (string | undefined)[] {
  const found = new Map<number, string | undefined>([[statSync('/proc/self/ns/net').ino, undefined]])
  const add = (path: string): void => {
    try {
      const { ino } = statSync(path)
      if (!found.has(ino)) found.set(ino, path)
    } catch {
      // The process has ended, or the name has gone.
    }
  }
  for (const name of readableNames('/run/netns')) add(`/run/netns/${name}`)
  for (const pid of readableNames('/proc')) if (/^\d+$/.test(pid)) add(`/proc/${pid}/ns/net`)
  return [...found.values()]
}

function readableNames(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

/** The device with the alias of an object that is not an end of vpcd's. */
function deviceOf(id: string, netns: string | undefined): string | undefined {
  const [command, ...args] = [...(netns === undefined ? [] : ['nsenter', `--net=${netns}`]), 'ip', '-j', 'link', 'show']
  try {
    const text = execFileSync(command!, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 10_000 })
    const links = JSON.parse(text) as { readonly ifname: string; readonly ifalias?: string }[]
    return links.find(({ ifname, ifalias }) => ifalias === `vpc:${id}` && !ifname.startsWith('sw-'))?.ifname
  } catch {
    return undefined
  }
}
