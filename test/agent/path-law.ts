/**
 * Holds the model's answer about a path against real packets of the programs of the hosts on the way: who gets the
 * packet, who refuses it and why, and what becomes of the answer.
 */
import assert from 'node:assert/strict'
import type { DropReason } from '#datapath/layout.ts'
import type { ObjectRecord } from '#control/model/record.ts'
import type { ObstacleCode, Packet, Way } from '#control/path/answer.ts'
import type { Checked, PathQuestion } from '#control/path/check.ts'
import { familyOf, subnetSpec, vnicSpec, type Cloud } from '#control/path/cloud.ts'
import { readHeaders } from './guest-frames.ts'
import type { Ended, Guest, RealPackets } from './real-packets.ts'

/**
 * Why the programs stop what the model stops; `outside`: the packet leaves by a wire, where nobody takes it; `untaken`:
 * it comes by a wire, and is for no public address of the host.
 */
const reasonsOf: Readonly<Record<ObstacleCode, readonly (DropReason | 'outside' | 'elsewhere' | 'untaken')[]>> = {
  unplugged: ['no_neighbour', 'no_host'],
  'no-address': [],
  nobody: ['no_neighbour', 'no_host'],
  // That of another subnet is nobody there.
  gateway: ['to_gateway', 'no_host'],
  'no-router': ['no_neighbour'],
  // A floating address whose vnic no router joins is nobody's; nothing leads to a peer's router that joins nothing.
  'not-joined': ['no_neighbour', 'no_host', 'no_route', 'outside', 'untaken'],
  'no-route': ['no_route'],
  blackhole: ['route_blackhole'],
  // Back to its sender: a hairpin.
  'next-hop': ['no_route', 'hairpin'],
  peering: ['no_route'],
  'no-public-address': ['no_public_address', 'untaken'],
  // The programs look for the receiver of a floating address first.
  'nat-protocol': ['nat_protocol', 'no_host'],
  'floating-free': ['outside', 'untaken'],
  // That of a vpc without a router is nobody's.
  'shared-address': ['nat_no_mapping', 'nat_protocol', 'outside', 'untaken'],
  'not-outside': ['source_ip'],
  'group-out': ['sg_denied'],
  'group-in': ['sg_denied'],
  facility: ['no_neighbour', 'no_host'],
  underlay: ['no_neighbour', 'no_host'],
  // A NAT sends no answers to what it has not seen; the groups of another vnic may refuse one.
  detour: ['outside', 'elsewhere', 'nat_no_mapping', 'sg_denied'],
}

export const obstacleCodes = Object.keys(reasonsOf) as ObstacleCode[]

/** What was compared, and how it ended. */
export interface Met {
  readonly packet: Packet
  /** `vnic`, `outside`, or the code of what stopped it; with `answer ` before it where the answer was stopped. */
  readonly end: string
}

export class PathLaw {
  readonly #real: RealPackets
  readonly #wire: string

  /** `wire`: the interface of the wires of all pools. */
  constructor(real: RealPackets, wire: string) {
    this.#real = real
    this.#wire = wire
  }

