/**
 * Schemas of what a cloud answers besides its resources: paths, audit records, hosts that are emptied; and of traces.
 * The compiler compares their keys with the types of what is printed.
 */
import type { TraceOutcome, TraceStep } from '#abi/trace.ts'
import {
  endKinds,
  hostRoles,
  hostStates,
  obstacleCodes,
  protocols,
  stages,
  verdicts,
  ways,
  type Changed,
  type End,
  type Obstacle,
  type Packet,
  type ProgrammedHost,
  type Step,
  type Thing,
} from '#control/path/answer.ts'
import type { Cell, PathMatrix, VnicClass } from '#control/path/matrix.ts'
import type { AuditItem } from '#resource/audit-item.ts'
import type { SeenDrop } from '#feed/counters.ts'
import { z } from 'zod'
import type { Left } from '../cloud/host-actions.ts'
import type { Hop, Trace } from '../trace-hops.ts'
import type { Why } from '../why-text.ts'
import { count, flag, only, text, textOrNull, texts } from './objects.ts'

/** A schema for each key of a type, and for no other. */
type Keys<T> = { readonly [K in keyof T]-?: z.ZodType }
const words = <const W extends readonly [string, ...string[]]>(known: W): z.ZodType => z.enum(known)

const traceStep = only({
  stage: text,
  verdict: words(['pass', 'drop']),
  text,
  rule: text.optional(),
  remedy: text.optional(),
} satisfies Keys<TraceStep>)
type Outcomes = { readonly [V in TraceOutcome['verdict']]: Keys<Omit<Extract<TraceOutcome, { verdict: V }>, 'verdict'>> }
const outcomes: Outcomes = {
  drop: { reason: text, answered: flag },
  delivered: { port: textOrNull, unit: textOrNull, frame: textOrNull },
  tunnel: { vtep: textOrNull, vni: count, frame: textOrNull },
  uplink: { unit: textOrNull },
  outside: { nat: textOrNull, packet: text },
  answered: { answer: text },
  copied: { copies: count },
  consumed: {},
  host: {},
}
const outcome = z.union(Object.entries(outcomes).map(([verdict, keys]) => only({ verdict: z.literal(verdict), ...keys })))
const hop = only({ host: text.optional(), packet: text, steps: z.array(traceStep), outcome } satisfies Keys<Hop>)
const hops = { hops: z.array(hop), next: text.optional() } satisfies Keys<Trace>
/** What `vpc trace` says. */
export const trace = only(hops)

const thing = only({ kind: text, id: text, name: textOrNull } satisfies Keys<Thing>).nullable()
const end = only({
  kind: words(endKinds),
  address: text,
  id: text.optional(),
  name: textOrNull.optional(),
  host: only({ id: text, name: textOrNull }).nullish(),
} satisfies Keys<End>)
const packet = only({
  family: z.union([z.literal(4), z.literal(6)]),
  protocol: words(protocols),
  port: count.nullable(),
  source: text,
  destination: text,
} satisfies Keys<Packet>)
const step = only({ way: words(ways), stage: words(stages), ok: flag.nullable(), text, thing } satisfies Keys<Step>)
const changed = only({
  time: text,
  isNew: flag,
  by: text,
  name: textOrNull,
  request: text,
  fields: texts.nullable(),
} satisfies Keys<Changed>)
const obstacle = only({
  step: count,
  code: words(obstacleCodes),
  text,
  thing,
  changed: changed.nullable(),
  command: textOrNull,
} satisfies Keys<Obstacle>)
const host = only({
  id: textOrNull,
  name: textOrNull,
  role: words(hostRoles),
  state: words(hostStates),
  needs: text,
  acked: textOrNull,
  problem: only({ code: text, text }).nullable(),
} satisfies Keys<ProgrammedHost>)
const drop = only({
  time: text,
  vnic: text,
  reason: text,
  length: count,
  vni: count,
  direction: words(['in', 'out']).nullable(),
  peer: textOrNull,
  text,
  rule: textOrNull,
} satisfies Keys<SeenDrop>)
const unasked = only({ unasked: text })
const path = only({
  verdict: words(verdicts),
  packet,
  from: end,
  to: end,
  steps: z.array(step),
  obstacle: obstacle.nullable(),
  programmed: only({ revision: text, hosts: z.array(host) }),
  drops: z.array(drop),
  programs: z.union([unasked, only({ ...hops, answer: z.union([unasked, trace]) })]),
  disagreement: textOrNull,
} satisfies Keys<Why>)

const vnicClass = only({
  id: count,
  name: text,
  subnet: thing,
  groups: z.array(thing),
  plugged: flag,
  vnics: count,
  examples: z.array(thing),
} satisfies Keys<VnicClass>)
const cell = only({
  from: count,
  to: count,
  verdict: words(['reachable', 'blocked']),
  allowed: text,
  code: words(obstacleCodes).nullable(),
} satisfies Keys<Cell>)
const matrix = only({
  vpc: thing,
  classes: z.array(vnicClass),
  cells: z.array(cell),
  truncated: flag,
} satisfies Keys<PathMatrix>)
/** What `vpc why` says: of a packet, or with --all of a vpc. */
export const why = z.union([path, matrix])

/** What `vpc cloud audit` says of a change, or of a refusal. */
export const auditRecord = only({
  time: text,
  request: text,
  principal: text,
  token: text,
  source: text,
  method: text,
  path: text.optional(),
  kind: text.optional(),
  id: text.optional(),
  name: textOrNull.optional(),
  org: textOrNull.optional(),
  account: textOrNull.optional(),
  vpc: textOrNull.optional(),
  fields: texts.optional(),
  before: textOrNull.optional(),
  hosts: z.array(textOrNull).optional(),
  result: z.union([text, count]),
  revision: text.optional(),
} satisfies Keys<AuditItem>)

const left = only({
  host: text,
  name: text,
  state: text,
  revision: text,
  left: count,
  vnics: z.array(only({ kind: text, id: text, name: textOrNull })),
  unplugged: count.optional(),
} satisfies Keys<Left>)
/** What the commands say that empty a host; a dry run does not say what it changed. */
export const emptied = left.extend({ changed: flag.optional() })
