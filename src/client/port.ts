/** A switch port: plugs one interface into one switch. Its settings come from src/abi/settings.ts. */
import type { FlowDocument } from '#abi/flow-document.ts'
import type { Id } from '#abi/id.ts'
import type { TraceReport, TraceRequest } from '#abi/trace.ts'
import type { FlowImport } from '#abi/info.ts'
import { withSettings } from './setting.ts'
import { absent, checkId } from './text.ts'

export class Port extends withSettings('vpcp') {
  /**
   * Plug an interface in: a vmnic, a hostif or an ethlink. Throws ENOENT when the id does not exist, EISCONN when it is
   * connected to this port already, EBUSY when the port has another or the interface is in another port, EEXIST when
   * the subnet has a unit with the same MAC, EINVAL for an id of another type, EOPNOTSUPP for that of a mux, which
   * needs no port.
   */
  async connect(interfaceId: string): Promise<void> {
    await this.call('vpcpConnect', checkId(interfaceId))
  }

  /** Unplug this interface, or any. Throws ENOTCONN when the port has another. */
  async disconnect(interfaceId?: string): Promise<void> {
    await this.call('vpcpDisconnect', interfaceId === undefined ? undefined : checkId(interfaceId))
  }

  /** The flows of the port that had a packet within so many seconds; 0: all. */
  async exportFlows(withinSeconds = 0): Promise<FlowDocument> {
    return this.call('vpcpFlowsExport', withinSeconds)
  }

  /**
   * Take over flows that the port had on another host. Throws EINVAL for a document that is none or of another version,
   * and when the port is in no security group, E2BIG when it has no room.
   */
  async importFlows(document: FlowDocument): Promise<FlowImport> {
    return this.call('vpcpFlowsImport', document)
  }

  /** The interface that is plugged in, or null. */
  async peer(): Promise<Id | null> {
    return absent(this.call('vpcpPeerGet', undefined))
  }

  /**
   * What this host's programs would do with a packet that the interface sends. No packet moves, and nothing changes. A
   * caller who may not read the whole host gets no names of other objects. Throws ENOTCONN when nothing is connected.
   */
  async trace(request: TraceRequest): Promise<TraceReport> {
    return this.call('vpcpTrace', request)
  }
}
