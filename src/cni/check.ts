/** CHECK: compares what ADD has made with what there is, in the cloud, on the host and in the container. */
import type { Guest } from '#abi/guest-kind.ts'
import { addressing, unitIdOf } from '#cli/cloud/attach-vnic.ts'
import { thisHost } from '#cli/this-host.ts'
import { Vpc } from '#client/vpc.ts'
import { clientOf, findVnic } from './cloud.ts'
import { CniError, errorCode } from './error.ts'
import type { Attachment, NetworkConfig } from './invocation.ts'
import { interfaceIn, netnsOf } from './netns.ts'
import type { Result } from './result.ts'
import { vnicNameOf } from './vnic-of.ts'

const differs = (message: string): CniError => new CniError(errorCode.differs, message)

/** Throws a CniError that names the first difference. */
export async function check(config: NetworkConfig, attachment: Attachment, netns: string): Promise<void> {
  const { prevResult, name, agentStateDir, socket } = config
  if (prevResult === undefined) throw new CniError(errorCode.invalidConfig, 'CHECK needs prevResult: what ADD has answered')
  const place = netnsOf(netns)
  checkInside(prevResult as Partial<Result>, attachment.ifname, netns)
  const client = clientOf(config)
  const called = vnicNameOf(name, attachment)
  const vnic = await findVnic(client, called)
  if (vnic === undefined) throw differs(`the cloud has no vnic ${called}`)
  const host = await thisHost(agentStateDir)
  const binding = vnic.binding as { host: string; unit: string } | null
  if (binding?.host !== host.id || binding.unit !== 'hostif') throw differs(`vnic ${called} is not plugged in on this host`)
  const { addresses } = await addressing(client, vnic)
  const answered = (prevResult as Partial<Result>).ips?.map(({ address }) => address) ?? []
  if (addresses.toSorted().join() !== answered.toSorted().join())
    throw differs(`vnic ${called} has ${addresses.join(' ')}, and ADD has answered ${answered.join(' ')}`)
  const vpc = new Vpc({ ...(socket !== undefined && { socketPath: socket }) })
  await using hostif = await vpc.openHostif(unitIdOf(vnic, 'hostif'))
  const { guest, trouble } = await hostif.describe()
  const given = guest as Guest | null
  if (given?.netns !== place || given.name !== attachment.ifname) throw differs(`vpcd has not handed it over to ${netns}`)
  if (trouble !== null) throw differs(`vpcd has trouble with it: ${trouble}`)
}

/** The interface itself: there, up, with its MAC and addresses. */
function checkInside({ interfaces = [], ips = [] }: Partial<Result>, ifname: string, netns: string): void {
  const index = interfaces.findIndex((each) => each.name === ifname && each.sandbox !== undefined && each.sandbox !== '')
  if (index < 0) throw new CniError(errorCode.invalidConfig, `prevResult has no interface ${ifname} in a container`)
  const seen = interfaceIn(netns, ifname)
  if (seen === undefined) throw differs(`${netns} has no interface ${ifname}`)
  if (!seen.isUp) throw differs(`${ifname} is down`)
  const { mac } = interfaces[index]!
  if (seen.mac !== mac.toLowerCase()) throw differs(`${ifname} has MAC address ${seen.mac}, and ADD has answered ${mac}`)
  const missing = ips.find((each) => (each.interface ?? index) === index && !seen.addresses.includes(each.address))
  if (missing !== undefined) throw differs(`${ifname} has ${seen.addresses.join(' ')}, but not ${missing.address}`)
}
