/**
 * Units that others have moved into a container, as docker and LXC do. A container that runs on while its device is
 * removed, by `vpc daemon --clear` or `vpc down`, gets it back where it was.
 */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { readGuest, type Guest } from '#abi/guest-kind.ts'
import type { Id } from '#abi/id.ts'
import type { Devices } from '#datapath/device/devices.ts'
import type { Whereabouts } from '#datapath/device/whereabouts.ts'
import { markProcess } from '#system/process-mark.ts'
import { readIfThere, writeWhole } from '#system/whole-file.ts'
import { asIp, formatIp } from '#wire/ip-address.ts'
import { formatPrefix } from '#wire/prefix.ts'
import { idOfAlias } from './alias.ts'

/** By the ids of the hostifs, in a file of the state directory until each is back. */
export class MovedUnits {
  readonly #path: string
  readonly #units: Map<Id, Guest>
  #isWritten = true

  constructor(stateDir: string) {
    this.#path = join(stateDir, 'moved.json')
    this.#units = read(this.#path)
  }

  /** Note where the units of all hostifs are now that are not in this namespace. */
  keep(devices: Devices): void {
    const sides = devices.all().flatMap(({ ifindex, alias, peerInOtherNetns }) => {
      const id = peerInOtherNetns && alias?.endsWith('/sw') ? idOfAlias(alias) : undefined
      return id === undefined ? [] : [[ifindex, id] as const]
    })
    const found = devices.whereabouts(sides.map(([ifindex]) => ifindex))
    for (const [ifindex, id] of sides) {
      const there = found.get(ifindex)
      const guest = there && asGuest(there)
      if (guest !== undefined) this.#units.set(id, guest)
    }
    if (sides.length > 0) this.#isWritten = false
    this.flush()
  }

  /** Where the unit of a hostif was; undefined: here, or it is back. */
  get(id: Id): Guest | undefined {
    return this.#units.get(id)
  }

  /** It is back, or cannot be. */
  forget(id: Id): void {
    if (this.#units.delete(id)) this.#isWritten = false
  }

  /** Write what has changed. */
  flush(): void {
    if (this.#isWritten) return
    this.#isWritten = true
    const text = JSON.stringify({ boot: bootId(), units: Object.fromEntries(this.#units) }, null, 1)
    if (this.#units.size === 0) rmSync(this.#path, { force: true })
    else writeWhole(this.#path, `${text}\n`, { mode: 0o600, isNew: false })
  }
}

/** Pids and names of namespaces mean something else after a boot. */
const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

/** What was kept since the host has booted. A file that cannot be read keeps no vpcd from starting. */
function read(path: string): Map<Id, Guest> {
  const units = new Map<Id, Guest>()
  try {
    const kept = JSON.parse(readIfThere(path) ?? '{}') as { readonly boot?: string; readonly units?: Readonly<Record<Id, unknown>> }
    if (kept.boot !== bootId()) return units
    for (const [id, each] of Object.entries(kept.units ?? {})) {
      const guest = readGuest(each)
      if (guest.ok) units.set(id as Id, guest.value)
    }
  } catch {
    // Its containers need a restart.
  }
  return units
}

function asGuest({ netns, pids, name, addresses, gateways }: Whereabouts): Guest | undefined {
  const own = addresses.map(({ address, prefixLength: length }) => formatPrefix({ address: asIp(address), length }))
  const place = { netns: netns ?? nameOfProcess(pids), name, addresses: own }
  // A route inside may lead to a gateway that no address reaches: the kernel would not take it again.
  const full = readGuest({ ...place, gateways: gateways.map(formatIp) })
  const guest = full.ok ? full : readGuest(place)
  return guest.ok ? guest.value : undefined
}

/** The process that has been there for longest: others may be commands that end. */
function nameOfProcess(pids: readonly number[]): string | undefined {
  const marks = pids.flatMap((pid) => markProcess(pid) ?? [])
  const [first] = marks.sort((a, b) => a.startTicks - b.startTicks || a.pid - b.pid)
  return first && `pid:${first.pid}:${first.startTicks}`
}
