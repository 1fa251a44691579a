/** Waits for what a program says, or for what becomes so. */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'

/** Wait until it says so; what it says later is read, too. Gives a function that gives all of it. */
export async function said(child: ChildProcess, words: RegExp): Promise<() => string> {
  let text = ''
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  child.stderr!.setEncoding('utf8').on('data', (part: string) => words.test((text += part)) && resolve())
  child.once('exit', () => reject(new Error(`it ended, and said ${text}`)))
  await promise
  return () => text
}

/** Wait until it is so. */
export async function until<T>(what: string, find: () => T | undefined | false): Promise<T> {
  for (const end = Date.now() + 30_000; ;) {
    const found = find()
    if (found !== undefined && found !== false) return found
    assert.ok(Date.now() < end, `not within 30 s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
