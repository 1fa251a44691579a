/** The way of a disk's content from QEMU here to QEMU on the other host: a second run of `vpc vm receive` there. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import type { VmDirectory } from '#vm/vm-directory.ts'
import { Failure } from './failure.ts'

export class DiskWay {
  /** QEMU connects here. */
  readonly path: string
  readonly #child: ChildProcess
  readonly #server: Server
  readonly #closed: Promise<unknown>
  #socket: Socket | undefined
  #said = ''

  private constructor(directory: VmDirectory, [program, ...args]: readonly string[]) {
    this.path = directory.diskSocket
    const child = spawn(program!, [...args, 'vpc', 'vm', 'receive', `--disk-of=${directory.id}`], { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#child = child
    this.#closed = Promise.race([
      once(child, 'close'),
      once(child, 'error').then(([error]) => void (this.#said = (error as Error).message)),
    ]).then(() => this.#socket?.destroy())
    child.stdin!.on('error', () => {})
    child.stderr!.setEncoding('utf8').on('data', (text: string) => void (this.#said = (this.#said + text).slice(-2000)))
    this.#server = createServer((socket) => {
      this.#socket = socket
      socket.on('error', () => {}).pipe(child.stdin!)
      child.stdout!.pipe(socket)
    })
  }

  /**
   * Open it. QEMU there has greeted then: QEMU here stands still while it waits for that. Throws a Failure with the
   * last words of the other host.
   */
  static async open(directory: VmDirectory, shell: readonly string[]): Promise<DiskWay> {
    rmSync(directory.diskSocket, { force: true })
    const way = new DiskWay(directory, shell)
    try {
      await Promise.race([once(way.#child.stdout!, 'readable'), way.#closed])
      if (way.#child.stdout!.readableLength === 0)
        throw new Failure('failed', `the other host does not take the disk: ${way.#said.trim() || 'its command ended'}`)
      way.#server.listen(way.path)
      await once(way.#server, 'listening')
      return way
    } catch (error) {
      await way.end()
      throw error
    }
  }

  /** End it. */
  async end(): Promise<void> {
    this.#server.close()
    this.#socket?.destroy()
    this.#child.stdin!.destroy()
    await this.#closed
  }
}
