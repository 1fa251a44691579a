/** Foreign programs between guests: ping, a TCP transfer, a capture. */
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { Space } from './fabric.ts'

type Program = ChildProcessByStdio<null, Readable, Readable>

function start(
  space: Space,
  command: string,
  ...args: string[]
): { program: Program; output: () => string; ended: Promise<number | null> } {
  const program = spawn('nsenter', space.argv(command, ...args), { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [program.stdout, program.stderr]) stream.on('data', (chunk) => (text += chunk))
  const ended = new Promise<number | null>((resolve) => program.on('close', resolve))
  return { program, output: () => text, ended }
}

async function says(running: { output: () => string; ended: Promise<number | null> }, wanted: RegExp): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!wanted.test(running.output())) {
    if (Date.now() > deadline) throw new Error(`no ${wanted} within 10 s: ${running.output()}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Echo requests that may not be fragmented: ping's output, whether answers come or not. */
export async function ping(space: Space, address: string, { bytes = 56, count = 2 } = {}): Promise<{ ok: boolean; text: string }> {
  const running = start(space, 'ping', '-n', '-i', '0.05', '-W', '1', '-M', 'do', '-c', String(count), '-s', String(bytes), address)
  const ok = (await running.ended) === 0
  return { ok, text: running.output() }
}

/** One TCP connection that carries this many megabytes. Throws with what iperf3 says when it does not get through. */
export async function tcpTransfer(from: Space, to: Space, address: string, megabytes: number): Promise<void> {
  const server = start(to, 'iperf3', '-s', '-1', '--forceflush')
  try {
    await says(server, /Server listening/)
    const client = start(from, 'iperf3', '-c', address, '-n', `${megabytes}M`, '--connect-timeout', '3000')
    const timer = setTimeout(() => client.program.kill(), 20_000)
    const status = await client.ended
    clearTimeout(timer)
    if (status !== 0) throw new Error(`iperf3 ended with ${status}: ${client.output()}`)
  } finally {
    server.program.kill()
    await server.ended
  }
}

/** What tcpdump sees on a device, from now until `stop`, checksums verified. */
export async function capture(space: Space, device: string, filter: string): Promise<{ stop(): Promise<string> }> {
  const running = start(space, 'tcpdump', '-i', device, '-n', '-e', '-vvv', '-l', '--immediate-mode', filter)
  await says(running, /listening on/)
  return {
    async stop() {
      await new Promise((resolve) => setTimeout(resolve, 100))
      running.program.kill('SIGINT')
      await running.ended
      return running.output()
    },
  }
}

/** A kernel counter of the namespace, by nstat's name. */
export function kernelCounter(space: Space, name: string): number {
  const line = space
    .exec('nstat', '-asz', name)
    .split('\n')
    .find((text) => text.startsWith(name))
  return Number(line?.split(/\s+/)[1] ?? 0)
}
