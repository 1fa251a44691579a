/** The answer of `vpc why` for people: the way hop by hop, what stands in it, and who reaches whom in a vpc. */
import type { End, Obstacle, PathAnswer, ProgrammedHost, Step } from '#control/path/answer.ts'
import type { PathMatrix } from '#control/path/matrix.ts'
import type { SeenDrop } from '#feed/counters.ts'
import type { Style } from './style.ts'
import type { Table } from './table.ts'
import { endText } from './trace-text.ts'
import { answerDrop, isForWantOfFlow, type Programs, type Traced } from './why-programs.ts'

/** All that `vpc why` found. */
export interface Why extends PathAnswer {
  readonly drops: readonly SeenDrop[]
  readonly programs: Programs
  /** Where the programs decide otherwise than the model; null: they agree, or were not asked. */
  readonly disagreement: string | null
}

const stageWidth = 11

/** The answer in lines. */
export function whyText(why: Why, style: Style): string {
  const { from, to, packet, steps, obstacle, programmed, drops, programs, disagreement: differs } = why
  const what = packet.port === null ? 'a ping' : `${packet.protocol} ${packet.port}`
  return [
    style.bold(`${what} from ${endName(from)} to ${endName(to)}`),
    ...steps.flatMap((step, i) => stepLines(step, steps[i - 1], style)),
    ...programmed.hosts.flatMap((host) => hostLine(host, style)),
    ...programLines(programs, style),
    ...drops.map((drop) => `  ${style.dim('dropped')}     ${drop.time}  ${style.yellow(drop.reason)}  ${drop.text}`),
    ...verdictLines(why, style),
    ...(obstacle === null ? [] : obstacleLines(obstacle, style)),
    ...(differs === null ? [] : [style.red(differs)]),
  ].join('\n')
}

const endName = ({ kind, name, address }: End): string =>
  kind === 'vnic' && name ? `${name} (${address})` : kind === 'hidden' ? `${address} (of another account)` : address

function stepLines({ way, stage, ok, text }: Step, before: Step | undefined, style: Style): string[] {
  const title = before?.way === way || stage === 'mtu' ? [] : [style.dim(way === 'request' ? 'there' : 'back')]
  const colour = ok === null ? style.dim : ok ? style.green : style.red
  return [...title, `  ${colour(stage.padEnd(stageWidth))} ${text}`]
}

const stateTexts: Readonly<Record<ProgrammedHost['state'], string>> = {
  current: 'does all that this depends on',
  late: 'does not yet do what this depends on',
  unreachable: 'has not been heard of for a while',
  failing: 'cannot do what this depends on',
}

function hostLine({ name, id, state, needs, acked, problem }: ProgrammedHost, style: Style): string[] {
  const who = name ?? id ?? 'a host of the cloud'
  const revisions = state === 'current' ? `revision ${acked}` : `it needs revision ${needs}, and is at ${acked ?? 'none'}`
  const colour = state === 'current' ? style.green : style.red
  return [
    `  ${colour('programmed'.padEnd(stageWidth))} ${who} ${stateTexts[state]}: ${revisions}${problem === null ? '' : `; ${problem.text}`}`,
  ]
}

function programLines(programs: Programs, style: Style): string[] {
  const request = tracedLines(programs, 'programs', style)
  if ('unasked' in programs) return request
  const back = tracedLines(programs.answer, 'and back', style)
  if (!isForWantOfFlow(programs.answer)) return [...request, ...back]
  // The last hop is the one that refuses it.
  return [...request, ...back.slice(0, -1), `  ${style.dim('and back'.padEnd(stageWidth))} ${noFlow}`]
}

/** A trace of the request has left no flow that a trace of the answer could belong to. */
const noFlow = 'not judged: what groups and NATs make of it depends on the flow, and a trace leaves none'

function tracedLines(traced: Traced, title: string, style: Style): string[] {
  const name = title.padEnd(stageWidth)
  if ('unasked' in traced) return [`  ${style.dim(name)} not asked: ${traced.unasked}`]
  return traced.hops.map(
    ({ host, outcome }) => `  ${name} ${host === undefined ? 'of this host' : `of ${host}`}: ${endText(outcome, style)}`,
  )
}

function verdictLines({ verdict, to, packet }: Why, style: Style): string[] {
  const answers = packet.protocol === 'icmp' ? 'its answer comes back' : 'answers come back'
  switch (verdict) {
    case 'reachable':
      return [style.green(`reachable: the packet arrives, and ${answers}`)]
    case 'blocked':
      return [style.red(`blocked: ${endName(to)} cannot be reached`)]
    case 'not-yet':
      return [style.yellow('not yet: the model allows it, and a host does not do so yet')]
    case 'unknown':
      return [style.yellow('unknown: a guest gets the packet, and may send it on')]
  }
}

function obstacleLines({ text, changed, command }: Obstacle, style: Style): string[] {
  const who = changed && (changed.name ?? changed.by)
  const fields = !changed?.isNew && changed?.fields?.length ? ` (${changed.fields.join(', ')})` : ''
  return [
    `  what stands in the way: ${text}`,
    ...(changed === null ? [] : [`  ${changed.isNew ? 'created' : 'last changed'} by ${who} at ${changed.time}${fields}`]),
    ...(command === null ? [] : [`  ${style.yellow(`to allow it: ${command}`)}`]),
  ]
}

/** Where programs and model differ. A trace that ends on the way to another host says nothing of the rest. */
export function disagreement({ verdict, obstacle, steps }: PathAnswer, programs: Programs): string | null {
  if ('unasked' in programs || verdict === 'not-yet' || verdict === 'unknown') return null
  const { outcome } = programs.hops.at(-1)!
  if (verdict === 'reachable' && outcome.verdict === 'drop')
    return `the model and the programs disagree: the programs drop the packet for ${outcome.reason}; vpc audit compares this host with what it should have`
  const back = verdict === 'reachable' ? answerDrop(programs.answer) : undefined
  if (back !== undefined)
    return `the model and the programs disagree: the programs drop the answer for ${back}; vpc audit compares this host with what it should have`
  // The answer's way back is nothing that a trace of the request shows.
  if (verdict === 'blocked' && steps[obstacle!.step]!.way === 'request' && outcome.verdict === 'delivered')
    return 'the model and the programs disagree: the programs deliver the packet; vpc audit compares this host with what it should have'
  return null
}

/** Who reaches whom: a row for each class of vnics and where it gets. */
export function matrixText({ classes, cells, truncated }: PathMatrix): Table | string {
  if (classes.length === 0) return 'the vpc has no vnics'
  const nameOf = (id: number): string => `${classes[id]!.name} (${classes[id]!.vnics})`
  const rows = cells.map(({ from, to, verdict, allowed, code }) => [
    nameOf(from),
    nameOf(to),
    verdict === 'reachable' ? allowed : `- ${code}`,
  ])
  if (rows.length === 0) return 'the vpc has one vnic alone'
  if (truncated) rows.push(['more classes are not shown', '', ''])
  return { columns: ['FROM', 'TO', 'ALLOWED'], rows }
}
