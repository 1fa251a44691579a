/** STATUS: whether an ADD could be done now. */
import { thisHost } from '#cli/this-host.ts'
import { Vpc } from '#client/vpc.ts'
import { clientOf, subnetOf } from './cloud.ts'
import { CniError, errorCode } from './error.ts'
import type { NetworkConfig } from './invocation.ts'

/** Throws a CniError that says what is missing: this host's place in the cloud, vpcd, the API or the subnet. */
export async function status(config: NetworkConfig): Promise<void> {
  const { agentStateDir, socket } = config
  try {
    await thisHost(agentStateDir)
    await using mgmt = await new Vpc({ ...(socket !== undefined && { socketPath: socket }) }).mgmt()
    await mgmt.headers('vpcsw')
    await subnetOf(clientOf(config), config)
  } catch (error) {
    throw new CniError(errorCode.notAvailable, (error as Error).message)
  }
}
