/** Serves docker's plugin protocol on a Unix socket, or on the one that a service manager has opened. */
import { mkdirSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { dirname } from 'node:path'
import { failureOf } from '#cli/report.ts'
import type { Log } from '#system/log.ts'
import { calls, type Driver } from './driver.ts'
import { parseBody } from './message.ts'

const contentType = 'application/vnd.docker.plugins.v1.2+json'
const largestBody = 1024 * 1024
/** The first descriptor that a service manager passes. */
const firstPassed = 3

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const part of request.setEncoding('utf8')) if ((body += part).length > largestBody) throw new Error('the request is too large')
  return body
}

/** Answer one request: docker shows `Err` to its user. */
async function answer(driver: Driver, log: Log, request: IncomingMessage): Promise<{ readonly status: number; readonly body: object }> {
  const method = (request.url ?? '').slice(1)
  const call = Object.hasOwn(calls, method) ? calls[method] : undefined
  if (call === undefined) return { status: 404, body: { Err: `there is no method ${method.slice(0, 64)}` } }
  try {
    return { status: 200, body: await call(driver, parseBody(await bodyOf(request))) }
  } catch (error) {
    const { message } = failureOf(error)
    log.warn('refused', { method, error: message })
    return { status: 500, body: { Err: message } }
  }
}

/** Listen at a path; or, where a service manager has opened a socket for this process, there. */
export async function startServer(driver: Driver, log: Log, path: string): Promise<AsyncDisposable> {
  const server = createServer(async (request, response) => {
    const { status, body } = await answer(driver, log, request)
    response.writeHead(status, { 'Content-Type': contentType })
    response.end(`${JSON.stringify(body)}\n`)
  })
  const isPassed = process.env.LISTEN_PID === String(process.pid) && Number(process.env.LISTEN_FDS) > 0
  // Docker makes /run/docker with this mode, so a user without rights cannot even look for a socket that is passed.
  if (!isPassed) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    rmSync(path, { force: true })
  }
  server.listen(isPassed ? { fd: firstPassed } : { path })
  await once(server, 'listening')
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
