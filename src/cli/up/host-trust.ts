/** The CA of the cloud that this machine is a host of, in a file that everybody may read. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { apiServerName } from '#feed/join.ts'
import { writeWhole } from '#system/whole-file.ts'

/** The file, in the directory of the agent. */
export const caFile = (agentStateDir: string): string => join(agentStateDir, 'ca.pem')

/** Write it. The directory is the agent's, who may have put a link there: it is replaced, and not followed. */
export const writeCa = (agentStateDir: string, certificate: string): unknown =>
  writeWhole(caFile(agentStateDir), certificate, { mode: 0o644, isNew: false })

/** How a client on this machine knows the API, if it may be that of this machine's cloud. */
export function hostTrust(server: string, agentStateDir: string): { readonly ca?: string; readonly serverName?: string } {
  const ca = caFile(agentStateDir)
  return server.startsWith('https:') && existsSync(ca) ? { ca, serverName: apiServerName } : {}
}
