/**
 * A slow, simple model of source NAT: who has which public port, whom it lets in, and for how long. It says what
 * docs/nat.md says, and knows nothing of cells, blocks and bits. The choice of a port is the programs'.
 */

export type Plane = 'tcp' | 'udp' | 'icmp'
export type Flag = 'syn' | 'syn ack' | 'ack' | 'data' | 'fin' | 'rst'

export type Way = 'out' | 'in'

/** A station by number, one of its ports, and what it sends with. */
export interface Inside {
  readonly guest: number
  readonly port: number
  readonly plane: Plane
}
export interface Mapping extends Inside {
  readonly publicPort: number
  /** Of the shared address, which an address family may have more of. */
  readonly address: string
  state: 'new' | 'replied' | 'established' | 'closing'
  /** Directions in which TCP has ended. */
  ended: Set<Way>
  /** Who has to acknowledge the second end. */
  awaited: Way | undefined
  /** Nobody waits for a packet any more: the station may use the port for its next connection. */
  over: boolean
  /** Whom the station has sent to. */
  peers: Set<number>
  idleS: number
}

const begun = { state: 'new', awaited: undefined, over: false } as const
const nameOf = ({ guest, port, plane }: Inside): string => `${guest} ${port} ${plane}`

export class SourceNatModel {
  readonly #mappings = new Map<string, Mapping>()

  get mappings(): readonly Mapping[] {
    return [...this.#mappings.values()]
  }

  of(inside: Inside): Mapping | undefined {
    return this.#mappings.get(nameOf(inside))
  }

  at(plane: Plane, address: string, publicPort: number): Mapping | undefined {
    return this.mappings.find((each) => each.plane === plane && each.address === address && each.publicPort === publicPort)
  }

  /** Seconds without a packet that a mapping lasts. */
  lasts({ plane, state, ended }: Mapping): number {
    if (plane === 'icmp') return 30
    if (plane === 'udp') return state === 'established' ? 180 : 30
    if (state === 'closing') return 10
    if (state !== 'established') return 20
    return ended.size === 2 ? 240 : 7200
  }

  isLive = (mapping: Mapping): boolean => mapping.idleS <= this.lasts(mapping)

  /** Whether the station may take a mapping's port for a new one that begins so. */
  isSpare = (mapping: Mapping, flag: Flag): boolean =>
    !this.isLive(mapping) || (mapping.over && mapping.state === 'closing' && flag === 'syn')

  /** The ports of a station, of one plane. */
  owned = ({ guest, plane }: Inside): readonly Mapping[] => this.mappings.filter((each) => each.guest === guest && each.plane === plane)

  /** A station has got a public port; `most`: how many it can have. Returns what went wrong. */
  begin(inside: Inside, peer: number, address: string, publicPort: number, flag: Flag, most: number): string | undefined {
    const other = this.at(inside.plane, address, publicPort)
    if (other !== undefined && other.guest !== inside.guest) return `port ${publicPort} is guest ${other.guest}'s`
    if (other !== undefined && !this.isSpare(other, flag)) return `port ${publicPort} is in use`
    if (other !== undefined && this.isLive(other) && this.owned(inside).length < most) return `port ${publicPort} could have waited`
    if (other !== undefined) this.#mappings.delete(nameOf(other))
    this.#mappings.set(nameOf(inside), {
      ...inside,
      address,
      publicPort,
      ...begun,
      ended: new Set(),
      peers: new Set([peer]),
      idleS: 0,
    })
    return undefined
  }

  /** A packet that passes. `many`: whether the programs know of more peers than one. */
  pass(mapping: Mapping, way: Way, peer: number, flag: Flag, many: () => boolean): void {
    const anew = !this.isLive(mapping) || (mapping.state === 'closing' && flag === 'syn')
    if (way === 'out' && anew) Object.assign(mapping, { ...begun, ended: new Set(), peers: new Set([peer]) })
    else if (way === 'out') mapping.peers.add(peer)
    mapping.idleS = 0
    if (mapping.plane === 'tcp') this.#followTcp(mapping, way, flag, many)
    else if (mapping.state === 'new' && way === 'in') mapping.state = 'replied'
    else if (mapping.state === 'replied' && way === 'out') mapping.state = 'established'
  }

  #followTcp(mapping: Mapping, way: Way, flag: Flag, many: () => boolean): void {
    const { ended } = mapping
    this.#followEnd(mapping, way, flag)
    if (flag === 'data' && (ended.size > 0 || mapping.over) && many()) {
      ended.clear()
      Object.assign(mapping, { awaited: undefined, over: false })
    }
    if (ended.size === 2 && !many()) mapping.state = 'closing'
    else if (mapping.state === 'new' && way === 'in' && flag === 'syn ack') mapping.state = 'replied'
    else if (mapping.state === 'replied' && way === 'out' && flag !== 'syn' && flag !== 'syn ack' && flag !== 'rst')
      mapping.state = 'established'
  }

  /** The RST of a peer ends only what it has not accepted: the station may have refused another one. */
  #followEnd(mapping: Mapping, way: Way, flag: Flag): void {
    const { ended } = mapping
    if (flag === 'rst') {
      for (const each of ['out', 'in'] as const) ended.add(each)
      if (way === 'out' || mapping.state === 'new') mapping.over = true
    } else if (flag === 'fin' && !ended.has(way)) {
      ended.add(way)
      if (ended.size === 2) mapping.awaited = way === 'out' ? 'in' : 'out'
    } else if ((flag === 'ack' || flag === 'data') && mapping.awaited === way) {
      mapping.over = true
    }
  }

  /** Nobody has sent for so long. */
  wait(seconds: number): void {
    for (const mapping of this.#mappings.values()) mapping.idleS = seconds
  }

  /** vpcd takes back what is over. */
  sweep(): void {
    for (const [name, mapping] of this.#mappings) if (!this.isLive(mapping)) this.#mappings.delete(name)
  }
}
