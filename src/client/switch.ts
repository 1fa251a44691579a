/** A switch: forwards the frames of one customer, over any number of subnets (VNIs). */
import { encodeArray, neighbourEntry } from '#abi/layouts.ts'
import { formatId, type Id } from '#abi/id.ts'
import type { MissEvent, SwitchInfo } from '#abi/info.ts'
import { Descriptor } from './descriptor.ts'
import { answerFrame } from './answer.ts'
import { VpcError } from './error.ts'
import {
  absent,
  decodeId,
  decodeNeighbours,
  decodeNumber,
  decodeVni,
  encodeId,
  encodeNumber,
  encodeVni,
  toNeighbour,
  type Neighbour,
} from './text.ts'

export class Switch extends Descriptor<SwitchInfo> {
  /**
   * Add a port; one of that id is made when there is none. It gets the switch's VNI. Throws EEXIST when it is in this switch
   * already, EBUSY when it is in another, EADDRINUSE when the VNI belongs to another switch of this host.
   */
  async addPort(id: string): Promise<void> {
    await this.ctl('vpcswPortAdd', encodeId(id, 'vpcp'))
  }

  /** Take a port out; its interface is disconnected. Throws ENOENT when it is not in this switch. */
  async deletePort(id: string): Promise<void> {
    await this.ctl('vpcswPortDelete', encodeId(id, 'vpcp'))
  }

  /**
   * Make a port of this switch its uplink. Throws ENOENT when it is not in this switch, EEXIST when another port is the uplink,
   * EINVAL when it has something else than an ethlink in it.
   */
  async setUplink(id: string): Promise<void> {
    await this.ctl('vpcswUplinkSet', encodeId(id, 'vpcp'))
  }

  /** The uplink port, or null. */
  async uplink(): Promise<Id | null> {
    return decodeId(await absent(this.ctl('vpcswUplinkGet')))
  }

  /** Whether it forwards. */
  async up(): Promise<boolean> {
    return (decodeNumber(await this.ctl('vpcswUpGet')) & 1) === 1
  }

  async setUp(up: boolean): Promise<void> {
    await this.ctl('vpcswUpSet', encodeNumber('a state', up ? 1 : 0, 8))
  }

  /** Forget learned state. */
  async reset(): Promise<void> {
    await this.ctl('vpcswReset')
  }

  /** The VNI that ports get when they are added. */
  async vni(): Promise<number> {
    return decodeVni(await this.ctl('vpcswVniGet'))
  }

  /** Throws EINVAL beyond 24 bits, EADDRINUSE when the VNI belongs to another switch of this host. */
  async setVni(vni: number): Promise<void> {
    await this.ctl('vpcswVniSet', encodeVni(vni))
  }

  /**
   * Set who has which address: all or none. Throws ENOSPC when the table is full, EADDRINUSE for the
   * VNI of another switch.
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

  /** Whether ARP and ND questions that the neighbour table does not answer are flooded. Default: not. */
  async floodUnknown(): Promise<boolean> {
    return decodeNumber(await this.ctl('vpcswFloodUnknownGet')) !== 0
  }

  async setFloodUnknown(flood: boolean): Promise<void> {
    await this.ctl('vpcswFloodUnknownSet', encodeNumber('a flag', flood ? 1 : 0, 2))
  }

  /** The ids of its ports. */
  async ports(): Promise<Id[]> {
    const output = await this.ctl('vpcswPortList')
    if (output.length % 16 !== 0) throw new VpcError('EPROTO', `vpcd answered ${output.length} bytes where ids of 16 were expected`)
    return Array.from({ length: output.length / 16 }, (_, i) => formatId(output.subarray(i * 16, i * 16 + 16)))
  }

  /**
   * Send a frame, without a tag, to the unit in a port, as if it came from the switch. Throws ENOENT for a port that is not in it, ENOTCONN when
   * nothing is in the port, EMSGSIZE beyond the unit's MTU.
   */
  async send(portId: string, frame: Uint8Array): Promise<void> {
    await this.ctl('vpcswSend', Buffer.concat([encodeId(portId, 'vpcp'), frame]))
  }

  /**
   * Answer an ARP or ND question that `listen` told: the address has this MAC. It is written down for all who ask later, and who asked now gets
   * the answer at once. Throws EINVAL for a question of DHCP, whose answers are sent by `send`.
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
