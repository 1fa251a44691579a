/** Runs the console of a host: holds the descriptors, and starts the process that speaks HTTP. */
import { fork, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import type { Mgmt } from '#client/mgmt.ts'
import type { Vpc } from '#client/vpc.ts'
import { moduleFile } from '#system/module-file.ts'
import { Failure } from '../failure.ts'
import { answerers, seenDrop } from './answers.ts'
import { questions, type FromServer, type ToServer } from './questions.ts'

const program = moduleFile('./host-server', import.meta.url)

export interface HostConsole extends AsyncDisposable {
  /** Where a browser finds it; good once. */
  readonly url: string
  /** Resolves when the server or vpcd has gone, with the reason. */
  readonly ended: Promise<string>
}

/** Start it. Throws a Failure. */
export async function startHostConsole(vpc: Vpc, mgmt: Mgmt, port: number): Promise<HostConsole> {
  const token = randomBytes(32).toString('base64url')
  const child = fork(program, [JSON.stringify({ port, token })], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], cwd: '/', env: {} })
  const stop = new AbortController()
  const bound = await listening(child)
  const ended = Promise.race([
    new Promise<string>((resolve) => child.once('exit', () => resolve('the process that speaks HTTP has ended'))),
    follow(mgmt, child, stop.signal),
  ])
  serve(child, vpc, mgmt)
  return {
    url: `http://127.0.0.1:${bound}/?token=${token}`,
    ended,
    async [Symbol.asyncDispose]() {
      stop.abort()
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill()
      await gone
    },
  }
}

const tell = (child: ChildProcess, message: ToServer): void => void (child.connected && child.send(message))

function listening(child: ChildProcess): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  child.once('message', (message: FromServer) => {
    if (message.type === 'listening') resolve(message.port)
    else reject(new Failure('failed', `cannot listen on 127.0.0.1: ${message.type === 'failed' ? message.text : message.type}`))
  })
  child.once('exit', () => reject(new Failure('failed', 'the process that speaks HTTP ended at once')))
  return promise
}

/** Answer what the server asks, and nothing that is not on the list. */
function serve(child: ChildProcess, vpc: Vpc, mgmt: Mgmt): void {
  const answers = answerers(vpc, mgmt)
  child.on('message', (message: FromServer) => {
    if (message.type !== 'ask' || !questions.includes(message.question)) return
    const { number, question, asks } = message
    const answer = answers[question] as (asks: unknown) => Promise<unknown>
    answer(asks).then(
      (found) => tell(child, { type: 'answer', number, answers: found }),
      (error: Error) => tell(child, { type: 'refusal', number, text: error.message }),
    )
  })
}

/** Pass on drops, as vpcd tells them. */
async function follow(mgmt: Mgmt, child: ChildProcess, signal: AbortSignal): Promise<string> {
  try {
    for await (const event of mgmt.followDrops(signal)) tell(child, { type: 'drop', drop: seenDrop(event) })
  } catch (error) {
    return (error as Error).message
  }
  return 'vpcd has gone'
}
