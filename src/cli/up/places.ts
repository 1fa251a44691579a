/** Where `vpc up` keeps things, and what it wrote down about what it started. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { createServer, isIP, isIPv4 } from 'node:net'
import { createSocket } from 'node:dgram'
import { dirname, join } from 'node:path'
import { resolveSocketPath } from '#client/socket-path.ts'
import { isRunning, markProcess, type ProcessMark } from '#system/process-mark.ts'
import { replaceFile } from '#system/whole-file.ts'
import { Failure, usageFailure } from '../failure.ts'
import { text } from '../option.ts'

/** Options that `up` and `down` share. */
export const placeOptions = {
  stateDir: text('directory for the journal of vpcd, the store and the logs', 'DIR', 'directory').default('/var/lib/vpc'),
  agentStateDir: text('directory of the agent', 'DIR', 'directory').default('/var/lib/vpc-agent'),
  bpffs: text('directory in a BPF file system, for the pins of vpcd', 'DIR', 'directory').default('/sys/fs/bpf/vpc'),
}

/** Directories and files of this machine's daemons. */
export interface Places {
  readonly stateDir: string
  readonly agentStateDir: string
  readonly bpffs: string
  readonly socket: string
  readonly runDir: string
  readonly logDir: string
}

/** From the options; the socket of vpcd says where its run directory is. */
export function placesOf(options: Pick<Places, 'stateDir' | 'agentStateDir' | 'bpffs'>, socketOption: string | undefined): Places {
  const socket = resolveSocketPath(socketOption)
  const { stateDir, agentStateDir, bpffs } = options
  return { stateDir, agentStateDir, bpffs, socket, runDir: dirname(socket), logDir: join(stateDir, 'log') }
}

export const daemonNames = ['vpcd', 'issuer', 'api', 'agent'] as const
export type DaemonName = (typeof daemonNames)[number]

/** What `up` wrote down. */
export interface UpRecord {
  readonly processes: Readonly<Partial<Record<DaemonName, ProcessMark>>>
  /** The context that was current before. */
  readonly contextBefore: string | null
  /** URL of the API, if it runs here. */
  readonly server: string | null
}

const recordPath = ({ stateDir }: Places): string => join(stateDir, 'up.json')

/** Have no other `up` or `down` work on this machine meanwhile. Throws a Failure. */
export function lockPlaces({ stateDir }: Places): Disposable {
  mkdirSync(stateDir, { recursive: true, mode: 0o755 })
  const path = join(stateDir, 'up.lock')
  for (;;) {
    try {
      writeFileSync(path, JSON.stringify(markProcess(process.pid)), { flag: 'wx', mode: 0o600 })
      return { [Symbol.dispose]: () => rmSync(path, { force: true }) }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const holder = holderOf(path)
      if (isRunning(holder))
        throw new Failure('conflict', `another vpc up or vpc down (process ${holder!.pid}) works on ${stateDir}; wait for it`)
      rmSync(path, { force: true })
    }
  }
}

function holderOf(path: string): ProcessMark | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ProcessMark
  } catch {
    return undefined
  }
}

/** Read it; undefined: `up` did not run here, or `down` did since. */
export function readRecord(places: Places): UpRecord | undefined {
  try {
    return JSON.parse(readFileSync(recordPath(places), 'utf8')) as UpRecord
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new Failure('failed', `cannot read ${recordPath(places)}: ${(error as Error).message}; end the daemons, and remove the file`)
  }
}

/** Write it whole, or not at all. */
export function writeRecord(places: Places, record: UpRecord): void {
  mkdirSync(places.stateDir, { recursive: true, mode: 0o755 })
  replaceFile(recordPath(places), `${JSON.stringify(record)}\n`, 0o600)
}

/** The address where others reach this machine: as asked, else the one that packets to the outside leave from. */
export async function ownAddress(asked: string | undefined): Promise<string> {
  if (asked === undefined) return (await outwardAddress()) ?? '127.0.0.1'
  if (isIP(asked) !== 0) return asked
  const all = (networkInterfaces()[asked] ?? []).filter(({ address }) => !address.startsWith('fe80:'))
  const found = all.find(({ address }) => isIPv4(address)) ?? all[0]
  if (found !== undefined) return found.address
  throw usageFailure(`--address: '${asked}' is neither an address nor an interface of this machine with an address`)
}

/** A socket that is connected to an address of the documentation says which of ours it would use; it sends nothing. */
function outwardAddress(): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const socket = createSocket('udp4')
  socket.once('error', () => resolve(undefined))
  socket.connect(9, '192.0.2.1', () => {
    const { address } = socket.address()
    resolve(address === '0.0.0.0' ? undefined : address)
  })
  return promise.finally(() => socket.close())
}

/** Refuse a port that another program has, before anything waits for it. */
export async function checkPort(address: string, port: number, option: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const server = createServer()
  server.once('error', ({ code, message }: NodeJS.ErrnoException) =>
    reject(
      code === 'EADDRINUSE'
        ? new Failure('conflict', `another program has port ${port} of ${address}; stop it, or choose another port with ${option}`, {
            code,
          })
        : new Failure('failed', `cannot listen on ${address} port ${port}: ${message}`, { code: code ?? 'failed' }),
    ),
  )
  server.listen(port, address, () => server.close(() => resolve()))
  return promise
}
