/** A host: its objects, opened by id and used by handles. Every operation is synchronous, and all or nothing. */
import { openFlag, operations, type OperationName } from '#abi/command.ts'
import type { Id } from '#abi/id.ts'
import { objectType, typeNoun } from '#abi/object-type.ts'
import type { HandleOpen, Step } from '#abi/session.ts'
import { drain } from '#abi/steps.ts'
import type { Datapath } from '#datapath/datapath.ts'
import type { Traced } from '#datapath/tracer.ts'
import type { GuestFiles } from '#datapath/guest-files.ts'
import type { Devices } from '#datapath/device/devices.ts'
import { Access } from './access.ts'
import { claimsOf, seesHostOf } from './claim.ts'
import { ContainerSpeed } from './sync/container-speed.ts'
import type { NameQuestion } from '#abi/name-question.ts'
import type { Context, DaemonReport, Serving } from './context.ts'
import type { Log } from '#system/log.ts'
import { ChangeLog } from './change-log.ts'
import { EventHub } from './event-hub.ts'
import { Gate } from './gate.ts'
import { Handle, type HandleHost } from './handle.ts'
import { HandleSet, type SetHost } from './handle-set.ts'
import type { Dirty } from './store/dirty.ts'
import type { Journal } from './store/journal.ts'
import type { MovedUnits } from './store/moved-units.ts'
import { writeMoved } from './type/guest.ts'
import { create, letGo } from './type/life.ts'
import { Model, unitName, type VpcObject } from './store/model.ts'
import { parseOpenCall, type OpenCall } from './open-call.ts'
import { performBytes } from './operation.ts'
import { performerOf } from './operations.ts'
import { recover } from './sync/recover.ts'
import { encodeRights, type Caller } from './rights.ts'
import { transact, transactSteps } from './sync/transact.ts'
import { isSessionOperation, performOnSession } from './session.ts'
import { performSteps, type StepHost } from './session-transaction.ts'
import { toVpcError, VpcError } from './vpc-error.ts'
import { Disturbances } from './sync/disturbances.ts'
import { ExpireFlows } from './sync/expire-flows.ts'
import { ExpireNat } from './sync/expire-nat.ts'
import { KeepGuestFiles } from './sync/guest-files.ts'
import { KeepState } from './sync/keep-state.ts'
import { Retry } from './sync/retry.ts'
import { Troubles } from './sync/troubles.ts'
import { Surroundings } from './sync/surroundings.ts'
import { watchDevices } from './sync/watch.ts'
import { WatchNetns } from './sync/watch-netns.ts'

export { Access } from './access.ts'
export type { DaemonReport, Serving } from './context.ts'
export type { Log } from '#system/log.ts'
export type { Handle } from './handle.ts'
export type { Caller, Rights } from './rights.ts'
export { VpcError } from './vpc-error.ts'

export interface HostOptions {
  readonly datapath: Datapath
  readonly devices: Devices
  readonly journal: Journal
  readonly log: Log
  readonly report: DaemonReport
  /** The processes of the services for guests. */
  readonly serving?: Serving | undefined
  /** What they know of each guest. */
  readonly guestFiles?: GuestFiles | undefined
  /** Units that others had moved. */
  readonly moved: MovedUnits
  /** Who may open what. Default: root alone. */
  readonly access?: Access | undefined
}

/** Handles that a user other than root may hold at the same time, in all its sessions and by descriptors. */
const maxHandlesPerUid = 16_384

export class Host implements HandleHost, SetHost {
  readonly #context: Context
  readonly #handles = new Set<Handle>()
  readonly #byUid = new Map<number, number>()
  readonly #stopEvents: (() => void)[] = []
  #retry: Retry | undefined
  /** The objects before the current operation. */
  #before: ReadonlyMap<Id, VpcObject> = new Map()

  /** Who may open what from now on. */
  access: Access

  private constructor(context: Context, access: Access) {
    this.#context = context
    this.access = access
  }

