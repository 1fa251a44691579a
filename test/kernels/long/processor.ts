/**
 * The long form on the processor that this machine lacks. There doctor finds all that vpcd needs, a lab comes up whose
 * guests reach each other, and a host exchanges everything with a host of this machine's processor.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { exchangeEverything } from '../exchange.ts'
import { foreignArchitecture } from '../foreign-root.ts'
import { Machine } from '../machine.ts'
import { kernelFor, newest, oldest } from '../packages.ts'
import { bringUpPair } from '../pair.ts'

const vpc = (args: string): string => `NO_COLOR=1 node bin/vpc.mjs ${args} 2>&1 </dev/null`
/** One host: each vpcd takes most of a minute to start. */
const lab = `name: other
underlay: { network: 192.0.2.0/24 }
hosts: { h1: {} }
customers: { red: { subnets: { a: { vni: 5001, network: 10.0.0.0/24 } } } }
guests: { a: { host: h1, subnet: red/a }, b: { host: h1, subnet: red/a } }
`
const patience = 600_000

const [newestThere, oldestThere] = [newest, oldest].map((wish) => kernelFor({ ...wish, architecture: foreignArchitecture }))
const here = kernelFor(newest)

describe('the other processor', () => {
  test(`doctor, a lab and pings in it, ${newestThere!.release}`, { timeout: 1_800_000 }, async () => {
    const kernel = newestThere!
    await using machine = await Machine.boot({ name: 'other', kernel, memoryMiB: 1536 })
    assert.equal(await machine.must('node -p process.arch'), foreignArchitecture === 'amd64' ? 'x64' : foreignArchitecture)
    const doctor = await machine.must(vpc('doctor'), patience)
    assert.match(doctor, new RegExp(`ok +kernel: Linux ${RegExp.escape(kernel.release)}`))
    assert.match(doctor, /ok +jit: programs are compiled/)
    await machine.must(`cat >/tmp/lab.yaml <<'END'\n${lab}END`)
    await machine.must(vpc('lab up /tmp/lab.yaml'), patience)
    for (const [guest, peer] of [
      ['a', '10.0.0.2'],
      ['b', '10.0.0.1'],
    ] as const)
      assert.match(await machine.must(vpc(`lab exec ${guest} -- ping -c 5 -i 0.2 -W 5 ${peer}`), patience), / 0% packet loss/)
    await machine.must(vpc('lab down other'), patience)
    assert.equal(await machine.must('ip netns list'), '')
  })

  test(`two hosts, ${oldestThere!.release} and ${here.release}`, { timeout: 1_800_000 }, async () => {
    await using pair = await bringUpPair({ hosts: [{ kernel: oldestThere! }, { kernel: here }] })
    await exchangeEverything(pair)
  })
})
