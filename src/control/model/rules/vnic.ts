/** Rules of vnics and address reservations: each address is in the subnet, and nobody else's. */
import { ipFrom } from '#wire/ip-address.ts'
import { absent } from '../../store/store.ts'
import { randomMacs } from '../candidates.ts'
import type { Claim } from '../claims.ts'
import type { Draft } from '../draft.ts'
import { addressKey, macKey, nameKey, onceKey } from '../keys.ts'
import type { ObjectRecord } from '../record.ts'
import { vnicState } from '../vnic-state.ts'
import type { Rules } from './rules.ts'
import { freeAddress, objection, otherAddress } from './station.ts'

interface VnicSpec {
  readonly subnet: string
  readonly mac: string
  readonly addresses: readonly string[]
  readonly groups: readonly string[]
}

export const vnicRules: Rules = {
  settle(draft) {
    const before = draft.before?.record.spec as VnicSpec | undefined
    const hasMoved = before?.subnet !== draft.spec.subnet
    if (hasMoved && draft.before?.record.binding !== undefined)
      throw draft.problem('in-use', ['subnet'], 'it is plugged in; unplug it before it changes its subnet')
    draft.spec.mac ??= before?.mac ?? draft.allocate('mac', freeMac(draft, ['mac']))
    draft.spec.groups ??= before?.groups ?? defaultGroups(draft)
    if (draft.spec.addresses === undefined && before !== undefined && !hasMoved) draft.spec.addresses = before.addresses
    settleAddresses(draft, hasMoved)
    // A floating address that points to an address which goes: its key is there, so the commit fails.
    for (const ip of before?.addresses ?? []) if (!(draft.spec.addresses as string[]).includes(ip)) keepsFloating(draft, ip)
  },
  claims({ id, account, vpc, spec, binding, epoch }) {
    const { mac, addresses, groups } = spec as unknown as VnicSpec
    const place = binding === undefined ? {} : { host: binding.host, epoch: epoch! }
    const own = addresses.map((ip, i): Claim => addressClaim(vpc!, ip, { kind: 'vnic', id, mac, groups, ...place }, ['addresses', i]))
    return [macClaim(account!, mac, { kind: 'vnic', id }, ['mac']), ...own]
  },
  state: (record, { mirror }) => vnicState(mirror, record),
}

function settleAddresses(draft: Draft, hasMoved: boolean): void {
  const had = hasMoved ? [] : ((draft.before?.record.spec.addresses ?? []) as string[])
  const given = draft.spec.addresses as string[] | undefined
  if (given !== undefined && given.every((ip) => had.includes(ip))) return
  const subnet = draft.get('subnet', draft.text('subnet')!)
  draft.use(subnet)
  for (const [i, ip] of (given ?? []).entries()) {
    const why = had.includes(ip) ? undefined : objection(subnet.record, ip)
    if (why !== undefined) throw draft.problem('invalid', ['addresses', i], `${why}; ${otherAddress}`)
  }
  if (given !== undefined) return
  const families = ([4, 6] as const).filter((family) => subnet.record.spec[`network${family}`] !== undefined)
  draft.spec.addresses = draft.allocate(
    'addresses',
    families.map((family) => freeAddress(draft, subnet.record, family, ['addresses'])),
  )
}

function keepsFloating(draft: Draft, ip: string): void {
  const key = onceKey('floating', draft.id, ip)
  if (draft.mirror.claim(key) !== undefined)
    throw draft.problem('in-use', ['addresses'], `a floating address points to ${ip}; point it elsewhere first`)
  draft.conditions.set(key, absent(key))
}

/** The account's group `default`, if it has one. */
function defaultGroups(draft: Draft): string[] {
  const id = draft.mirror.nameHolder(nameKey(draft.text('account')!, 'group', 'default'))
  const group = id === undefined ? undefined : draft.mirror.objects.get('group', id)
  if (group === undefined) return []
  draft.use(group)
  return [group.record.id]
}

/** A MAC address that the account has not. */
export function freeMac(draft: Draft, path: readonly (string | number)[]): string {
  const { account } = draft.scope
  const mac = draft.pick(randomMacs(), (each) => macKey(account!, each))
  if (mac === undefined) throw draft.problem('exhausted', path, 'no free MAC address was found; ask again')
  return mac
}

/** A MAC is unique in its account. */
export const macClaim = (account: string, mac: string, value: Claim['value'], path: Claim['path']): Claim => ({
  key: macKey(account, mac),
  value,
  what: mac,
  code: 'mac-taken',
  path,
})

const addressClaim = (vpc: string, ip: string, value: Claim['value'], path: Claim['path']): Claim => ({
  key: addressKey(vpc, ipFrom(ip)),
  value,
  what: ip,
  code: 'address-taken',
  path,
})

export const addressRules: Rules = {
  settle(draft) {
    if (draft.before !== undefined) return void (draft.spec.ip ??= draft.before.record.spec.ip)
    const subnet = draft.get('subnet', draft.text('subnet')!)
    draft.use(subnet)
    const given = draft.text('ip')
    if (given === undefined) {
      const family = subnet.record.spec.network4 === undefined ? 6 : 4
      draft.spec.ip = draft.allocate('ip', freeAddress(draft, subnet.record, family, ['ip']))
      return
    }
    const why = objection(subnet.record, given)
    if (why !== undefined) throw draft.problem('invalid', ['ip'], `${why}; ${otherAddress}`)
  },
  claims: ({ id, vpc, spec }: ObjectRecord) => [addressClaim(vpc!, spec.ip as string, { kind: 'address', id, reservation: id }, ['ip'])],
  state: ({ id, vpc, spec }, { mirror }) => {
    const held = vpc === null ? undefined : mirror.claim(addressKey(vpc, ipFrom(spec.ip as string)))
    return held?.value.id === id ? 'free' : 'used'
  },
}
