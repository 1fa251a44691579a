/**
 * Ends a host at each step of an operation. A step is a system call that changes what outlives vpcd, or one of the
 * journal's. From the chosen one on, no step happens, neither of the operation nor of its undo: the state that SIGKILL
 * leaves.
 */
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import type { AuditReport } from '#abi/audit.ts'
import { openFlag } from '#abi/command.ts'
import type { HostChange, HostDocument } from '#abi/host-file.ts'
import { generateId } from '#abi/id.ts'
import { observeSteps } from '#datapath/step.ts'
import { json, text } from '../object/inputs.ts'
import type { ScratchHost } from '../object/scratch-host.ts'

/** An operation of one or many steps. */
export interface Deed {
  readonly name: string
  /** Before each attempt, with nothing in its way: what the deed needs and a kill takes away. */
  prepare?(host: ScratchHost): void
  run(host: ScratchHost): void
  /** It has several transactions: a kill may leave any of them done, and undo the earlier state only in part. */
  readonly many?: boolean
}

/** All that can be seen of a host from outside, without numbers that differ each time. */
export interface Seen {
  readonly document: HostDocument
  readonly devices: readonly string[]
  readonly pins: readonly string[]
}

class Killed extends Error {}

/** Do something and note its steps. */
export function stepsOf(run: () => void): string[] {
  const steps: string[] = []
  observeSteps((what) => steps.push(what))
  try {
    run()
  } finally {
    observeSteps(undefined)
  }
  return steps
}

/** Do something that dies before its step `at`. Gives the steps until then, with that one. */
export function dieAt(at: number, run: () => void): readonly string[] {
  const { isDead, steps } = arm(at)
  try {
    run()
  } catch (error) {
    // Nobody is left to hear what the operation reports.
    assert.ok(isDead(), String(error))
  } finally {
    observeSteps(undefined)
  }
  return steps
}

/** Start a host that has ended, and note the steps of that. */
export async function stepsOfStart(host: ScratchHost): Promise<string[]> {
  const steps: string[] = []
  observeSteps((what) => steps.push(what))
  try {
    await host.restart()
  } finally {
    observeSteps(undefined)
  }
  return steps
}

/** Start a host, which dies before step `at` of that. */
export async function startAndDieAt(at: number, host: ScratchHost): Promise<void> {
  const { isDead } = arm(at)
  try {
    await host.restart()
  } catch (error) {
    assert.ok(isDead(), String(error))
  } finally {
    observeSteps(undefined)
  }
}

function arm(at: number): { readonly isDead: () => boolean; readonly steps: readonly string[] } {
  const steps: string[] = []
  observeSteps((what) => {
    if (steps.length <= at) steps.push(what)
    if (steps.length > at) throw new Killed(what)
  })
  return { isDead: () => steps.length > at, steps }
}

const { create, read, write } = openFlag

function manage(host: ScratchHost, operation: 'mgmtExport' | 'mgmtApply' | 'mgmtAudit' | 'mgmtRepair', input?: unknown): unknown {
  const mgmt = host.open('mgmt', generateId('mgmt'), create | read | write)
  try {
    return json(mgmt.do(operation, input === undefined ? undefined : text(JSON.stringify(input))))
  } finally {
    mgmt.handle.close()
  }
}

export const exportOf = (host: ScratchHost): HostDocument => manage(host, 'mgmtExport') as HostDocument
export const apply = (host: ScratchHost, document: HostDocument): HostChange[] => manage(host, 'mgmtApply', document) as HostChange[]
export const audit = (host: ScratchHost): AuditReport => manage(host, 'mgmtAudit') as AuditReport
export const repair = (host: ScratchHost): AuditReport => manage(host, 'mgmtRepair') as AuditReport

export function look(host: ScratchHost): Seen {
  const links = host.netlink.links().map(({ name, alias = '', mtu, up }) => `${name} ${alias} ${mtu} ${up}`)
  const pins = host.datapath.attachments().map(({ pinName, ifindex }) => `${pinName}${ifindex === 0 ? ' detached' : ''}`)
  return { document: exportOf(host), devices: links.sort(), pins: pins.sort() }
}

/**
 * Kill the host before each step of a deed, start it again, and check that it is wholly as before the deed or wholly as
 * after it: by its own description, by an audit, and by its devices and programs. Gives the number of steps.
 */
export async function killAtEachStep(host: ScratchHost, deed: Deed): Promise<number> {
  const before = look(host)
  deed.prepare?.(host)
  const steps = stepsOf(() => deed.run(host))
  await host.restart()
  const after = check(host, `${deed.name}, then killed`)
  const commits = commitsIn(steps)
  let seen = after
  for (let at = 0; at < steps.length; at++) {
    if (!isDeepStrictEqual(seen, before)) {
      apply(host, before.document)
      assert.deepEqual(look(host), before, `${deed.name}: could not go back`)
    }
    deed.prepare?.(host)
    // A table that was filled and emptied may take a step more, or fewer, than the first time.
    const done = dieAt(at, () => deed.run(host))
    await host.restart()
    const where = `${deed.name}, killed before step ${at} (${done.at(-1)}) of ${done.join(', ')}`
    seen = check(host, where)
    if (deed.many !== true) assert.deepEqual(seen, commits > 0 && commitsIn(done) === commits ? after : before, where)
  }
  apply(host, before.document)
  return steps.length
}

const commitsIn = (steps: readonly string[]): number => steps.filter((what) => what === 'journal committed').length

/** An audit finds no difference, and another start finds nothing to do. */
function check(host: ScratchHost, where: string): Seen {
  assert.deepEqual(audit(host).items, [], where)
  return look(host)
}
