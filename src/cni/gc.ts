/** GC: removes the vnics of this network on this host that no attachment uses. */
import { thisHost } from '#cli/this-host.ts'
import { clientOf, removeVnic, vnicsHere } from './cloud.ts'
import { CniError, errorCode } from './error.ts'
import type { NetworkConfig } from './invocation.ts'
import { forget, forgetAll, noted, notedCloud, reachesCloudOf, wayOut } from './unfinished.ts'
import { vnicNameOf } from './vnic-of.ts'

/** Remove them. Tries all of them, and then says which are left. */
export async function gc(config: NetworkConfig): Promise<void> {
  const { name, stateDir, valid, agentStateDir } = config
  if (valid === undefined) throw new CniError(errorCode.invalidConfig, 'GC needs cni.dev/valid-attachments: the attachments in use')
  const used = new Set(valid.map((each) => vnicNameOf(name, each)))
  const { id: host } = await thisHost(agentStateDir)
  const client = clientOf(config)
  const found = (await vnicsHere(client, config, host)).map((vnic) => vnic.name!)
  const left: string[] = []
  for (const vnic of new Set([...found, ...noted(stateDir, name)])) {
    if (used.has(vnic)) {
      forget(stateDir, name, vnic)
      continue
    }
    try {
      if ((await removeVnic(client, vnic)) || reachesCloudOf(config, vnic)) forgetAll(stateDir, name, vnic)
      else process.stderr.write(`vpc-cni: vnic ${vnic} is one of ${notedCloud(stateDir, name, vnic)}; ${wayOut(stateDir, name, vnic)}\n`)
    } catch (error) {
      left.push((error as Error).message)
    }
  }
  if (left.length > 0) throw new CniError(errorCode.failed, `GC has left ${left.length}: ${left[0]}`, left.join('\n'))
}
