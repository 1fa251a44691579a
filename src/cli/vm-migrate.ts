/** `vpc vm migrate`: moves a running guest to another host of its cloud; no packet for it is lost. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Vpc } from '#client/vpc.ts'
import { objectId } from '#feed/object-id.ts'
import type { Resource } from '#resource/envelope.ts'
import { askDisk, askSupervisor, askTransfer } from '#vm/control.ts'
import type { VmDefinition } from '#vm/definition.ts'
import type { DiskState } from '#vm/disk-copy.ts'
import { destroyVm, isUp, running } from '#vm/life.ts'
import { supervisedState } from '#vm/supervise.ts'
import { VmDirectory } from '#vm/vm-directory.ts'
import type { ApiClient } from './cloud/api-client.ts'
import { tellLate, type Late } from './cloud/attach-vnic.ts'
import { Failure } from './failure.ts'
import { DiskWay } from './vm-disk-way.ts'
import { progress, tellingVmErrors } from './vm-failure.ts'
import { FarHost } from './vm-far-host.ts'
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
  /** Copy a disk that the machine has not made itself, too. */
  readonly copiesDisk: boolean
  /** The vpcd of this host. */
  readonly vpc: () => Promise<Vpc>
}

/**
 * Do it. When a step fails before the guest runs there, it runs on here, and nothing else has changed. What an earlier
 * try left is finished, or taken back first.
 */
export async function moveGuest(journey: Journey): Promise<void> {
  const directory = new VmDirectory(journey.base, journey.vm.id)
  const move = new Move(journey, directory)
  const definition = directory.definition()
  const state = await tellingVmErrors(() => supervisedState(directory))
  if (await hasBegun(journey, directory, isUp(state))) {
    if (await move.hasArrived()) return move.finish()
    await move.restore()
  }
  await tellingVmErrors(() => running(directory))
  if (journey.copiesDisk && definition.disk === null) throw new Failure('failed', `--copy-disk: vm ${journey.vm.name} has no disk`)
  using _signals = onSignal(() => move.stop())
  try {
    await move.prepare()
    await move.begin(definition)
    await move.send()
  } catch (cause) {
    const error = await move.reasonOf(cause as Error)
    if (await move.hasArrivedAfter(error)) return move.finish()
    await move.takeBack(error)
    throw error
  }
  await move.finish()
}

/** Whether an earlier command has died when all of the guest may have been sent. */
async function hasBegun({ vm, to }: Journey, directory: VmDirectory, isHere: boolean): Promise<boolean> {
  if (vm.host === to.id) return true
  return isHere && (await tellingVmErrors(() => askTransfer(directory.controlSocket))).status !== 'none'
}

/** Do something at the first signal by which a person ends a command; a second one kills it. */
function onSignal(work: () => void): Disposable {
  const names = ['SIGINT', 'SIGTERM'] as const
  for (const name of names) process.once(name, work)
  return { [Symbol.dispose]: () => names.forEach((name) => process.off(name, work)) }
}

const renewMs = 20_000
const copyPollMs = 200
const retryMs = 500

class Move {
  readonly #journey: Journey
  readonly #directory: VmDirectory
  #far: FarHost | undefined
  #diskWay: DiskWay | undefined
  #isStopped = false
  #isSent = false
  #isPlaced: boolean
  /** The other host has all of it, and may have it run. */
  #isWhole = false
  #timer: NodeJS.Timeout | undefined
  #renewal: Promise<unknown> = Promise.resolve()

  constructor(journey: Journey, directory: VmDirectory) {
    this.#journey = journey
    this.#directory = directory
    this.#isPlaced = journey.vm.host === journey.to.id
  }

  /** What became of an earlier try: whether the guest runs there. If not, nothing of it is left there. */
  async hasArrived(): Promise<boolean> {
    const { to, vm, shell } = this.#journey
    progress(`asking host ${to.name} what became of the last try`)
    const far = new FarHost(shell)
    await far.note({ settle: vm.id })
    const { settled } = await far.hears('settled')
    await far.end()
    if (settled === 'taken over') return true
    const status = await askTransfer(this.#directory.controlSocket).then(
      ({ status }) => status,
      () => 'none',
    )
    if (settled === null || status !== 'completed') return false
    throw new Failure(
      'conflict',
      `vm ${vm.name} ran on host ${to.name} and has ended there; start it there with vpc vm run, and end what stands still here: vpc vm destroy --vm-id=${vm.id}`,
    )
  }

