/**
 * The supervisor of a guest: starts QEMU or finds it again, keeps its console's log, answers commands, and records how
 * the guest ended. When a supervisor is killed, QEMU goes on, and the next command on the machine starts another
 * supervisor.
 */
import type { ChildProcess } from 'node:child_process'
import { chmodSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { sendFirstFrames } from '#launch/first-frame.ts'
import { onEnd } from '#launch/process.ts'
import { markProcess, isRunning, signalProcess, type ProcessMark } from '#system/process-mark.ts'
import { BoundedLog } from './bounded-log.ts'
import { Console } from './console.ts'
import { answerOf, readLine, type ControlAnswer, type ControlRequest, type Told } from './control.ts'
import { copyDisk, diskOf, exportDisk } from './disk-copy.ts'
import { GuestEnd } from './guest-end.ts'
import { growDisk } from './grow-disk.ts'
import { plug, unplug } from './hot-plug.ts'
import { startHypervisor, type LaunchPlan } from './hypervisor.ts'
import { Qmp } from './qmp.ts'
import { releaseUser } from './machine-user.ts'
import { isAtSwitchOver, keepGuest, runReceived, sendGuest, statusOf, switchOver, transferOf } from './transfer.ts'
import { readJson, writeJson, type VmDirectory } from './vm-directory.ts'
import { VmError } from './vm-error.ts'
import type { VmState } from './vm-state.ts'

const quitTimeoutMs = 5000
/** Time for answers that are under way when the guest has ended. */
const farewellMs = 1000
/** Wait before writing a state again that could not be written. */
const stateRetryMs = 1000

export class Supervisor {
  readonly #directory: VmDirectory
  readonly #end: GuestEnd
  #state: VmState
  #qmp: Qmp | undefined
  #console: Console | undefined
  #server: Server | undefined
  /** Requests that change the machine run one after the other. */
  #turn: Promise<unknown> = Promise.resolve()
  #finishing = false
  /** Whether a guest that came from another host has been taken over. */
  #hasSettled = false
  #again: NodeJS.Timeout | undefined
  readonly #consoleLog: BoundedLog
  readonly #ended = Promise.withResolvers<void>()
  readonly #closed = Promise.withResolvers<void>()

  private constructor(directory: VmDirectory, state: VmState, end: GuestEnd) {
    this.#directory = directory
    this.#state = state
    this.#end = end
    this.#consoleLog = new BoundedLog(directory.consoleLog)
  }

  /** Start the guest of a plan. When that fails, this throws and leaves only the reason, in the state file. */
  static async start(directory: VmDirectory): Promise<Supervisor> {
    const plan = readJson<LaunchPlan>(directory.planFile)
    if (plan === undefined) throw new VmError('failed', `there is no plan to start in ${directory.planFile}`)
    const log = new BoundedLog(directory.qemuLog)
    const end = new GuestEnd(log)
    const supervisor = new Supervisor(directory, beginning(plan), end)
    directory.writeState(supervisor.#state)
    try {
      const { child, vhost } = await startHypervisor(directory, plan)
      end.watch(child)
      supervisor.#write({ qemu: markProcess(child.pid!) ?? null, vhost })
      await supervisor.#attend(child)
      // A guest that comes from another host runs when it is here.
      if (plan.incoming !== undefined) plan.vmnics.forEach(sendFirstFrames)
      else {
        if (plan.definition.diskBytes !== null) await growDisk(supervisor.#qmp!, plan.definition.diskBytes)
        await supervisor.#qmp!.execute('cont')
        supervisor.#write({ phase: 'running' })
      }
      return supervisor
    } catch (error) {
      const failure = await supervisor.#abandon(error)
      throw failure
    }
  }

  /** Take over a guest without a supervisor. Throws VmError ENOTCONN when the guest is gone as well. */
  static async adopt(directory: VmDirectory): Promise<Supervisor> {
    const state = directory.state()
    if (!state?.qemu || !isRunning(state.qemu)) throw new VmError('ENOTCONN', `no guest of machine ${directory.id} runs`)
    const supervisor = new Supervisor(
      directory,
      { ...state, supervisor: markProcess(process.pid) ?? null },
      new GuestEnd(new BoundedLog(directory.qemuLog)),
    )
    await supervisor.#attend(state.qemu)
    // The supervisor before this one was killed when all but the last of the guest was sent.
    if (isAtSwitchOver((await transferOf(supervisor.#qmp!)).status)) supervisor.#switchOver()
    // One that is still to come from another host has not been taken over.
    if (supervisor.#isComing && (await statusOf(supervisor.#qmp!)) !== 'running') supervisor.#write()
    else {
      supervisor.#settle()
      supervisor.#write({ phase: 'running' })
    }
    return supervisor
  }

  /** Resolves when the guest has ended, the end is recorded, and the command that asked for it has its answer. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  /** Its guest runs on another host, and nobody has had it run here. */
  get #isComing(): boolean {
    return !this.#hasSettled && readJson<LaunchPlan>(this.#directory.planFile)?.incoming !== undefined
  }

  /**
   * The guest runs here: its machine stays on this host when it ends. A plan that cannot be written is no reason to end
   * a guest, so this tries again.
   */
  #settle(): void {
    this.#hasSettled = true
    try {
      const { incoming, receiver: _, ...plan } = readJson<LaunchPlan>(this.#directory.planFile)!
      if (incoming !== undefined) writeJson(this.#directory.planFile, plan)
    } catch (error) {
      console.error(error)
      setTimeout(() => this.#settle(), stateRetryMs).unref()
    }
  }

  /** End the guest, as `vpc vm stop` asks. */
  async stop(timeoutMs: number, force: boolean): Promise<void> {
    this.#end.asked = true
    const qmp = this.#qmp!
    if (!force) {
      await qmp.execute('system_powerdown').catch(() => {})
      if (await this.#endsWithin(timeoutMs)) return
      this.#end.hurried = true
    }
    await qmp.execute('quit').catch(() => {})
    if (await this.#endsWithin(quitTimeoutMs)) return
    if (this.#state.qemu !== null) signalProcess(this.#state.qemu, 'SIGKILL')
    await this.#ended.promise
  }

  /** Connect to QEMU and serve commands; from here on the supervisor sees the end of QEMU. */
  async #attend(qemu: ChildProcess | ProcessMark): Promise<void> {
    const ended = (): void => void this.#finish()
    if ('startTicks' in qemu) onEnd(qemu, ended)
    else if (qemu.exitCode !== null || qemu.signalCode !== null) throw new VmError('failed', 'QEMU ended at once')
    else qemu.once('close', ended)
    this.#qmp = await Qmp.connect(this.#directory.qmpSocket)
    this.#qmp.onEvent((event) => {
      this.#end.note(event)
      if (event.event === 'RESET') this.#write({ resets: this.#state.resets + 1 })
      if (event.event === 'MIGRATION' && isAtSwitchOver(event.data?.['status'])) this.#switchOver()
    })
    this.#console = await Console.open(this.#directory.serialSocket, this.#directory.consoleSocket, this.#consoleLog)
    const server = createServer((socket) => void this.#serve(socket))
    rmSync(this.#directory.controlSocket, { force: true })
    server.listen(this.#directory.controlSocket)
    await once(server, 'listening')
    chmodSync(this.#directory.controlSocket, 0o600)
    this.#server = server
  }

  async #serve(socket: Socket): Promise<void> {
    socket.on('error', () => {})
    const line = await readLine(socket)
    if (line === undefined) return void socket.destroy()
    const done = this.#turn.then(() => this.#perform(JSON.parse(line) as ControlRequest))
    this.#turn = done.catch(() => {})
    const answer = await done.then((told): ControlAnswer => ({ state: this.#state, ...told }), answerOf)
    socket.end(`${JSON.stringify(answer)}\n`)
  }

  async #perform(request: ControlRequest): Promise<Told | void> {
    const qmp = this.#qmp!
    switch (request.ask) {
      case 'stop':
        return this.stop(request.timeoutMs, request.force)
      case 'reset':
        return void (await qmp.execute('system_reset'))
      case 'send':
        return sendGuest(qmp, request.pipe)
      case 'keep':
        return keepGuest(qmp)
      case 'transfer':
        return { transfer: await transferOf(qmp) }
      case 'export disk':
        return exportDisk(qmp, request.socket)
      case 'copy disk':
        return copyDisk(qmp, request.socket)
      case 'disk':
        return { disk: await diskOf(qmp) }
      case 'take over': {
        await runReceived(qmp)
        this.#settle()
        return this.#write({ phase: 'running' })
      }
      case 'give up': {
        if (!this.#isComing || (await statusOf(qmp)) === 'running') throw new VmError('EBUSY', `machine ${this.#directory.id} runs here`)
        return this.stop(0, true)
      }
      case 'attach': {
        await plug(qmp, request.vmnic)
        return this.#write({ vmnics: [...this.#state.vmnics, request.vmnic] })
      }
      case 'detach': {
        const vmnic = this.#state.vmnics.find(({ id }) => id === request.id)
        if (vmnic === undefined) throw new VmError('ENOENT', `the guest has no vmnic ${request.id}`)
        await unplug(qmp, vmnic)
        return this.#write({ vmnics: this.#state.vmnics.filter(({ id }) => id !== vmnic.id) })
      }
    }
  }

  /** A guest that goes to another host stands still, and so needs nobody who asks. */
  #switchOver(): void {
    this.#turn = this.#turn.then(() => switchOver(this.#qmp!)).catch((error: unknown) => console.error(error))
  }

  #endsWithin(timeoutMs: number): Promise<boolean> {
    return Promise.race([this.#ended.promise.then(() => true), sleep(timeoutMs, false, { ref: false })])
  }

  /** Clean up after a failed start. Gives the error to report, with QEMU's own words if there are any. */
  async #abandon(error: unknown): Promise<unknown> {
    if (this.#state.qemu !== null && isRunning(this.#state.qemu)) signalProcess(this.#state.qemu, 'SIGKILL')
    await this.#end.settled
    const said = this.#end.lastWords
    await this.#finish(error instanceof Error ? error.message : String(error))
    return said === '' ? error : new VmError('failed', `QEMU did not start: ${said}`, { cause: error })
  }

  async #finish(failure?: string): Promise<void> {
    if (this.#finishing) return
    this.#finishing = true
    await this.#console?.drained()
    this.#write({ phase: 'stopped', end: this.#end.describe(failure), qemu: null, supervisor: null })
    this.#qmp?.[Symbol.dispose]()
    await this.#console?.[Symbol.asyncDispose]()
    this.#consoleLog[Symbol.dispose]()
    const { qmpSocket, serialSocket, controlSocket, consoleSocket, diskSocket } = this.#directory
    for (const path of [qmpSocket, serialSocket, controlSocket, consoleSocket, diskSocket]) rmSync(path, { force: true })
    for (const name of ['kernel', 'initrd', 'seed.iso'] as const) rmSync(this.#directory.bootFile(name), { force: true })
    // The disk may have been full; deleting these files made room.
    if (this.#again !== undefined) this.#write()
    this.#ended.resolve()
    // Room for the plan may be there only now.
    if (this.#hasSettled) this.#settle()
    await this.#farewell()
    this.#forget()
    this.#closed.resolve()
  }

  /** A guest that did not come leaves nothing, also when the command that received it is gone. */
  #forget(): void {
    const receiver = this.#isComing ? readJson<LaunchPlan>(this.#directory.planFile)?.receiver : undefined
    if (receiver === undefined || isRunning(receiver)) return
    releaseUser(this.#directory)
    this.#directory.remove()
  }

  async #farewell(): Promise<void> {
    if (this.#server === undefined) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#server.close(() => resolve())
    await Promise.race([promise, sleep(farewellMs)])
  }

  /** Record the state. A full disk does not end the supervisor: it tries again until there is room. */
  #write(changes: Partial<VmState> = {}): void {
    this.#state = { ...this.#state, ...changes }
    clearTimeout(this.#again)
    this.#again = undefined
    try {
      this.#directory.writeState(this.#state)
    } catch (error) {
      console.error(error)
      this.#again = setTimeout(() => this.#write(), stateRetryMs).unref()
    }
  }
}

const beginning = ({ acceleration, account, vmnics }: LaunchPlan): VmState => ({
  phase: 'starting',
  supervisor: markProcess(process.pid) ?? null,
  qemu: null,
  acceleration,
  vhost: false,
  user: account.name,
  startedAt: new Date().toISOString(),
  resets: 0,
  vmnics,
  end: null,
})
