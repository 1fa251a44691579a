/** What must be true of every store, whatever happened to those who wrote it. Reads the store alone. */
import assert from 'node:assert/strict'
import type { Store } from '#control/store/store.ts'

interface Thing {
  readonly id: string
  readonly kind: string
  readonly name: string | null
  readonly account: string
  readonly vpc: string
  readonly spec: any
}

/** In what a name is unique. Written down once more: the tables are what is tested. */
const parents: Readonly<Record<string, string>> = {
  account: 'org',
  principal: 'account',
  token: 'principal',
  'role-binding': 'principal',
  vpc: 'account',
  subnet: 'vpc',
  vnic: 'account',
  vm: 'account',
  address: 'subnet',
  group: 'account',
  'prefix-list': 'account',
  router: 'vpc',
  'route-table': 'vpc',
  nat: 'vpc',
  'floating-ip': 'account',
  peering: 'vpc',
  'flow-log': 'account',
  az: 'region',
  host: 'facility',
  placement: 'subnet',
  pool: 'facility',
}

/** Throws unless each object has exactly its name and claims, and each name and claim has its object. */
export async function checkInvariants(store: Store): Promise<{ objects: number; claims: number }> {
  const { entries } = await store.range('')
  const values = new Map(entries.map(({ key, value }) => [key, /^([oam]|once)\//.test(key) ? JSON.parse(value) : value]))
  const things = [...values].flatMap(([key, value]): Thing[] => (key.startsWith('o/') && !value.gone ? [value as Thing] : []))
  const byId = new Map(things.map((thing) => [thing.id, thing]))
  const wanted = new Set<string>()
  const claims = (key: string, holder: string): void => {
    assert.ok(!wanted.has(key), `${key} is claimed twice`)
    wanted.add(key)
    const value = values.get(key)
    assert.ok(value !== undefined && value.freed === undefined, `${key} of ${holder} is not held`)
    assert.ok(value.id === holder || value.reservation === holder, `${key} is held by ${value.id}, not ${holder}`)
  }
  for (const { id, kind, name, account, vpc, spec } of things) {
    const parent = parents[kind] === undefined ? '-' : (spec[parents[kind]] ?? '-')
    if (name !== null) assert.equal(values.get(`n/${parent}/${kind}/${name}`), id, `${kind} ${name}`)
    if (kind === 'vnic') {
      claims(`m/${account}/${spec.mac.replaceAll(':', '')}`, id)
      for (const ip of spec.addresses) claims(addressKeyOf(vpc, ip), id)
      for (const target of [spec.subnet, ...spec.groups]) assert.ok(byId.has(target), `vnic ${id} refers to ${target}, which is gone`)
    }
    if (kind === 'router' && spec.enabled) claims(`once/router/${spec.vpc}`, id)
    if (kind === 'router') for (const { mac } of spec.interfaces) claims(`m/${account}/${mac.replaceAll(':', '')}`, id)
    const reserved = kind === 'address' ? addressKeyOf(vpc, spec.ip) : undefined
    if (reserved !== undefined && values.get(reserved)?.id === id) claims(reserved, id)
    if (kind === 'subnet') assert.ok(byId.has(spec.vpc), `subnet ${id} is in no vpc`)
  }
  const held = [...values].filter(([key, value]) => /^([am]|once\/router)\//.test(key) && value.freed === undefined)
  for (const [key] of held) assert.ok(wanted.has(key), `${key} is held by nobody`)
  for (const [key, id] of values) if (key.startsWith('n/')) assert.ok(byId.has(id), `${key} names ${id}, which is gone`)
  return { objects: things.length, claims: held.length }
}

function addressKeyOf(vpc: string, ip: string): string {
  if (!ip.includes(':')) {
    const hex = ip.split('.').map((part) => Number(part).toString(16).padStart(2, '0'))
    return `a/${vpc}/00000000000000000000ffff${hex.join('')}`
  }
  // Written out by the URL parser's rules in reverse: groups, and zeros for '::'.
  const [head = '', tail = ''] = ip.split('::')
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':').map((each) => each.padStart(4, '0')))
  const [left, right] = [groups(head), groups(tail)]
  return `a/${vpc}/${[...left, ...Array(8 - left.length - right.length).fill('0000'), ...right].join('')}`
}