  /** The same after a failure: asked only where the other host may have it run. */
  async hasArrivedAfter(error: Error): Promise<boolean> {
    if (!this.#isWhole || (await this.#far!.hasRefused())) return false
    try {
      return await this.hasArrived()
    } catch (cause) {
      const { to } = this.#journey
      await this.#endRenewal()
      error.message += `; the guest stands still here, and host ${to.name} does not say whether it runs there (${(cause as Error).message}); repeat the command`
      throw error
    }
  }

  /** An earlier try went no further: the guest is here, whatever was sent. */
  async restore(): Promise<void> {
    const { from, vm } = this.#journey
    if (this.#isPlaced) await this.#ask(`place vm ${vm.name} on host ${from.name} again`, 'PATCH', '', { host: from.id })
    this.#isPlaced = false
    if (isUp(this.#directory.state())) await tellingVmErrors(() => askSupervisor(this.#directory.controlSocket, { ask: 'keep' }))
    else await this.#end()
  }

  /** Give up, unless all of the guest may have been sent. */
  stop(): void {
    if (this.#isWhole) return
    this.#isStopped = true
    this.#far?.input.destroy()
  }

  #checkGoesOn(): void {
    if (this.#isStopped) throw new Failure('failed', 'stopped by a signal')
  }

  /** What a person should hear of a failure. */
  async reasonOf(error: Error): Promise<Error> {
    const { vm, to } = this.#journey
    if (this.#isStopped) return new Failure('failed', `stopped by a signal; vm ${vm.name} runs on here`)
    if (this.#diskWay === undefined) return error
    try {
      const { copy } = await this.#disk()
      if (copy?.status !== 'ended') return error
      return new Failure('failed', `the disk could not be copied to host ${to.name}: ${copy.error ?? error.message}`)
    } catch {
      return error
    }
  }

  /** The other host makes the interfaces, out of service. */
  async prepare(): Promise<void> {
    progress(`preparing host ${this.#journey.to.name}`)
    const { client, vm, to } = this.#journey
    // Without a phase: from now on this command says that the move goes on.
    await this.#ask('prepare the other host', 'PUT', '/migration', { host: to.id })
    await this.#ask('prepare the other host', 'PUT', '/migration', { host: to.id, phase: 'prepare' })
    const renew = (): Promise<unknown> => client.ask('PUT', `/vms/${vm.id}/migration`, { host: to.id }).catch(() => {})
    this.#timer = setInterval(() => (this.#renewal = renew()), renewMs)
  }

  /** The API hears no more that the move goes on. */
  async #endRenewal(): Promise<void> {
    clearInterval(this.#timer)
    await this.#renewal
  }

  async #end(): Promise<void> {
    await this.#endRenewal()
    await this.#ask('end the migration', 'DELETE', '/migration')
  }

  /** The other host has a QEMU that waits for the guest, and a copy of its disk if that is its own. */
  async begin(definition: VmDefinition): Promise<void> {
    this.#checkGoesOn()
    const isCopied = definition.image !== null || this.#journey.copiesDisk
    const disk = isCopied ? await tellingVmErrors(() => this.#disk()) : undefined
    this.#far = new FarHost(this.#journey.shell)
    await this.#far.note({ machine: definition, ...(disk !== undefined && { disk }) })
    await this.#far.hears('ready')
    if (disk !== undefined) await this.#copyDisk()
  }

  /** A supervisor that was killed meanwhile is started again. */
  async #disk(): Promise<DiskState> {
    return askDisk((await running(this.#directory)).controlSocket)
  }

  async #copyDisk(): Promise<void> {
    progress(`copying the disk to host ${this.#journey.to.name}`)
    this.#diskWay = await DiskWay.open(this.#directory, this.#journey.shell)
    this.#isSent = true
    await tellingVmErrors(() => askSupervisor(this.#directory.controlSocket, { ask: 'copy disk', socket: this.#diskWay!.path }))
    for (let tenths = 0; ; await sleep(copyPollMs)) {
      this.#checkGoesOn()
      const { copy } = await tellingVmErrors(() => this.#disk())
      if (copy === null || copy.status === 'ended') throw new Failure('failed', 'the disk could not be copied')
      if (copy.status === 'equal') return
      const [done, total] = [copy.doneBytes, copy.totalBytes].map((bytes) => Math.ceil(bytes / 2 ** 20))
      const now = Math.floor((copy.doneBytes / Math.max(1, copy.totalBytes)) * 10)
      if (now > tenths) progress(`copied ${done} of ${total} MiB of the disk`)
      tenths = Math.max(tenths, now)
    }
  }

  /** All of the guest; before the last of it, packets for it begin to go to the other host, and wait there. */
  async send(): Promise<void> {
    this.#checkGoesOn()
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
    this.#isWhole = true
    await this.#far!.note({ end: true })
    await this.#far!.hears('running')
    await this.#diskWay?.end()
    await this.#far!.end()
  }

  /** When the other host takes nothing any more, it says why. */
  async #orItsReason(work: () => Promise<void>): Promise<void> {
    try {
      await tellingVmErrors(work)
    } catch (error) {
      this.#checkGoesOn()
      throw ['EPIPE', 'ERR_STREAM_DESTROYED'].includes(String((error as NodeJS.ErrnoException).code)) ? await this.#far!.failure() : error
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
    progress(`it runs on host ${this.#journey.to.name}; ending it here`)
    await tellingVmErrors(() => destroyVm(this.#directory, { isForced: true }))
    await this.#end()
  }

  /** The guest runs on here. Whatever cannot be undone is added to the error. */
  async takeBack(error: Error): Promise<void> {
    const left: string[] = []
    const attempt = async (what: string, work: () => Promise<unknown>): Promise<void> => {
      try {
        await work()
      } catch (cause) {
        const { message } = cause as Error
        left.push(message === error.message ? what : `${what} (${message})`)
      }
    }
    if (this.#far !== undefined) await attempt('end the guest there', () => this.#endThere())
    if (this.#isPlaced)
      await attempt('place it here again', () => this.#ask('place it here again', 'PATCH', '', { host: this.#journey.from.id }))
    if (this.#isSent) await attempt('have the guest run here', () => this.#keep())
    await attempt('end the migration', () => this.#end())
    if (!this.#isStopped && isUp(this.#directory.state())) error.message += `; vm ${this.#journey.vm.name} runs on here`
    if (left.length > 0) error.message += `; and could not undo: ${left.join(', ')}; the same command again does`
  }

  /** A supervisor may have been killed meanwhile. */
  async #keep(): Promise<void> {
    await running(this.#directory)
    await askSupervisor(this.#directory.controlSocket, { ask: 'keep' })
  }

  /** A command there that was killed has left what it had. */
  async #endThere(): Promise<void> {
    await this.#diskWay?.end()
    await this.#far!.end()
    if (!(await this.#far!.hasRefused())) await this.hasArrived()
  }

  /** A change of the vm, once both hosts do it. What others send to the old host meanwhile goes on to the new one. */
  async #ask(what: string, method: string, path: string, body?: object): Promise<void> {
    const { client, vm, seconds, to, from } = this.#journey
    const url = `/vms/${vm.id}${path}?wait=ready&timeout=${seconds}s`
    const ask = () => client.must<{ late?: Late[] } | undefined>(what, method, url, body, method === 'PATCH' ? { 'if-match': '*' } : {})
    const answer = await untilReached(ask, seconds)
    const late = answer.body?.late ?? []
    await tellLate(client, late, to, seconds)
    if (late.some(({ host }) => host === from.id)) await tellLate(client, late, from, seconds)
  }
}

/** An API that is being started again may be there in a moment; each request may be repeated. */
async function untilReached<T>(ask: () => Promise<T>, seconds: number): Promise<T> {
  for (const end = performance.now() + seconds * 1000; ; await sleep(retryMs)) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof Failure) || error.kind !== 'unreachable' || performance.now() > end) throw error
    }
  }
}
