/** What a vnic needs of a host, and a host may lack: its vpcd is older than what the vnic is made for. */
import { isOptional, type FeatureName } from '#feed/features.ts'
import type { Draft } from './draft.ts'
import { fieldProblem } from './problem.ts'
import type { Stored } from './record.ts'

function needsOf({ mirror: { objects } }: Draft, { record: { id, vpc, spec } }: Stored): FeatureName[] {
  const isPublic = objects.usersOf(id, 'floating-ip').length > 0 || objects.usersOf(vpc!, 'nat').length > 0
  return [
    ...((spec.groups as readonly string[]).length > 0 ? ['security groups' as const] : []),
    ...(isPublic ? ['public addresses' as const] : []),
  ]
}

/**
 * Throws when the host cannot do what these vnics need. One that has its feed at another API says so itself, once they
 * are there: their items fail.
 */
export function checkFeatures(draft: Draft, host: Stored, vnics: readonly Stored[], also: readonly FeatureName[] = []): void {
  const { id, name } = host.record
  const vpcd = draft.mirror.hosts.current(id)?.vpcd
  if (vpcd === undefined || vpcd.lacks.length === 0) return
  const needs = new Set([...also, ...vnics.flatMap((vnic) => needsOf(draft, vnic))])
  const missing = [...needs].filter((each) => !isOptional(each) && vpcd.lacks.includes(each))
  if (missing.length === 0) return
  throw fieldProblem('host-too-old', ['host'], `host ${name} has vpcd ${vpcd.version}, which lacks ${missing.join(' and ')}`, {
    hint: `update vpcd on ${name}, or choose another host`,
  })
}
