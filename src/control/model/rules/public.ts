/** Rules of pools, floating addresses and NATs: a public address has one use. */
import { formatIp, ipFrom, type Ip } from '#wire/ip-address.ts'
import { contains, overlaps, prefixFrom } from '#wire/prefix.ts'
import { addressAt, inTurn, isIpv4Text, spanOf } from '../candidates.ts'
import type { Claim } from '../claims.ts'
import type { Draft } from '../draft.ts'
import { onceKey, publicKey } from '../keys.ts'
import type { ObjectRecord } from '../record.ts'
import type { Rules } from './rules.ts'
import { guard } from './subnet.ts'

export const poolRules: Rules = {
  settle(draft) {
    if (draft.before !== undefined) return
    const facility = draft.text('facility')!
    const prefix = prefixFrom(draft.text('prefix')!)
    guard(draft, 'fleet', 'pools')
    for (const id of draft.mirror.objects.ids('pool')) {
      const { record } = draft.mirror.objects.get('pool', id)!
      if (!overlaps(prefixFrom(record.spec.prefix as string), prefix)) continue
      const users = [{ kind: 'pool', id, name: record.name }]
      throw draft.problem('overlap', ['prefix'], `it overlaps with ${String(record.spec.prefix)} of pool ${record.name}`, { users })
    }
    draft.use(draft.get('facility', facility))
  },
}

/** The pool of a draft, for one use. */
function poolFor(draft: Draft, use: 'floating' | 'snat'): ObjectRecord {
  const pool = draft.get('pool', draft.text('pool')!)
  const { accounts, use: offered } = pool.record.spec as { accounts: string[]; use: string }
  if (offered !== 'both' && offered !== use)
    throw draft.problem('invalid', ['pool'], `its addresses are for ${offered} alone; take another pool`)
  if (accounts.length > 0 && !accounts.includes(draft.scope.account!))
    throw draft.problem('invalid', ['pool'], `there is no pool that this account may use by that name`)
  draft.use(pool)
  return pool.record
}

function freePublic(draft: Draft, pool: ObjectRecord, path: readonly string[]): string {
  const span = spanOf(pool.spec.prefix as string)
  const candidates = function* (): Generator<Ip> {
    for (const n of inTurn(pool.id, [span])) yield addressAt(n, 4)
  }
  const ip = draft.pick(candidates(), (each) => publicKey(pool.id, each))
  if (ip !== undefined) return formatIp(ip)
  throw draft.problem('exhausted', path, `pool ${pool.name} has no free address`, {
    hint: 'take another pool, or ask the operator for more addresses',
  })
}

function checkInPool(draft: Draft, pool: ObjectRecord, ip: string, path: readonly (string | number)[]): void {
  const prefix = pool.spec.prefix as string
  if (!contains(prefixFrom(prefix), ipFrom(ip))) throw draft.problem('invalid', path, `${ip} is not in ${prefix} of pool ${pool.name}`)
}

const publicClaim = (pool: string, ip: string, value: Claim['value'], path: Claim['path']): Claim => ({
  key: publicKey(pool, ipFrom(ip)),
  value,
  what: ip,
  code: 'address-taken',
  path,
})

interface Target {
  readonly vnic: string
  readonly ip?: string
}

/** The address that a request names. One that a merge took over from another vnic is none. */
function given(draft: Draft, { vnic, ip }: Target, addresses: readonly string[]): string | undefined {
  const before = draft.before?.record.spec.target as Target | undefined
  const isLeftOver = before !== undefined && before.vnic !== vnic && before.ip === ip
  return isLeftOver && ip !== undefined && !addresses.includes(ip) ? undefined : ip
}

