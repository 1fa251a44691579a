/** `POST /agent/v1/join` and `POST /agent/v1/renew`: how a machine gets its certificate, and a new one. */
import { createPublicKey } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { z } from 'zod'
import { parseJoinToken, pinOf, type HostCertificate } from '#feed/join.ts'
import { formatIp, parseIp } from '#wire/ip-address.ts'
import type { Limits } from '../api/limits.ts'
import { IssuerAway, IssuerRefused, type Issuer, type Permit } from '../issuer/issuer.ts'
import { systemCaller } from '../model/amend.ts'
import { issueText } from '../model/issue-text.ts'
import { join } from '../model/join.ts'
import type { Model } from '../model/model.ts'
import { fieldProblem, Problem } from '../model/problem.ts'
import type { ObjectRecord } from '../model/record.ts'
import { uuidV7 } from '../model/uuid.ts'
import { answerJson, readJson, type AgentHandler, type OpenHandler } from './call.ts'

export interface JoinParts {
  readonly model: Model
  readonly authority: Issuer
  readonly limits: Limits
  readonly now: () => number
}

const maxBytes = 8 << 10

const body = z.strictObject({
  token: z.string().max(200),
  publicKey: z.string().max(1_000),
  underlay: z.strictObject({ address: z.string().max(64), port: z.int().min(1).max(65_535) }).nullable(),
  agent: z.string().max(64),
})

/** Answers a machine that joins. Wrong tokens of an address are limited as wrong tokens of users are. */
export function joinHandler(parts: JoinParts): OpenHandler {
  return async (request, response) => {
    const source = request.socket.remoteAddress ?? 'unknown'
    const given = body.safeParse(await readJson(request, maxBytes), { error: issueText })
    if (!given.success) throw new Problem('invalid', `the body: ${given.error.issues[0]!.message}`)
    const key = publicKeyOf(given.data.publicKey)
    const token = parseJoinToken(given.data.token)
    try {
      if (token === undefined) throw new Problem('unauthenticated', 'that is not a join token: it begins with vpcjoin1.')
      const { record } = await join(parts.model, {
        token,
        key: pinOf(key),
        underlay: underlayOf(given.data.underlay),
        ask: {
          caller: systemCaller(`join-token:${token.id}`, source),
          request: uuidV7(parts.now()),
          method: 'POST',
          now: parts.now(),
          isDryRun: false,
        },
      })
      answerJson(response, 200, await certificateOf(parts, record, key, { token: given.data.token.trim() }))
    } catch (error) {
      limit(parts, source, error)
      throw error
    }
  }
}

/** Guessing is slow. */
function limit({ limits }: JoinParts, source: string, error: unknown): void {
  if (!(error instanceof Problem) || error.code !== 'unauthenticated') return
  const wait = limits.failures.take(`join ${source}`)
  if (wait !== undefined) throw new Problem('rate-limited', 'too many wrong join tokens came from this address', { retryAfter: wait })
}

function publicKeyOf(pem: string): Uint8Array {
  try {
    const key = createPublicKey(pem)
    if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1')
      return key.export({ type: 'spki', format: 'der' })
  } catch {
    // As below.
  }
  throw fieldProblem('invalid', ['publicKey'], 'it is not a P-256 public key in PEM form')
}

function underlayOf(given: z.infer<typeof body>['underlay']): { address: string; port: number } | null {
  if (given === null) return null
  const parsed = parseIp(given.address)
  if (!parsed.ok) throw fieldProblem('invalid', ['underlay', 'address'], parsed.problem)
  return { address: formatIp(parsed.value), port: given.port }
}

/** Answers a host that wants a new certificate for its key. */
export function renewHandler({ model, authority, now }: JoinParts): AgentHandler {
  return async ({ host, request, response }) => {
    const certificate = (request.socket as TLSSocket).getPeerX509Certificate()!
    const { record } = model.mirror.objects.get('host', host)!
    const key = certificate.publicKey.export({ type: 'spki', format: 'der' })
    answerJson(response, 200, await certificateOf({ authority, now }, record, key, { certificate: certificate.toString() }))
  }
}

async function certificateOf(
  { authority, now }: Pick<JoinParts, 'authority' | 'now'>,
  { id, name }: ObjectRecord,
  key: Uint8Array,
  permit: Permit,
): Promise<HostCertificate> {
  try {
    return { host: id, name: name ?? id, certificate: await authority.issueHost(id, key, now(), permit), ca: authority.certificate }
  } catch (error) {
    if (error instanceof IssuerRefused) throw new Problem('forbidden', error.message)
    // A join may be repeated with the same key.
    if (error instanceof IssuerAway) throw new Problem('store-away', error.message, { retryAfter: 1 })
    throw error
  }
}
