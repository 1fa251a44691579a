/** The issuer as a child of the API: it ends when the API has ended, however that was. */
import { spawn, type ChildProcess } from 'node:child_process'
import type { Duplex } from 'node:stream'
import { vpcProgram } from '#system/background.ts'
import { formatStoreLocation } from '../store/location.ts'
import type { IssuerPlaces } from './serve.ts'

/** The descriptor that the child is asked on. */
export const childDescriptor = 3

/** Starts the child when it is needed. */
export class IssuerChild implements AsyncDisposable {
  readonly #places: IssuerPlaces
  readonly #more: readonly string[]
  #child: ChildProcess | undefined

  /** `more`: options about its log. */
  constructor(places: IssuerPlaces, more: readonly string[] = []) {
    this.#places = places
    this.#more = more
  }

  /** Start one, and give the way to it. */
  readonly open = (): Duplex => {
    const { stateDir, store } = this.#places
    const words = [
      'issuer',
      '--state-dir',
      stateDir,
      '--store',
      formatStoreLocation(store),
      '--on-descriptor',
      String(childDescriptor),
      ...this.#more,
    ]
    const child = spawn(vpcProgram[0], [vpcProgram[1], ...words], { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] })
    const stream = child.stdio[childDescriptor] as Duplex
    child.once('error', (error) => stream.destroy(error))
    this.#child = child
    return stream
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const { promise, resolve } = Promise.withResolvers<void>()
    child.once('exit', () => resolve())
    ;(child.stdio[childDescriptor] as Duplex).destroy()
    await promise
  }
}
