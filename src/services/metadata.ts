/**
 * Requests to the metadata service, as EC2's version 1 and 2 have them, and cloud-init's NoCloud. Who asks is known by
 * the address of the connection alone: no header changes it.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { ec2Tree, noCloudTree, versions, type Instance, type Tree } from './instance.ts'

export interface Request {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

export interface Answer {
  readonly status: number
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

const secret = randomBytes(32)
const maxTokenSeconds = 21_600
const tokenHeader = 'x-aws-ec2-metadata-token'
const ttlHeader = 'x-aws-ec2-metadata-token-ttl-seconds'

const fail = (status: number, body: string): Answer => ({ status, body: `${body}\n` })
const sign = (text: string): string => createHmac('sha256', secret).update(text).digest('base64url')

/** A token of one guest says until when it counts. Only this process makes and takes them. */
function makeToken({ id }: Instance, seconds: number, nowMs: number): string {
  const until = Math.floor(nowMs / 1000) + seconds
  return `${until}.${sign(`${id} ${until}`)}`
}

function isToken(text: string, { id }: Instance, nowMs: number): boolean {
  const [until = '', signature = ''] = text.split('.')
  const right = Buffer.from(sign(`${id} ${until}`))
  const given = Buffer.from(signature)
  return given.length === right.length && timingSafeEqual(given, right) && Number(until) > nowMs / 1000
}

const headerOf = ({ headers }: Request, name: string): string | undefined => {
  const value = headers[name]
  return typeof value === 'string' ? value : value?.[0]
}

function answerToken(request: Request, instance: Instance, nowMs: number): Answer {
  const text = headerOf(request, ttlHeader) ?? ''
  const seconds = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (seconds < 1 || seconds > maxTokenSeconds) return fail(400, `${ttlHeader} must be 1 to ${maxTokenSeconds}`)
  return { status: 200, body: makeToken(instance, seconds, nowMs), headers: { [ttlHeader]: String(seconds) } }
}

/** Names of a directory, as EC2 lists them. */
function listing(tree: { readonly [name: string]: Tree }, path: readonly string[]): string {
  if (path.at(-1) === 'public-keys')
    return Object.keys(tree)
      .map((number) => `${number}=key${number}`)
      .join('\n')
  return Object.entries(tree)
    .map(([name, child]) => (typeof child === 'string' ? name : `${name}/`))
    .join('\n')
}

function find(tree: Tree, path: readonly string[]): Answer {
  let found: Tree | undefined = tree
  for (const name of path) found = typeof found === 'object' && Object.hasOwn(found, name) ? found[name] : undefined
  if (found === undefined) return fail(404, 'there is no such metadata')
  return { status: 200, body: typeof found === 'string' ? found : listing(found, path) }
}

/** The parts of a path; undefined: it is none. */
function partsOf(url: string): string[] | undefined {
  try {
    return decodeURIComponent(url.split('?')[0]!)
      .split('/')
      .filter((part) => part !== '')
  } catch {
    return undefined
  }
}

/** Answer a request of a guest. */
export function answer(request: Request, instance: Instance, nowMs: number): Answer {
  const parts = partsOf(request.url)
  if (parts === undefined) return fail(400, 'the path is not a URL')
  const [first, ...rest] = parts
  // As EC2: an open proxy in the guest must not give tokens to its clients.
  if (headerOf(request, 'x-forwarded-for') !== undefined) return fail(403, 'requests of proxies are refused')
  if (request.method === 'PUT')
    return parts.join('/') === 'latest/api/token' ? answerToken(request, instance, nowMs) : fail(405, 'only GET')
  if (request.method !== 'GET' && request.method !== 'HEAD') return fail(405, 'only GET')
  const token = headerOf(request, tokenHeader)
  if (token !== undefined && !isToken(token, instance, nowMs)) return fail(401, 'the token is not, or no longer, valid')
  if (first === undefined) return { status: 200, body: versions.join('\n') }
  if (first === 'nocloud') return find(noCloudTree(instance), rest)
  return (versions as readonly string[]).includes(first) ? find(ec2Tree(instance), rest) : fail(404, 'there is no such version')
}
