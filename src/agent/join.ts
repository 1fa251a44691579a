/** `vpc join`: makes this machine a host of a cloud, by a token. Whole, or not at all. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { hostText } from '#wire/endpoint.ts'
import { isLoopback } from './loopback.ts'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { joinPath, type HostCertificate, type JoinRequest, type JoinToken } from '#feed/join.ts'
import { readSecret, writeWhole } from '#system/whole-file.ts'
import { ask, FeedRefused } from './feed/connection.ts'
import { readIdentity, writeIdentity, type Identity } from './identity-file.ts'
import { fetchCa, JoinRefused, type Address, type Pinned } from './pinned-ca.ts'
import { makeStateDir } from './state-dir.ts'

const timeoutMs = 30_000

export interface JoinOptions {
  readonly token: JoinToken
  /** The token as it was given. */
  readonly text: string
  readonly server: Address
  /** Other APIs of the same cloud. */
  readonly others?: readonly Address[]
  readonly stateDir: string
  /** Where other hosts reach this one. Undefined: the address that the API is reached from, unless it is loopback. */
  readonly underlay: Address | undefined
  readonly version: string
  readonly now: number
}

export interface Joined {
  readonly identity: Identity
  /** It was so already. */
  readonly isSame: boolean
  /** What was told as this host's address; the cloud keeps the one that an operator has set. */
  readonly underlay: Address | null
}

/** Join, or find that this machine has joined with this token. Throws JoinRefused or AgentStartRefused. */
export async function joinCloud(options: JoinOptions): Promise<Joined> {
  const { token, stateDir, server, now } = options
  makeStateDir(stateDir)
  const before = readIdentity(stateDir)
  if (before?.token === token.id) return { identity: before, isSame: true, underlay: null }
  const all = [server, ...(options.others ?? [])]
  const { ca, local, by } = await firstCa(all, token.pin, now)
  const underlay = options.underlay ?? (local === '' || isLoopback(local) ? null : { host: local.replace(/^::ffff:/, ''), port: 4789 })
  const key = pendingKey(stateDir, token.id)
  const url = urlOf(by)
  const answer = await send(options, { url, ca, key, underlay })
  const certificate = new X509Certificate(answer.certificate)
  if (!certificate.checkPrivateKey(createPrivateKey(key)) || !certificate.verify(new X509Certificate(ca).publicKey))
    throw new JoinRefused('the API answered with a certificate that is not for this machine; its log may say more')
  const others = all.filter((each) => each !== by).map(urlOf)
  const more = others.length > 0 ? { others } : {}
  const identity = { server: url, ...more, host: answer.host, name: answer.name, token: token.id, key, certificate: answer.certificate, ca }
  kept(stateDir, () => writeIdentity(stateDir, identity))
  forgetKey(stateDir)
  return { identity, isSame: false, underlay }
}

const urlOf = ({ host, port }: Address): string => `https://${hostText(host)}:${port}`

/** The CA, from the first API that has it. Throws JoinRefused with what the last one said. */
async function firstCa([first, ...rest]: readonly Address[], pin: string, now: number): Promise<Pinned & { readonly by: Address }> {
  try {
    return { ...(await fetchCa(first!, pin, now)), by: first! }
  } catch (error) {
    if (rest.length === 0 || !(error instanceof JoinRefused)) throw error
    return firstCa(rest, pin, now)
  }
}

async function send(
  { text, version, stateDir }: JoinOptions,
  { url, ca, key, underlay }: { readonly url: string; readonly ca: string; readonly key: string; readonly underlay: Address | null },
): Promise<HostCertificate> {
  const body: JoinRequest = {
    token: text,
    publicKey: createPublicKey(key).export({ type: 'spki', format: 'pem' }) as string,
    underlay: underlay === null ? null : { address: underlay.host, port: underlay.port },
    agent: version,
  }
  try {
    return (await ask({ url, tls: { ca } }, joinPath, body, AbortSignal.timeout(timeoutMs))) as HostCertificate
  } catch (error) {
    // The token is as good as before. After any other failure it may have been used with this key: that is kept.
    if (error instanceof FeedRefused && error.status < 500) forgetKey(stateDir)
    const more = error instanceof FeedRefused ? '' : '; repeat the command: that does no harm'
    throw new JoinRefused(`the API did not let this machine join: ${(error as Error).message}${more}`, { cause: error })
  }
}

const keyFile = (stateDir: string): string => join(stateDir, 'joining.json')

/** The key of an attempt whose end nobody knows, or a new one. The API takes the same key twice, and no other. */
function pendingKey(stateDir: string, token: string): string {
  const text = readSecret(keyFile(stateDir))
  const pending = text === undefined ? undefined : (JSON.parse(text) as { token: string; key: string })
  if (pending?.token === token) return pending.key
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  kept(stateDir, () => writeWhole(keyFile(stateDir), JSON.stringify({ token, key }), { mode: 0o600, isNew: false }))
  return key
}

/** Write something. Throws JoinRefused, such as when the disk is full; a repetition goes on with the kept key. */
function kept(stateDir: string, write: () => unknown): void {
  try {
    write()
  } catch (error) {
    throw new JoinRefused(`cannot write into ${stateDir}: ${(error as Error).message}; mend that and repeat the command`, { cause: error })
  }
}

const forgetKey = (stateDir: string): void => rmSync(keyFile(stateDir), { force: true })
