/** Two hosts of a real cloud for tests with container runtimes: h1 has the runtime, h2 a container to speak to. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { isRunning } from '#system/process-mark.ts'
import { addressOf, container, type Machine, removeMachines, twoMachines, until } from '../cli/machines.ts'

export interface Far {
  readonly netns: string
  readonly address: string
}

export interface CloudScene {
  readonly h1: Machine
  readonly h2: Machine
  /** A container on h2 in group `app`. */
  readonly far: Far
}

/** Its groups: `app` lets pings in alone. Its subnet `default` has a router. */
export function startCloud(): CloudScene {
  const [h1, h2] = twoMachines()
  h1.ok('up --name=h1')
  h2.ok(h1.ok('host create h2').trim().split('\n').at(-1)!.replace(/^vpc /, ''))
  h2.ok('up')
  h2.ok(`login --server=https://198.18.7.1:7473 --token-file=${join(h1.state, 'admin-token')}`)
  h1.ok('cloud group create app')
  h1.ok('cloud group set app --wait', '--rule', 'direction=in protocol=icmp', '--rule', 'direction=out protocol=any')
  h1.ok('cloud router create r1 --vpc=default', '--interface', 'subnet=default')
  const netns = container('far')
  h2.ok(`vnic attach far --subnet=default --group=app --netns=${netns}`)
  return { h1, h2, far: { netns, address: addressOf(netns)! } }
}

/** Take it down; nothing of a runtime may be left. */
export const stopCloud = removeMachines

/** A network for CNI, as an administrator writes it for h1. */
export const cniNetwork = ({ h1 }: CloudScene, name: string, cniVersion = '1.0.0'): object => ({
  cniVersion,
  name,
  plugins: [
    {
      type: 'vpc-cni',
      subnet: 'default/default',
      groups: ['app'],
      server: 'https://198.18.7.1:7473',
      tokenFile: join(h1.state, 'admin-token'),
      stateDir: join(h1.directory, 'cni'),
      agentStateDir: h1.agentDir,
      socket: join(h1.directory, 'run/vpcd.sock'),
    },
  ],
})

/** Kill vpcd of a host and start it again. */
export async function killVpcd(machine: Machine): Promise<void> {
  const { vpcd } = machine.processes()
  process.kill(vpcd!.pid, 'SIGKILL')
  await until('vpcd has ended', () => !isRunning(vpcd!))
  machine.ok(`up --name=${machine.name}`)
}

/** Take vpcd of a host out of the kernel, and start it again: what a removal of the package and its installation do. */
export async function clearVpcd(machine: Machine): Promise<void> {
  const { vpcd } = machine.processes()
  process.kill(vpcd!.pid, 'SIGTERM')
  await until('vpcd has ended', () => !isRunning(vpcd!))
  machine.ok('daemon --clear', `--run-dir=${join(machine.directory, 'run')}`, `--state-dir=${machine.state}`, `--bpffs=${machine.bpffs}`)
  assert.deepEqual(
    machine.devices().filter((name) => /^(sw-)?(hostif|vmnic|vpc)/.test(name)),
    [],
  )
  machine.ok(`up --name=${machine.name}`)
}

/** What ping says from a container of another host. */
export const farPings = ({ netns }: Far, address: string): boolean =>
  spawnSync('ip', ['netns', 'exec', netns, 'ping', '-c', '3', '-i', '0.1', '-W', '2', address]).status === 0

/** A connection from a container of another host is dropped by the group of the one here, and h1 says so. */
export function assertGroupDrops({ h1, far }: CloudScene, address: string): void {
  const connect = ['curl', '--silent', '--max-time', '1', `http://${address}/`]
  const { status } = spawnSync('ip', ['netns', 'exec', far.netns, ...connect])
  assert.equal(status, 28, 'curl waits in vain')
  assert.match(h1.ok('drops'), /sg_denied/)
}

/** The API knows no vnic but the far one, vpcd nothing that it has not made, and h1 has the devices that it had. */
export function assertNothingLeft({ h1 }: CloudScene, devices: readonly string[]): void {
  const vnics = JSON.parse(h1.ok('vnic list --json')) as { name: string }[]
  assert.deepEqual(
    vnics.map(({ name }) => name),
    ['far'],
  )
  h1.ok('audit')
  assert.deepEqual(h1.devices(), devices)
}
