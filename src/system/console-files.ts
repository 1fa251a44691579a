/** The files of the web consoles, as the build has made them, and what a browser may do with them. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

/** Where the build puts them. */
const directory = fileURLToPath(new URL('../../build/console', import.meta.url))

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Run and load what this server has, and nothing else; nothing inline, and in nobody's frame. */
export const consoleHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-cache',
  vary: 'accept-encoding',
}

export interface ConsoleFile {
  readonly type: string
  readonly etag: string
  readonly plain: Uint8Array<ArrayBuffer>
  readonly zipped: Uint8Array<ArrayBuffer>
}

export type ConsoleFiles = ReadonlyMap<string, ConsoleFile>

export interface FileAnswer {
  readonly status: 200 | 304
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array<ArrayBuffer> | null
}

/** Read them by name. None: nobody has built them. */
export function readConsoleFiles(): ConsoleFiles {
  const names = existsSync(directory) ? readdirSync(directory).filter((name) => types[extname(name)] !== undefined) : []
  return new Map(
    names.map((name) => {
      const plain = new Uint8Array(readFileSync(join(directory, name)))
      const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 27)}"`
      return [name, { type: types[extname(name)]!, etag, plain, zipped: new Uint8Array(gzipSync(plain)) }]
    }),
  )
}

/** Answer a request for one. */
export function answerFile({ type, etag, plain, zipped }: ConsoleFile, ifNoneMatch = '', acceptEncoding = ''): FileAnswer {
  if (ifNoneMatch === etag) return { status: 304, headers: { ...consoleHeaders, etag }, body: null }
  const isZipped = /\bgzip\b/.test(acceptEncoding)
  const headers = { ...consoleHeaders, etag, 'content-type': type, ...(isZipped && { 'content-encoding': 'gzip' }) }
  return { status: 200, headers, body: isZipped ? zipped : plain }
}
