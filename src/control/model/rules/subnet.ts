/** Rules of vpcs and subnets: networks do not overlap, a gateway lies in its network. */
import { formatIp, ipFrom } from '#wire/ip-address.ts'
import { contains, formatPrefix, nthAddress, overlaps, prefixFrom, type Prefix } from '#wire/prefix.ts'
import { absent, at, put } from '../../store/store.ts'
import { familyIn, numberOf, randomUla, spanOf } from '../candidates.ts'
import type { Draft } from '../draft.ts'
import { guardKey } from '../keys.ts'
import type { ObjectRecord, Spec } from '../record.ts'
import { uuidV7 } from '../uuid.ts'
import type { Rules } from './rules.ts'

const ula = prefixFrom('fd00::/8')

export const vpcRules: Rules = {
  settle(draft) {
    const given = draft.text('ipv6Prefix')
    if (given === undefined) draft.spec.ipv6Prefix = draft.allocate('ipv6Prefix', randomUla())
    else if (!contains(ula, prefixFrom(given).address))
      throw draft.problem('invalid', ['ipv6Prefix'], `${given} is not a network of fd00::/8, where private networks are`)
  },
}

/** Networks that no guest can be in. */
const impossible = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::/64', 'fe80::/10', 'ff00::/8', '::ffff:0:0/96'].map(
  prefixFrom,
)

export const subnetRules: Rules = {
  settle(draft) {
    const { network4, network6 } = draft.spec as Networks
    if (network4 === undefined && network6 === undefined)
      throw draft.problem(
        'invalid',
        ['network4'],
        "a subnet needs network4, network6 or both; one looks like 10.0.0.0/24, 'auto' is an IPv6 network",
      )
    if (draft.before === undefined) chooseNetworks(draft)
    for (const family of [4, 6] as const) settleGateway(draft, family)
    for (const field of ['reserved', 'pool'] as const) checkRanges(draft, field)
  },
}

/** The networks of a subnet's spec. */
export interface Networks {
  readonly network4?: string
  readonly network6?: string
  readonly gateway4?: string
  readonly gateway6?: string
}

/** Networks as prefixes. */
export const networksOf = ({ network4, network6 }: Networks): Prefix[] =>
  [network4, network6].flatMap((text) => (text === undefined ? [] : [prefixFrom(text)]))

function chooseNetworks(draft: Draft): void {
  const vpc = draft.get('vpc', draft.text('vpc')!)
  guard(draft, vpc.record.id, 'subnets')
  const siblings = draft.mirror.objects
    .usersOf(vpc.record.id)
    .filter(({ record }) => record.kind === 'subnet' && record.spec.vpc === vpc.record.id)
  if (draft.spec.network6 === 'auto')
    draft.spec.network6 = draft.allocate(
      'network6',
      freeNetwork(
        draft,
        vpc.record.spec,
        siblings.map(({ record }) => record),
      ),
    )
  for (const field of ['network4', 'network6'] as const) {
    const text = draft.text(field)
    if (text === undefined) continue
    const network = prefixFrom(text)
    if (impossible.some((bad) => overlaps(bad, network)))
      throw draft.problem('invalid', [field], `no guest can be in ${text}; take a private or public network`)
    checkPeers(draft, vpc.record.id, network, field)
    const other = siblings.find(({ record }) => networksOf(record.spec as Networks).some((each) => overlaps(each, network)))
    if (other !== undefined) {
      const { id, name, spec } = other.record
      const users = [{ kind: 'subnet', id, name }]
      throw draft.problem(
        'overlap',
        [field],
        `${text} overlaps with ${(spec as Networks)[field]} of subnet ${name}; choose another network`,
        { users },
      )
    }
  }
}

/** A network must not be one of a vpc that this one is joined with. */
function checkPeers(draft: Draft, vpc: string, network: Prefix, field: string): void {
  for (const { record } of draft.mirror.objects.usersOf(vpc)) {
    if (record.kind !== 'peering' || record.spec.accepted !== true) continue
    const peer = (record.spec.vpc === vpc ? record.spec.peerVpc : record.spec.vpc) as string
    guard(draft, peer, 'subnets')
    if (networksBelow(draft, peer).some((each) => overlaps(each, network)))
      throw draft.problem('overlap', [field], `a vpc that peering ${record.name} joins has this network; choose another`)
  }
}

/** The networks of all subnets of a vpc. */
export const networksBelow = (draft: Draft, vpc: string): Prefix[] =>
  draft.mirror.objects
    .usersOf(vpc)
    .flatMap(({ record }) => (record.kind === 'subnet' && record.spec.vpc === vpc ? networksOf(record.spec as Networks) : []))

/** Only one at a time adds a network below a parent: no key says that two networks overlap. */
export function guard(draft: Draft, parent: string, what: string): void {
  const key = guardKey(parent, what)
  const held = draft.mirror.claim(key)
  draft.step({
    condition: held === undefined ? absent(key) : at(key, held.modified),
    write: put(key, JSON.stringify({ by: uuidV7(draft.now) })),
  })
}

/** The first /64 of the vpc that no subnet has. */
function freeNetwork(draft: Draft, vpc: Spec, siblings: readonly ObjectRecord[]): string {
  const taken = siblings.flatMap(({ spec }) => networksOf(spec as Networks))
  const { address } = prefixFrom(vpc.ipv6Prefix as string)
  for (let i = 1; i < 65_536; i++) {
    const bytes = Uint8Array.from(address)
    bytes.set([i >> 8, i & 0xff], 6)
    const network = { address: bytes, length: 64 } as unknown as Prefix
    if (!taken.some((each) => overlaps(each, network))) return formatPrefix(network)
  }
  throw draft.problem('exhausted', ['network6'], `the vpc has no free network in ${String(vpc.ipv6Prefix)}`)
}

function settleGateway(draft: Draft, family: 4 | 6): void {
  const network = draft.text(`network${family}`)
  const field = `gateway${family}`
  const given = draft.text(field)
  if (network === undefined) {
    if (given !== undefined) throw draft.problem('invalid', [field], `the subnet has no IPv${family} network`)
    return
  }
  if (given === undefined) {
    draft.spec[field] = draft.allocate(field, formatIp(nthAddress(prefixFrom(network), 1)!))
    return
  }
  const n = numberOf(ipFrom(given))
  const { first, last } = spanOf(network)
  // The address after the gateway's answers DHCP, so it must be a station's as well.
  const isStation = family === 4 ? n > first && n + 1n < last : n > first && n < last
  if (!isStation) throw draft.problem('invalid', [field], `${given} cannot be the gateway of ${network}; the first address can`)
}

function checkRanges(draft: Draft, field: 'reserved' | 'pool'): void {
  const spans = networksOf(draft.spec as Networks).map((network) => spanOf(formatPrefix(network)))
  for (const [i, text] of (draft.spec[field] as string[]).entries()) {
    const { first, last } = spanOf(text)
    const isInside = spans.some((span) => span.first <= first && last <= span.last)
    const hasFamily = draft.spec[`network${familyIn(text)}`] !== undefined
    if (!isInside || !hasFamily) throw draft.problem('invalid', [field, i], `${text} is not in a network of the subnet`)
  }
}
