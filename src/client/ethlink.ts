/** An ethlink: wraps an interface of the host. Frames pass it unencapsulated. */
import { withSettings } from './setting.ts'
import { absent } from './text.ts'

export class Ethlink extends withSettings('ethlink') {
  /**
   * Wrap an interface of the host by name, in place of another. Wrapping the same again changes nothing. Throws ENODEV
   * when there is none, EBUSY when another ethlink wraps it, or it is the device of one of our own objects.
   */
  async connect(l2Name: string): Promise<void> {
    await this.call('ethlinkConnect', l2Name)
  }

  /** Release the interface, if it wraps one. */
  async disconnect(): Promise<void> {
    await this.call('ethlinkDisconnect', undefined)
  }

  /** The interface that it wraps, or null. */
  async l2Name(): Promise<string | null> {
    return absent(this.call('ethlinkNameGet', undefined))
  }
}
