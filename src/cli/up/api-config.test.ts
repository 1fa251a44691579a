/** The file of the API's unit: what `vpc up` adds, what it leaves alone, and what it takes away again. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { planApiConfig, withoutOwnLines, type WantedApi } from './api-config.ts'

const template = readFileSync(new URL('../../../packaging/etc/api.yaml', import.meta.url), 'utf8')
const wanted: WantedApi = { address: '203.0.113.1', isAsked: false, port: 7473, agentPort: 7474 }
const place = { server: 'https://203.0.113.1:7473', agents: '203.0.113.1:7474', ownTls: true }

test('the lines are added to what the package has, once, and go again', async () => {
  const first = await planApiConfig(template, wanted)
  assert.deepEqual(first.place, place)
  assert.match(
    first.text.slice(template.length),
    /^# By vpc up.*\nlisten: "203\.0\.113\.1"\nown-tls: true\nagent-listen: "203\.0\.113\.1:7474"\n$/,
  )
  assert.deepEqual(await planApiConfig(first.text, wanted), first)
  assert.equal(withoutOwnLines(first.text), template)
  assert.equal(withoutOwnLines(template), template)
})

test('an address that the machine has stays, unless another one is asked for', async () => {
  const { text } = await planApiConfig(template, { ...wanted, address: '127.0.0.1', port: 8080 })
  assert.deepEqual((await planApiConfig(text, wanted)).place, { server: 'http://127.0.0.1:8080', agents: '127.0.0.1:7474', ownTls: false })
  assert.deepEqual((await planApiConfig(text, { ...wanted, isAsked: true })).place, place)
  // One that the machine has lost does not stay.
  const lost = await planApiConfig(template, { ...wanted, address: '203.0.113.77' })
  assert.deepEqual(await planApiConfig(lost.text, wanted), await planApiConfig(template, wanted))
})

test('a machine without a way to the outside has nothing written', async () => {
  const { text, place: local } = await planApiConfig(template, { ...wanted, address: '127.0.0.1' })
  assert.deepEqual([text, local], [template, { server: 'http://127.0.0.1:7473', agents: '127.0.0.1:7474', ownTls: false }])
})

test('an address of IPv6 is a word of YAML', async () => {
  const { place: six, text } = await planApiConfig('', { ...wanted, address: '2001:db8::1' })
  assert.deepEqual(six, { server: 'https://[2001:db8::1]:7473', agents: '[2001:db8::1]:7474', ownTls: true })
  assert.equal(withoutOwnLines(text), '')
})

test('what an administrator has said holds, and the file stays', async () => {
  for (const [lines, expected] of [
    ['listen: 192.0.2.1\nown-tls: true', { server: 'https://192.0.2.1:7473', agents: '127.0.0.1:7474', ownTls: true }],
    ['agent-listen: 0.0.0.0:7000', { server: 'http://127.0.0.1:7473', agents: '203.0.113.1:7000', ownTls: false }],
    ['listen: 0.0.0.0\ntls-cert: a\nport: 443', { server: 'https://203.0.113.1:443', agents: '127.0.0.1:7474', ownTls: false }],
  ] as const)
    assert.deepEqual(await planApiConfig(`${template}${lines}`, wanted), { text: `${template}${lines}`, place: expected })
})

test('a file that is not what the API takes is refused, with its line', async () => {
  await assert.rejects(planApiConfig('listen: [', wanted), /^Failure: \/etc\/vpc\/api\.yaml, line 1: /)
  await assert.rejects(planApiConfig('listen\n', wanted), /is not a list of options/)
})