  /** Make the host agree with its journal: leaves alone what is right, and repairs what differs. */
  static start({ access = new Access(), ...options }: HostOptions): Host {
    const model = new Model()
    const context: Context = {
      ...options,
      model,
      events: new EventHub(model),
      changes: new ChangeLog(),
      written: new Map(),
      disturbances: new Disturbances(),
      keepGuestFiles: { current: undefined },
      ...waits(options),
    }
    recover(context)
    context.changes.begin(model.objects.values())
    context.datapath.tables.drops.expect(model.sources.keys())
    const host = new Host(context, access)
    host.#follow()
    return host
  }

  /** Tells those who listen to a switch what a guest asks DNS for. False: nobody listens. */
  tellQuestion(question: NameQuestion): boolean {
    return this.#context.events.ask(question)
  }

  /** vpc_open. Throws VpcError. */
  open(caller: Caller, id: Uint8Array, handleType: bigint, flags: bigint): Handle {
    const call = parseOpenCall(id, handleType, flags)
    const rights = this.access.grant(caller, call)
    const object = call.type === 'mgmt' ? this.#openMgmt(call) : this.#openObject(caller, call)
    const handle = new Handle(this, caller, call.type, call.id, rights, object)
    if (call.session) handle.held = new HandleSet(this, handle)
    if (object !== undefined) object.descriptors++
    this.#add(handle)
    return handle
  }

  /** A session opens a handle, with the rights of the session's opener. Throws VpcError. */
  openFor({ opener }: Handle, { id, handleType, flags }: HandleOpen): Handle {
    if ((flags & BigInt(openFlag.session)) !== 0n) throw new VpcError('EINVAL', 'cannot open: a session holds no other session')
    this.#checkRoom(opener, 1)
    return this.open(opener, id, handleType, flags)
  }

