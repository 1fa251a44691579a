/**
 * A store with as many vnics as asked for, without a request for each: the API makes one vnic of each vpc, and the
 * others are written into the file as copies of its keys.
 */
import { execFile } from 'node:child_process'
import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { objectKey, addressKey, macKey } from '#control/model/keys.ts'
import type { ObjectRecord } from '#control/model/record.ts'
import { uuidV7 } from '#control/model/uuid.ts'
import { openSqliteStore } from '#control/store/sqlite/sqlite-store.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { scratch, TestApi } from '../../test/control/test-api.ts'

/** Vnics of a vpc. */
export const vpcSize = 1000

export interface Made {
  /** Directory with the store and the admin's token. */
  readonly directory: string
  readonly hosts: readonly string[]
  readonly vpcs: readonly string[]
  /** Of each vpc. */
  readonly subnets: readonly string[]
  /** The group. */
  readonly crowd: string
}

export interface MadeOptions {
  readonly hosts: number
  readonly addresses: number
  /** Hosts that have vnics of a vpc. */
  readonly spread: number
  /** Vnics in the group `crowd`. */
  readonly members: number
}

/** The number of the host of vnic `n` of a vpc. */
export const hostNumber = (vpc: number, n: number, { hosts, spread }: Pick<MadeOptions, 'hosts' | 'spread'>): number =>
  (vpc * 7 + (n % Math.min(spread, hosts))) % hosts

/** Do something for each, some at once. */
export async function each<T>(items: readonly T[], act: (item: T, i: number) => Promise<unknown>, atOnce = 64): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let i = next++; i < items.length; i = next++) await act(items[i]!, i)
    }),
  )
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** Make the store. Whoever asked removes the directory. */
async function madeStore(options: MadeOptions): Promise<Made> {
  const seed = scratch()
  const store = openSqliteStore(join(seed, 'store.db'))
  await using api = await TestApi.start({ directory: seed, store })
  const frame = await makeFrame(api, options)
  const directory = scratch()
  await using full = openSqliteStore(join(directory, 'store.db'))
  const { entries } = await store.range('')
  await full.restore(
    (async function* () {
      for (const { key, value } of entries) if (!key.startsWith('au/')) yield { key, value }
      for (const [vpc, vnic] of frame.templates.entries()) yield* copies(vpc, vnic, frame, options)
    })(),
    (await store.status()).revision,
  )
  copyFileSync(join(seed, 'admin-token'), join(directory, 'admin-token'))
  return { directory, hosts: frame.hosts, vpcs: frame.vpcs, subnets: frame.subnets, crowd: frame.crowd }
}

interface Frame extends Omit<Made, 'directory'> {
  /** A vnic of each vpc, plugged in. */
  readonly templates: readonly ObjectRecord[]
}

/** Hosts, vpcs, subnets, and one vnic of each. */
async function makeFrame(api: TestApi, { hosts: count, addresses, spread }: MadeOptions): Promise<Frame> {
  await api.ok('POST', '/regions', { name: 'north' })
  await api.ok('POST', '/facilities', { name: 'f1', region: 'north' })
  await api.ok('POST', '/orgs', { name: 'acme' })
  const quotas = { vpc: 100_000, vnic: 10_000_000, subnet: 100_000 }
  await api.ok('POST', '/accounts', { name: 'shop', org: 'acme', quotas })
  const hosts: string[] = []
  await each(numbers(count), async (i) => {
    const underlay = [{ address: `100.64.${i >> 8}.${i & 255}` }]
    hosts[i] = (await api.ok('POST', '/hosts', { name: `h${i}`, facility: 'f1', capacity: 65_536, underlay })).id
  })
  const rules = [{ direction: 'in', protocol: 'tcp', ports: ['5432'] }]
  const crowd = (await api.ok('POST', '/groups', { name: 'crowd', account: 'shop', rules })).id as string
  const [vpcs, subnets, templates] = [[] as string[], [] as string[], [] as ObjectRecord[]]
  await each(numbers(Math.ceil(addresses / vpcSize)), async (vpc) => {
    const { id } = await api.ok('POST', '/vpcs', { name: `v${vpc}`, account: 'shop', resolution: 'push' })
    const subnet = (await api.ok('POST', '/subnets', { name: 'web', vpc: id, network4: '10.0.0.0/16' })).id as string
    const vnic = (await api.ok('POST', '/vnics', { account: 'shop', subnet, addresses: [addressOf(0)], groups: [] })).id as string
    await api.ok('PUT', `/vnics/${vnic}/binding`, { host: hosts[hostNumber(vpc, 0, { hosts: count, spread })] })
    vpcs[vpc] = id
    subnets[vpc] = subnet
    templates[vpc] = api.model.mirror.objects.get('vnic', vnic)!.record
  })
  return { hosts, vpcs, subnets, templates, crowd }
}

/** Members are spread over all vpcs. */
const isMember = (n: number, { addresses, members }: MadeOptions): boolean => n % Math.max(1, Math.floor(addresses / members)) === 1

/** The address of vnic `n` of a vpc. */
const addressOf = (n: number): string => `10.0.${1 + (n >> 8)}.${n & 255}`

/** The keys of the other vnics of a vpc. */
function* copies(
  vpc: number,
  template: ObjectRecord,
  { hosts, crowd }: Pick<Frame, 'hosts' | 'crowd'>,
  options: MadeOptions,
): Generator<{ key: string; value: string }> {
  const count = Math.min(vpcSize, options.addresses - vpc * vpcSize)
  for (let n = 1; n < count; n++) {
    const [id, request] = [uuidV7(Date.now()), uuidV7(Date.now())]
    const hex = (vpc * vpcSize + n).toString(16).padStart(8, '0')
    const mac = `02:01:${hex.match(/../g)!.join(':')}`
    const host = hosts[hostNumber(vpc, n, options)]!
    const groups = isMember(vpc * vpcSize + n, options) ? [crowd] : []
    const account = template.account!
    const record = {
      ...template,
      id,
      created: { ...template.created, request },
      updated: { ...template.created, request },
      spec: { ...template.spec, mac, addresses: [addressOf(n)], groups },
      binding: { ...template.binding!, host },
    }
    yield { key: objectKey('vnic', id), value: JSON.stringify(record) }
    yield { key: macKey(account, mac), value: JSON.stringify({ kind: 'vnic', id }) }
    const value = { kind: 'vnic', id, mac, groups, host, epoch: record.epoch }
    yield { key: addressKey(template.vpc!, ipFrom(addressOf(n))), value: JSON.stringify(value) }
  }
}

/** Have another process make it: what that takes is no memory of this one. */
export async function madeElsewhere(options: MadeOptions): Promise<Made & Disposable> {
  const { stdout } = await promisify(execFile)(process.execPath, [import.meta.filename, JSON.stringify(options)], { maxBuffer: 64 << 20 })
  const made = JSON.parse(stdout) as Made
  return { ...made, [Symbol.dispose]: () => rmSync(made.directory, { recursive: true, force: true }) }
}

if (import.meta.main) process.stdout.write(JSON.stringify(await madeStore(JSON.parse(process.argv[2]!) as MadeOptions)))
