/** `vpc vm migrate`: moves a running guest to another host of its cloud; no packet for it is lost. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Vpc } from '#client/vpc.ts'
import { objectId } from '#feed/object-id.ts'
import type { Resource } from '#resource/envelope.ts'
import { askSupervisor } from '#vm/control.ts'
import type { VmDefinition } from '#vm/definition.ts'
import { destroyVm, running } from '#vm/life.ts'
import { VmDirectory } from '#vm/vm-directory.ts'
import type { ApiClient } from './cloud/api-client.ts'
import { tellLate, type Late } from './cloud/attach-vnic.ts'
import { Failure } from './failure.ts'
import { progress, tellingVmErrors } from './vm-failure.ts'
import type { ReceiveReport } from './vm-receive.ts'
import { writeNote, type Note } from './vm-frames.ts'
import { makePipe, readPipe, sendOn } from './vm-stream.ts'

export interface Journey {
  readonly client: ApiClient
  readonly vm: Resource
  readonly from: { readonly id: string; readonly name: string }
  readonly to: { readonly id: string; readonly name: string }
  readonly base: string
  /** Words that run a command on the other host. */
  readonly shell: readonly string[]
  readonly seconds: number
  /** The vpcd of this host. */
  readonly vpc: () => Promise<Vpc>
}

/** Do it. When a step fails before the guest runs there, it runs on here, and nothing else has changed. */
export async function moveGuest(journey: Journey): Promise<void> {
  const directory = new VmDirectory(journey.base, journey.vm.id)
  await tellingVmErrors(() => running(directory))
  const definition = directory.definition()
  if (definition.image !== null)
    throw new Failure(
      'failed',
      `vm ${journey.vm.name} has a disk of its own on this host, a copy of ${definition.image}; only a guest with a --disk that both hosts have moves while it runs`,
    )
  const move = new Move(journey, directory)
  try {
    await move.prepare()
    await move.begin(definition)
    await move.send()
  } catch (error) {
    await move.takeBack(error as Error)
    throw error
  }
  await move.finish()
}

class Move {
  readonly #journey: Journey
  readonly #directory: VmDirectory
  #far: FarHost | undefined
  #isSent = false
  #isPlaced = false
  /** The other host has all of it, and may have it run. */
  #isWhole = false

  constructor(journey: Journey, directory: VmDirectory) {
    this.#journey = journey
    this.#directory = directory
  }

  /** The other host makes the interfaces, out of service. */
  async prepare(): Promise<void> {
    progress(`preparing host ${this.#journey.to.name}`)
    await this.#ask('prepare the other host', 'PUT', '/migration', { host: this.#journey.to.id })
  }

  /** The other host has a QEMU that waits for the guest. */
  async begin(definition: VmDefinition): Promise<void> {
    this.#far = new FarHost([...this.#journey.shell, 'vpc', 'vm', 'receive', '--json'])
    await this.#far.note({ machine: definition })
    await this.#far.hears('ready')
  }

  /** All of the guest; before the last of it, packets for it begin to go to the other host, and wait there. */
  async send(): Promise<void> {
    progress('sending the guest')
    const pipe = makePipe(this.#directory)
    const stream = readPipe(pipe)
    try {
      this.#isSent = true
      await tellingVmErrors(() => askSupervisor(this.#directory.controlSocket, { ask: 'send', pipe }))
      await this.#orItsReason(() => sendOn(stream, this.#far!.input, this.#directory, () => this.#turn()))
    } finally {
      stream.destroy()
    }
    // The guest stands still: its flows are what they will be there.
    await this.#sendFlows()
    this.#far!.input.end()
    this.#isWhole = true
    await this.#far!.hears('running')
  }

  /** When the other host takes nothing any more, it says why. */
  async #orItsReason(work: () => Promise<void>): Promise<void> {
    try {
      await tellingVmErrors(work)
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === 'EPIPE' ? await this.#far!.failure() : error
    }
  }

  async #turn(): Promise<void> {
    progress(`sending its packets to host ${this.#journey.to.name}`)
    await this.#sendFlows()
    const { to, vm } = this.#journey
    await this.#ask('have the other host receive', 'PUT', '/migration', { host: to.id, phase: 'receive' })
    this.#isPlaced = true
    await this.#ask(`place vm ${vm.name} on host ${to.name}`, 'PATCH', '', { host: to.id })
  }

  /** Connections through security groups live on there. */
  async #sendFlows(): Promise<void> {
    const { vm, vpc } = this.#journey
    const flows = []
    for (const vnic of vm.vnics as string[]) {
      const id = objectId('vpcp', [vnic])
      await using port = await (await vpc()).openPort(id)
      if ((await port.describe()).groups.length > 0) flows.push({ port: id, document: await port.exportFlows() })
    }
    if (flows.length === 0) return
    // They are of use before the next packet comes there.
    await this.#far!.note({ flows })
    await this.#far!.hears('flows')
  }

