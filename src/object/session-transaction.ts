/**
 * A transaction of a session: its steps open, make and change objects, and all of them happen or none. It needs the
 * rights to these objects and no others, unlike `apply`, which needs the right to the whole host.
 */
import { operations } from '#abi/command.ts'
import type { Id } from '#abi/id.ts'
import { typeNoun } from '#abi/object-type.ts'
import type { HandleOpen, Step } from '#abi/session.ts'
import type { Claim, Sees } from './claim.ts'
import type { Context } from './context.ts'
import { drain } from '#abi/steps.ts'
import type { Handle } from './handle.ts'
import { parseOpenCall, type OpenCall } from './open-call.ts'
import { performBytes } from './operation.ts'
import { performerOf } from './operations.ts'
import type { Rights } from './rights.ts'
import type { VpcObject } from './store/model.ts'
import type { Transaction } from './store/transaction.ts'
import { create } from './type/life.ts'
import { toVpcError, VpcError } from './vpc-error.ts'

/** What the steps need of the host. */
export interface StepHost {
  readonly context: Context
  /** The handles that the session holds. */
  find(number: number): Handle
  checkFree(number: number): void
  /** The rights that a call of vpc_open would get. Throws VpcError. */
  grant(call: OpenCall): Rights
  /** A handle that nothing holds yet. */
  handle(call: OpenCall, rights: Rights, object: VpcObject): Handle
  readonly claim: Claim
  readonly seesHost: Sees
}

/**
 * Do the steps, in order. Returns the handles that they open, by number. Throws the VpcError of the first step that
 * fails, with its place.
 */
export function performSteps(host: StepHost, tx: Transaction, steps: readonly Step[]): Map<number, Handle> {
  const opened = new Map<number, Handle>()
  for (const [i, step] of steps.entries()) {
    try {
      if (step.kind === 'open') openStep(host, tx, step.open, opened)
      else ctlStep(host, tx, opened.get(step.number) ?? host.find(step.number), step)
    } catch (error) {
      const { errno, message, cause } = toVpcError(tx.asked, error)
      throw new VpcError(errno, `step ${i + 1} of ${steps.length}: ${message}`, { cause })
    }
  }
  return opened
}

function openStep(host: StepHost, tx: Transaction, request: HandleOpen, opened: Map<number, Handle>): void {
  const { number } = request
  if (opened.has(number)) throw new VpcError('EEXIST', `handle ${number} is given by a step before; choose another number`)
  host.checkFree(number)
  const call = parseOpenCall(request.id, request.handleType, request.flags)
  const { id, type } = call
  tx.asked = `open ${typeNoun[type]} ${id}`
  if (type === 'mgmt') return tx.refuse('EOPNOTSUPP', 'a transaction opens objects, not management handles', 'open it before')
  const rights = host.grant(call)
  const object = objectOf(host, tx, call as OpenCall & { type: VpcObject['type'] })
  tx.set(object, 'descriptors', object.descriptors + 1)
  opened.set(number, host.handle(call, rights, object))
}

function objectOf(
  { context, claim }: StepHost,
  tx: Transaction,
  { id, type, create: made }: OpenCall & { type: VpcObject['type'] },
): VpcObject {
  const found = context.model.find(type, id)
  if (!made) return found ?? tx.refuse('ENOENT', 'there is none on this host', 'create it first')
  if (found !== undefined) return tx.refuse('EEXIST', 'it exists already', 'open it without CREATE')
  return create(context, tx, { type, id: id as Id, claim })
}

function ctlStep(
  { context, claim, seesHost }: StepHost,
  tx: Transaction,
  handle: Handle,
  { command, input }: Step & { kind: 'ctl' },
): void {
  const name = handle.check(command, input)
  const operation = operations[name]
  tx.asked = `do '${operation.name}' on ${handle.name}`
  const { object } = handle
  if (object === undefined || !operation.mutate) {
    return tx.refuse('EOPNOTSUPP', 'a transaction takes operations that change an object', 'do it before or after')
  }
  const perform = performerOf(name)
  if (perform === undefined) return tx.refuse('EOPNOTSUPP', 'it is not done by this version of vpcd')
  drain(performBytes(perform, name, { context, tx, object, handle, input, claim, seesHost }))
}
