/**
 * Units that others have moved into a container, as docker and LXC do. A container that runs on while its device is
 * removed, by `vpc daemon --clear` or `vpc down`, gets it back where it was.
 */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { readGuest, type Guest } from '#abi/guest-kind.ts'
import type { Id } from '#abi/id.ts'
import type { Model } from './model.ts'
import type { Devices } from '#datapath/device/devices.ts'
import type { Whereabouts } from '#datapath/device/whereabouts.ts'
import { markProcess } from '#system/process-mark.ts'
import { readIfThere, writeWhole } from '#system/whole-file.ts'
import { asIp, formatIp } from '#wire/ip-address.ts'
import { formatPrefix } from '#wire/prefix.ts'
import { idOfAlias } from './alias.ts'

interface Moved {
  readonly guest: Guest
  /** Index of the device whose other end it was. */
  readonly switchSide: number | undefined
}

/** The file. An earlier version wrote no switch sides. */
interface Kept {
  readonly boot?: string
  readonly units?: Readonly<Record<Id, unknown>>
  readonly switchSides?: Readonly<Record<Id, number>>
}

/** By the ids of the hostifs, in a file of the state directory until each is back. */
export class MovedUnits {
  readonly #path: string
  readonly #units: Map<Id, Moved>
  /** Who removes hostifs now. */
  readonly #keepers = new Set<object>()
  #isWritten = true

  constructor(stateDir: string) {
    this.#path = join(stateDir, 'moved.json')
    this.#units = read(this.#path)
  }

  /**
   * Note where the units of all hostifs are now that are not in this namespace. Those count whose devices go: before
   * the next start, or while a keeper is there.
   */
  keep(devices: Devices, keeper?: object): void {
    if (keeper !== undefined) this.#keepers.add(keeper)
    const sides = devices.all().flatMap(({ ifindex, alias, peerInOtherNetns }) => {
      const id = peerInOtherNetns && alias?.endsWith('/sw') ? idOfAlias(alias) : undefined
      return id === undefined ? [] : [[ifindex, id] as const]
    })
    const found = devices.whereabouts(sides.map(([ifindex]) => ifindex))
    for (const [ifindex, id] of sides) {
      const there = found.get(ifindex)
      const guest = there && asGuest(there)
      if (guest !== undefined) this.#units.set(id, { guest, switchSide: ifindex })
    }
    if (sides.length > 0) this.#isWritten = false
  }

  /** A keeper has gone: units whose devices are still there are forgotten. Gives whether it was the last one. */
  released(keeper: object, model: Model): boolean {
    if (!this.#keepers.delete(keeper) || this.#keepers.size > 0) return false
    for (const [id, { switchSide }] of this.#units) {
      const hostif = model.find('hostif', id)
      if (hostif !== undefined && hostif.ifindex === switchSide) this.forget(id)
    }
    return true
  }

  /**
   * Where the unit of a hostif was, before it got this device as its switch side; undefined: here, or it is back, or
   * this is the device that it had then, and somebody has moved it since.
   */
  get(id: Id, switchSide: number): Guest | undefined {
    const unit = this.#units.get(id)
    return unit?.switchSide === switchSide ? undefined : unit?.guest
  }

  /** It is back, or cannot be. */
  forget(id: Id): void {
    if (this.#units.delete(id)) this.#isWritten = false
  }

  /** Write what has changed. */
  flush(): void {
    if (this.#isWritten) return
    const all = [...this.#units]
    const units = Object.fromEntries(all.map(([id, { guest }]) => [id, guest]))
    const switchSides = Object.fromEntries(all.map(([id, { switchSide }]) => [id, switchSide]))
    if (all.length === 0) rmSync(this.#path, { force: true })
    else writeWhole(this.#path, `${JSON.stringify({ boot: bootId(), units, switchSides }, null, 1)}\n`, { mode: 0o600, isNew: false })
    this.#isWritten = true
  }
}

/** Pids and names of namespaces mean something else after a boot. */
const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

/** What was kept since the host has booted. A file that cannot be read keeps no vpcd from starting. */
function read(path: string): Map<Id, Moved> {
  const units = new Map<Id, Moved>()
  try {
    const kept = JSON.parse(readIfThere(path) ?? '{}') as Kept
    if (kept.boot !== bootId()) return units
    for (const [id, each] of Object.entries(kept.units ?? {})) {
      const guest = readGuest(each)
      if (guest.ok) units.set(id as Id, { guest: guest.value, switchSide: kept.switchSides?.[id as Id] })
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
