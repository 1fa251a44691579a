/** Quotas: counted in the mirror, with what this process is creating. No key is hot, so they may be passed by a few. */
import type { Kind } from '#resource/kind.ts'
import type { Known } from './mirror.ts'
import { Problem } from './problem.ts'
import type { ObjectRecord, Stored } from './record.ts'

/** Throws when an account would have more of a kind than it may. */
export function checkQuota(
  mirror: Known,
  record: ObjectRecord,
  { kind, plural, quota }: Kind,
  before: Stored | undefined,
  creating?: ReadonlySet<string>,
): void {
  if (before !== undefined || quota === undefined || record.account === null) return
  const account = mirror.objects.get('account', record.account)
  const quotas = (account?.record.spec.quotas ?? {}) as Readonly<Record<string, number>>
  const limit = quotas[kind] ?? quota
  const others = [...(creating ?? [])].filter((id) => mirror.objects.get(kind, id) === undefined).length
  const used = mirror.objects.count(kind, record.account) + others
  if (used < limit) return
  throw new Problem('quota', `the account has ${used} ${plural}, and may have ${limit}`, {
    hint: 'destroy what is not needed, or ask an operator of the cloud for a higher quota',
  })
}
