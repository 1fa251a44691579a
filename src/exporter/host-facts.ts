/** What the exporter asks of vpcd, over a descriptor that can do nothing else. */
import { readFileSync } from 'node:fs'
import type { Id } from '#abi/id.ts'
import type { DaemonInfo, HostUsage, MuxInfo, SourceStats, TroubleInfo } from '#abi/info.ts'
import type { Header, Mgmt } from '#client/mgmt.ts'
import { Vpc } from '#client/vpc.ts'

/** Answers of vpcd at one time. */
export interface HostFacts {
  readonly stats: readonly SourceStats[]
  readonly usage: HostUsage
  readonly headers: readonly Header[]
  readonly muxes: readonly MuxInfo[]
  readonly troubles: readonly TroubleInfo[]
  readonly info: DaemonInfo
  /** Names that operators gave to groups, by id. */
  readonly groupNames: ReadonlyMap<Id, string>
  /** Memory of vpcd in bytes; undefined: it cannot be read. */
  readonly memory: number | undefined
}

const operations = ['mgmtStats', 'mgmtUsage', 'mgmtHeaders', 'mgmtDescribeAll', 'mgmtTroubles', 'mgmtInfo'] as const
/** How long names of groups count as known: a change of a name shows later than that of a counter. */
const namesMs = 60_000

export class HostSource {
  readonly #vpc: Vpc
  #mgmt: Mgmt | undefined
  #names: ReadonlyMap<Id, string> = new Map()
  #namesUntil = 0

  constructor(socketPath: string | undefined, timeoutMs: number) {
    this.#vpc = new Vpc({ socketPath, timeoutMs })
  }

  /** Ask. Throws a VpcError; the next call connects anew. */
  async read(): Promise<HostFacts> {
    this.#mgmt ??= await this.#open()
    const mgmt = this.#mgmt
    try {
      const [stats, usage, headers, muxes, troubles, info] = await Promise.all([
        mgmt.stats(),
        mgmt.usage(),
        mgmt.headers('any'),
        mgmt.describeAll('vpcmux') as Promise<MuxInfo[]>,
        mgmt.troubles(),
        mgmt.info(),
      ])
      const groupNames = await this.#groupNames(mgmt, usage)
      return { stats, usage, headers, muxes, troubles, info, groupNames, memory: memoryOf(info.pid) }
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** Let go of vpcd. */
  async close(): Promise<void> {
    const mgmt = this.#mgmt
    this.#mgmt = undefined
    await mgmt?.close()
  }

  async #open(): Promise<Mgmt> {
    const mgmt = await this.#vpc.mgmt()
    try {
      await mgmt.limit({ operations })
      return mgmt
    } catch (error) {
      await mgmt.close()
      throw error
    }
  }

  async #groupNames(mgmt: Mgmt, { rules }: HostUsage): Promise<ReadonlyMap<Id, string>> {
    const isNew = rules.some(({ group }) => !this.#names.has(group))
    if (!isNew && performance.now() < this.#namesUntil) return this.#names
    const groups = await mgmt.describeAll('group')
    this.#names = new Map(groups.flatMap((each) => (each.type === 'group' ? [[each.id, each.name ?? ''] as const] : [])))
    this.#namesUntil = performance.now() + namesMs
    return this.#names
  }
}

/** Resident memory of a process. */
function memoryOf(pid: number): number | undefined {
  try {
    const [, kib] = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return kib === undefined ? undefined : Number(kib) * 1024
  } catch {
    return undefined
  }
}
