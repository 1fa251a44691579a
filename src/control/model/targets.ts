/** What an object refers to, by the tables of kinds. */
import { referencesOf } from '#resource/field.ts'
import { kinds } from '#resource/kinds.ts'
import type { Spec } from './record.ts'

/** Paths of references, by kind. */
export const references: ReadonlyMap<string, readonly (readonly string[])[]> = new Map(
  kinds.map(({ kind, fields }) => [kind, referencesOf(fields).map(({ path }) => path)]),
)

/** The ids that a spec refers to, by the tables. */
export function targetsOf(kind: string, spec: Spec): Set<string> {
  const found = new Set<string>()
  const walk = (value: unknown, path: readonly string[]): void => {
    if (path.length === 0) return void (typeof value === 'string' && found.add(value))
    if (typeof value !== 'object' || value === null) return
    const [step, ...rest] = path
    if (step === '*') for (const each of value as unknown[]) walk(each, rest)
    else walk((value as Record<string, unknown>)[step!], rest)
  }
  for (const path of references.get(kind) ?? []) walk(spec, path)
  // The other side of a peering is not a reference until it has agreed: nobody can hold a stranger's vpc.
  if (kind === 'peering' && spec.accepted === true) found.add(spec.peerVpc as string)
  return found
}
