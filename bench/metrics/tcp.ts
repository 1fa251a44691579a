/** TCP by iperf3: rate, CPU of the whole machine per gigabyte, retransmissions. */
import { readFileSync } from 'node:fs'
import { onCpu, type Bed } from '../bed.ts'
import type { Path } from '../peer.ts'

export interface TcpResult {
  readonly gigabitsPerSecond: number
  readonly cpuSecondsPerGigabyte: number
  readonly retransmitsPerGigabyte: number
}

/** CPU seconds that the machine has spent on anything but idling, since it started. */
function busySeconds(): number {
  const [user, nice, system, , , irq, softirq] = readFileSync('/proc/stat', 'utf8').split('\n')[0]!.split(/\s+/).slice(1).map(Number)
  return (user! + nice! + system! + irq! + softirq!) / 100
}

/** Run an iperf3 client against a fresh server and give its JSON report. */
export async function iperf(bed: Bed, path: Path, args: readonly string[]): Promise<any> {
  await using _server = await bed.serve(
    path.server,
    onCpu('server', ['iperf3', '-s', '-1', '--forceflush', '-B', path.address]),
    /listening/,
  )
  const { stdout } = await bed.runAsync(path.client, onCpu('client', ['iperf3', '-c', path.address, '-J', ...args]))
  const report = JSON.parse(stdout)
  if (report.error !== undefined) throw new Error(`iperf3 to ${path.address}: ${report.error}`)
  return report
}

/** Bulk TCP from the client to the server. */
export async function tcp(bed: Bed, path: Path, seconds: number, streams: number): Promise<TcpResult> {
  const before = busySeconds()
  const { end } = await iperf(bed, path, ['-C', 'cubic', '-t', String(seconds), '-P', String(streams)])
  const busy = busySeconds() - before
  const gigabytes = end.sum_received.bytes / 1e9
  return {
    gigabitsPerSecond: end.sum_received.bits_per_second / 1e9,
    cpuSecondsPerGigabyte: busy / gigabytes,
    retransmitsPerGigabyte: end.sum_sent.retransmits / gigabytes,
  }
}
