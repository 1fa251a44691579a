/**
 * `vpc mux probe` on real hosts: its reports for an underlay that carries VXLAN, that does not, or not all sizes. Needs
 * root.
 */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { VtepResult } from '#daemon/vtep-probe.ts'
import { readState } from '#lab/lab-state.ts'
import { runVpc, type Ran } from '../cli/run-vpc.ts'
import { ScratchLab, twoCustomers } from './scratch-lab.ts'

let lab: ScratchLab

function probe(...options: string[]): Ran {
  const { muxId, socket } = lab.host('h1')
  return runVpc(['mux', 'probe', '-M', muxId, ...options], { env: { VPC_SOCKET: socket } })
}

/** What is said of the one VTEP. */
function said(...options: string[]): VtepResult & { readonly code: number | null } {
  const { code, stdout, stderr } = probe('--json', ...options)
  assert.equal(stderr, '')
  const results = JSON.parse(stdout) as VtepResult[]
  assert.equal(results.length, 1)
  return { ...results[0]!, code }
}

/** ARP, or an ND question or answer. */
const isQuestion = (frame: Uint8Array): boolean => (frame[12] === 0x08 && frame[13] === 0x06) || [135, 136].includes(frame[54]!)

/** With rules of a firewall in a host. */
async function withRules(host: string, hook: 'input' | 'output', rule: string, work: () => void): Promise<void> {
  await lab.must(
    host,
    'nft',
    `add table inet probe; add chain inet probe c { type filter hook ${hook} priority 0; }; add rule inet probe c ${rule}`,
  )
  try {
    work()
  } finally {
    await lab.must(host, 'nft', 'delete table inet probe')
  }
}

const fine = {
  code: 0,
  name: '192.0.2.2:4789',
  state: 'ok',
  found: 'answers, and packets of 1450 bytes arrive',
  remedy: '',
  answered: true,
  mtuBytes: 1450,
}

suite('on an underlay of IPv4', () => {
  before(async () => {
    lab = await ScratchLab.up(twoCustomers)
  })
  after(async () => lab?.[Symbol.asyncDispose]())

  test('a host that gets everything answers, and guests hear nothing of it', async () => {
    using guest = lab.raw('red2')
    assert.deepEqual(said(), fine)
    await sleep(50)
    assert.deepEqual(guest.receive().filter(isQuestion), [])
    assert.equal(probe().stdout, ' ok       192.0.2.2:4789: answers, and packets of 1450 bytes arrive\n')
  })

  test('a firewall that drops the port there is told from a host that is gone', async () => {
    await withRules('h2', 'input', 'udp dport 4789 drop', () => {
      const { code, state, answered, mtuBytes, found, remedy } = said()
      assert.deepEqual([code, state, answered, mtuBytes], [0, 'unknown', false, 0])
      assert.match(found, /^does not answer for (10\.0|fd00:|fe80:)\S+ of VNI \d+.*, though its host answers a ping$/)
      assert.match(
        remedy,
        /tcpdump -n udp port 4789; if a firewall or another overlay takes it, let all muxes listen on another; a host without vpcd/,
      )
    })
    const gone = said('--vtep', '192.0.2.77')
    assert.deepEqual([gone.code, gone.state, gone.answered], [1, 'failed', false])
    assert.match(gone.found, /^cannot be reached: no machine answers for that address/)
    assert.deepEqual(said(), fine)
  })

  test('a firewall of this host is named as such', async () => {
    await withRules('h1', 'output', 'udp dport 4789 drop', () => {
      assert.equal(said().found, 'a firewall of this host lets nothing out to UDP port 4789')
    })
  })

  test('answers that do not come back are none', async () => {
    await withRules('h1', 'input', 'udp dport 4789 drop', () => assert.equal(said().answered, false))
  })

  test('an underlay that swallows large packets is measured', async () => {
    await lab.must('underlay', 'ip', 'link', 'set', 'dev', 'h2', 'mtu', '1377')
    try {
      const { code, state, found, remedy, mtuBytes } = said()
      assert.deepEqual([code, state, mtuBytes], [1, 'failed', 1327])
      assert.equal(found, 'answers, but packets of guests arrive only up to 1327 bytes, not 1450')
      assert.match(remedy, /raise the MTU of what lies between, or give guests 1327: /)
    } finally {
      await lab.must('underlay', 'ip', 'link', 'set', 'dev', 'h2', 'mtu', '1500')
    }
    assert.deepEqual(said(), fine)
  })

  test('a VTEP without a known guest is not said to fail; where nobody listens, ICMP says so', async () => {
    const { switches } = lab.host('h1')
    const neighbours = []
    for (const { id } of switches) {
      await using sw = await lab.vpc('h1').openSwitch(id, { write: true })
      const known = await sw.neighbours()
      neighbours.push({ id, known })
      await sw.deleteNeighbours(known)
    }
    const unknown = said()
    assert.deepEqual([unknown.code, unknown.state, unknown.answered], [0, 'unknown', false])
    assert.match(unknown.found, /^this host knows no address of a guest there, so it cannot ask; .*though its host answers a ping$/)
    assert.equal(said('--vtep', '192.0.2.2:4799').found, 'UDP port 4799 is refused there: nobody listens, or a firewall rejects it')
    for (const { id, known } of neighbours) {
      await using sw = await lab.vpc('h1').openSwitch(id, { write: true })
      await sw.setNeighbours(known)
    }
    assert.deepEqual(said(), fine)
  })

  test('it needs no vpcd there, but root here', async () => {
    const { pid } = (await readState(lab.name))!.daemons['h2']!
    process.kill(pid, 'SIGKILL')
    assert.deepEqual(said(), fine)
    const { muxId, socket } = lab.host('h1')
    const { code, stderr } = runVpc(['mux', 'probe', '-M', muxId], { env: { VPC_SOCKET: socket }, uid: 65534 })
    assert.notEqual(code, 0)
    assert.match(stderr, /^vpc: /)
  })
})

test('over an underlay of IPv6, of guests with IPv6', async () => {
  lab = await ScratchLab.up(`
underlay: { network: 2001:db8::/64 }
hosts: { h1: {}, h2: {} }
customers: { red: { subnets: { a: { vni: 5001, network6: 'fd00:5001::/64' } } } }
guests: { a: { host: h1, subnet: red/a }, b: { host: h2, subnet: red/a } }
`)
  try {
    const { code, name, state, found } = said()
    assert.deepEqual([code, name, state, found], [0, '[2001:db8::2]:4789', 'ok', 'answers, and packets of 1430 bytes arrive'])
    await withRules('h2', 'input', 'udp dport 4789 drop', () =>
      assert.match(said().found, /does not answer for f\S+:.*though its host answers a ping/),
    )
  } finally {
    await lab[Symbol.asyncDispose]()
  }
})
