/** Aliases of devices, by which vpcd knows its own. */
import type { Id } from '#abi/id.ts'

/** Of a unit's device. */
export const aliasOf = (id: Id): string => `vpc:${id}`
/** Of the end of a hostif's pair that stays on the host. */
export const switchAliasOf = (id: Id): string => `${aliasOf(id)}/sw`
/** The id in an alias of ours. */
export const idOfAlias = (alias: string): Id | undefined => /^vpc:([0-9a-f-]{36})(?:\/sw)?$/.exec(alias)?.[1] as Id | undefined
