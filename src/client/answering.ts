/** Whether a vpcd serves, for those who have just started or ended one. */
import { DaemonUnreachable, VpcError } from './error.ts'
import type { Vpc } from './vpc.ts'

/** Whether it opens a management handle. Throws what it refuses the caller. */
export async function isAnswering(vpc: Vpc): Promise<boolean> {
  try {
    await using mgmt = await vpc.mgmt()
    return mgmt !== undefined
  } catch (error) {
    // One that was killed a moment ago may still take the connection, and break it.
    if (error instanceof DaemonUnreachable || (error instanceof VpcError && error.code === 'ECONNRESET')) return false
    throw error
  }
}
