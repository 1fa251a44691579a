/**
 * A random walk over all operations, with audits, documents and starts: after each step the kernel agrees with the
 * objects, a refusal leaves no trace, a document that was applied is the host's, and a start changes nothing.
 * VPC_WALK_SEED and VPC_WALK_SECONDS repeat and prolong it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openFlag, operations, type OperationName } from '#abi/command.ts'
import type { AuditItem, AuditReport } from '#abi/audit.ts'
import { generateId, idBytes, type Id } from '#abi/id.ts'
import { unitTypes, type UnitType } from '#abi/object-type.ts'
import { VpcError } from '#object/host.ts'
import {
  addresses,
  broadcast,
  entry,
  floats,
  json,
  jsonText,
  neighbour,
  none,
  routes,
  sockaddr,
  text,
  u16,
  u32,
  u64,
  vni,
} from './inputs.ts'
import { ScratchHost, type Opened } from './scratch-host.ts'

const seed = Number(process.env['VPC_WALK_SEED'] ?? Date.now() % 1_000_000)
const seconds = Number(process.env['VPC_WALK_SECONDS'] ?? 8)
const vnis = [0, 5001, 5002, 5003]
const interfaces = ['w0', 'w1', 'w2']

/** xorshift32: the same walk for the same seed. */
class Random {
  #state: number
  constructor(from: number) {
    this.#state = (from << 1) | 1
  }
  below(n: number): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return (this.#state >>> 0) % n
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }
}

class Walk {
  readonly host = new ScratchHost()
  readonly trail: string[] = []
  readonly #random = new Random(seed)
  readonly #known: Id[] = []
  readonly #documents: unknown[] = []
  #held: Opened[] = []

  constructor() {
    for (const [i, name] of interfaces.entries()) this.host.addInterface(name, 1500 + 50 * i, `192.0.${2 + i}.1`)
  }

  ask<T>(operation: OperationName, input?: Uint8Array): T {
    const mgmt = this.host.open('mgmt', generateId('mgmt'), openFlag.create | openFlag.read | openFlag.write)
    using _ = mgmt.handle
    return json(mgmt.do(operation, input)) as T
  }

  audit(): readonly AuditItem[] {
    return this.ask<AuditReport>('mgmtAudit').items
  }

  /** One step; a refusal counts as one. */
  step(): void {
    const before = this.#random.below(6) === 0 ? this.host.snapshot() : undefined
    try {
      this.#act()
    } catch (error) {
      if (!(error instanceof VpcError)) throw error
      this.trail.push(`  refused: ${error.code} ${error.message}`)
      assert.notEqual(error.code, 'EIO')
      if (before !== undefined) assert.deepEqual(this.host.snapshot(), before, 'a refusal leaves no trace')
    }
  }

  /**
   * As after kill -9: what persists is there again. What was not committed is gone, so that another start finds nothing
   * to repair.
   */
  async restart(): Promise<void> {
    this.trail.push('restart')
    const document = this.ask('mgmtExport')
    this.#held = []
    await this.host.restart()
    assert.deepEqual(this.ask('mgmtExport'), document)
    this.host.lines.length = 0
    await this.host.restart()
    assert.deepEqual(
      this.host.lines.filter(({ level, message }) => level !== 'debug' && message.includes('repaired')),
      [],
    )
    assert.deepEqual(this.ask('mgmtExport'), document)
    for (const id of this.#known) for (const type of unitTypes) this.#reopen(type, id)
  }

  #reopen(type: UnitType, id: Id): void {
    try {
      this.#held.push(this.host.open(type, id))
    } catch (error) {
      assert.ok(error instanceof VpcError)
    }
  }