  /** The guest runs there: nothing of it stays here. */
  async finish(): Promise<void> {
    await tellingVmErrors(() => destroyVm(this.#directory, { isForced: true }))
    await this.#ask('end the migration', 'DELETE', '/migration')
  }

  /** The guest runs on here. Whatever cannot be undone is added to the error. */
  async takeBack(error: Error): Promise<void> {
    if (this.#isWhole && !(await this.#far!.hasRefused())) {
      const where = `host ${this.#journey.to.name} has not said whether it runs there; look there with vpc vm list`
      error.message += `; the guest stands still here, and ${where}, and end one of both`
      return
    }
    const left: string[] = []
    const attempt = async (what: string, work: () => Promise<unknown>): Promise<void> => {
      try {
        await work()
      } catch (cause) {
        left.push(`${what} (${(cause as Error).message})`)
      }
    }
    if (this.#far !== undefined) await attempt('end the guest there', () => this.#far!.end())
    if (this.#isPlaced)
      await attempt('place it here again', () => this.#ask('place it here again', 'PATCH', '', { host: this.#journey.from.id }))
    if (this.#isSent) await attempt('have the guest run here', () => askSupervisor(this.#directory.controlSocket, { ask: 'keep' }))
    await attempt('end the migration', () => this.#ask('end the migration', 'DELETE', '/migration'))
    if (left.length > 0) error.message += `; and could not undo: ${left.join(', ')}`
  }

  /** A change of the vm, once both hosts do it. What others send to the old host meanwhile goes on to the new one. */
  async #ask(what: string, method: string, path: string, body?: object): Promise<void> {
    const { client, vm, seconds, to, from } = this.#journey
    const url = `/vms/${vm.id}${path}?wait=ready&timeout=${seconds}s`
    const answer = await client.must<{ late?: Late[] } | undefined>(what, method, url, body, method === 'PATCH' ? { 'if-match': '*' } : {})
    const late = answer.body?.late ?? []
    await tellLate(client, late, to, seconds)
    if (late.some(({ host }) => host === from.id)) await tellLate(client, late, from, seconds)
  }
}

/** The command on the other host. */
class FarHost {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #closed: Promise<unknown>
  #said = ''

  constructor([program, ...args]: readonly string[]) {
    this.#child = spawn(program!, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#closed = Promise.race([
      once(this.#child, 'close'),
      once(this.#child, 'error').then(([error]) => void (this.#said = (error as Error).message)),
    ])
    this.#child.stdin!.on('error', () => {})
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => void (this.#said = (this.#said + text).slice(-2000)))
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]()
  }

  get input(): NonNullable<ChildProcess['stdin']> {
    return this.#child.stdin!
  }

  /** Send it a note. When it takes none any more, it says why instead of its next answer. */
  async note(note: Note): Promise<void> {
    await writeNote(this.input, note).catch(() => {})
  }

  /** Wait until it says so. Throws a Failure with its last words. */
  async hears(word: 'ready' | 'flows' | 'running'): Promise<void> {
    const { value, done } = await this.#lines.next()
    if (done !== true && word in (JSON.parse(value) as ReceiveReport)) return
    throw await this.failure()
  }

  /** Why it ended. */
  async failure(): Promise<Failure> {
    await this.#closed
    return new Failure('failed', `the other host did not take the guest: ${this.#said.trim() || 'its command ended'}`)
  }

  /** Whether it has ended with an error, and so has taken back what it had. A shell that was cut off says nothing. */
  async hasRefused(): Promise<boolean> {
    await this.#closed
    const { exitCode } = this.#child
    return exitCode !== null && exitCode > 0 && exitCode < 126
  }

  /** Have it give up, and wait until it has. */
  async end(): Promise<void> {
    this.#child.stdin!.destroy()
    await this.#closed
  }
}
