/** What dies while a guest moves to another host, and when. */
import { processesWith, type Machine } from './machines.ts'

const deaths = [
  ['the command', 'preparing'],
  ['its other half', 'sending the guest'],
  ['the command', 'sending its packets'],
  ['QEMU there', 'sending its packets'],
  ['the command', 'ending it here'],
  ['vpcd', 'sending its packets'],
  ['the command', 'sending the guest'],
  ['agent', 'sending its packets'],
  ['QEMU there', 'sending the guest'],
  ['api', 'sending its packets'],
  ['the command', 'copying the disk'],
  ['its supervisor', 'sending its packets'],
  ['QEMU there', 'copying the disk'],
  ['its supervisor', 'copying the disk'],
] as const

type Mortal = (typeof deaths)[number][0]

/** Two of them each day. VPC_KILL, 0 to 6, says which. */
const turn = Number(process.env['VPC_KILL'] ?? Math.floor(Date.now() / 86_400_000))
/** What dies, and at which words of the command. */
export const deathsOfToday = [0, 1].map((i) => {
  const [what, word] = deaths[(2 * turn + i) % deaths.length]!
  return { what, word }
})

interface Killing {
  readonly command: number
  readonly from: Machine
  readonly to: Machine
  readonly api: Machine
}

/** Kill it. Daemons are started again at once. */
export function kill(what: Mortal, { command, from, to, api }: Killing): void {
  if (what === 'the command') process.kill(command, 'SIGKILL')
  else if (what === 'its other half') for (const pid of processesWith('\0vm\0receive\0')) process.kill(pid, 'SIGKILL')
  else if (what === 'QEMU there') process.kill(JSON.parse(to.ok('vm list --json'))[0].running.pid, 'SIGKILL')
  else if (what === 'its supervisor') process.kill(JSON.parse(from.ok('vm list --json'))[0].running.supervisor, 'SIGKILL')
  else {
    const host = what === 'api' ? api : to
    process.kill(host.processes()[what]!.pid, 'SIGKILL')
    host.ok(`up --name=${host.name}`)
  }
}
