/** A host with two customers, for tests of the services: each has a subnet with the same addresses, one a router. */
import { execFileSync, spawnSync } from 'node:child_process'
import { generateId, type Id } from '#abi/id.ts'
import type { TestHost } from './test-host.ts'

export const metadataAt = ['169.254.169.254', 'fd00:ec2::254'] as const
export const dnsAt = ['169.254.169.253', 'fd00:ec2::253'] as const

/** A command in a guest's namespace. */
export interface Guest {
  readonly netns: string
  readonly port: Id
  /** Output of a command that must succeed. */
  run(...command: string[]): string
  /** Status and output of a command. */
  try(...command: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string }
  /** What curl gets from a path of the metadata service. */
  get(path: string, ...options: string[]): string
}

export interface Customer {
  readonly sw: Id
  readonly subnet: Id
  readonly guests: readonly Guest[]
}

/** Make a switch with a subnet that has services, and guests in namespaces of their own. */
export async function makeCustomer(
  host: TestHost,
  {
    name,
    vni,
    routed,
    guests,
    more,
  }: {
    readonly name: string
    readonly vni: number
    readonly routed: boolean
    /** Names in DNS; their addresses count from 10.0.0.5 and fd01::5 on. */
    readonly guests: readonly string[]
    /** More settings of the subnet, as methods of the library. */
    readonly more?: Readonly<Record<string, unknown>>
  },
): Promise<Customer> {
  const { vpc } = host
  const create = { create: true }
  const ids = { sw: generateId('vpcsw'), subnet: generateId('subnet'), router: generateId('vpcrtr') }
  await using sw = await vpc.openSwitch(ids.sw, create)
  await using subnet = await vpc.openSubnet(ids.subnet, create)
  await sw.setVni(vni)
  await subnet.setPrefix4('10.0.0.0/24')
  await subnet.setPrefix6('fd01::/64')
  await subnet.setSwitch(ids.sw)
  for (const object of [sw, subnet]) await object.commit()
  if (routed) {
    await using router = await vpc.openRouter(ids.router, create)
    await router.commit()
    await subnet.setRouter(ids.router)
  }
  const settings = { metadata: true, resolver: true, domain: `${name}.example`, ...more }
  const methods = subnet as unknown as Readonly<Record<string, (value: unknown) => Promise<void>>>
  for (const [key, value] of Object.entries(settings)) await methods[`set${key[0]!.toUpperCase()}${key.slice(1)}`]!(value)
  const made: Guest[] = []
  for (const [i, guest] of guests.entries()) made.push(await makeGuest(host, ids.sw, `${name}-${guest}`, guest, 5 + i, routed))
  return { ...ids, guests: made }
}

async function makeGuest(host: TestHost, sw: Id, space: string, hostname: string, last: number, routed: boolean): Promise<Guest> {
  const { vpc } = host
  const [hostifId, portId] = [generateId('hostif'), generateId('vpcp')]
  await using hostif = await vpc.openHostif(hostifId, { create: true })
  await hostif.commit()
  await using over = await vpc.openSwitch(sw, { write: true })
  await over.addPort(portId)
  await using port = await vpc.openPort(portId, { write: true })
  await port.connect(hostifId)
  await port.setAddresses([`10.0.0.${last}`, `fd01::${last.toString(16)}`])
  await port.setHostname(hostname)
  const device = (await hostif.describe()).unit
  host.guest(space, device, `10.0.0.${last}/24`)
  const netns = host.guestName(space)
  const inside = (...command: string[]): string[] => ['netns', 'exec', netns, ...command]
  const run = (...command: string[]): string =>
    execFileSync('ip', inside(...command), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  run('ip', 'address', 'add', `fd01::${last.toString(16)}/64`, 'dev', device, 'nodad')
  if (routed) for (const via of ['10.0.0.1', 'fd01::1']) run('ip', 'route', 'add', 'default', 'via', via)
  else for (const address of [...metadataAt, ...dnsAt]) run('ip', 'route', 'add', address, 'dev', device)
  const get = (path: string, ...options: string[]): string =>
    run('curl', '-sS', '--noproxy', '*', '--max-time', '10', ...options, /^https?:/.test(path) ? path : `http://${metadataAt[0]}/${path}`)
  return {
    netns,
    port: portId,
    run,
    get,
    try: (...command) => spawnSync('ip', inside(...command), { encoding: 'utf8' }),
  }
}
