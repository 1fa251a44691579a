/** A management handle: counts and lists the objects of the host, and reports about vpcd itself. It names no object. */
import type { AuditReport } from '#abi/audit.ts'
import { formatId, type Id } from '#abi/id.ts'
import type {
  DaemonInfo,
  DropEvent,
  FlowInfo,
  FoundObject,
  HostUsage,
  ObjectInfo,
  ProbeResult,
  ObjectChanges,
  SourceStats,
  TroubleInfo,
} from '#abi/info.ts'
import type { HostChange, HostDocument } from '#abi/host-file.ts'
import { objectHeader, superviseFlag } from '#abi/layouts.ts'
import type { TraceReport } from '#abi/trace.ts'
import { objectType, typeNameOf, type TypeName, type UnitType } from '#abi/object-type.ts'
import { Descriptor } from './descriptor.ts'
import { checkId, decodeJson, list } from './text.ts'

/** One object of the host, in short. */
export interface Header {
  readonly type: TypeName
  readonly id: Id
  /** `vmnic0`. */
  readonly unit: string
}

/** Revisions of one vpcd are numbered. */
const numberOf = ({ revision }: ObjectChanges): number => Number(revision.split('-').at(-1))

export class Mgmt extends Descriptor {
  /** How many objects of a type there are; `any`: of all. */
  async count(type: TypeName): Promise<number> {
    return this.call('mgmtCount', objectType[type])
  }

  /** The objects of a type; `any`: all. */
  async headers(type: TypeName): Promise<Header[]> {
    const headers = list(objectHeader, await this.call('mgmtHeaders', objectType[type]))
    return headers.map(({ type: code, unit, id }) => {
      const name = typeNameOf(code) ?? 'any'
      return { type: name, id: formatId(id), unit: `${name}${unit}` }
    })
  }

  /** Settings and state of the objects of a type, by default of all. */
  async describeAll(type: TypeName = 'any'): Promise<ObjectInfo[]> {
    return this.call('mgmtDescribeAll', objectType[type])
  }

  /**
   * Objects of some types (none: of any) by what people call them: a name, a unit name, or the beginning of an id. More
   * than one means that it was too short.
   */
  async find(given: string, types: readonly UnitType[] = []): Promise<readonly FoundObject[]> {
    return this.call('mgmtFind', { types, given })
  }

  /** Objects in trouble, and why. vpcd tries again by itself. */
  async troubles(): Promise<readonly TroubleInfo[]> {
    return this.call('mgmtTroubles', undefined)
  }

  /** The counters of all ports and muxes. */
  async stats(): Promise<SourceStats[]> {
    return this.call('mgmtStats', undefined)
  }

  /** The flows of all ports in security groups that had a packet within so many seconds; 0: all. */
  async activeFlows(seconds: number): Promise<readonly FlowInfo[]> {
    return this.call('mgmtFlowsActive', seconds)
  }

  /** How full tables are, and what rules and queues have counted. */
  async usage(): Promise<HostUsage> {
    return this.call('mgmtUsage', undefined)
  }

  /** The flows of a port, or of all ports that are in security groups. Throws ENOENT for a port that is not there. */
  async flows(portId?: string): Promise<readonly FlowInfo[]> {
    return this.call('mgmtFlows', portId === undefined ? undefined : checkId(portId, 'vpcp'))
  }

  /**
   * What this host's programs would do with a packet of another host, given with its outer headers in hexadecimal
   * digits. Throws ENOENT when it is for no mux of this host.
   */
  async traceArrival(arrived: string, wire?: string): Promise<TraceReport> {
    return this.call('mgmtTraceArrival', { arrived, ...(wire !== undefined && { wire }) })
  }

  /**
   * Dropped packets from now on, sampled and limited in rate, until the signal or `close()`. `begun` is called when
   * vpcd has said that it tells them.
   */
  followDrops(signal?: AbortSignal, begun?: () => void): AsyncGenerator<DropEvent, void, undefined> {
    return this.follow('mgmtDropsFollow', signal, begun)
  }

  /**
   * Changes of objects, by transaction: first those after revision `from`, then new ones, until the signal or
   * `close()`. With `reset`, vpcd does not know the changes, and the caller must read everything: `from` is missing,
   * too old, or of a vpcd that was replaced. The library asks again for lost events.
   */
  async *followChanges({ from, signal }: { readonly from?: string; readonly signal?: AbortSignal } = {}): AsyncGenerator<
    ObjectChanges,
    void,
    undefined
  > {
    let last = await this.call('mgmtFollow', { from: from ?? null })
    yield last
    for await (const payload of this.events(signal)) {
      const event = decodeJson<ObjectChanges>(payload)
      if (numberOf(event) <= numberOf(last)) continue
      last = event.previous === last.revision ? event : await this.call('mgmtFollow', { from: last.revision })
      yield last
    }
  }

  /** The objects of the host that outlive vpcd, as a document. */
  async export(): Promise<HostDocument> {
    return this.call('mgmtExport', undefined)
  }

  /** The objects of an owner, as a document of that owner. */
  async exportOwned(owner: string): Promise<HostDocument> {
    return this.call('mgmtExportOwned', owner)
  }

  /**
   * What `apply` of a document would do. Throws the problem of the document; `splitPath` of src/abi/host-file.ts finds
   * the place.
   */
  async plan(document: HostDocument): Promise<HostChange[]> {
    return [...(await this.call('mgmtPlan', document))]
  }

  /**
   * Make the host as a document says: vpcd makes and changes objects, and removes those that the document lacks. A
   * document with `owner` removes and changes nothing of others. It does all of it, or nothing. Returns the changes.
   * The handle must have WRITE.
   */
  async apply(document: HostDocument): Promise<HostChange[]> {
    return [...(await this.call('mgmtApply', document))]
  }

  /** The differences between the host and its objects, item by item. */
  async audit(): Promise<AuditReport> {
    return this.call('mgmtAudit', undefined)
  }

  /** Mend what an audit finds. The handle must have WRITE. */
  async repair(): Promise<AuditReport> {
    return this.call('mgmtRepair', undefined)
  }

  /**
   * Note where the units of hostifs are that others have moved into containers, as docker does. When these hostifs are
   * destroyed while this handle is open, and made again while the containers run on, vpcd puts the units back, if a
   * document makes them, or somebody who may hand them over. The handle must have WRITE.
   */
  async keepMovedUnits(): Promise<void> {
    await this.call('mgmtMovedKeep', undefined)
  }

  /** What vpcd finds when it probes the kernel now: the lines of `vpc doctor`. */
  async probe(): Promise<ProbeResult[]> {
    return [...(await this.call('mgmtProbe', undefined))]
  }

  /**
   * Have vpcd answer the calls that a listener of seccomp(2) has, from now on: descriptor `listener` of the process
   * that opened this handle. Throws EBADF or EINVAL when it is none, EAGAIN when vpcd has too many. `compat`: an OPEN
   * for READ gives WRITE too, where the caller may have it.
   */
  async supervise(listener: number, { compat = false }: { readonly compat?: boolean } = {}): Promise<void> {
    await this.call('mgmtSupervise', { listener, flags: compat ? superviseFlag.compat : 0 })
  }

  /** Version, pid, directories and counts of vpcd. */
  async info(): Promise<DaemonInfo> {
    return this.call('mgmtInfo', undefined)
  }
}
