/** Empties hosts: drained ones by those who move their guests, dead ones by unplugging everything. */
import { kindOf } from '#resource/kinds.ts'
import { amend } from './amend.ts'
import { bind } from './binding.ts'
import { fleetScope, type Caller } from './caller.ts'
import type { Ask } from './draft.ts'
import { goneMs } from './host-life.ts'
import type { Model } from './model.ts'
import { boundTo } from './plug.ts'
import { Problem, type User } from './problem.ts'
import type { ObjectRecord, Stored } from './record.ts'

const shown = 20
/** Transactions of an evacuation that are under way at once. */
const together = 16

export interface Left {
  readonly host: Stored
  /** How many vnics are still plugged in there. */
  readonly left: number
  /** The first of them. */
  readonly vnics: readonly User[]
}

/** Let no new guest come, and say what is still there. Or let guests come again. */
export async function drain(model: Model, host: string, isOn: boolean, ask: Ask): Promise<Left> {
  await amend(model, { kind: 'host', id: host, ask, change: ({ record }) => drained(record, isOn, ask) })
  return leftOn(model, host)
}

function drained(
  record: ObjectRecord,
  isOn: boolean,
  { now, caller, request }: Ask,
): { record: ObjectRecord; fields: string[] } | undefined {
  const { drain: before, ...rest } = record
  if (isOn ? before !== undefined : before === undefined && record.spec.schedulable === true) return undefined
  const time = new Date(now).toISOString()
  const next = {
    ...rest,
    spec: { ...record.spec, schedulable: !isOn },
    generation: record.generation + 1,
    updated: { time, by: caller.principal, request },
    ...(isOn && { drain: { since: time } }),
  }
  return { record: next, fields: ['schedulable', 'drain'] }
}

/** What is still plugged in on a host. */
export function leftOn({ mirror }: Model, id: string): Left {
  const host = mirror.objects.get('host', id)
  if (host === undefined) throw new Problem('not-found', `there is no host ${id}`)
  const vnics = boundTo({ mirror }, id)
  const users = vnics.slice(0, shown).map(({ record: { kind, id: vnic, name } }) => ({ kind, id: vnic, name }))
  return { host, left: vnics.length, vnics: users }
}

/** Wait until nothing is plugged in on a host, or for so long, or until the signal. */
export async function waitEmpty(model: Model, id: string, ms: number, signal: AbortSignal): Promise<Left> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const look = (): void => {
    if (model.mirror.objects.get('host', id) === undefined || boundTo(model, id).length === 0) resolve()
  }
  const { end } = model.mirror.listen(model.mirror.revision, look)
  const timer = setTimeout(resolve, ms)
  signal.addEventListener('abort', () => resolve(), { once: true })
  look()
  await promise
  clearTimeout(timer)
  end()
  return leftOn(model, id)
}

export interface Evacuated extends Left {
  /** How many vnics were unplugged. */
  readonly unplugged: number
}

/**
 * Take everything off a host that is dead: `isFenced` is a person's word for it, else it has had no feed for a minute.
 * The epoch of each vnic rises, so what the host may still say of it counts no more. Repeating it goes on.
 */
export async function evacuate(model: Model, id: string, isFenced: boolean, ask: Ask): Promise<Evacuated> {
  checkDead(model, id, isFenced)
  await amend(model, { kind: 'host', id, ask, change: ({ record }) => drained(record, true, ask) })
  const before = boundTo(model, id).length
  if (ask.isDryRun) return { ...leftOn(model, id), unplugged: 0 }
  const own = { ...ask, caller: network(ask.caller) }
  const guests = model.mirror.objects.usersOf(id, 'vm')
  await eachOf(guests, ({ record }) => unplace(model, record, own))
  // Those that belong to no guest.
  await eachOf(boundTo(model, id), ({ record }) => bind(model, { id: record.id, host: undefined, unit: 'hostif', ask: own }))
  const left = leftOn(model, id)
  return { ...left, unplugged: before - left.left }
}

function checkDead({ mirror }: Model, id: string, isFenced: boolean): void {
  const { name } = mirror.objects.get('host', id)!.record
  if (mirror.hosts.here(id) !== undefined)
    throw new Problem('busy', `host ${name} is connected, so its guests may run; drain it, or switch it off first`)
  const absent = mirror.hosts.absentMs(id)
  if (isFenced || absent >= goneMs) return
  const wait = Math.ceil((goneMs - absent) / 1000)
  throw new Problem('busy', `host ${name} has been away for ${Math.floor(absent / 1000)} s, and may come back with its guests running`, {
    hint: `if you know that it is switched off, say so by fenced; else try again in ${wait} s`,
    retryAfter: wait,
  })
}

/** Whoever may empty a host unplugs what tenants have there. */
const network = (caller: Caller): Caller => ({ ...caller, grants: [...caller.grants, { ...fleetScope, role: 'admin' }] })

/** A guest waits for another host, and its vnics are unplugged, in one transaction. */
async function unplace(model: Model, { id }: ObjectRecord, ask: Ask): Promise<void> {
  await model.write({
    kind: kindOf('vm'),
    id,
    ask,
    ifMatch: '*',
    mustExist: true,
    isVisible: () => true,
    show: () => undefined,
    body: (before) => {
      const { name, description, labels, protected: isProtected, spec } = before!.record
      const { host: _, ...rest } = spec
      return { name, description, labels, protected: isProtected, spec: rest }
    },
  })
}

async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const queue = [...items]
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(together, queue.length) }, worker))
}