  /** Send what was asked about, and compare. Throws where model and programs differ. */
  compare(cloud: Cloud, { from, packet }: PathQuestion, checked: Checked, sourcePort: number): Met {
    if (from === undefined) return this.#fromOutside(cloud, packet, checked, sourcePort)
    const { trail, arrived } = checked
    const guest = guestOf(cloud, from)
    if (guest === undefined || !this.#real.runs(guest.host)) return this.#nowhere(from, packet, checked)
    // What a guest sends to itself never leaves it.
    if (vnicSpec(from).addresses.includes(packet.destination)) {
      assert.equal(checked.verdict, 'reachable', told(checked))
      return { packet, end: 'itself' }
    }
    const request = this.#real.request(guest, headersOf(packet, sourcePort))
    const said = [JSON.stringify(packet), told(checked), 'the programs:', request.text]
    sameRoute(checked, 'request', request, said.join('\n'))
    if (arrived === undefined) {
      stopped(checked, request, said.join('\n'))
      return { packet, end: trail.stopped!.code }
    }
    this.#arrived(cloud, packet, checked, request, said.join('\n'))
    const answer = this.#answer(cloud, checked, request)
    if (answer === undefined) return { packet, end: arrived.kind }
    said.push('the answer:', answer.text)
    if (request.kind !== 'outside') sameRoute(checked, 'answer', answer, said.join('\n'))
    if (checked.verdict === 'blocked') stopped(checked, answer, said.join('\n'), from)
    else cameBack(packet, from, answer, sourcePort, said.join('\n'))
    return { packet, end: checked.verdict === 'blocked' ? `answer ${trail.stopped!.code}` : arrived.kind }
  }

  /** Somebody outside sends it, on the wire of its destination. */
  #fromOutside(cloud: Cloud, packet: Packet, checked: Checked, sourcePort: number): Met {
    const { trail, arrived, verdict } = checked
    const request = this.#real.requestFromOutside(wireHostOf(cloud, packet.destination), this.#wire, headersOf(packet, sourcePort))
    const said = [JSON.stringify(packet), told(checked), 'the programs:', request.text]
    if (arrived === undefined) {
      stopped(checked, request, said.join('\n'))
      return { packet, end: `from outside: ${trail.stopped!.code}` }
    }
    this.#arrived(cloud, packet, checked, request, said.join('\n'))
    const answer = this.#answer(cloud, checked, request)!
    said.push('the answer:', answer.text)
    sameRoute(checked, 'answer', answer, said.join('\n'))
    if (verdict === 'blocked') stopped(checked, answer, said.join('\n'))
    else wentOut(packet, answer, sourcePort, said.join('\n'))
    return { packet, end: `from outside: ${verdict === 'blocked' ? `answer ${trail.stopped!.code}` : arrived.kind}` }
  }

  #nowhere(from: ObjectRecord, packet: Packet, checked: Checked): Met {
    const { stopped } = checked.trail
    if (from.binding === undefined) assert.equal(stopped?.code, 'unplugged', told(checked))
    assert.ok(!this.#real.hasUnit(vnicSpec(from).mac), `a host has a unit of a vnic that is not plugged in there: ${told(checked)}`)
    return { packet, end: from.binding === undefined ? 'unplugged at the source' : 'on a host that nobody runs' }
  }

  #arrived(cloud: Cloud, packet: Packet, { arrived }: Checked, request: Ended, said: string): void {
    switch (arrived!.kind) {
      case 'gateway':
        assert.equal(request.kind, 'answered', said)
        return
      case 'outside': {
        assert.ok(request.kind === 'outside', said)
        const { source, destination, port } = readHeaders(request.frame)
        assert.deepEqual(
          [destination, ...(packet.port === null ? [] : [port])],
          [packet.destination, ...(packet.port === null ? [] : [packet.port])],
          said,
        )
        assert.ok(isPublicOf(cloud, arrived!.seen, source), `it has another source outside: ${said}`)
        return
      }
      case 'guest':
        gotBy(arrived!.vnic, packet.destination, request, said)
        return
      case 'vnic': {
        const { vnic, address, seen } = arrived!
        gotBy(vnic, insideOf(vnic, address), request, said)
        const { source } = readHeaders((request as { readonly frame: Uint8Array }).frame)
        assert.ok(isPublicOf(cloud, seen, source), `its receiver sees ${source}: ${said}`)
      }
    }
  }

  /** What becomes of the answer. Undefined: nobody here answers. */
  #answer(cloud: Cloud, { arrived }: Checked, request: Ended): Ended | undefined {
    if (request.kind === 'outside') return this.#real.answerFromOutside(request.host, this.#wire, request.frame)
    if (arrived!.kind !== 'vnic' || request.kind !== 'delivered') return undefined
    return this.#real.answer(guestOf(cloud, arrived!.vnic)!, request.frame)
  }
}

/** The host of the wire where packets for an address come in; of an address of no pool, any. */
function wireHostOf(cloud: Cloud, address: string): string {
  const pool = familyOf(address) === 4 ? cloud.poolWith(address) : undefined
  const pools = [...(pool ? [pool.id] : []), ...cloud.view.objects.ids('pool')]
  return pools.flatMap((id) => cloud.wireOf(id) ?? [])[0]!.host
}

const headersOf = ({ protocol, source, destination, port }: Packet, sourcePort: number) => ({
  kind: protocol,
  source,
  destination,
  sourcePort,
  port: port ?? sourcePort,
})

