/** Find a host or guest of a lab that is up, and the way to run a program in it. */
import { join } from 'node:path'
import { LabError } from './lab-error.ts'
import { labNames, readState, type LabMember, type LabState } from './lab-state.ts'
import { labDirectory, netnsPath, vmDirectory } from './names.ts'
import { inNetns } from './program.ts'
import { nearest } from './yaml-value.ts'

export interface Entrance {
  readonly lab: string
  readonly member: LabMember
  /** Sockets of the lab's other hosts. */
  readonly peers: readonly string[]
}

const entranceTo = ({ name, members }: LabState, member: LabMember): Entrance => ({
  lab: name,
  member,
  peers: members.flatMap((other) => (other.kind === 'host' && other !== member && other.socket !== undefined ? [other.socket] : [])),
})

/**
 * What `vpc lab exec` was told to run, and where: `GUEST COMMAND…`, or `LAB GUEST COMMAND…` where the first word is a
 * lab's name and no member's.
 */
export async function findCommand(words: readonly string[], lab?: string): Promise<{ entrance: Entrance; argv: readonly string[] }> {
  const [first = '', second = ''] = words
  const states = await statesOf(lab)
  const has = (state: LabState, member: string): boolean => state.members.some(({ name }) => name === member)
  const named = states.find((state) => state.name === first && has(state, second))
  if (lab === undefined && named !== undefined && words.length > 2 && !states.some((state) => has(state, first)))
    return { entrance: await findMember(second, first), argv: words.slice(2) }
  return { entrance: await findMember(first, lab), argv: words.slice(1) }
}

/** Find a member by name, in the named lab or, when none is named, in the only one that has such a member. */
export async function findMember(target: string, lab?: string): Promise<Entrance> {
  const states = await statesOf(lab)
  const found = states.flatMap((state) => state.members.filter(({ name }) => name === target).map((member) => entranceTo(state, member)))
  if (found.length === 1) return found[0]!
  if (found.length > 1)
    throw new LabError(`labs ${found.map((entrance) => entrance.lab).join(' and ')} both have a ${target}; choose one with --lab`)
  const known = states.flatMap(({ members }) => members.map(({ name }) => name))
  throw new LabError(`lab ${states.map(({ name }) => name).join(', ')} has no '${target}'; ${nearest(target, known)}`)
}

async function statesOf(lab: string | undefined): Promise<LabState[]> {
  const names = await labNames()
  if (names.length === 0) throw new LabError('no lab is up; bring one up with `vpc lab up FILE` (examples/ has files)')
  if (lab !== undefined && !names.includes(lab)) throw new LabError(`no lab '${lab}' is up; up are ${names.join(', ')}`)
  const states = await Promise.all((lab === undefined ? names : [lab]).map(readState))
  return states.filter((state) => state !== undefined)
}

/** What runs a program in a member: the words, and what is different in its environment. */
export function enter(
  { lab, member, peers }: Entrance,
  argv: readonly string[],
): { argv: string[]; env: Record<string, string | undefined> } {
  return {
    argv: inNetns(netnsPath(member.netns), argv),
    env: {
      PATH: `${join(labDirectory(lab), 'bin')}:${process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin'}`,
      // On a host, `vpc` speaks to the host's own vpcd; a guest has none.
      VPC_SOCKET: member.socket,
      // And its virtual machines are its own.
      // `vpc trace` asks the other hosts of the lab.
      ...(member.kind === 'host' && { VPC_VM_DIR: vmDirectory(lab, member.name), VPC_PEERS: peers.join(':') }),
    },
  }
}