export const floatingIpRules: Rules = {
  settle(draft) {
    if (draft.before === undefined) {
      const pool = poolFor(draft, 'floating')
      const given = draft.text('ip')
      if (given === undefined) draft.spec.ip = draft.allocate('ip', freePublic(draft, pool, ['ip']))
      else checkInPool(draft, pool, given, ['ip'])
    } else draft.spec.ip ??= draft.before.record.spec.ip
    const target = draft.spec.target as Target | undefined
    if (target === undefined) return
    const vnic = draft.get('vnic', target.vnic)
    draft.use(vnic)
    const addresses = vnic.record.spec.addresses as string[]
    const ip = given(draft, target, addresses) ?? chosenTarget(draft, addresses.find(isIpv4Text))
    if (ip === undefined || !addresses.includes(ip))
      throw draft.problem('invalid', ['target', 'ip'], `the vnic has ${ip === undefined ? 'no IPv4 address' : `not the address ${ip}`}`)
    draft.spec.target = { vnic: target.vnic, ip }
  },
  claims({ id, spec }) {
    const { pool, ip, target } = spec as { pool: string; ip: string; target?: Required<Target> }
    const own = publicClaim(pool, ip, { kind: 'floating-ip', id }, ['ip'])
    if (target === undefined) return [own]
    const key = onceKey('floating', target.vnic, target.ip)
    return [own, { key, value: { kind: 'floating-ip', id }, what: `a floating address for ${target.ip}`, code: 'taken', path: ['target'] }]
  },
  state: ({ spec }) => (spec.target === undefined ? 'free' : 'attached'),
}

/** The address that a floating address has when none is named; what it had before is not chosen anew. */
function chosenTarget(draft: Draft, ip: string | undefined): string | undefined {
  const before = draft.before?.record.spec.target as Target | undefined
  return ip === undefined || before?.ip === ip ? ip : draft.allocateIn(['target', 'ip'], ip)
}

/** Addresses that the stations of a vpc can share (src/datapath/nat-cell-layout.ts). */
const maxShared = 8

export const natRules: Rules = {
  settle(draft) {
    checkShared(draft)
    const before = draft.before?.record.spec.publicIps as string[] | undefined
    const given = draft.spec.publicIps as string[] | undefined
    if (given === undefined && before !== undefined) return void (draft.spec.publicIps = before)
    if (given !== undefined && given.every((ip) => before?.includes(ip))) return
    const pool = poolFor(draft, 'snat')
    if (given === undefined) draft.spec.publicIps = draft.allocate('publicIps', [freePublic(draft, pool, ['publicIps'])])
    else for (const [i, ip] of given.entries()) checkInPool(draft, pool, ip, ['publicIps', i])
  },
  claims: ({ id, spec }) =>
    (spec.publicIps as string[]).map((ip, i) => publicClaim(spec.pool as string, ip, { kind: 'nat', id }, ['publicIps', i])),
}

/** Stations of a vpc share addresses of one pool: its router has one NAT for them, with eight addresses. */
function checkShared(draft: Draft): void {
  const vpc = draft.text('vpc')!
  const pool = draft.text('pool')!
  if (draft.before === undefined) guard(draft, vpc, 'nats')
  const others = draft.mirror.objects
    .usersOf(vpc)
    .flatMap(({ record }) => (record.kind === 'nat' && record.id !== draft.before?.record.id ? [record] : []))
  const users = others.map(({ id, name }) => ({ kind: 'nat', id, name }))
  const foreign = others.find(({ spec }) => spec.pool !== pool)
  if (foreign !== undefined)
    throw draft.problem(
      'taken',
      ['pool'],
      `the vpc has NAT ${foreign.name} with addresses of another pool, and its stations share those of one; destroy that one first`,
      { users },
    )
  const count = [draft.spec, ...others.map(({ spec }) => spec)].reduce(
    (sum, { publicIps }) => sum + ((publicIps as string[])?.length ?? 1),
    0,
  )
  if (count > maxShared)
    throw draft.problem('exhausted', ['publicIps'], `the vpc would share ${count} addresses, and ${maxShared} are the most`, { users })
}