/** A vnic's own settings. Undefined: it is plugged in nowhere. */
function guestOf(cloud: Cloud, vnic: ObjectRecord): Guest | undefined {
  if (vnic.binding === undefined) return undefined
  const { subnet, mac } = vnicSpec(vnic)
  const { network4, gateway4, network6, gateway6 } = subnetSpec(cloud.must('subnet', subnet))
  const networks = [
    { network: network4, gateway: gateway4 },
    { network: network6, gateway: gateway6 },
  ].filter((each): each is { network: string; gateway: string } => each.network !== undefined)
  return { host: vnic.binding.host, mac, networks }
}

/** The address of a vnic that a floating one stands for. */
const insideOf = (vnic: ObjectRecord, address: string): string => {
  const { addresses } = vnicSpec(vnic)
  return addresses.includes(address) ? address : addresses.find((each) => familyOf(each) === 4)!
}

/** Whether an address is the one that the model names, or another one that the same NAT shares. */
function isPublicOf(cloud: Cloud, named: string, seen: string): boolean {
  if (named === seen) return true
  const holder = cloud.publicHolder(named)
  return holder?.kind === 'nat' && cloud.publicHolder(seen)?.id === holder.id
}

function gotBy(vnic: ObjectRecord, address: string, request: Ended, said: string): void {
  assert.ok(request.kind === 'delivered', `the model lets it pass, the programs do not: ${said}`)
  const { mac } = vnicSpec(vnic)
  const frameMac = Buffer.from(request.frame.subarray(0, 6))
    .toString('hex')
    .replace(/..(?=.)/g, '$&:')
  assert.deepEqual([request.host, request.unit.mac, frameMac], [vnic.binding!.host, mac, mac], `another one gets it: ${said}`)
  assert.equal(readHeaders(request.frame).destination, address, said)
}

/** The sender gets the answer as if its packet's destination had sent it. */
function cameBack({ source, destination, port }: Packet, from: ObjectRecord, answer: Ended, sourcePort: number, said: string): void {
  gotBy(from, source, answer, `the answer does not come back: ${said}`)
  const got = readHeaders((answer as { readonly frame: Uint8Array }).frame)
  assert.deepEqual([got.source, got.sourcePort, got.port], [destination, port ?? sourcePort, sourcePort], said)
}

/** Who is outside gets the answer as if the address that it has sent to had sent it. */
function wentOut({ source, destination, port }: Packet, answer: Ended, sourcePort: number, said: string): void {
  assert.ok(answer.kind === 'outside', `the answer does not go out: ${said}`)
  const got = readHeaders(answer.frame)
  assert.deepEqual([got.source, got.destination, got.sourcePort, got.port], [destination, source, port ?? sourcePort, sourcePort], said)
}

/** `from`: of an answer, who should have got it. */
function stopped({ trail }: Checked, ended: Ended, said: string, from?: ObjectRecord): void {
  const { code } = trail.stopped!
  const isElsewhere = from !== undefined && ended.kind === 'delivered' && ended.unit.mac !== vnicSpec(from).mac
  const how = ended.kind === 'dropped' ? ended.reason : isElsewhere ? 'elsewhere' : ended.kind
  assert.ok((reasonsOf[code] as readonly string[]).includes(how), `the model says ${code}, the programs ${how}: ${said}`)
  if (code !== 'group-in' && code !== 'group-out') return
  const refusal = ended.asked.find(({ refused }) => refused)
  const expected = { mac: vnicSpec(trail.refusing!).mac, direction: code === 'group-in' ? 'in' : 'out', refused: true }
  assert.deepEqual(refusal, expected, `another side refuses it: ${said}`)
}

/** Both follow the same route, where one decides. */
function sameRoute({ trail }: Checked, way: Way, ended: Ended, said: string): void {
  const steps = trail.steps.filter((step) => step.way === way && step.ok !== null)
  const [named] = steps.flatMap(({ text }) => /^route (\S+) of/.exec(text)?.[1] ?? [])
  assert.equal(ended.routes[0], named, `another route decides: ${said}`)
}

const told = ({ trail }: Checked): string =>
  ['the model:', ...trail.steps.map(({ way, stage, ok, text }) => `  ${way} ${stage} ${ok}: ${text}`)].join('\n')
