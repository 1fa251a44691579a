/** Holds the model's answer about a path against the real programs of the hosts on the way, packet for packet. */
import assert from 'node:assert/strict'
import type { TraceOutcome } from '#abi/trace.ts'
import { portId } from '#agent/compile/ids.ts'
import { follow, peerOf } from '#cli/trace-hops.ts'
import { tracedPacket } from '#cli/why-programs.ts'
import type { Vpc } from '#client/vpc.ts'
import type { ObstacleCode, PathAnswer } from '#control/path/answer.ts'

/** Where a vnic is. */
export interface Plugged {
  readonly id: string
  readonly vpc: Vpc
}

/** Reasons by which the programs may stop what the model stops for a cause. */
const reasonsOf: Readonly<Partial<Record<ObstacleCode, readonly string[]>>> = {
  'group-in': ['sg_denied'],
  'group-out': ['sg_denied'],
  blackhole: ['route_blackhole'],
  'no-route': ['no_route'],
}

/** What the programs do with the packet of an answer, on the last host. `hosts`: run directories of their vpcds. */
export async function traced({ packet }: PathAnswer, from: Plugged, hosts: readonly string[]): Promise<TraceOutcome> {
  const asked = tracedPacket(packet)
  assert.ok(asked !== undefined, 'a trace makes no SCTP packets')
  await using port = await from.vpc.openPort(portId(from.id))
  const { hops } = await follow(await port.trace({ packet: asked }), hosts.map(peerOf))
  return hops.at(-1)!.outcome
}

/** Whether the request arrives, by the model. What stops the answer alone is nothing that the request meets. */
export const arrives = ({ obstacle, steps }: PathAnswer): boolean => obstacle === null || steps[obstacle.step]!.way === 'answer'

/** Fails where model and programs differ: in whether the packet arrives, where, or by what it is stopped. */
export function agree(answer: PathAnswer, outcome: TraceOutcome): void {
  const { obstacle, to } = answer
  const texts = answer.steps.map(({ way, stage, ok, text }) => `${way} ${stage} ${ok}: ${text}`)
  const said = [JSON.stringify(answer.packet), ...texts, JSON.stringify({ obstacle, to }), JSON.stringify(outcome)].join('\n')
  if (!arrives(answer)) {
    assert.equal(outcome.verdict, 'drop', `the model says ${obstacle!.code}, the programs pass it: ${said}`)
    const reasons = reasonsOf[obstacle!.code]
    if (reasons !== undefined && outcome.verdict === 'drop')
      assert.ok(reasons.includes(outcome.reason), `stopped by another cause: ${said}`)
    return
  }
  const expected = to.kind === 'outside' ? 'outside' : to.kind === 'gateway' ? 'answered' : 'delivered'
  assert.equal(outcome.verdict, expected, `the model lets it pass, the programs do not: ${said}`)
}