  /**
   * The same without blocking others: during a long operation, nobody can open objects that it makes or removes, or
   * create any.
   */
  openInTurn(caller: Caller, id: Uint8Array, handleType: bigint, flags: bigint): Handle | Promise<Handle> {
    const call = parseOpenCall(id, handleType, flags)
    this.access.grant(caller, call)
    const { gate, model } = this.#context
    const settled = call.type === 'mgmt' || (!call.create && this.#before.get(call.id) === model.objects.get(call.id))
    const open = (): Handle => this.open(caller, id, handleType, flags)
    return settled ? open() : gate.inTurn(open)
  }

  /** All objects, in no order. */
  objects(): IterableIterator<VpcObject> {
    return this.#context.model.objects.values()
  }

  /** How many objects and open handles there are. */
  info(): { readonly objects: number; readonly descriptors: number } {
    return { objects: this.#context.model.objects.size, descriptors: this.#handles.size }
  }

  /** Close all handles and stop listening. What is committed stays in the kernel, and works. */
  async close(): Promise<void> {
    this.#context.gate.stop()
    for (const handle of this.#handles) handle.close()
    await this.halt()
  }

  /** Stop all work in the background, as the end of the process does. Handles stay open. */
  async halt(): Promise<void> {
    this.#context.gate.stop()
    for (const stop of this.#stopEvents.splice(0)) stop()
    await this.#context.devices.unfollow()
  }

  /** A handle's operation. */
  perform(handle: Handle, name: OperationName, input: Uint8Array): Uint8Array {
    if (isSessionOperation(name)) return performOnSession(handle, name, input, (steps) => this.#transaction(handle, steps))
    if (handle.object === undefined && operations[name].type === 'meta') return performOnMgmt(handle, name)
    return drain(this.#steps(handle, name, input))
  }

  /** A handle's operation, in its turn. */
  performInTurn(
    handle: Handle,
    name: OperationName,
    input: Uint8Array,
    again: () => Uint8Array | Promise<Uint8Array>,
  ): Uint8Array | Promise<Uint8Array> {
    const { gate, model } = this.#context
    if (name === 'mgmtHandleCtl' && handle.held !== undefined) return handle.held.request(input)
    if (gate.busy && (operations[name].mutate || ofTheWhole.has(name))) return gate.inTurn(again)
    const programs = tracedBy[name]
    if (programs !== undefined && !this.#context.datapath.tracer.isReady(programs)) return this.#whenTraceable(programs, again)
    if (!inSteps.has(name)) return this.perform(handle, name, input)
    this.#before = new Map(model.objects)
    return gate.begin(this.#steps(handle, name, input))
  }

  /** Load the programs of a trace, while others go on. */
  async #whenTraceable(programs: readonly Traced[], again: () => Uint8Array | Promise<Uint8Array>): Promise<Uint8Array> {
    try {
      await this.#context.datapath.tracer.prepare(programs)
    } catch (error) {
      throw toVpcError('load the programs a second time, for a trace', error)
    }
    return again()
  }

  *#steps(handle: Handle, name: OperationName, input: Uint8Array): Generator<void, Uint8Array> {
    const perform = performerOf(name)
    if (perform === undefined) throw new VpcError('EOPNOTSUPP', `'${operations[name].name}' is not done by this version of vpcd`)
    const asked = `do '${operations[name].name}' on ${handle.name}`
    const context = this.#context
    const { object } = handle
    const claim = claimsOf(() => this.access, handle.opener)
    const seesHost = seesHostOf(() => this.access, handle.opener)
    let dirty!: Dirty
    const result = yield* transactSteps(context, asked, (tx) => {
      dirty = tx.dirty
      return performBytes(perform, name, { context, tx, object, handle, input, claim, seesHost })
    })
    if (operations[name].mutate) this.#tryAgain(dirty, object)
    return result
  }

  /** What kept objects from their states may be over after an operation: on an object, or on many. */
  #tryAgain({ records, lists }: Dirty, object?: VpcObject): void {
    const troubled = this.#context.troubles.objects()
    if (troubled.some((one) => one === object || records.has(one) || lists.has(one))) this.#retry?.soon()
    else if (object === undefined) this.#retry?.sooner()
  }

  /** A handle is closed. Never throws: only the log could report it. */
  released(handle: Handle): void {
    const context = this.#context
    this.#remove(handle)
    context.events.forget(handle)
    context.changes.forget(handle)
    handle.held?.closeAll()
    const { object } = handle
    if (object === undefined)
      return context.gate.whenFree(() => void (context.moved.released(handle, context.model) && writeMoved(context)))
    object.descriptors--
    context.gate.whenFree(() => this.#letGo(object))
  }

  #letGo(object: VpcObject): void {
    const context = this.#context
    try {
      transact(context, `let go of ${unitName(object)}`, (tx) => letGo(context, tx, object))
    } catch (error) {
      context.log.error(`${unitName(object)} has no holder left, and could not be removed; a restart of vpcd removes it`, {
        error: String(error),
      })
    }
  }

  /** Do the steps of a session as one transaction. The session holds the handles that they open once all are done. */
  #transaction(session: Handle, steps: readonly Step[]): void {
    const context = this.#context
    const { opener } = session
    const held = session.held as HandleSet
    this.#checkRoom(opener, steps.filter(({ kind }) => kind === 'open').length)
    const host: StepHost = {
      context,
      find: (number) => held.find(number),
      checkFree: (number) => held.checkFree(number),
      grant: (call) => this.access.grant(opener, call),
      handle: (call, rights, object) => new Handle(this, opener, call.type, call.id, rights, object),
      claim: claimsOf(() => this.access, opener),
      seesHost: seesHostOf(() => this.access, opener),
    }
    const [opened, dirty] = transact(context, `do ${steps.length} steps as one`, (tx) => [performSteps(host, tx, steps), tx.dirty])
    this.#tryAgain(dirty)
    for (const [number, handle] of opened) {
      this.#add(handle)
      held.add(number, handle)
    }
  }

  /**
   * Descriptors are limited by the holder's process; handles of a session cost only vpcd, so it limits them. Throws
   * VpcError EMFILE.
   */
  #checkRoom({ uid }: Caller, more: number): void {
    if (uid === 0 || (this.#byUid.get(uid) ?? 0) + more <= maxHandlesPerUid) return
    throw new VpcError('EMFILE', `cannot open: user ${uid} may hold ${maxHandlesPerUid} handles at the same time; close some first`)
  }

  #add(handle: Handle): void {
    const { uid } = handle.opener
    this.#handles.add(handle)
    this.#byUid.set(uid, (this.#byUid.get(uid) ?? 0) + 1)
  }

  #remove(handle: Handle): void {
    const { uid } = handle.opener
    if (!this.#handles.delete(handle)) return
    const left = this.#byUid.get(uid)! - 1
    left === 0 ? this.#byUid.delete(uid) : this.#byUid.set(uid, left)
  }

  #openMgmt({ id, create: made }: OpenCall): undefined {
    if (made) return undefined
    throw new VpcError('ENOENT', `cannot open mgmt ${id}: a management handle names no object; open it with CREATE and a random id`)
  }

  #openObject(caller: Caller, { id, type, create: made }: OpenCall): VpcObject {
    const context = this.#context
    const claim = claimsOf(() => this.access, caller)
    const found = context.model.find(type as VpcObject['type'], id)
    const what = `${typeNoun[type]} ${id}`.replace(/^an? /, '')
    if (!made) return found ?? fail('ENOENT', `there is no ${what} on this host; create it first`)
    if (found !== undefined) fail('EEXIST', `${what} exists already (${unitName(found)})`)
    return transact(context, `create ${what}`, (tx) => create(context, tx, { type: type as VpcObject['type'], id: id as Id, claim }))
  }

  #follow(): void {
    const context = this.#context
    const { datapath, events } = context
    this.#stopEvents.push(
      datapath.onDrop((event) => events.drop(event)),
      datapath.onMiss((event) => events.miss(event)),
    )
    const speed = new ContainerSpeed(context)
    const state = new KeepState(context)
    const retry = (this.#retry = new Retry(context))
    watchDevices(context, state, () => {
      speed.look()
      retry.soon()
    })
    const netns = new WatchNetns(context, () => retry.soon())
    const surroundings = new Surroundings(context)
    const flows = new ExpireFlows(context)
    const ports = new ExpireNat(context)
    const files = (context.keepGuestFiles.current = new KeepGuestFiles(context))
    this.#stopEvents.push(
      () => surroundings.stop(),
      () => flows.stop(),
      () => ports.stop(),
      () => files.stop(),
      () => speed.stop(),
      () => state.stop(),
      () => retry.stop(),
      () => netns.stop(),
    )
    speed.look()
  }
}

