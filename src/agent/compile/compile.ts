/**
 * Makes the document of a host from the items of the feed: a pure function. Each part adds what it knows about, in the
 * order of the table.
 */
import { Draft, type Compiled, type HostFacts } from './draft.ts'
import type { Items } from './items.ts'
import { addBroadcasts } from './broadcasts.ts'
import { addGroups } from './groups.ts'
import { addNats } from './nats.ts'
import { addPorts } from './ports.ts'
import { addRouters } from './routers.ts'
import { addStations } from './stations.ts'
import { addSubnets } from './subnets.ts'
import { addSwitches } from './switches.ts'
import { addUnderlay } from './underlay.ts'

export type { Compiled, HostFacts, Problem } from './draft.ts'

/** A part: adds objects to the draft, or changes those of the parts before it. */
export type Part = (draft: Draft, items: Items, facts: HostFacts) => void

/** The owner of all objects that an agent has vpcd keep. */
export const owner = 'agent'

/** In this order. */
const parts: readonly Part[] = [addUnderlay, addSwitches, addSubnets, addPorts, addStations, addBroadcasts, addGroups, addRouters, addNats]

/**
 * The document of the host that has these items. Without `stations` it lacks their entries and neighbours, which are
 * most of a large document.
 */
export function compile(items: Items, facts: HostFacts, { stations = true }: { readonly stations?: boolean } = {}): Compiled {
  const draft = new Draft(facts)
  for (const part of parts) if (stations || part !== addStations) part(draft, items, facts)
  return draft.finish(owner)
}
