/** Where this user is logged in: a file that the user alone can read, or the environment. */
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { Failure } from '../failure.ts'

/** One cloud, as one principal. */
export interface CloudContext {
  /** URL of the API; of several APIs of one cloud, all, with commas between. */
  readonly server: string
  readonly token: string
  /** File with the certificate authority of the API. */
  readonly ca?: string
  /** The name in the certificate of the API, if it is not that of the URL. */
  readonly serverName?: string
}

export interface Contexts {
  readonly current: string | null
  readonly contexts: Readonly<Record<string, CloudContext>>
}

/** The file. */
export const contextsPath = (env: NodeJS.ProcessEnv = process.env): string =>
  join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'vpc', 'contexts.json')

/** All contexts; none when there is no file. */
export function readContexts(path = contextsPath()): Contexts {
  let text: string
  try {
    if ((statSync(path).mode & 0o077) !== 0)
      throw new Failure('denied', `${path} has tokens, and others can read it; chmod 600 it, and make new tokens`, { code: 'EACCES' })
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { current: null, contexts: {} }
    throw error
  }
  try {
    const { current, contexts } = JSON.parse(text) as Contexts
    if (typeof contexts !== 'object' || contexts === null) throw new TypeError('it has no contexts')
    return { current: current ?? null, contexts }
  } catch (error) {
    throw new Failure('failed', `cannot read ${path}: ${(error as Error).message}; mend it, or remove it and log in again`)
  }
}

/** Replace the file as a whole: a crash leaves the old one. */
export function writeContexts(contexts: Contexts, path = contextsPath()): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const fresh = `${path}.${process.pid}`
  const file = openSync(fresh, 'w', 0o600)
  try {
    chmodSync(fresh, 0o600)
    writeSync(file, `${JSON.stringify(contexts, null, 2)}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(fresh, path)
}

/** The context to use: of the environment, or the named or current one. Throws a Failure that says how to log in. */
export const currentContext = (name?: string, env: NodeJS.ProcessEnv = process.env): CloudContext => chosenContext(name, env).context

/** The same with its name; null: the environment has it. */
export function chosenContext(
  name?: string,
  env: NodeJS.ProcessEnv = process.env,
): { readonly name: string | null; readonly context: CloudContext } {
  if (name === undefined && env.VPC_API && env.VPC_TOKEN) {
    const trust = { ...(env.VPC_CA && { ca: env.VPC_CA }), ...(env.VPC_SERVER_NAME && { serverName: env.VPC_SERVER_NAME }) }
    return { name: null, context: { server: env.VPC_API, token: env.VPC_TOKEN, ...trust } }
  }
  const { current, contexts } = readContexts(contextsPath(env))
  const chosen = name ?? env.VPC_CONTEXT ?? current
  if (chosen === null)
    throw new Failure('denied', 'you are not logged in to a cloud; vpc login --server URL logs in', { code: 'not-logged-in' })
  const context = Object.hasOwn(contexts, chosen) ? contexts[chosen] : undefined
  if (context !== undefined) return { name: chosen, context }
  const known = Object.keys(contexts)
  throw new Failure(
    'usage',
    `there is no context ${chosen}; ${known.length === 0 ? 'vpc login makes one' : `there are ${known.join(', ')}`}`,
  )
}
