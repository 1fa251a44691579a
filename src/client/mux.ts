/** A VXLAN multiplexer: carries the subnets of this host to other hosts over the underlay. */
import type { Id } from '#abi/id.ts'
import { withSettings } from './setting.ts'
import { encodeEntries } from './entry-encoder.ts'
import { absent, checkId, decodeFlaggedFtes, decodeFtes, parseListen, type FlaggedEntry, type ForwardingEntry } from './text.ts'

export class Mux extends withSettings('vpcmux') {
  /**
   * Use the interface that an ethlink wraps as the underlay, in place of another; the same again changes nothing.
   * Throws ENOENT, EBUSY when the ethlink is another mux's, EOPNOTSUPP for a port.
   */
  async connect(ethlinkId: string): Promise<void> {
    await this.call('vpcmuxConnect', checkId(ethlinkId))
  }

  /** Have no underlay. */
  async disconnect(): Promise<void> {
    await this.call('vpcmuxDisconnect', undefined)
  }

  /** The ethlink of the underlay, or null. */
  async underlay(): Promise<Id | null> {
    return absent(this.call('vpcmuxConnectedGet', undefined))
  }

  /**
   * Listen on `192.0.2.1:4789` or `[2001:db8::1]:4789`. Throws EADDRNOTAVAIL for an address that this host does not
   * have, EADDRINUSE.
   */
  async listen(endpoint: string): Promise<void> {
    await this.call('vpcmuxListen', parseListen(endpoint))
  }

  /** `host:port`, or null when it does not listen. */
  async listenAddress(): Promise<string | null> {
    return absent(this.call('vpcmuxListenGet', undefined))
  }

  /**
   * Set forwarding entries: all or none. An entry of MAC zero adds a VTEP to those that get the VNI's broadcasts.
   * Throws ENOSPC naming the full table and its size, EAFNOSUPPORT for a VTEP of another family than the listen
   * address, EEXIST when another mux has an entry for the same MAC.
   */
  async setEntries(entries: readonly ForwardingEntry[]): Promise<void> {
    const withFlags = entries.some(({ forward }) => forward === true)
    if (entries.length > 0) await this.ctl(withFlags ? 'vpcmuxFteFlagsSet' : 'vpcmuxFteSet', encodeEntries(entries))
  }

  /**
   * Delete entries: all or none. Of MAC zero the named VTEP; of another MAC its entry. Throws ENOENT for one that is
   * not there.
   */
  async deleteEntries(entries: readonly (Omit<ForwardingEntry, 'vtep'> & { readonly vtep?: string })[]): Promise<void> {
    const keys = entries.map(({ vni, mac, vtep = '0.0.0.0' }) => ({ vni, mac, vtep }))
    if (keys.length > 0) await this.ctl('vpcmuxFteDelete', encodeEntries(keys))
  }

  async entries(): Promise<ForwardingEntry[]> {
    return decodeFtes(await this.ctl('vpcmuxFteList'))
  }

  /**
   * All entries with their flags. `used`: packets of this host's units went by it since `clearUsed`, or since vpcd
   * first had it.
   */
  async entriesWithFlags(): Promise<FlaggedEntry[]> {
    return decodeFlaggedFtes(await this.ctl('vpcmuxFteFlagsList'))
  }

  /** Have every entry be unused until packets go by it again. */
  async clearUsed(): Promise<void> {
    await this.call('vpcmuxFteUsedClear', undefined)
  }
}
