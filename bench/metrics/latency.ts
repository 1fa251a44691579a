/** Request and response over UDP by sockperf's ping-pong: half of the round trip, median and 99th percentile. */
import { onCpu, type Bed } from '../bed.ts'
import type { Path } from '../peer.ts'

const percentile = (text: string, which: string): number => {
  const found = new RegExp(`percentile ${which}\\d*\\s*=\\s*([\\d.]+)`).exec(text)
  if (!found) throw new Error(`sockperf gave no percentile ${which}: ${text.slice(-300)}`)
  return Number(found[1])
}

/** Microseconds. */
export async function latency(bed: Bed, path: Path, seconds: number): Promise<{ 'latency-p50': number; 'latency-p99': number }> {
  await using _server = await bed.serve(
    path.server,
    onCpu('server', ['stdbuf', '-o0', 'sockperf', 'server', '-i', path.address]),
    /block|terminate/,
  )
  const { stdout, stderr } = await bed.runAsync(
    path.client,
    onCpu('client', ['sockperf', 'ping-pong', '-i', path.address, '-t', String(seconds), '-m', '64']),
  )
  const text = stdout + stderr
  return { 'latency-p50': percentile(text, '50\\.0'), 'latency-p99': percentile(text, '99\\.0') }
}
