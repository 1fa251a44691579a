/**
 * Which container has which interface of the cloud, kept from `vpc down` until `vpc up`: `down` removes the hostifs,
 * and the agent makes them anew but may hand none over.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Id } from '#abi/id.ts'
import type { HostifInfo } from '#abi/info.ts'
import { VpcError } from '#client/error.ts'
import type { Mgmt } from '#client/mgmt.ts'
import { Vpc } from '#client/vpc.ts'
import { replaceFile } from '#system/whole-file.ts'
import { isRefusal } from '../outcome.ts'
import { progress } from '../vm-failure.ts'
import type { Places } from './places.ts'

type Attachments = Readonly<Record<Id, object>>

/** How long the agent may take to make the interfaces, once it follows the cloud. */
const thereMs = 20_000
/** What is not there this long after the agent has done all that it was told is not plugged in here any more. */
const quietMs = 1_000

const pathOf = ({ stateDir }: Places): string => join(stateDir, 'attached.json')

function read(places: Places): Attachments {
  return existsSync(pathOf(places)) ? (JSON.parse(readFileSync(pathOf(places), 'utf8')) as Attachments) : {}
}

/** Write down who has the interfaces of an owner. */
export async function keepAttachments(places: Places, mgmt: Mgmt, owner: string): Promise<void> {
  const hostifs = (await mgmt.describeAll('hostif')) as HostifInfo[]
  const handed = hostifs.filter((each) => each.owner === owner && each.guest !== null)
  const all = { ...read(places), ...Object.fromEntries(handed.map(({ id, guest }) => [id, guest])) }
  if (Object.keys(all).length > 0) replaceFile(pathOf(places), `${JSON.stringify(all, null, 1)}\n`, 0o600)
}

/** Hand the interfaces over again, as they come. `isDone`: the agent has done what it was told. Gives how many. */
export async function restoreAttachments(places: Places, isDone: () => Promise<boolean>): Promise<number> {
  const left = new Map(Object.entries(read(places)) as [Id, object][])
  if (left.size === 0) return 0
  progress('handing interfaces over to their containers again')
  const vpc = new Vpc({ socketPath: places.socket })
  const count = left.size
  const end = performance.now() + thereMs
  for (let quietSince = Infinity; left.size > 0 && performance.now() < Math.min(end, quietSince + quietMs); await sleep(50)) {
    for (const [id, guest] of left) if (await handOver(vpc, id, guest)) left.delete(id)
    if (quietSince === Infinity && (await isDone())) quietSince = performance.now()
  }
  for (const guest of left.values()) progress(`a container had an interface that is no longer here: ${JSON.stringify(guest)}`)
  rmSync(pathOf(places), { force: true })
  return count - left.size
}

/** False: the interface is not there yet. What vpcd refuses is said, and is no reason to fail. */
async function handOver(vpc: Vpc, id: Id, guest: object): Promise<boolean> {
  try {
    await using hostif = await vpc.openHostif(id, { write: true })
    if ((await hostif.describe()).guest === null) await hostif.setGuest(guest)
    return true
  } catch (error) {
    if (!(error instanceof VpcError) || error.name === 'DaemonUnreachable') throw error
    if (isRefusal(error, 'ENOENT')) return false
    progress(`cannot hand an interface over again: ${error.message}; vpc vnic attach does it`)
    return true
  }
}
