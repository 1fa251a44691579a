/** An ethlink: wraps an interface of the host; frames pass it unencapsulated. */
import type { EthlinkInfo } from '#abi/info.ts'
import { Descriptor } from './descriptor.ts'
import { absent, decodeNumber, decodeText, encodeNumber } from './text.ts'

export class Ethlink extends Descriptor<EthlinkInfo> {
  /**
   * Wrap an interface of the host by name. Throws ENODEV when there is none, EISCONN when it wraps it already, EBUSY when it wraps another,
   * or another ethlink wraps that one, or it is the device of one of our own objects.
   */
  async connect(l2Name: string): Promise<void> {
    await this.ctl('ethlinkConnect', Buffer.from(l2Name, 'utf8'))
  }

  /** Throws ENOTCONN when it wraps none. */
  async disconnect(): Promise<void> {
    await this.ctl('ethlinkDisconnect')
  }

  /** The interface that it wraps, or null. */
  async l2Name(): Promise<string | null> {
    return decodeText(await absent(this.ctl('ethlinkNameGet'))) || null
  }

  /** The VLAN tag of its frames on the wire; 0: none. */
  async vtag(): Promise<number> {
    return decodeNumber(await this.ctl('ethlinkVtagGet'))
  }

  /** Throws EINVAL beyond 4095. */
  async setVtag(vtag: number): Promise<void> {
    await this.ctl('ethlinkVtagSet', encodeNumber('a vtag', vtag, 2))
  }
}
