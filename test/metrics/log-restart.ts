/** A flow log that ends in the middle of a flow and starts again, against what the guest's own socket has counted. */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import type { FlowRecord } from '#flow-log/record.ts'
import { vpcPath } from '../cli/run-vpc.ts'
import { said, until } from './wait.ts'

/** Ethernet, IPv4 and UDP headers. */
const headers = 14 + 20 + 8

/** Answers each datagram of UDP port 9 by one of 50 bytes. */
const echo = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.0.0.2", 9))
print("it answers", file=sys.stderr, flush=True)
while True:
    s.sendto(b"y" * 50, s.recvfrom(1000)[1])
`

/** Sends a datagram of 100 bytes after each answer, until SIGTERM. Now and then one that the group refuses. */
const ask = `
import signal, socket, sys, time
going = [1]
signal.signal(signal.SIGTERM, lambda *_: going.clear())
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", int(sys.argv[1])))
s.settimeout(20)
refused = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
answers = 0
while going:
    s.sendto(b"x" * 100, ("10.0.0.2", 9))
    s.recv(1000)
    answers += 1
    print(answers, flush=True)
    if answers % 10 == 0: refused.sendto(b"x", ("10.0.0.2", 10))
    time.sleep(0.005)
`

export interface RestartScene {
  /** Path of the flow log's file; that of its checkpoint is the same with `.checkpoint`. */
  readonly file: string
  readonly begin: (command: string, args: readonly string[], options?: object) => ChildProcess
  readonly inGuest: (n: 0 | 1, ...command: string[]) => string[]
  /** User of the log, and its environment. */
  readonly as: { readonly uid: number; readonly gid: number; readonly env: NodeJS.ProcessEnv }
}

/** Records of a file of lines. */
export const recordsIn = (text: string): FlowRecord[] =>
  text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as FlowRecord]))

/** A guest that asks another one again and again from one port. */
export class Asker {
  readonly #child: ChildProcess
  readonly port: number
  /** Datagrams that it has sent, and that were answered. */
  count = 0

  constructor({ begin, inGuest }: RestartScene, port: number) {
    this.port = port
    this.#child = begin('ip', inGuest(0, 'python3', '-c', ask, String(port)), { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    this.#child.stdout!.setEncoding('utf8').on('data', (part: string) => {
      const lines = (text += part).split('\n')
      text = lines.pop()!
      this.count = Number(lines.at(-1) ?? this.count)
    })
  }

  /** Begin to answer in the other guest, then to ask. */
  static async start(scene: RestartScene, port: number): Promise<Asker> {
    await said(scene.begin('ip', scene.inGuest(1, 'python3', '-c', echo)), /it answers/)
    return new Asker(scene, port)
  }

  async more(datagrams: number): Promise<void> {
    const before = this.count
    await until(`${datagrams} more datagrams`, () => this.count >= before + datagrams)
  }

  async end(): Promise<void> {
    const closed = once(this.#child, 'close')
    this.#child.kill('SIGTERM')
    assert.deepEqual(await closed, [0, null])
  }
}

/** What a file says of a port: packets and bytes of both ways. */
function told(file: string, port: number): readonly number[] {
  const records = recordsIn(existsSync(file) ? readFileSync(file, 'utf8') : '').filter(({ sourcePort }) => sourcePort === port)
  const sum = (of: 'packets' | 'bytes' | 'packetsBack' | 'bytesBack'): number => records.reduce((all, record) => all + record[of], 0)
  return [sum('packets'), sum('bytes'), sum('packetsBack'), sum('bytesBack')]
}

async function end(log: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exited = once(log, 'exit')
  log.kill(signal)
  assert.deepEqual(await exited, signal === 'SIGTERM' ? [0, null] : [null, signal])
}

/**
 * The log of this scene was stopped by SIGTERM while the asker went on: a second run tells the rest, and no more. A
 * third one is killed: a fourth one tells of the flow what has passed since, and nothing before.
 */
export async function checkRestarts(scene: RestartScene, asker: Asker): Promise<void> {
  const { file, begin, as } = scene
  const start = async (n: number): Promise<ChildProcess> => {
    const args = ['flow', 'log', '--interval=1', '--file', `${file}.${n}`, `--checkpoint=${file}.checkpoint`, '--log-level=info']
    const log = begin(vpcPath, args, as)
    await said(log, /flow log started/)
    return log
  }
  const second = await start(1002)
  await asker.more(20)
  await asker.end()
  await end(second, 'SIGTERM')
  const [first, rest] = [file, `${file}.1002`].map((each) => told(each, asker.port)) as [readonly number[], readonly number[]]
  assert.ok(first[0]! > 0 && rest[0]! > 0, `both runs tell of it: ${first.join(' ')}; ${rest.join(' ')}`)
  const { count } = asker
  assert.deepEqual(
    first.map((each, i) => each + rest[i]!),
    [count, count * (headers + 100), count, count * (headers + 50)],
  )

  const other = new Asker(scene, asker.port + 1)
  const third = await start(1003)
  assert.equal(existsSync(`${file}.checkpoint`), false, 'a checkpoint counts once')
  await other.more(20)
  await end(third, 'SIGKILL')
  const before = other.count
  const fourth = await start(1004)
  // Refused packets are written by a look at the flows: it has made its first one.
  await until('a record of the fourth', () => existsSync(`${file}.1004`))
  await other.more(20)
  await other.end()
  await end(fourth, 'SIGTERM')
  const [packets] = told(`${file}.1004`, other.port)
  // One is on its way between the guest's count and the kill.
  assert.ok(packets! > 0 && packets! <= other.count - before + 1, `${packets} of ${other.count}, ${before} before the kill`)
}
