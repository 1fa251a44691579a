/** A switch for each vpc. */
import type { Draft } from './draft.ts'
import { switchId } from './ids.ts'
import type { Items } from './items.ts'

export function addSwitches(draft: Draft, items: Items): void {
  const flooding = new Set([...items.of('subnet')].filter(({ floodUnknown }) => floodUnknown).map(({ vpc }) => vpc))
  for (const vpc of items.of('vpc')) draft.add('switches', vpc, { id: switchId(vpc.id), 'flood-unknown': flooding.has(vpc.id) })
}
