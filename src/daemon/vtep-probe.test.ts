import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errno } from '#abi/errno.ts'
import { ipFrom } from '#wire/ip-address.ts'
import type { Vni } from '#wire/vni.ts'
import { judgeVtep, type Target } from './vtep-probe.ts'

const own = { port: 4789, mtuBytes: 1450 }
const target: Target = {
  address: ipFrom('192.0.2.2'),
  port: 4789,
  questions: [{ vni: 5001 as Vni, address: ipFrom('10.0.0.2') }],
}
const silent = { answered: false, mtuBytes: 0, errno: 0, echoed: false }
const said = (facts: Partial<typeof silent>, of: Partial<Target> = {}): string => {
  const { state, found, remedy } = judgeVtep({ ...target, ...of }, { ...silent, ...facts }, own)
  assert.equal(remedy === '', state === 'ok')
  return `${state} ${found}`
}

test('only an answer shows that packets arrive', () => {
  assert.equal(said({ answered: true, mtuBytes: 1450 }), 'ok answers, and packets of 1450 bytes arrive')
  assert.match(said({ answered: true, mtuBytes: 1449 }), /^failed answers, but .* only up to 1449 bytes, not 1450$/)
  assert.equal(said({}), 'failed does not answer for 10.0.0.2 of VNI 5001, nor does its host answer a ping')
  assert.equal(
    said({ echoed: true }),
    'unknown does not answer for 10.0.0.2 of VNI 5001, and no error came back, though its host answers a ping',
  )
})

test('where an answer could not come, nothing is said to have failed', () => {
  assert.match(said({ echoed: true }, { questions: [] }), /^unknown this host knows no address of a guest there/)
  assert.match(said({ echoed: true }, { port: 4790 }), /^warning listens on a UDP port other than 4789, this mux's,/)
})

test('what the kernel or ICMP says is told', () => {
  assert.match(said({ errno: errno.ECONNREFUSED }, { port: 4790, questions: [] }), /^failed UDP port 4790 is refused there/)
  assert.match(said({ errno: errno.EPERM }), /^failed a firewall of this host/)
  assert.match(said({ errno: errno.EMSGSIZE }), /^failed not even small packets fit/)
  assert.equal(said({ errno: errno.ENETUNREACH }), 'failed cannot be reached: no route of this host leads there')
})
