/** vpcd, as the agent uses it: a connection that may do what the agent needs and no more. */
import { networkInterfaces } from 'node:os'
import type { HostDocument } from '#abi/host-file.ts'
import type { Id } from '#abi/id.ts'
import type { DropEvent, EthlinkInfo, HostUsage, MissEvent, NatBlockInfo, SourceStats } from '#abi/info.ts'
import { DaemonUnreachable, VpcError } from '#client/error.ts'
import type { Mgmt } from '#client/mgmt.ts'
import { Vpc } from '#client/vpc.ts'
import { owner, type HostFacts } from '../compile/compile.ts'
import type { About } from '../compile/fit.ts'

/** What the agent asks of vpcd. Errors are VpcErrors. */
export interface HostHalf {
  /** Be connected. True: anew, so vpcd may be another one than before. Throws when it is away. */
  connect(): Promise<boolean>
  apply(document: HostDocument): Promise<void>
  /** What guests ask for; undefined: there are no guests. */
  readonly guests?: Guests | undefined
  /** What ports have counted; undefined: nothing counts. */
  readonly traffic?: Traffic | undefined
  /** What the parts of a document need to know about this host, as it is now. */
  readonly facts: HostFacts
  close(): Promise<void>
}

/** What the ports of the host have counted, and what they drop. */
export interface Traffic {
  read(): Promise<{ readonly stats: readonly SourceStats[]; readonly usage: HostUsage }>
  /** Ends or throws when vpcd goes. */
  drops(signal: AbortSignal): AsyncIterable<DropEvent>
  /** Who has which blocks of public ports of a NAT; undefined: nobody can say. */
  blocks?(nat: Id): Promise<readonly NatBlockInfo[]>
}

/** How the agent hears of what guests miss. The iterations end or throw when vpcd goes. */
export interface Guests {
  /** Questions that the tables of a switch do not answer. */
  questions(switchId: Id, signal: AbortSignal): AsyncIterable<MissEvent>
  /** Dropped packets. */
  drops(signal: AbortSignal): AsyncIterable<DropEvent>
  /** Send a frame to the unit in a port. */
  answer(switchId: Id, portId: Id, frame: Uint8Array): Promise<void>
}

/** Whether an error says that nobody answers, and not that vpcd refused something. */
export const isAway = (error: unknown): boolean =>
  error instanceof DaemonUnreachable ||
  (error instanceof VpcError && ['ECONNRESET', 'EPIPE', 'ECANCELED', 'ETIMEDOUT'].includes(error.code))

export class Vpcd implements HostHalf {
  readonly #vpc: Vpc
  readonly #onGone: () => void
  #mgmt: Mgmt | undefined
  #ethlinks: ReadonlyMap<string, Id> = new Map()
  #about: About | undefined
  readonly #interfaces = new Map<string, string>()

  /** `onGone`: the connection has ended. */
  constructor(socketPath: string | undefined, onGone: () => void) {
    this.#vpc = new Vpc({ socketPath })
    this.#onGone = onGone
  }

  get guests(): Guests {
    return guestsOf(this.#vpc)
  }

  get traffic(): Traffic {
    return trafficOf(this.#vpc)
  }

  async connect(): Promise<boolean> {
    if (this.#mgmt !== undefined) return false
    const mgmt = await this.#vpc.mgmt({ write: true })
    try {
      this.#ethlinks = await foreignEthlinks(mgmt)
      const { version, settings, ipsec } = await mgmt.info()
      this.#about = { version, settings: settings && new Set(settings), ipsec }
      await mgmt.limit({ operations: ['mgmtApply', 'mgmtFollow'] })
    } catch (error) {
      await mgmt.close()
      throw error
    }
    this.#mgmt = mgmt
    void this.#attend(mgmt)
    return true
  }

  async apply(document: HostDocument): Promise<void> {
    await this.#connected.apply(document)
  }

  /** An interface that has lost its address for a while counts as if it had it: a host without a mux is worse. */
  get facts(): HostFacts {
    return { ...this.#answers, vpcd: this.#about }
  }

  readonly #answers: HostFacts = {
    interfaceOf: (address) => {
      const found = interfaceWith(address) ?? this.#interfaces.get(address)
      if (found !== undefined) this.#interfaces.set(address, found)
      return found
    },
    foreignEthlink: (name) => this.#ethlinks.get(name),
  }

  async close(): Promise<void> {
    const mgmt = this.#mgmt
    this.#mgmt = undefined
    await mgmt?.close()
  }

  get #connected(): Mgmt {
    if (this.#mgmt === undefined) throw new VpcError('ECONNRESET', 'the connection to vpcd has ended')
    return this.#mgmt
  }

  /** Notice the end of the connection, also while nothing is asked. */
  async #attend(mgmt: Mgmt): Promise<void> {
    try {
      for await (const _ of mgmt.followChanges()) continue
    } catch {
      // The end is what we wait for, whatever its cause.
    }
    await mgmt.close()
    if (this.#mgmt !== mgmt) return
    this.#mgmt = undefined
    this.#onGone()
  }
}

/** Each by a handle of its own, which can do nothing else. */
const guestsOf = (vpc: Vpc): Guests => ({
  async *questions(switchId, signal) {
    await using sw = await vpc.openSwitch(switchId)
    await sw.limit({ operations: ['vpcswListen'] })
    yield* sw.listen(signal)
  },
  async *drops(signal) {
    await using mgmt = await vpc.mgmt()
    await mgmt.limit({ operations: ['mgmtDropsFollow'] })
    yield* mgmt.followDrops(signal)
  },
  async answer(switchId, portId, frame) {
    await using sw = await vpc.openSwitch(switchId, { write: true })
    await sw.send(portId, frame)
  },
})

const trafficOf = (vpc: Vpc): Traffic => ({
  async read() {
    await using mgmt = await vpc.mgmt()
    await mgmt.limit({ operations: ['mgmtStats', 'mgmtUsage'] })
    const [stats, usage] = await Promise.all([mgmt.stats(), mgmt.usage()])
    return { stats, usage }
  },
  drops: (signal) => guestsOf(vpc).drops(signal),
  async blocks(id) {
    await using nat = await vpc.openNat(id)
    return await nat.listBlocks()
  },
})

/** Ethlinks that the agent does not keep, by interface. */
async function foreignEthlinks(mgmt: Mgmt): Promise<ReadonlyMap<string, Id>> {
  const infos = (await mgmt.describeAll('ethlink')) as EthlinkInfo[]
  return new Map(infos.flatMap(({ l2Name, owner: keeper, id }) => (l2Name === null || keeper === owner ? [] : [[l2Name, id]])))
}

function interfaceWith(address: string): string | undefined {
  for (const [name, addresses = []] of Object.entries(networkInterfaces())) {
    if (addresses.some((each) => each.address === address)) return name
  }
  return undefined
}
