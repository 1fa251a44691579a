/**
 * A switch: forwards the frames of one customer, over any number of subnets (VNIs). Its settings come from
 * src/abi/settings.ts.
 */
import { encodeArray, neighbourEntry } from '#abi/layouts.ts'
import type { Id } from '#abi/id.ts'
import type { MissEvent } from '#abi/info.ts'
import { withSettings } from './setting.ts'
import { answerFrame } from './answer.ts'
import { VpcError } from './error.ts'
import { absent, checkId, decodeFlaggedNeighbours, decodeNeighbours, toNeighbour, type FlaggedNeighbour, type Neighbour } from './text.ts'

export class Switch extends withSettings('vpcsw') {
  /**
   * Add a port, which is created if the id does not exist. It gets the switch's VNI. Throws EEXIST when it is in this
   * switch already, EBUSY when it is in another, EADDRINUSE when the VNI belongs to another switch of this host.
   */
  async addPort(id: string): Promise<void> {
    await this.call('vpcswPortAdd', checkId(id, 'vpcp'))
  }

  /** Take a port out, and disconnect its interface. Throws ENOENT when it is not in this switch. */
  async deletePort(id: string): Promise<void> {
    await this.call('vpcswPortDelete', checkId(id, 'vpcp'))
  }

  /**
   * Make a port of this switch its uplink. Throws ENOENT when it is not in this switch, EEXIST when another port is the
   * uplink, EINVAL when it has an interface other than an ethlink.
   */
  async setUplink(id: string): Promise<void> {
    await this.call('vpcswUplinkSet', checkId(id, 'vpcp'))
  }

  /** The uplink port, or null. */
  async uplink(): Promise<Id | null> {
    return absent(this.call('vpcswUplinkGet', undefined))
  }

  /** Forget learned state. */
  async reset(): Promise<void> {
    await this.call('vpcswReset', undefined)
  }

  /**
   * Set the MACs of addresses: all or none. Throws ENOSPC when the table is full, EADDRINUSE for the VNI of another
   * switch.
   */
  async setNeighbours(neighbours: readonly Neighbour[]): Promise<void> {
    if (neighbours.length > 0) await this.ctl('vpcswNeighbourSet', encodeArray(neighbourEntry, neighbours.map(toNeighbour)))
  }

  /** Delete by VNI and address, all or none. Throws ENOENT for one that is not there. */
  async deleteNeighbours(neighbours: readonly Pick<Neighbour, 'vni' | 'address'>[]): Promise<void> {
    const entries = neighbours.map(({ vni, address }) => toNeighbour({ vni, address, mac: '00:00:00:00:00:00' }))
    if (entries.length > 0) await this.ctl('vpcswNeighbourDelete', encodeArray(neighbourEntry, entries))
  }

  async neighbours(): Promise<Neighbour[]> {
    return decodeNeighbours(await this.ctl('vpcswNeighbourList'))
  }

  /**
   * All neighbours. `used`: a question was answered with it since `clearUsedNeighbours`, or since vpcd first had it.
   */
  async neighboursWithFlags(): Promise<FlaggedNeighbour[]> {
    return decodeFlaggedNeighbours(await this.ctl('vpcswNeighbourFlagsList'))
  }

  /** Clear the flag of every neighbour; it returns with the next question that the neighbour answers. */
  async clearUsedNeighbours(): Promise<void> {
    await this.call('vpcswNeighbourUsedClear', undefined)
  }

  /** The ids of its ports. */
  async ports(): Promise<Id[]> {
    return [...(await this.call('vpcswPortList', undefined))]
  }

  /**
   * Send a frame, without a tag, to the unit in a port, as if it came from the switch. Throws ENOENT for a port that is
   * not in it, ENOTCONN when nothing is in the port, EMSGSIZE beyond the unit's MTU.
   */
  async send(portId: string, frame: Uint8Array): Promise<void> {
    await this.call('vpcswSend', { port: checkId(portId, 'vpcp'), frame })
  }

  /**
   * Answer an ARP or ND question from `listen`: the address has this MAC. The neighbour enters the table for later
   * questions, and the asker gets the answer at once. Throws EINVAL for a DHCP question, whose answers `send` sends.
   */
  async answer(question: MissEvent, mac: string): Promise<void> {
    const { vni, target, portId } = question
    if (target === null) throw new VpcError('EINVAL', `a question of ${question.question} has no address that could have a MAC`)
    await this.setNeighbours([{ vni, address: target, mac }])
    const frame = answerFrame(question, mac)
    if (portId !== null && frame !== undefined) await this.send(portId, frame)
  }

  /** The unanswered ARP, ND and DHCP questions of its ports, from now on, until the signal or `close()`. */
  listen(signal?: AbortSignal): AsyncGenerator<MissEvent, void, undefined> {
    return this.follow('vpcswListen', signal)
  }
}
