/** The console for a person who watches: the live one, and its log. */
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { ReadStream } from 'node:tty'
import type { Readable, Writable } from 'node:stream'
import type { VmDirectory } from './vm-directory.ts'

/** Control-], as in telnet. */
const escape = 0x1d

export interface Terminal {
  readonly input: Readable
  readonly output: Writable
  readonly signal: AbortSignal
}

/** All that the log has of the guest's output. Throws VmError ENOENT when there is no such machine. */
export function consoleLog(directory: VmDirectory): string {
  directory.definition()
  const files = [`${directory.consoleLog}.1`, directory.consoleLog]
  return files.map((path) => (existsSync(path) ? readFileSync(path, 'utf8') : '')).join('')
}

/**
 * Join a console and a terminal until the guest ends, a person types Control-], or the terminal goes. When the input
 * ends, the console ends half a second later.
 */
export async function connectConsole(path: string, { input, output, signal }: Terminal): Promise<void> {
  const socket = connect(path)
  await once(socket, 'connect')
  const terminal = input as Partial<ReadStream>
  const raw = terminal.isTTY === true
  if (raw) terminal.setRawMode!(true)
  try {
    socket.on('data', (chunk: Buffer) => output.write(chunk))
    input.on('data', (chunk: Buffer) => {
      const end = raw ? chunk.indexOf(escape) : -1
      socket.write(end < 0 ? chunk : chunk.subarray(0, end))
      if (end >= 0) socket.end()
    })
    // The input is a pipe that ends: the guest's immediate answer is still shown.
    input.on('end', () => setTimeout(() => socket.end(), 500))
    signal.addEventListener('abort', () => socket.destroy())
    await once(socket, 'close')
  } finally {
    if (raw) terminal.setRawMode!(false)
    input.pause()
  }
}
