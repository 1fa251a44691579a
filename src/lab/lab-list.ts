/** The labs of this machine, and whether they are well. */
import { labNames, readState, type LabState } from './lab-state.ts'
import { existingNetns } from './netns.ts'
import { isRunning } from '#system/process-mark.ts'

export interface LabSummary {
  readonly name: string
  readonly state: 'up' | 'starting' | 'broken'
  /** What is broken, in words. */
  readonly problems: readonly string[]
  readonly hosts: readonly string[]
  readonly guests: readonly string[]
  readonly file: string
  readonly since: string
}

/** All labs, up or half up. */
export async function listLabs(): Promise<LabSummary[]> {
  const states = await Promise.all((await labNames()).map(readState))
  return states.filter((state) => state !== undefined).map(summarize)
}

/** The state of a lab: its record on disk, compared with the namespaces and processes that exist. */
export function summarize(state: LabState): LabSummary {
  const names = (kind: string): string[] => state.members.filter((member) => member.kind === kind).map(({ name }) => name)
  const starting = state.phase === 'starting' && isRunning(state.owner)
  const problems = starting ? [] : problemsOf(state)
  return {
    name: state.name,
    state: starting ? 'starting' : problems.length > 0 ? 'broken' : 'up',
    problems,
    hosts: names('host'),
    guests: names('guest'),
    file: state.file,
    since: state.since,
  }
}

function problemsOf({ phase, members, daemons }: LabState): string[] {
  const there = new Set(existingNetns(members.map(({ netns }) => netns)))
  const missing = members.filter(({ netns }) => !there.has(netns)).map(({ netns }) => netns)
  const dead = Object.entries(daemons)
    .filter(([, mark]) => !isRunning(mark))
    .map(([host]) => host)
  return [
    ...(phase === 'starting' ? ['`vpc lab up` was interrupted'] : []),
    ...(missing.length > 0 ? [`namespaces missing: ${missing.join(', ')}`] : []),
    ...(dead.length > 0 ? [`vpcd not running on ${dead.join(', ')}`] : []),
  ]
}
