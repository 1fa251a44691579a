/** The document of one host of a cluster: what its vpcd is told. Pure: the same on each machine and in each run. */
import type { HostFileProblem } from '#abi/host-file.ts'
import { LabError } from '#lab/lab-error.ts'
import { compileHost, type CompiledHost } from '#lab/host-document.ts'
import { planStations } from '#lab/plan-guest.ts'
import { planHost } from '#lab/plan-host.ts'
import type { Cluster } from './cluster-file.ts'

/** Who owns the objects of a cluster on each of its hosts. */
export const clusterOwner = ({ name }: Pick<Cluster, 'name'>): string => `cluster-${name}`

/** The document of a host. Throws LabError for one that is not in the file. */
export function clusterDocument(cluster: Cluster, hostName: string): CompiledHost {
  const host = cluster.hosts.find(({ name }) => name === hostName)
  if (host === undefined)
    throw new LabError(
      `there is no host '${hostName}' in cluster ${cluster.name}; its hosts: ${cluster.hosts.map(({ name }) => name).join(', ')}`,
    )
  const guests = planStations(cluster)
  return compileHost(planHost({ network: cluster, host, guests }), { owner: clusterOwner(cluster) })
}

/** What a place in the document was made for, such as `guests.red1`; undefined: nothing of the file. */
export function originOf({ origins }: CompiledHost, { path }: HostFileProblem): string | undefined {
  const parts = path.split('.')
  for (let length = parts.length; length > 0; length--) {
    const found = origins.get(parts.slice(0, length).join('.'))
    if (found !== undefined) return found
  }
  return undefined
}
