/** Containers of the real Incus: physical interfaces, also while they run, and `vpc attach --container`. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { until } from '../../cli/machines.ts'
import { PrivateVpcd } from '../../cli/private-vpcd.ts'
import { shownCommands } from '../shown.ts'
import { Incus } from './incus.ts'

let vpcd: PrivateVpcd
let incus: Incus
before(async () => {
  vpcd = await PrivateVpcd.start()
  incus = await Incus.start(vpcd.netns, join(vpcd.directory, 'incus'))
  vpcd.ok('switch', 'create', 'red', '--vni=7001')
})
after(async () => {
  await incus?.[Symbol.asyncDispose]()
  await vpcd?.[Symbol.asyncDispose]()
})

/** Do something in a container; it must succeed. */
const inside = (name: string, ...command: string[]): string => incus.ok('exec', name, '--', ...command)
const pings = (name: string, address: string): boolean => incus.run('exec', name, '--', 'ping', '-c', '2', '-W', '2', address).status === 0

/** A hostif of a name in a port with an address. Gives its unit. */
function hostif(name: string, address: string): string {
  vpcd.ok('hostif', 'create', name)
  vpcd.ok('switch', 'port', 'add', 'red', name)
  vpcd.ok('switch', 'port', 'set', name, `--address=${address}`)
  vpcd.ok('switch', 'port', 'connect', name, name)
  return (JSON.parse(vpcd.ok('hostif', 'get', name, '--json')) as { unit: string }).unit
}
function configure(name: string, device: string, address: string): void {
  inside(name, 'ip', 'address', 'add', `${address}/24`, 'dev', device)
  inside(name, 'ip', 'link', 'set', device, 'up')
}
const addresses = { web: '10.1.0.5', db: '10.1.0.6' } as const
const names = ['web', 'db'] as const

test('nictype=physical: Incus takes the interface and gives it back, at each start anew', () => {
  const [shown] = shownCommands('LXC and Incus', 'incus')
  for (const name of names) {
    const unit = hostif(name, addresses[name])
    incus.create(name)
    incus.ok(...shown!.map((word) => word.replace(/^web$/, name).replace('hostif0', unit)))
    incus.ok('start', name)
    configure(name, 'eth0', addresses[name])
  }
  assert.ok(pings('web', addresses.db))
  incus.ok('stop', '--force', 'db')
  assert.ok(vpcd.devices().includes('hostif1'))
  vpcd.ok('audit')
  incus.ok('start', 'db')
  configure('db', 'eth0', addresses.db)
  assert.ok(pings('web', addresses.db))
  vpcd.ok('audit')
})

test('an interface comes to a container that runs, and leaves it', () => {
  const unit = hostif('more', '10.2.0.5')
  incus.ok('config', 'device', 'add', 'web', 'eth1', 'nic', 'nictype=physical', `parent=${unit}`, 'name=eth1')
  configure('web', 'eth1', '10.2.0.5')
  assert.ok(!vpcd.devices().includes(unit))
  vpcd.ok('audit')
  incus.ok('config', 'device', 'remove', 'web', 'eth1')
  assert.ok(vpcd.devices().includes(unit))
  vpcd.ok('audit')
})

test('vpc attach --container: vpcd hands the interface over at each start', async () => {
  for (const [name, address] of [
    ['web', '10.3.0.5'],
    ['db', '10.3.0.6'],
  ] as const)
    vpcd.ok('attach', 'red', `--container=${name}`, '--as=eth2', `--address=${address}/24`)
  await until('they reach each other', () => pings('web', '10.3.0.6'))
  incus.ok('restart', '--force', 'db')
  await until('they do again after a restart', () => pings('web', '10.3.0.6'))
  for (const name of names) {
    vpcd.ok('detach', 'red', `--container=${name}`, '--as=eth2')
    incus.ok('delete', '--force', name)
  }
  vpcd.ok('audit')
})
