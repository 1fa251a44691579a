/** Where the API's unit listens: what `vpc up` chooses, what it keeps, and what an administrator has said. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { planApi, type ApiNow, type WantedApi } from './api-config.ts'

const textOf = (path: string): string => readFileSync(new URL(`../../../packaging/${path}`, import.meta.url), 'utf8')
const config = textOf('etc/api.yaml')
const wanted: WantedApi = { address: '203.0.113.1', isAsked: false }

/** Its URL, where agents find it, and the words that the command line gets. */
async function plan(now: Partial<ApiNow>, more: Partial<WantedApi> = {}): Promise<readonly [string, string, string]> {
  const { dropIn, place } = await planApi({ config, dropIn: '', runs: false, ...now }, { ...wanted, ...more })
  return [place.server, place.agents, /api\.yaml(?: (--.*))?\n$/.exec(dropIn)?.[1] ?? dropIn]
}

const chosen = [
  'https://203.0.113.1:7473',
  '203.0.113.1:7474',
  '--listen=203.0.113.1 --port=7473 --agent-listen=203.0.113.1:7474 --own-tls',
]
const local = ['http://127.0.0.1:7473', '127.0.0.1:7474', '']
const dropInOf = async (more: Partial<WantedApi>): Promise<string> =>
  (await planApi({ config, dropIn: '', runs: false }, { ...wanted, isAsked: true, ...more })).dropIn

test('options go after those of the unit, and a second plan is the first', async () => {
  assert.deepEqual(await plan({}), chosen)
  const dropIn = await dropInOf({})
  const [start] = /^ExecStart=.*$/m.exec(textOf('systemd/vpc-api.service'))!
  assert.ok(dropIn.includes(`\n[Service]\nExecStart=\n${start} --listen`), dropIn)
  assert.deepEqual(await planApi({ config, dropIn, runs: true }, { ...wanted, isAsked: true }), {
    dropIn,
    place: (await planApi({ config, dropIn: '', runs: false }, wanted)).place,
  })
})

test('an address that the machine has stays, and each option changes its own part', async () => {
  for (const address of ['127.0.0.1', '0.0.0.0', '::']) {
    const dropIn = await dropInOf({ address, port: 8080 })
    const [, , words] = await plan({ dropIn })
    assert.match(words, new RegExp(`^--listen=${RegExp.escape(address)} --port=8080 --agent-listen=\\S+:7474`))
    assert.match((await plan({ dropIn }, { agentPort: 8081 }))[2], new RegExp(`^--listen=${RegExp.escape(address)} --port=8080 .*:8081`))
    assert.deepEqual(await plan({ dropIn }, { isAsked: true, port: 7473 }), chosen)
  }
  // One that the machine has lost does not stay; its port does.
  const lost = await dropInOf({ address: '203.0.113.77', agentPort: 9000 })
  assert.deepEqual((await plan({ dropIn: lost })).slice(0, 2), ['https://203.0.113.1:7473', '203.0.113.1:9000'])
})

test('an API that somebody has started by hand stays where it is, unless an address is asked for', async () => {
  assert.deepEqual(await plan({ runs: true }), local)
  assert.deepEqual(await plan({ runs: true }, { isAsked: true }), chosen)
  assert.deepEqual((await plan({ runs: true }, { port: 80 })).slice(0, 2), ['http://127.0.0.1:80', '127.0.0.1:7474'])
  assert.deepEqual(await plan({}, { address: '127.0.0.1' }), local)
})

test('an address of IPv6 is in brackets before its port', async () => {
  const [server, agents, words] = await plan({}, { address: '2001:db8::1' })
  assert.deepEqual([server, agents], ['https://[2001:db8::1]:7473', '[2001:db8::1]:7474'])
  assert.equal(words, '--listen=2001:db8::1 --port=7473 --agent-listen=[2001:db8::1]:7474 --own-tls')
})

test('what an administrator has said holds, and no file of vpc up beside it', async () => {
  const dropIn = await dropInOf({})
  for (const [lines, server, agents] of [
    ['listen: 192.0.2.1\nown-tls: true', 'https://192.0.2.1:7473', '127.0.0.1:7474'],
    ['agent-listen: 0.0.0.0:7000', 'http://127.0.0.1:7473', '203.0.113.1:7000'],
    ['agent-listen: "[2001:db8::1]:7000"', 'http://127.0.0.1:7473', '[2001:db8::1]:7000'],
    ['agent-listen: 7000', 'http://127.0.0.1:7473', '127.0.0.1:7000'],
    ['listen: 0.0.0.0\nown-tls: true\nport: 443', 'https://203.0.113.1:443', '127.0.0.1:7474'],
  ] as const)
    assert.deepEqual(await plan({ config: `${config}${lines}`, dropIn }), [server, agents, ''])
})

test('options that contradict the file are refused by name, and others are not', async () => {
  const now = { config: `${config}listen: 192.0.2.1\nown-tls: true\nport: 443\n` }
  const more = { isAsked: true, port: 7473, agentPort: 7475 }
  await assert.rejects(
    plan(now, more),
    /--address=203\.0\.113\.1, --port=7473, --agent-port=7475: \/etc\/vpc\/api\.yaml has the API at https/,
  )
  assert.equal((await plan(now, { address: '192.0.2.1', isAsked: true, port: 443, agentPort: 7474 }))[0], 'https://192.0.2.1:443')
  await plan({ config: 'listen: 0.0.0.0\nown-tls: true\n' }, { isAsked: true })
})

test('a file that vpc up cannot work with is refused', async () => {
  for (const [lines, why] of [
    ['tls-cert: a', /says tls-cert.*vpc login --server=https:\/\/NAME/],
    ['agent-listen: none', /says agent-listen: none; no host can join/],
    ['port: 0', /says port: 0/],
    ['listen: [', /\/etc\/vpc\/api\.yaml, line \d+: /],
  ] as const)
    await assert.rejects(plan({ config: `${config}${lines}\n` }), why)
  await assert.rejects(plan({ config: 'listen\n' }), /is not a list of options/)
})
