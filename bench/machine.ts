/** From a container to a virtual machine on another host: the same round by round, with what QEMU's emulation lets through. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { loadavg } from 'node:os'
import { Duplex } from 'node:stream'
import { guestImage } from '../test/vm/guest-image.ts'
import { GuestShell } from '../test/vm/guest-shell.ts'
import { Bed } from './bed.ts'
import { spread, type Spread } from './measure.ts'
import { plan, type Conditions, type MachinePath, type Peer } from './peer.ts'

export interface MachineResult {
  readonly conditions: Conditions
  readonly loadBefore: readonly number[]
  /** By peer: Gb/s of one TCP stream to the machine, and microseconds of half a ping. */
  readonly peers: Readonly<Record<string, { readonly 'tcp-1': Spread; readonly 'latency-p50': Spread }>>
}

/** Boot a machine on the tap of a path. It ends with the bed. */
async function boot(bed: Bed, { host, tap, address }: MachinePath, mtu: number): Promise<GuestShell> {
  const { kernel, initrd } = guestImage()
  const netdev = ['-netdev', `tap,id=n0,ifname=${tap},script=no,downscript=no,queues=2`]
  const device = ['-device', `virtio-net-pci,netdev=n0,mac=${plan.guests[1].mac},mq=on,vectors=6`]
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
  await shell.run(`ip link set eth0 mtu ${mtu}`)
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

/** Set up the peers that can, measure them round by round, take them down. */
export async function measureMachine(
  { conditions, peers }: { conditions: Conditions; peers: readonly Peer[] },
  rounds: number,
  seconds: number,
  progress: (text: string) => void,
): Promise<MachineResult> {
  await using stack = new AsyncDisposableStack()
  const ready = []
  for (const [i, peer] of peers.entries()) {
    if (peer.toMachine === undefined) continue
    const bed = stack.use(new Bed(`m${i}`))
    progress(`booting a machine behind ${peer.name}`)
    const path = await peer.toMachine(bed, conditions)
    ready.push({
      name: peer.name,
      bed,
      path,
      shell: await boot(bed, path, conditions.mtu),
      gigabits: [] as number[],
      latency: [] as number[],
    })
  }
  const loadBefore: number[] = []
  for (let round = 1; round <= rounds; round++) {
    loadBefore.push(loadavg()[0]!)
    for (const one of ready) {
      progress(`round ${round} of ${rounds}: machine behind ${one.name}`)
      const { gigabits, latency } = await sample(one.bed, one.path, one.shell, seconds)
      one.gigabits.push(gigabits)
      one.latency.push(latency)
    }
  }
  const results = ready.map(({ name, gigabits, latency }) => [name, { 'tcp-1': spread(gigabits), 'latency-p50': spread(latency) }])
  return { conditions, loadBefore, peers: Object.fromEntries(results) }
}
