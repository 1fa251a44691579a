/**
 * A host for a test: the real datapath on a bpffs of its own, the devices of the test's network namespace, a journal in
 * a scratch directory.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { handleType, openFlag, operations, type OperationName } from '#abi/command.ts'
import { generateId, idBytes, type Id } from '#abi/id.ts'
import type { ObjectInfo } from '#abi/info.ts'
import type { TypeName } from '#abi/object-type.ts'
import { Datapath, type Attachment } from '#datapath/datapath.ts'
import { Devices } from '#datapath/device/devices.ts'
import { limitsFor, tableSizes } from '#datapath/table-sizes.ts'
import { Host, VpcError, type Handle } from '#object/host.ts'
import { MovedUnits } from '#object/store/moved-units.ts'
import { Journal } from '#object/store/journal.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { formatMac } from '#wire/mac.ts'
import { Netlink } from '#kernel/netlink.ts'
import { builtObjects } from '../bpf/built-objects.ts'
import type { PrivateBpffs } from '../bpf/private-bpffs.ts'
import { json, text, u16 } from './inputs.ts'
import { Loaded } from './loaded.ts'
import { moveToOwnNetns } from './own-netns.ts'

const { create, open, read, write } = openFlag

/** What happened, for tests to look at. */
export interface LogLine {
  readonly level: string
  readonly message: string
}

interface Running {
  readonly host: Host
  readonly datapath: Datapath
  readonly devices: Devices
  readonly journal: Journal
}

/** Sizes of tables. To read a table the kernel walks through all its buckets, and tests do so hundreds of times. */
export const smallTables: Readonly<Record<string, number>> = {
  ...limitsFor(Object.fromEntries(Object.keys(tableSizes).map((name) => [name, 1024]))),
  flows: 1024,
}

