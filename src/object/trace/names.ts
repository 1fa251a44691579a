/**
 * Names of objects in a trace. A caller who may only read the port learns what becomes of its packet and why, and
 * nothing of other objects: whoever sends the packet learns as much.
 */
import { dstKind } from '#datapath/layout.ts'
import { formatIp, fromMapped, type Ip } from '#wire/ip-address.ts'
import { formatMac, type Mac } from '#wire/mac.ts'
import { groupName, groupsWith, ruleName } from '../refusal.ts'
import { subnetOfSegment } from '../route-text.ts'
import { vniOfSegment } from '../store/keys.ts'
import { unitName, type Model, type Port } from '../store/model.ts'
import { groupsOf } from '../sync/policy/vpc-policy.ts'

export class Names {
  readonly model: Model
  /** The whole host may be named. */
  readonly all: boolean
  readonly #own: Port | undefined

  constructor(model: Model, own: Port | undefined, all: boolean) {
    this.model = model
    this.#own = own
    this.all = all
  }

  /** Whether a port, by its stats index, may be named. */
  isOpen(source: number): boolean {
    return this.all || this.#own?.source === source
  }

  /** `vpcp0`. */
  port(source: number): string {
    const port = this.model.sources.get(source)
    if (!this.isOpen(source)) return 'a port of this host'
    return port === undefined ? `source ${source}` : unitName(port)
  }

  /** The interface in a port: `hostif0`. */
  unit(source: number): string | null {
    const port = this.model.sources.get(source)
    return this.isOpen(source) && port?.type === 'vpcp' && port.peer !== null ? unitName(port.peer) : null
  }

  /** `subnet0 (VNI 5001)`. */
  segment(segment: number): string {
    const subnet = subnetOfSegment(this.model, segment)
    const vni = vniOfSegment(segment)
    if (!this.all && this.#own?.vni !== vni) return 'another subnet'
    return subnet === undefined ? `VNI ${vni}` : `${unitName(subnet)} (VNI ${vni})`
  }

  /** The groups of a port: `group0 (web), group1`. */
  groups(source: number): string {
    const port = this.model.sources.get(source)
    if (!this.isOpen(source) || port?.type !== 'vpcp') return 'the groups of its port'
    return groupsOf(this.model, port).map(groupName).join(', ') || 'no group'
  }

  /** How many rules these have for a direction. */
  ruleCount(source: number, direction: 'in' | 'out'): number {
    const port = this.model.sources.get(source)
    const groups = port?.type === 'vpcp' ? groupsOf(this.model, port) : []
    return groups.reduce((sum, { rules }) => sum + rules.filter((rule) => rule.direction === direction).length, 0)
  }

  /** The group that a rule for a port would be added to. */
  firstGroup(source: number): string {
    const port = this.model.sources.get(source)
    return (port?.type === 'vpcp' && groupsOf(this.model, port)[0]?.id) || 'GROUP'
  }

  /** `rule 10 of group0 (web)`; undefined: none, or one that may not be named. */
  rule(source: number, number: number): string | undefined {
    return this.isOpen(source) ? (ruleName(this.model, number) ?? undefined) : undefined
  }

  /** `10.0.0.7 (group1 (db))`. */
  peer(source: number, address: Uint8Array): string {
    const ip: Ip = fromMapped(address)
    const port = this.model.sources.get(source)
    const sw = this.isOpen(source) && port?.type === 'vpcp' ? port.switch : null
    const groups = sw === null || !this.all ? [] : groupsWith(this.model, sw, ip)
    return groups.length === 0 ? formatIp(ip) : `${formatIp(ip)} (${groups.map(groupName).join(', ')})`
  }

  /** A MAC of another station. */
  mac(bytes: Uint8Array): string {
    return formatMac(bytes.slice(0, 6) as Mac)
  }

  /** The address of a VTEP in a destination; null: none, or it may not be named. */
  vtep(kind: number, family: number, address: Uint8Array): string | null {
    if (!this.all || kind !== dstKind.remote) return null
    return formatIp(family === 4 ? address.slice(0, 4) : address.slice())
  }
}
