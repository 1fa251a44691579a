/**
 * Calls per second: vpc_ctl, vpc_open and vpc_open that creates, by the socket (one after the other, and 64 at once)
 * and by system call.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import { generateId } from '#abi/id.ts'
import type { Vpc } from '#client/vpc.ts'
import { TestHost } from '../../test/daemon/test-host.ts'

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const atOnce = 64

export interface Rates {
  readonly ctl: number
  readonly open: number
  readonly create: number
}

/** How often a second `run` is done, `rounds` times in all, some at once. */
async function rate(rounds: number, width: number, run: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  let left = rounds
  const worker = async (): Promise<void> => {
    while (left-- > 0) await run()
  }
  await Promise.all(Array.from({ length: width }, worker))
  return Math.round((rounds * 1000) / (performance.now() - start))
}

async function bySocket(vpc: Vpc, rounds: number, width: number): Promise<Rates> {
  await using port = await vpc.openPort(generateId('vpcp'), { create: true })
  const ctl = await rate(rounds, width, () => port.mac())
  const open = await rate(rounds / 5, width, async () => (await vpc.openPort(port.id)).close())
  const create = await rate(rounds / 5, width, async () => (await vpc.openPort(generateId('vpcp'), { create: true })).close())
  return { ctl, open, create }
}

function bySystemCall(socketPath: string, rounds: number): Rates {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-bench-'))
  try {
    const program = join(directory, 'calls')
    execFileSync('clang', ['-O2', '-o', program, path('calls.c')])
    const argv = ['exec', '--', program, String(rounds), String(rounds / 5), String(rounds / 5)]
    return JSON.parse(
      execFileSync(path('../../bin/vpc.mjs'), argv, { encoding: 'utf8', env: { ...process.env, VPC_SOCKET: socketPath } }),
    ) as Rates
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** All of them, on a vpcd of their own. */
export async function measureCalls(rounds: number): Promise<Readonly<Record<string, Rates>>> {
  await using host = TestHost.create()
  await host.start()
  await bySocket(host.vpc, rounds / 10, 1)
  return {
    socket: await bySocket(host.vpc, rounds, 1),
    [`socket, ${atOnce} at once`]: await bySocket(host.vpc, rounds, atOnce),
    'system call': bySystemCall(host.socketPath, rounds),
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { json: { type: 'string' }, rounds: { type: 'string', default: '20000' } } })
  const measured = await measureCalls(Number(values.rounds))
  const line = (name: string, cells: readonly (string | number)[]): string =>
    name.padEnd(22) + cells.map((cell) => String(cell).padStart(14)).join('')
  process.stdout.write(`${line('calls per second', ['vpc_ctl', 'vpc_open', 'and creating'])}\n`)
  for (const [name, { ctl, open, create }] of Object.entries(measured)) process.stdout.write(`${line(name, [ctl, open, create])}\n`)
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ date: new Date().toISOString(), callsPerSecond: measured }, null, 2)}\n`)
}
