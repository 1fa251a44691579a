/** An ethlink: wraps an interface of the host; frames pass it unencapsulated. */
import { withSettings } from './setting.ts'
import { absent } from './text.ts'

export class Ethlink extends withSettings('ethlink') {
  /**
   * Wrap an interface of the host by name. Throws ENODEV when there is none, EISCONN when it wraps it already, EBUSY when it wraps another,
   * or another ethlink wraps that one, or it is the device of one of our own objects.
   */
  async connect(l2Name: string): Promise<void> {
    await this.call('ethlinkConnect', l2Name)
  }

  /** Throws ENOTCONN when it wraps none. */
  async disconnect(): Promise<void> {
    await this.call('ethlinkDisconnect', undefined)
  }

  /** The interface that it wraps, or null. */
  async l2Name(): Promise<string | null> {
    return absent(this.call('ethlinkNameGet', undefined))
  }
}