export class ScratchHost implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'vpc-object-'))
  readonly lines: LogLine[] = []
  readonly netlink: Netlink
  #limits: Readonly<Record<string, number>>
  #running: Running | undefined
  readonly #loaded: Loaded
  /** The last start did. */
  #failed = false

  /** Start in a network namespace of the test's own. */
  constructor(limits: Readonly<Record<string, number>> = smallTables) {
    moveToOwnNetns()
    this.#limits = limits
    this.netlink = Netlink.open()
    this.#loaded = Loaded.take(limits)
    this.#begin(this.#loaded.datapath)
  }

  get bpffs(): PrivateBpffs {
    return this.#loaded.bpffs
  }
  get host(): Host {
    return this.#now.host
  }
  get datapath(): Datapath {
    return this.#now.datapath
  }
  get journal(): Journal {
    return this.#now.journal
  }
  get devices(): Devices {
    return this.#now.devices
  }

  /** Start on what an earlier one has left. */
  start(): void {
    const datapath = Datapath.load({ bpffs: join(this.bpffs.path, 'vpc'), objectDir: builtObjects(), limits: this.#limits })
    try {
      this.#begin(datapath)
    } catch (error) {
      datapath.close()
      throw error
    }
  }

  /**
   * End as SIGKILL does and start again, with the programs that are loaded: much quicker than `kill` and `start`.
   * `between`: when it has ended.
   */
  async restart(between: () => void = () => undefined): Promise<void> {
    const { host, datapath, devices, journal } = this.#now
    if (!this.#failed) {
      await host.halt()
      devices[Symbol.dispose]()
      journal[Symbol.dispose]()
    }
    between()
    // Memory that system calls were given is kept until a turn of the event loop ends.
    await nextTurn()
    this.#begin(datapath)
  }

  #begin(datapath: Datapath): void {
    this.#failed = true
    const log = Object.fromEntries(
      ['debug', 'info', 'warn', 'error'].map((level) => [level, (message: string, fields?: object) => this.#log(level, message, fields)]),
    )
    const journal = Journal.open(join(this.directory, 'state.db'))
    const devices = Devices.open()
    const report = { probe: () => [], info: () => ({}) as never }
    try {
      const host = Host.start({ datapath, devices, journal, log: log as never, report, moved: new MovedUnits(this.directory) })
      this.#running = { host, datapath, devices, journal }
      this.#failed = false
    } catch (error) {
      devices[Symbol.dispose]()
      journal[Symbol.dispose]()
      throw error
    }
  }

  /** Stop as SIGTERM does: descriptors are closed first. */
  async stop(): Promise<void> {
    await this.host.close()
    await this.kill()
  }

  /** The same, but the programs stay loaded. */
  async #end(): Promise<void> {
    const { host, devices, journal } = this.#now
    this.#running = undefined
    await host.close()
    devices[Symbol.dispose]()
    journal[Symbol.dispose]()
  }

  /** Stop as SIGKILL does: nothing is taken down. */
  async kill(): Promise<void> {
    const { host, datapath, devices, journal } = this.#now
    this.#running = undefined
    await host.halt()
    datapath.close()
    devices[Symbol.dispose]()
    journal[Symbol.dispose]()
  }

  /** Programs on devices, but for those on the mirrors of switches and ethlinks. */
  programs(): Attachment[] {
    return this.datapath.attachments().filter(({ pinName }) => !pinName.endsWith('-mirror'))
  }

  /** Create an object. */
  create(type: TypeName, id: Id = generateId(type)): Opened {
    return this.open(type, id, create | read | write)
  }

  /** Open an object that exists, or with other flags. */
  open(type: TypeName, id: Id, flags: number = open | read | write): Opened {
    return new Opened(this.host.open({ pid: process.pid, uid: 0, gid: 0 }, idBytes(id), handleType(type), BigInt(flags)))
  }

  /** An interface of the host with a wire behind it, and perhaps addresses. */
  addInterface(name: string, mtu = 1500, ...addresses: string[]): number {
    const { ifindex } = this.netlink.createVeth({ name, peer: { name: `${name}-wire`, mtu, up: true }, mtu, up: true })
    for (const text of addresses) {
      const address = ipFrom(text)
      this.netlink.addAddress({ ifindex, address, prefixLength: address.length === 4 ? 24 : 64 })
    }
    return ifindex
  }

  /** The visible state of the host: devices, programs, tables, and the descriptions of its objects. */
  snapshot(): object {
    const { tables } = this.datapath
    const links = this.netlink.links().map(({ ifindex, name, alias, mtu, mac, up, flags }) => ({
      ifindex,
      name,
      alias,
      mtu,
      mac: formatMac(mac),
      up,
      promisc: (flags & 0x100) !== 0,
    }))
    const programs = this.datapath.attachments().map(({ pinName, ifindex }) => `${pinName} ${ifindex}`)
    const entries = Object.fromEntries(tableNames.map((name) => [name, dump(tables[name])]))
    using mgmt = this.mgmt().handle
    const objects = json(mgmt.ctl(operations.mgmtDescribeAll.command, u16(10)))
    return { links, programs: programs.sort(), entries, objects }
  }

  mgmt(): Opened {
    return this.open('mgmt', generateId('mgmt'), create | read)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const isWhole = !this.#failed && this.#running?.datapath === this.#loaded.datapath && this.#removeObjects()
    if (this.#running !== undefined) await this.#end()
    this.netlink.deleteLinks(this.netlink.links().flatMap(({ name, ifindex }) => (name === 'lo' ? [] : [ifindex])))
    if (isWhole) this.#loaded.leave()
    else this.#loaded[Symbol.dispose]()
    this.netlink[Symbol.dispose]()
    rmSync(this.directory, { recursive: true })
  }

  /** Apply a document with nothing in it. False when the test has left the host in a state where that cannot be. */
  #removeObjects(): boolean {
    using mgmt = this.open('mgmt', generateId('mgmt'), create | read | write).handle
    try {
      mgmt.ctl(operations.mgmtApply.command, text('{"version":1}'))
      return true
    } catch {
      return false
    }
  }

  get #now(): Running {
    if (this.#running === undefined) throw new Error('the host is stopped')
    return this.#running
  }

  #log(level: string, message: string, fields?: object): void {
    const rest = fields === undefined ? '' : ` ${JSON.stringify(fields)}`
    this.lines.push({ level, message: message + rest })
    if (process.env['VPC_TEST_LOG'] !== undefined) process.stderr.write(`${level} ${message}${rest}\n`)
  }
}

/** The tables that follow from the objects, but for those of security groups. */
export const tableNames = [
  'ports',
  'fdb',
  'flood',
  'neighbours',
  'portAddresses',
  'portLimits',
  'segments',
  'muxes',
  'vteps',
  'subnets',
  'routes',
  'hosts',
  'dhcpReplies',
  'dhcpv6Replies',
  'raReplies',
] as const

function dump(table: { encodedEntries(): [Uint8Array, Uint8Array][] }): string[] {
  return table
    .encodedEntries()
    .map(([key, value]) => `${Buffer.from(key).toString('hex')} ${Buffer.from(value).toString('hex')}`)
    .sort()
}

/** A handle, with the operations by name. */
export class Opened {
  readonly handle: Handle
  constructor(handle: Handle) {
    this.handle = handle
  }
  get id(): Id {
    return this.handle.id
  }
  do(name: OperationName, input: Uint8Array = new Uint8Array()): Uint8Array {
    return this.handle.ctl(operations[name].command, input)
  }
  describe<T extends ObjectInfo>(): T {
    return json(this.do('metaDescribe')) as T
  }
  /** Commit and let go. */
  keep(): Id {
    this.do('metaCommit')
    this.handle.close()
    return this.id
  }
}

/** What a call throws: the errno's name and the message. */
export function refused(run: () => unknown): { code: string; message: string } {
  try {
    run()
  } catch (error) {
    if (error instanceof VpcError) return { code: error.code, message: error.message }
    throw error
  }
  throw new Error('it was not refused')
}
