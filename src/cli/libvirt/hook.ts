/**
 * What vpc does at each moment of a libvirt guest that a hook hears of. Before the start it makes the interfaces, and a
 * failure keeps the guest from starting. At the end it takes them away.
 */
import { Failure } from '../failure.ts'
import { allOrNothing } from '../undo.ts'
import { progress } from '../vm-failure.ts'
import { readDomain, withOwnNames, type Domain } from './domain.ts'
import { makeInterface, removeInterface, type Surroundings } from './interfaces.ts'
import { recordsOf } from './record.ts'

/**
 * Serve a hook. Gives the domain that libvirt shall go on with; undefined: the same. Throws what libvirt shall say; it
 * then does not do the operation.
 */
export async function serveHook(operation: string, xml: string, around: Surroundings): Promise<string | undefined> {
  if (operation === 'prepare') await prepare(readDomain(xml), around)
  if (operation === 'release') await release(uuidIn(xml), around)
  if (operation === 'restore') return withOwnNames(xml)
  if (operation === 'migrate') {
    const { name, interfaces } = readDomain(xml)
    if (interfaces.length === 0) return undefined
    throw new Failure(
      'failed',
      `domain ${name} has interfaces of vpc, which do not move with a guest of libvirt; shut it down and start it there`,
    )
  }
  return undefined
}

async function prepare({ uuid, name, interfaces }: Domain, around: Surroundings): Promise<void> {
  // What a guest that ended while nobody heard of it has left.
  for (const left of recordsOf(around.stateDir, uuid))
    if (!interfaces.some(({ dev, mac }) => dev === left.dev && mac === left.mac)) await removeInterface(left, around)
  await allOrNothing(async (undo) => {
    for (const each of interfaces) await makeInterface({ ...each, domain: uuid, name }, around, undo)
  })
}

/** All of a domain: libvirt asks no question here, so each is tried, and the next start of the domain tries again. */
async function release(uuid: string, around: Surroundings): Promise<void> {
  for (const recorded of recordsOf(around.stateDir, uuid)) {
    try {
      await removeInterface(recorded, around)
    } catch (error) {
      progress(
        `${recorded.dev} of domain ${recorded.name} is left: ${(error as Error).message}; vpc libvirt release ${recorded.name} tries again`,
      )
    }
  }
}

function uuidIn(xml: string): string {
  const [, uuid] = /<uuid>([\da-f-]{36})<\/uuid>/.exec(xml) ?? []
  if (uuid === undefined) throw new Failure('failed', 'this is not a domain of libvirt')
  return uuid
}
