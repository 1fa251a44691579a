/** `/console/`: the files of the web console, as the build has made them. They are public; what they show is not. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Hono } from 'hono'
import { Problem } from '../model/problem.ts'
import type { ApiContext, Env } from './context.ts'

/** Where the build puts them. */
const directory = fileURLToPath(new URL('../../../build/console', import.meta.url))

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
}

/** What a browser may do with the page: run and load what this API serves, and nothing else. */
const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-cache',
  vary: 'accept-encoding',
}

interface File {
  readonly type: string
  readonly etag: string
  readonly plain: Uint8Array<ArrayBuffer>
  readonly zipped: Uint8Array<ArrayBuffer>
}

/** Add the routes. */
export function consoleRoutes(app: Hono<Env>): void {
  let files: ReadonlyMap<string, File> | undefined
  app.get('/', (c) => c.redirect('/console/'))
  app.get('/console', (c) => c.redirect('/console/'))
  app.get('/console/:name{.*}', (c) => {
    files ??= readFiles()
    return answer(c as ApiContext, files, c.req.param('name') || 'index.html')
  })
}

function answer(c: ApiContext, files: ReadonlyMap<string, File>, name: string): Response {
  const file = files.get(name)
  if (file === undefined)
    throw files.size > 0
      ? new Problem('not-found', `the console has no file ${name.slice(0, 100)}`)
      : new Problem('not-found', 'this API was started without the console', {
          hint: 'build it by `npm run build`, then start the API again',
        })
  const { type, etag, plain, zipped } = file
  if (c.req.header('if-none-match') === etag) return c.body(null, 304, { ...headers, etag })
  const isZipped = /\bgzip\b/.test(c.req.header('accept-encoding') ?? '')
  return c.body(isZipped ? zipped : plain, 200, { ...headers, etag, 'content-type': type, ...(isZipped && { 'content-encoding': 'gzip' }) })
}

function readFiles(): ReadonlyMap<string, File> {
  const names = existsSync(directory) ? readdirSync(directory).filter((name) => types[extname(name)] !== undefined) : []
  return new Map(
    names.map((name) => {
      const plain = new Uint8Array(readFileSync(join(directory, name)))
      const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 27)}"`
      return [name, { type: types[extname(name)]!, etag, plain, zipped: new Uint8Array(gzipSync(plain)) }]
    }),
  )
}
