/** What `vpc why` says of programs: an answer that a trace can say nothing of, and a packet that stays in its guest. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PathAnswer } from '#control/path/answer.ts'
import { plain } from './style.ts'
import { askPrograms, type Programs } from './why-programs.ts'
import { disagreement, whyText, type Why } from './why-text.ts'

const end = (name: string, address: string) => ({ kind: 'vnic', id: name, name, address, host: null }) as const
const [web, db] = [end('shop/web', '10.0.0.1'), end('shop/db', '10.0.0.2')]
const answer: PathAnswer = {
  verdict: 'reachable',
  packet: { family: 4, protocol: 'tcp', port: 443, source: web.address, destination: db.address },
  from: web,
  to: db,
  steps: [{ way: 'request', stage: 'destination', ok: true, text: 'it is there', thing: null }],
  obstacle: null,
  programmed: { revision: '1', hosts: [] },
}
const hop = (outcome: object) => ({ host: undefined, stages: [], outcome })

test('an answer that was refused for want of a flow is not called dropped; one that has no way is', () => {
  const withAnswer = (reason: string): string => {
    const back = { hops: [hop({ verdict: 'drop', reason, counted: null, remedy: null })] }
    const programs = { hops: [hop({ verdict: 'delivered', device: 'hostif1', port: 'vpcp1', frame: null })], answer: back } as unknown
    const why: Why = { ...answer, drops: [], programs: programs as Programs, disagreement: disagreement(answer, programs as Programs) }
    return whyText(why, plain)
  }
  assert.match(withAnswer('sg_denied'), /and back +not judged: .* a trace leaves none\nreachable/)
  assert.doesNotMatch(withAnswer('sg_denied'), /dropped|disagree/)
  assert.match(withAnswer('no_route'), /and back .*dropped: no_route[^]*disagree/)
})

test('no program is asked about a packet that stays in the guest', async () => {
  const vpcOf = (): Promise<never> => assert.fail('vpcd was asked')
  const programs = await askPrograms({ ...answer, to: web }, { vpcOf, stateDir: '/nowhere', peers: [] })
  assert.deepEqual(programs, { unasked: 'the packet stays in the guest' })
})
