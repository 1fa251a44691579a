/**
 * Measures a container and a virtual machine on another host, round by round. QEMU emulates the machine's processor,
 * which limits the figures.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { loadavg } from 'node:os'
import { Duplex } from 'node:stream'
import { guestImage } from '../test/vm/guest-image.ts'
import { GuestShell } from '../test/vm/guest-shell.ts'
import { Bed } from './bed.ts'
import type { Effort, Scenario } from './measure.ts'
import { plan, type Conditions, type MachinePath, type Peer } from './peer.ts'
import type { Progress } from './progress.ts'
import { mustCarry, rotated, type Taken } from './rounds.ts'
import { spread, type Spread } from './spread.ts'

export interface MachineResult {
  readonly conditions: Conditions
  readonly taken: Taken
  /** By peer: Gb/s of one TCP stream to the machine, and microseconds of half a ping. */
  readonly peers: Readonly<Record<string, { readonly 'tcp-1': Spread; readonly 'latency-p50': Spread }>>
  /** Peers that this machine cannot set up, and why. */
  readonly missing: Readonly<Record<string, string>>
}

const BOOT_SECONDS = 5
/** Waiting for the machine's server, and the pings. */
const SAMPLE_SECONDS = 2.5

/** Boot a machine on the tap of a path. It ends with the bed. */
async function boot(bed: Bed, { host, tap, address, card }: MachinePath, mtu: number): Promise<GuestShell> {
  const { kernel, initrd } = guestImage()
  const netdev = ['-netdev', `tap,id=n0,ifname=${tap},script=no,downscript=no,queues=2`]
  const device = ['-device', `virtio-net-pci,netdev=n0,mac=${plan.guests[1].mac},mq=on,vectors=6${card === undefined ? '' : `,${card}`}`]
  const base = ['-nodefaults', '-display', 'none', '-no-reboot', '-accel', 'tcg,thread=multi', '-m', '256', '-smp', '1', '-serial', 'stdio']
  const image = ['-kernel', kernel, '-initrd', initrd, '-append', `console=ttyS0 quiet address=${address}/${plan.network}`]
  const argv = [`--net=/run/netns/${host}`, '--', 'qemu-system-x86_64', ...base, ...image, ...netdev, ...device]
  const child = spawn('nsenter', argv, { stdio: ['pipe', 'pipe', 'inherit'] })
  bed.onDispose(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  })
  const shell = new GuestShell(Duplex.from({ readable: child.stdout, writable: child.stdin } as never))
  await shell.ready()
  await shell.must(`ip link set eth0 mtu ${mtu}`)
  return shell
}

async function sample(bed: Bed, path: MachinePath, shell: GuestShell, seconds: number): Promise<{ gigabits: number; latency: number }> {
  await shell.run('(iperf3 -s -1 >/dev/null 2>&1 &); sleep 1')
  const { stdout } = await bed.runAsync(path.client, ['iperf3', '-c', path.address, '-J', '-C', 'cubic', '-t', String(seconds)])
  const { end, error } = JSON.parse(stdout)
  if (error !== undefined) throw new Error(`iperf3 to the machine: ${error}`)
  const pings = await bed.runAsync(path.client, ['ping', '-n', '-q', '-A', '-c', '200', '-w', '5', path.address])
  const average = /= [\d.]+\/([\d.]+)\//.exec(pings.stdout)?.[1]
  if (average === undefined) throw new Error(`ping to the machine: ${pings.stdout}${pings.stderr}`)
  return { gigabits: end.sum_received.bits_per_second / 1e9, latency: (Number(average) * 1000) / 2 }
}

/** Seconds that `measureMachine` takes. */
export const machineSeconds = ({ peers }: Scenario, { rounds, seconds }: Effort): number =>
  peers.filter(({ toMachine }) => toMachine).length * (BOOT_SECONDS + rounds * (seconds + SAMPLE_SECONDS))

/** Why a peer has no machine, or undefined. */
function absence(peer: Peer, bed: Bed): string | undefined {
  if (peer.toMachine === undefined) return 'no virtual machine can have it'
  if (spawnSync('qemu-system-x86_64', ['--version']).status !== 0) return 'qemu-system-x86 is not installed'
  return peer.missing?.(bed)
}

/** A ready machine, and its measurements round by round. */
interface MachineSeat {
  readonly name: string
  readonly bed: Bed
  readonly path: MachinePath
  readonly shell: GuestShell
  readonly gigabits: number[]
  readonly latency: number[]
}

async function seat(bed: Bed, peer: Peer, conditions: Conditions): Promise<MachineSeat> {
  const path = await peer.toMachine!(bed, conditions)
  const shell = await boot(bed, path, conditions.mtu)
  await mustCarry(bed, path, conditions.mtu, `a machine behind ${peer.name}`)
  return { name: peer.name, bed, path, shell, gigabits: [], latency: [] }
}

/** Set up the peers that can, measure them round by round, take them down. */
export async function measureMachine(
  { conditions, peers }: Scenario,
  { rounds, seconds }: Effort,
  progress: Progress,
): Promise<MachineResult> {
  await using stack = new AsyncDisposableStack()
  const ready: MachineSeat[] = []
  const missing: Record<string, string> = {}
  for (const [i, peer] of peers.entries()) {
    const bed = stack.use(new Bed(`m${i}`))
    const why = absence(peer, bed)
    if (why !== undefined) {
      missing[peer.name] = why
      continue
    }
    progress.step(`booting a machine behind ${peer.name}`, BOOT_SECONDS)
    ready.push(await seat(bed, peer, conditions))
  }
  const loadBefore: number[] = []
  for (let round = 0; round < rounds; round++) {
    loadBefore.push(loadavg()[0]!)
    for (const { name, bed, path, shell, ...samples } of rotated(ready, round)) {
      progress.step(`round ${round + 1} of ${rounds}: machine behind ${name}`, seconds + SAMPLE_SECONDS)
      const { gigabits, latency } = await sample(bed, path, shell, seconds)
      samples.gigabits.push(gigabits)
      samples.latency.push(latency)
    }
  }
  const taken = { date: new Date().toISOString(), rounds, seconds, loadBefore }
  const results = ready.map(({ name, gigabits, latency }) => [name, { 'tcp-1': spread(gigabits), 'latency-p50': spread(latency) }])
  return { conditions, taken, missing, peers: Object.fromEntries(results) }
}
