/** Rules of peerings: both sides agree, and their networks do not overlap. */
import { overlaps } from '#wire/prefix.ts'
import { mayAccept } from '../caller.ts'
import type { Draft } from '../draft.ts'
import { onceKey } from '../keys.ts'
import type { Rules } from './rules.ts'
import { guard, networksBelow } from './subnet.ts'

export const peeringRules: Rules = {
  settle(draft) {
    const { vpc, peerVpc } = draft.spec as { vpc: string; peerVpc: string }
    if (vpc === peerVpc) throw draft.problem('invalid', ['peerVpc'], 'a vpc has no peering with itself')
    if (draft.spec.accepted !== true || draft.before?.record.spec.accepted === true) return
    if (!mayAccept(draft.ask.caller, draft.mirror.objects, { spec: draft.spec } as never))
      throw draft.problem('forbidden', ['accepted'], "an operator of the other vpc's account accepts it")
    draft.use(draft.get('vpc', peerVpc))
    checkOverlap(draft, vpc, peerVpc)
  },
  claims({ id, spec }) {
    const pair = [spec.vpc as string, spec.peerVpc as string].sort()
    return [
      {
        key: onceKey('peering', ...pair),
        value: { kind: 'peering', id },
        what: 'a peering of these two vpcs',
        code: 'taken',
        path: ['peerVpc'],
      },
    ]
  },
  state: ({ spec }) => (spec.accepted === true ? 'active' : 'pending'),
}

function checkOverlap(draft: Draft, vpc: string, peer: string): void {
  // Neither gets another network meanwhile.
  for (const each of [vpc, peer]) guard(draft, each, 'subnets')
  const theirs = networksBelow(draft, peer)
  if (networksBelow(draft, vpc).some((mine) => theirs.some((each) => overlaps(mine, each))))
    throw draft.problem('overlap', ['peerVpc'], 'networks of the two vpcs overlap; packets could not tell them apart')
}