const waits = ({ log }: HostOptions): Pick<Context, 'troubles' | 'gate'> => ({ troubles: new Troubles(log), gate: new Gate() })

/** Operations that ask programs of the second load. */
const tracedBy: { readonly [N in OperationName]?: readonly Traced[] } = {
  vpcpTrace: ['unit'],
  mgmtTraceArrival: ['underlay', 'mux', 'wire', 'ethlink'],
}

/** Operations on all objects of a host: they run in steps. */
const inSteps: ReadonlySet<OperationName> = new Set(['mgmtApply', 'mgmtPlan', 'mgmtExport', 'mgmtExportOwned'])

/** Operations that change nothing and report the whole host: they must not report half an operation. */
const ofTheWhole: ReadonlySet<OperationName> = new Set([
  'mgmtExport',
  'mgmtExportOwned',
  'mgmtPlan',
  'mgmtAudit',
  'mgmtHandleOpen',
  'mgmtTransaction',
])

const fail = (errno: 'ENOENT' | 'EEXIST', message: string): never => {
  throw new VpcError(errno, message)
}

/** Of the operations of every descriptor, a management handle has those that are not about an object. */
function performOnMgmt(handle: Handle, name: OperationName): Uint8Array {
  if (name === 'metaTypeGet') return operations.metaTypeGet.gives.encode(objectType.mgmt)
  if (name === 'metaRightsGet') return encodeRights(handle.rights)
  if (name === 'metaIdGet') return operations.metaIdGet.gives.encode(handle.id)
  throw new VpcError('EOPNOTSUPP', `'${operations[name].name}' is about an object, and a management handle names none`)
}