  #act(): void {
    const { below, pick } = { below: (n: number) => this.#random.below(n), pick: <T>(list: readonly T[]): T => this.#random.pick(list) }
    const kind = below(24)
    if (kind < 5 || this.#held.length < 4) return this.#create(pick(unitTypes))
    if (kind === 5) return void this.#documents.push(this.ask('mgmtExport'))
    if (kind === 6 && this.#documents.length > 0) return this.#apply(pick(this.#documents.slice(-6)))
    const object = pick(this.#held)
    if (kind === 7) {
      this.#held = this.#held.filter((other) => other !== object)
      this.trail.push(`close ${object.handle.name}`)
      return object.handle.close()
    }
    const choices = [...this.#meta(), ...this.#ofType(object)]
    const [name, input] = pick(choices)
    this.trail.push(`${operations[name].name} of ${object.handle.name} ${input === undefined ? '' : Buffer.from(input).toString('hex')}`)
    try {
      object.do(name, input)
    } catch (error) {
      // It went with another object, or by a document.
      if (error instanceof VpcError && error.code === 'ESTALE') this.#held = this.#held.filter((other) => other !== object)
      throw error
    }
  }

  #create(type: UnitType): void {
    if (type === 'vpcmux' && this.#held.filter(({ handle }) => handle.type === type).length > 2) return
    const made = this.host.create(type)
    this.trail.push(`create ${made.handle.name} ${made.id}`)
    this.#held.push(made)
    this.#known.push(made.id)
    if (this.#random.below(3) > 0) made.do('metaCommit')
  }

  #apply(document: unknown): void {
    this.trail.push(`apply ${JSON.stringify(document)}`)
    this.ask('mgmtApply', text(JSON.stringify(document)))
    assert.deepEqual(this.ask('mgmtPlan', text(JSON.stringify(document))), [], 'what was applied is so')
  }

  #meta(): [OperationName, Uint8Array?][] {
    const { below, pick } = { below: (n: number) => this.#random.below(n), pick: <T>(list: readonly T[]): T => this.#random.pick(list) }
    return [
      ['metaCommit'],
      ['metaMacSet', Uint8Array.of(2, 0, 0, 0, 0, below(12) + 1)],
      ['metaMtuSet', u32(pick([1200, 1300, 1400, 1500]))],
      ...(below(4) === 0 ? ([['metaDestroy']] as [OperationName][]) : []),
    ]
  }

  #id(...types: UnitType[]): Uint8Array {
    const found = this.#held.filter(({ handle }) => types.includes(handle.type as UnitType))
    return idBytes(found.length > 0 && this.#random.below(8) > 0 ? this.#random.pick(found).id : generateId(this.#random.pick(types)))
  }

  #ofType({ handle }: Opened): readonly [OperationName, Uint8Array?][] {
    const random = this.#random
    const address = (): string => `10.0.0.${1 + random.below(5)}`
    const someVni = (): number => random.pick(vnis)
    switch (handle.type) {
      case 'vpcsw':
        return [
          ['vpcswPortAdd', this.#id('vpcp')],
          ['vpcswPortDelete', this.#id('vpcp')],
          ['vpcswUplinkSet', this.#id('vpcp')],
          ['vpcswVniSet', vni(someVni())],
          ['vpcswUpSet', u64(BigInt(random.below(2)))],
          ['vpcswNeighbourSet', Buffer.concat([neighbour(someVni(), address()), neighbour(someVni(), address())])],
          ['vpcswNeighbourDelete', neighbour(someVni(), address())],
          ['vpcswFloodUnknownSet', u16(random.below(2))],
          ['vpcswReset'],
        ]
      case 'vpcp':
        return [
          ['vpcpConnect', this.#id('vmnic', 'hostif', 'ethlink')],
          ['vpcpConnect', this.#id('vmnic', 'hostif', 'ethlink')],
          ['vpcpDisconnect', this.#id('vmnic', 'hostif', 'ethlink')],
          ['vpcpVniSet', vni(someVni())],
          ['vpcpVlanSet', u16(random.below(3))],
          ['vpcpAddressesSet', addresses(...['10.0.0.1', 'fd00::1', '10.0.0.3'].slice(random.below(4)))],
          ['vpcpAntispoofSet', u16(random.below(2))],
        ]
      case 'vmnic':
        return [['vmnicQueuesSet', u16(1 + random.below(3))], ['vmnicFreeze'], ['vmnicUnfreeze'], ['vmnicUnfreeze']]
      case 'ethlink':
        return [['ethlinkConnect', text(random.pick(interfaces))], ['ethlinkDisconnect'], ['ethlinkVtagSet', u16(random.below(4))]]
      case 'vpcmux':
        return this.#ofMux()
      case 'subnet':
        return this.#ofSubnet()
      case 'vpcrtr':
        return [
          ['vpcrtrRouteSet', this.#routes()],
          ['vpcrtrRouteDelete', this.#routes()],
          ['vpcrtrRoutesSet', this.#routes()],
        ]
      case 'vpcnat':
        return this.#ofNat()
      default:
        return []
    }
  }

  #routes(): Uint8Array {
    const random = this.#random
    const other = this.#held.find(({ handle }) => handle.type === 'vpcrtr')
    const targets = ['blackhole', 'unreachable', 'via 10.0.0.3', ...(other === undefined ? [] : [`peer ${other.id}`])]
    const route = (): string => `10.${random.below(2)}.0.0/${random.pick(['16', '17', '24'])} ${random.pick(targets)}`
    return routes(...new Map([route(), route()].map((each) => [each.split(' ')[0]!, each])).values())
  }

  #ofSubnet(): readonly [OperationName, Uint8Array?][] {
    const random = this.#random
    return [
      ['subnetSwitchSet', this.#id('vpcsw')],
      ['subnetSwitchSet', none],
      ['subnetRouterSet', this.#id('vpcrtr')],
      ['subnetRouterSet', none],
      ['subnetVniSet', vni(random.pick(vnis))],
      ['subnetPrefix4Set', text(random.pick(['', '10.0.0.0/24', '10.0.0.0/29', '10.1.0.0/24']))],
      ['subnetPrefix6Set', text(random.pick(['', 'fd00::/64']))],
      ['subnetGateway4Set', text(random.pick(['', '10.0.0.3', '10.0.0.6', '10.1.0.9']))],
      ['subnetRouteTableSet', u16(random.below(2))],
    ]
  }

  #ofNat(): readonly [OperationName, Uint8Array?][] {
    const random = this.#random
    const float = (): string => `203.0.113.${random.below(3) + 1} to 10.0.0.${1 + random.below(4)}`
    return [
      ['vpcnatRouterSet', this.#id('vpcrtr')],
      ['vpcnatRouterSet', random.below(4) === 0 ? none : this.#id('vpcrtr')],
      ['vpcnatEthlinkSet', this.#id('ethlink')],
      ['vpcnatEthlinkSet', none],
      ['vpcnatViaSet', text(random.pick(['', '192.0.2.9']))],
      ['vpcnatPoolSet', jsonText(random.pick([['203.0.113.0/24'], ['203.0.113.0/24', '2001:db8:7::/64'], []]))],
      ['vpcnatGateway4Set', text(random.pick(['', '203.0.113.3']))],
      ['vpcnatFloatAdd', floats(float())],
      ['vpcnatFloatsSet', floats(...new Set([float(), float()]))],
      ['vpcnatFloatDelete', floats(float())],
    ]
  }

  #ofMux(): readonly [OperationName, Uint8Array?][] {
    const random = this.#random
    const mac = (): string => random.pick([broadcast, '02:00:00:00:00:01', '02:00:00:00:00:02'])
    const vtep = (): string => `192.0.2.${2 + random.below(3)}`
    const own = entry(5001, `02:00:00:00:00:0${1 + random.below(5)}`, '192.0.2.9')
    return [
      ['vpcmuxListen', sockaddr(`192.0.${2 + random.below(3)}.1`, 4789 + random.below(2))],
      ['vpcmuxConnect', this.#id('ethlink')],
      ['vpcmuxDisconnect'],
      ['vpcmuxFteSet', Buffer.concat([entry(random.pick([5001, 5002]), mac(), vtep(), random.below(3) > 0 ? 0 : 4790), own])],
      ['vpcmuxFteDelete', entry(random.pick([5001, 5002]), mac(), vtep())],
    ]
  }
}

test(`a random walk of ${seconds} s over all operations (seed ${seed})`, async () => {
  const walk = new Walk()
  await using host = walk.host
  try {
    const end = performance.now() + seconds * 1000
    for (let i = 1; performance.now() < end; i++) {
      walk.step()
      if (i % 5 === 0) assert.deepEqual(walk.audit(), [])
      if (i % 120 !== 0) continue
      await walk.restart()
      assert.deepEqual(walk.audit(), [])
      assert.deepEqual(
        host.lines.filter(({ level }) => level === 'error'),
        [],
      )
    }
  } catch (error) {
    throw new Error(`VPC_WALK_SEED=${seed}, after\n${walk.trail.slice(-25).join('\n')}`, { cause: error })
  }
})
