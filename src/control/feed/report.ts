/** Reads what agents send: a host may be in the hands of others, so nothing in it is taken on trust. */
import { z } from 'zod'
import type { AgentReport, ItemError } from '#feed/message.ts'
import { issueText } from '../model/issue-text.ts'
import { Problem } from '../model/problem.ts'

/** More than a host has items that can fail; the rest is not kept. */
const maxErrors = 5_000
const text = (max: number) => z.string().transform((given) => given.slice(0, max))

const error = z.object({
  kind: z.string().regex(/^[a-z-]{1,32}$/),
  id: z.string().min(1).max(80),
  code: z.string().regex(/^[a-z-]{1,32}$/),
  text: text(1_000),
  since: text(40),
  tries: z.int().min(0),
})

const report = z.object({
  revision: z.string().regex(/^\d{1,15}$/),
  errors: z.array(error).transform((errors) => errors.slice(0, maxErrors)),
  agent: z.object({ version: text(64), feed: z.int().min(0) }),
  vpcd: z.object({ version: text(64), lacks: z.array(z.string().regex(/^[a-z -]{1,40}$/)).max(100) }).optional(),
  answersPings: z.literal(true).optional().catch(undefined),
})

/** The report of a body. Throws a Problem. Keys that are not known are those of a newer agent. */
export function parseReport(body: unknown): AgentReport {
  const { success, data, error: failure } = report.safeParse(body, { error: issueText })
  if (success) {
    const { errors, vpcd, answersPings, ...rest } = data
    const more = { ...(vpcd !== undefined && { vpcd }), ...(answersPings && { answersPings }) }
    return { ...rest, errors: errors as unknown as readonly ItemError[], ...more }
  }
  const { path, message } = failure.issues[0]!
  throw new Problem('invalid', `${path.join('.') || 'the report'}: ${message}`)
}
