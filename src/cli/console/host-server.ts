/**
 * The process of a host's console that speaks HTTP, on loopback. It has no descriptor of vpcd: it asks the process that
 * started it (questions.ts). Started by root, it is another user before it reads the first request.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { ownUsers } from '#abi/own-users.ts'
import { answerFile, consoleHeaders, readConsoleFiles } from '#system/console-files.ts'
import type { PacketRequest } from '#abi/trace.ts'
import type { FromServer, Question, SeenDrop, ToServer } from './questions.ts'

/** Streams of drops at the same time. */
const maxStreams = 20
/** A stream that has so many bytes unread ends. */
const maxUnread = 1 << 20

const { port: wantedPort, token } = JSON.parse(process.argv[2]!) as { port: number; token: string }
const files = readConsoleFiles()
const session = randomBytes(32).toString('base64url')
let isTokenUsed = false
let port = 0

const tell = (message: FromServer): void => void process.send!(message)
const waiting = new Map<number, { resolve: (answers: unknown) => void; reject: (error: Error) => void }>()
let asked = 0
const streams = new Set<ServerResponse>()

process.on('message', (message: ToServer) => {
  if (message.type === 'drop') return spread(message.drop)
  const wait = waiting.get(message.number)
  waiting.delete(message.number)
  if (message.type === 'answer') wait?.resolve(message.answers)
  else wait?.reject(new Error(message.text))
})
process.on('disconnect', () => process.exit(0))

/** Ask the process that has the descriptors. */
function ask(question: Question, asks?: unknown): Promise<unknown> {
  const number = asked++
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  waiting.set(number, { resolve, reject })
  tell({ type: 'ask', number, question, asks })
  return promise
}

function spread(drop: SeenDrop): void {
  for (const stream of streams) {
    stream.write(`data: ${JSON.stringify(drop)}\n\n`)
    if (stream.writableLength > maxUnread) stream.destroy()
  }
}

const isEqual = (a: string, b: string): boolean => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
const cookieName = (): string => `vpc-host-${port}`

function isSignedIn({ headers: { cookie = '' } }: IncomingMessage): boolean {
  const given = cookie.split('; ').find((part) => part.startsWith(`${cookieName()}=`))
  return given !== undefined && isEqual(given.slice(cookieName().length + 1), session)
}

function send(response: ServerResponse, status: number, body: unknown, more: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { ...consoleHeaders, 'cache-control': 'no-store', 'content-type': 'application/json', ...more })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}

/** The address with the token is good once: it becomes a cookie. */
function signIn(response: ServerResponse, given: string): void {
  if (isTokenUsed || !isEqual(given, token))
    return send(response, 403, { detail: 'this address has been used, or is not whole; start vpc console again' })
  isTokenUsed = true
  const cookie = `${cookieName()}=${session}; Path=/; HttpOnly; SameSite=Strict`
  send(response, 303, undefined, { location: '/host.html', 'set-cookie': cookie })
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', `http://127.0.0.1:${port}`)
  // A name that somebody else points here is not an address of this console.
  if (![`127.0.0.1:${port}`, `localhost:${port}`].includes(request.headers.host ?? ''))
    return send(response, 421, { detail: 'unknown host' })
  if (request.method !== 'GET') return send(response, 405, { detail: 'this console changes nothing' })
  if (url.pathname === '/' && url.searchParams.has('token')) return signIn(response, url.searchParams.get('token')!)
  const file = files.get(url.pathname.slice(1))
  if (file !== undefined) {
    const { status, headers, body } = answerFile(file, request.headers['if-none-match'], String(request.headers['accept-encoding'] ?? ''))
    return void response.writeHead(status, headers).end(body ?? undefined)
  }
  if (!isSignedIn(request)) return send(response, 401, { detail: 'open the address that vpc console has printed' })
  await answerQuestion(url, request, response)
}

async function answerQuestion(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const words = url.searchParams
  switch (url.pathname) {
    case '/':
      return send(response, 303, undefined, { location: '/host.html' })
    case '/host/look':
    case '/host/counters':
      return send(response, 200, await ask(url.pathname.slice('/host/'.length) as 'look' | 'counters'))
    case '/host/flows':
      return send(response, 200, await ask('flows', { port: words.get('port') ?? undefined }))
    case '/host/trace':
      return send(response, 200, await ask('trace', { port: words.get('port') ?? '', packet: packetOf(words) }))
    case '/host/drops':
      return stream(request, response)
    default:
      return send(response, 404, { detail: `there is no ${url.pathname.slice(0, 100)}` })
  }
}

/** What vpcd finds wrong with it, it says. */
function packetOf(words: URLSearchParams): PacketRequest {
  const protocol = words.get('protocol') ?? 'icmp'
  return {
    to: words.get('to') ?? '',
    from: words.get('from') || null,
    protocol: protocol === 'tcp' || protocol === 'udp' ? protocol : 'icmp',
    port: Number(words.get('dport') ?? 0),
    sourcePort: 49_152,
    flags: 2,
    ttl: 64,
    size: null,
    vlan: null,
    mac: words.get('mac') || null,
  }
}

function stream(request: IncomingMessage, response: ServerResponse): void {
  if (streams.size >= maxStreams) return send(response, 429, { detail: 'too many pages follow drops; close one' })
  response.writeHead(200, { ...consoleHeaders, 'cache-control': 'no-store', 'content-type': 'text/event-stream' })
  response.write(': drops from now on\n\n')
  streams.add(response)
  request.on('close', () => streams.delete(response))
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: Error) => send(response, 400, { detail: error.message }))
})
server.on('error', (error) => {
  tell({ type: 'failed', text: error.message })
  process.exit(1)
})
server.listen(wantedPort, '127.0.0.1', () => {
  if (process.getuid!() === 0) {
    process.setgroups!([])
    process.setgid!(ownUsers.console)
    process.setuid!(ownUsers.console)
  }
  port = (server.address() as { port: number }).port
  tell({ type: 'listening', port })
})
