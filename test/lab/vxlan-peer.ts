/** A machine on a lab's underlay that knows nothing of us: a plain Linux VXLAN device with static entries. */
import { formatMac } from '#wire/mac.ts'
import { formatIp } from '#wire/ip-address.ts'
import { ipBatch } from '#lab/ip-batch.ts'
import { netnsPath } from '#lab/names.ts'
import { inNetns, must, run, type Finished } from '#lab/program.ts'
import type { LabPlan } from '#lab/plan.ts'
import type { GuestPlan } from '#lab/plan-guest.ts'

export interface VxlanPeerOptions {
  /** On the underlay, with its prefix length. */
  readonly underlay: string
  readonly vni: number
  /** Inside, with prefix lengths. */
  readonly addresses: readonly string[]
  readonly mac: string
  /** UDP port that it listens on. */
  readonly port?: number
  /** Guests of ours that it knows, by MAC and address: by static entries, as without a control plane. */
  readonly guests: readonly GuestPlan[]
  /** Know the guests' MACs only by asking: ARP and ND are flooded to our hosts. */
  readonly asks?: boolean
}

export const peerDevice = 'vx0'

export class VxlanPeer {
  readonly netns: string
  readonly options: VxlanPeerOptions

  private constructor(netns: string, options: VxlanPeerOptions) {
    this.netns = netns
    this.options = options
  }

  /** Make one. Its namespace is the test's own, not the lab's: dispose it before the lab. */
  static async create(plan: LabPlan, name: string, options: VxlanPeerOptions): Promise<VxlanPeer> {
    const peer = new VxlanPeer(`${plan.name}-${name}`, options)
    await ipBatch([['netns', 'add', peer.netns]])
    try {
      await peer.#setUp(plan, name)
      return peer
    } catch (error) {
      await peer[Symbol.asyncDispose]()
      throw error
    }
  }

  /** The address on the underlay, without its prefix length. */
  get vtep(): string {
    return this.options.underlay.split('/')[0]!
  }

  run(...argv: string[]): Promise<Finished> {
    return run(inNetns(netnsPath(this.netns), argv), { timeoutMs: 60_000, env: { LC_ALL: 'C' } })
  }

  async #setUp(plan: LabPlan, name: string): Promise<void> {
    const { underlay, vni, addresses, mac, port = 4789, guests, asks = false } = this.options
    const mtu = String(plan.underlay.mtuBytes)
    await ipBatch(
      [
        ['link', 'add', 'name', name, 'mtu', mtu, 'type', 'veth', 'peer', 'name', 'underlay0', 'mtu', mtu, 'netns', this.netns],
        ['link', 'set', 'dev', name, 'master', 'bridge0', 'up'],
      ],
      { netns: plan.underlay.netns },
    )
    const nodad = (address: string): string[] => (address.includes(':') ? ['nodad'] : [])
    await ipBatch(
      [
        ['link', 'set', 'dev', 'lo', 'up'],
        ['link', 'set', 'dev', 'underlay0', 'up'],
        ['addr', 'add', underlay, 'dev', 'underlay0', ...nodad(underlay)],
        [
          'link',
          'add',
          'name',
          peerDevice,
          'address',
          mac,
          'type',
          'vxlan',
          'id',
          String(vni),
          'local',
          this.vtep,
          'dstport',
          String(port),
          'nolearning',
        ],
        ['link', 'set', 'dev', peerDevice, 'addrgenmode', 'none'],
        ['link', 'set', 'dev', peerDevice, 'up'],
        ...addresses.map((address) => ['addr', 'add', address, 'dev', peerDevice, ...nodad(address)]),
        ...(asks
          ? []
          : guests.flatMap((guest) =>
              guest.addresses.map(({ address }) => ['neigh', 'add', formatIp(address), 'lladdr', formatMac(guest.mac), 'dev', peerDevice]),
            )),
      ],
      { netns: this.netns },
    )
    await this.#addEntries(plan, guests)
  }

  /** The VTEP of each guest's MAC, and the VTEPs for broadcasts. */
  async #addEntries(plan: LabPlan, guests: readonly GuestPlan[]): Promise<void> {
    const hostOf = (name: string) => plan.hosts.find((host) => host.name === name)!
    const listenPort = (listen: string): string => listen.slice(listen.lastIndexOf(':') + 1)
    const entries = [
      ...guests.map(({ mac, host }) => [formatMac(mac), hostOf(host)] as const),
      ...[...new Set(guests.map(({ host }) => host))].map((host) => ['00:00:00:00:00:00', hostOf(host)] as const),
    ]
    for (const [mac, { address, listen }] of entries)
      await must([
        'bridge',
        '-n',
        this.netns,
        'fdb',
        'append',
        mac,
        'dev',
        peerDevice,
        'dst',
        formatIp(address.address),
        'port',
        listenPort(listen),
      ])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await ipBatch([['netns', 'del', this.netns]])
  }
}

/** Ping without names, once. */
export const ping = (address: string, ...options: string[]): string[] => ['ping', '-n', '-c', '1', '-W', '2', ...options, address]
