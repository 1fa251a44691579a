/**
 * The service manager that started vpcd, if one did. vpcd tells it how it is, and has it keep descriptors for the next
 * vpcd: sd_notify(3), sd_listen_fds(3), FileDescriptorStoreMax= of systemd.service(5).
 */
import { keepFromPrograms } from '#kernel/exec.ts'
import { close } from '#kernel/libc.ts'
import { sendDatagram } from '#kernel/unix-socket.ts'
import type { Log } from '#system/log.ts'

/** Descriptors that a service manager passes on begin here. */
const firstFd = 3

type Environment = Record<string, string | undefined>

export class ServiceManager {
  readonly #socket: string | undefined
  readonly #log: Log
  readonly #kept: Map<string, number>

  /** Takes what is in the environment out of it: programs that vpcd starts are not services. */
  constructor(log: Log, environment: Environment = process.env) {
    this.#log = log
    this.#socket = environment['NOTIFY_SOCKET']
    this.#kept = inheritedFds(environment)
    for (const name of ['NOTIFY_SOCKET', 'LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete environment[name]
  }

  /** Whether there is one, which may keep descriptors. */
  get isThere(): boolean {
    return this.#socket !== undefined
  }

  /** vpcd serves clients, also again after `reloading`. */
  ready(status: string): void {
    this.#tell([`READY=1`, `STATUS=${status}`])
  }

  /** vpcd reads its configuration again, until `ready`. */
  reloading(): void {
    this.#tell(['RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`])
  }

  /** A descriptor that an earlier vpcd gave to keep, which is the caller's from now on. Its copy stays kept. */
  take(name: string): number | undefined {
    const fd = this.#kept.get(name)
    this.#kept.delete(name)
    return fd
  }

  /** The same for all descriptors of such names, which it keeps no longer. */
  takeAll(prefix: string): [name: string, fd: number][] {
    const found = [...this.#kept].filter(([name]) => name.startsWith(prefix))
    for (const [name] of found) {
      this.#kept.delete(name)
      this.#tell(['FDSTOREREMOVE=1', `FDNAME=${name}`])
    }
    return found
  }

  /** Have it keep a copy of a descriptor, until nobody runs this service any more. */
  keep(name: string, fd: number): void {
    this.#tell(['FDSTORE=1', `FDNAME=${name}`], [fd])
  }

  /** Close what nobody took: another version kept it, or it is of no use any more. */
  dropOthers(): void {
    for (const [name, fd] of this.#kept) {
      this.#tell(['FDSTOREREMOVE=1', `FDNAME=${name}`])
      close(fd)
    }
    this.#kept.clear()
  }

  #tell(lines: readonly string[], fds: readonly number[] = []): void {
    if (this.#socket === undefined) return
    try {
      sendDatagram(this.#socket, Buffer.from(lines.join('\n')), fds)
    } catch (error) {
      this.#log.warn('the service manager cannot be told', { what: lines[0], error: (error as Error).message })
    }
  }
}

function inheritedFds({ LISTEN_PID: pid, LISTEN_FDS: count, LISTEN_FDNAMES: names = '' }: Environment): Map<string, number> {
  if (Number(pid) !== process.pid) return new Map()
  const known = names.split(':')
  const fds = Array.from({ length: Number(count) || 0 }, (_, i) => firstFd + i)
  for (const fd of fds) keepFromPrograms(fd)
  return new Map(fds.map((fd, i) => [known[i] ?? `${i}`, fd]))
}
