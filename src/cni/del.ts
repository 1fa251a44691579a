/** DEL: takes a container's interface away. What the cloud cannot do now is noted, and done later (`finish.ts`). */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Guest } from '#abi/guest-kind.ts'
import type { Id } from '#abi/id.ts'
import { Vpc } from '#client/vpc.ts'
import { clientOf, removeVnic } from './cloud.ts'
import { finishAside } from './finish.ts'
import type { Attachment, NetworkConfig } from './invocation.ts'
import { forgetAll, note, notedCloud, reachesCloudOf, wayOut } from './unfinished.ts'
import { vnicNameOf } from './vnic-of.ts'

/** How long a DEL takes at most when nothing answers. */
const cloudMs = 12_000
const hostMs = 3_000

/** Do it. What is gone already is no error; nor is a cloud that does not answer. */
export async function del(config: NetworkConfig, attachment: Attachment): Promise<void> {
  const vnic = vnicNameOf(config.name, attachment)
  // Written first: a plugin that is killed leaves the note.
  note(config, vnic)
  try {
    await inTime(cloudMs, () => remove(config, vnic))
    forgetAll(config.stateDir, config.name, vnic)
    await finishAside(config)
  } catch (error) {
    process.stderr.write(
      `vpc-cni: vnic ${vnic} is left, and the next call for this network that reaches the cloud removes it: ${(error as Error).message}\n`,
    )
    await inTime(hostMs, () => takeBack(config, attachment)).catch((cause: Error) =>
      process.stderr.write(`vpc-cni: cannot take ${attachment.ifname} back: ${cause.message}\n`),
    )
  }
}

/** Another cloud than that of the ADD does not know the vnic: that does not mean that it is gone. */
async function remove(config: NetworkConfig, vnic: string): Promise<void> {
  const wasThere = await removeVnic(clientOf(config), vnic)
  if (wasThere || reachesCloudOf(config, vnic)) return
  const { stateDir, name } = config
  throw new Error(
    `it is one of ${notedCloud(stateDir, name, vnic)}; the network reaches another cloud, or by another login; ${wayOut(stateDir, name, vnic)}`,
  )
}

/** Without the cloud, its host takes the interface out of the namespace, so that nothing is handed over again. */
async function takeBack({ socket, prevResult }: NetworkConfig, { ifname }: Attachment): Promise<void> {
  const interfaces = (prevResult as { interfaces?: { name: string; mac: string }[] } | undefined)?.interfaces ?? []
  const mac = interfaces.find(({ name }) => name === ifname)?.mac.toLowerCase()
  if (mac === undefined) return
  const vpc = new Vpc({ ...(socket !== undefined && { socketPath: socket }) })
  await using mgmt = await vpc.mgmt()
  for (const { id } of (await mgmt.headers('hostif')).filter((each) => macIn(each.id) === mac)) {
    await using hostif = await vpc.openHostif(id, { write: true })
    const { guest } = await hostif.describe()
    if ((guest as Guest | null)?.name === ifname) await hostif.setGuest(null)
  }
}

/** The MAC address in an id. */
const macIn = (id: Id): string => id.slice(-12).replace(/(..)(?=.)/g, '$1:')

async function inTime<T>(ms: number, work: () => Promise<T>): Promise<T> {
  const end = new AbortController()
  const late = sleep(ms, undefined, { signal: end.signal }).then(() => Promise.reject(new Error(`no answer within ${ms / 1000} s`)))
  late.catch(() => {})
  try {
    return await Promise.race([work(), late])
  } finally {
    end.abort()
  }
}
