/**
 * The OCI hook: gives a container an interface when its runtime has made it, and takes it away when it has ended.
 * Annotations of the container say which.
 */
import { readFileSync } from 'node:fs'
import { add } from '#cni/add.ts'
import { del } from '#cni/del.ts'
import { finish } from '#cni/finish.ts'
import { readConfig, versions, type NetworkConfig } from '#cni/invocation.ts'
import { netnsOf } from '#cni/netns.ts'
import { notedNetworks } from '#cni/unfinished.ts'
import { switchOfName } from '#cli/given-name.ts'
import { readGuestAddress } from '#cli/guest-options.ts'
import { attach, detach } from '#cli/local-attachment.ts'
import { Failure } from '#cli/failure.ts'
import { allOrNothing } from '#cli/undo.ts'
import { formatPrefix } from '#wire/prefix.ts'
import { allowedIn, checkSubnet, checkSwitch } from './allowed.ts'
import { hostConfig, namesIn, vpcdOf } from './host-config.ts'
import { readState, type ContainerState } from './container-state.ts'

export const stages = ['createRuntime', 'poststop'] as const
/** No stage of a container: removes the vnics that containers left while the cloud was away. */
export const finishWord = 'finish'
export type Stage = (typeof stages)[number]

/** Do what a stage asks for, by the state that the runtime writes to standard input. Repeating it changes nothing. */
export async function runHook(stage: Stage, stateText: string, configPath: string): Promise<void> {
  const state = readState(stateText)
  const { annotations } = state
  if (annotations.switch !== undefined && annotations.subnet !== undefined)
    throw new Failure('usage', 'annotations vpc.switch and vpc.subnet exclude each other: a switch of this host, or a subnet of the cloud')
  if (annotations.switch !== undefined) return onSwitch(stage, state, annotations.switch, configPath)
  if (annotations.subnet !== undefined) return inCloud(stage, state, annotations.subnet, configPath)
  // Another container: the hook may run for all.
}

async function onSwitch(stage: Stage, state: ContainerState, sw: string, configPath: string): Promise<void> {
  const { annotations, id } = state
  if (stage === 'createRuntime') checkSwitch(allowedIn(hostConfig(configPath), configPath), sw, configPath)
  const vpc = vpcdOf(configPath)
  const place = { key: `oci:${id}`, name: annotations.interface ?? 'eth0' }
  if (stage === 'poststop') return void (await detach(vpc, await switchOfName(vpc, sw), place))
  const addresses = namesIn(annotations.address).map((given) => {
    // The rest is vpcd's to refuse: a container that has run with an address goes on to run.
    const read = readGuestAddress(given)
    if (read.ok) return formatPrefix(read.value)
    throw new Failure('usage', `annotation vpc.address: ${read.problem}`)
  })
  const wanted = { ...place, netns: netnsOf(netnsPath(state)), addresses, gateways: namesIn(annotations.gateway) }
  const switchId = await switchOfName(vpc, sw)
  await allOrNothing((undo) => attach(vpc, switchId, wanted, undo))
}

function netnsPath({ pid }: ContainerState): string {
  if (pid === undefined) throw new Failure('failed', 'the container has no process')
  return `/proc/${pid}/ns/net`
}

async function inCloud(stage: Stage, state: ContainerState, subnet: string, configPath: string): Promise<void> {
  const { id, annotations } = state
  const groups = namesIn(annotations.groups)
  const ips = namesIn(annotations.address)
  const own = { cniVersion: versions[0], name: 'oci', subnet, groups, ...(ips.length > 0 && { runtimeConfig: { ips } }) }
  const config = configOf(configPath, own)
  const attachment = { containerId: id, ifname: annotations.interface ?? 'eth0' }
  if (stage === 'poststop') return del(config, attachment)
  const checked = await checkSubnet(allowedIn(hostConfig(configPath), configPath), config, configPath)
  await add(config, attachment, netnsPath(state), checked)
}

const configOf = (configPath: string, own: object): NetworkConfig => readConfig(JSON.stringify({ ...hostConfig(configPath), ...own }))

/**
 * Remove them now. Throws a Failure that says why some could not be removed. Gives a sentence about those that stay for
 * networks of other clouds, which is no fault; undefined: there are none.
 */
export async function finishAll(configPath: string): Promise<string | undefined> {
  const left: string[] = []
  const elsewhere: string[] = []
  const { stateDir } = configOf(configPath, { cniVersion: versions[0], name: 'oci', subnet: '-' })
  for (const name of notedNetworks(stateDir)) {
    const config = configOf(configPath, { cniVersion: versions[0], name, subnet: '-' })
    const done = await finish(config, { isForAll: true })
    left.push(...done.left)
    elsewhere.push(...done.elsewhere)
  }
  if (left.length > 0) throw new Failure('failed', `${left.length} vnics of containers that are gone are left: ${left[0]}`)
  return elsewhere.length === 0 ? undefined : `${elsewhere.length} vnics stay for networks of other clouds: ${elsewhere[0]}`
}

/** What the runtime has written. */
export const readStandardInput = (): string => readFileSync(0, 'utf8')
