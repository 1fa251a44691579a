/** Quotas: counted in the mirror, with what this process is creating. No key is hot, so they may be passed by a few. */
import type { Kind } from '#resource/kind.ts'
import { quotaKinds } from '#resource/kind/account.ts'
import { kindOf } from '#resource/kinds.ts'
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
  const account = mirror.objects.get('account', record.account)?.record
  const limit = limitOf(account, kind, quota)
  const others = [...(creating ?? [])].filter((id) => mirror.objects.get(kind, id) === undefined).length
  const used = mirror.objects.count(kind, record.account) + others
  if (used < limit) return
  throw new Problem('quota', `the account has ${used} ${plural}, and may have ${limit}`, {
    hint: `destroy what is not needed, or an operator of the cloud raises it: vpc account set ${account?.name ?? record.account} --quota=${kind}=N`,
  })
}

const limitOf = (account: ObjectRecord | undefined, kind: string, usual: number): number =>
  ((account?.spec.quotas ?? {}) as Readonly<Record<string, number>>)[kind] ?? usual

/** How much of a kind there is, and how much there may be. */
export interface Usage {
  readonly used: number
  readonly limit: number
}

/** What an account has of each kind that has a quota. */
export const usageOf = ({ objects }: Pick<Known, 'objects'>, account: ObjectRecord): Readonly<Record<string, Usage>> =>
  Object.fromEntries(
    quotaKinds.map((kind) => [kind, { used: objects.count(kind, account.id), limit: limitOf(account, kind, kindOf(kind).quota!) }]),
  )
