/**
 * Only muxes send to the ports of VTEPs: a user's program on a host cannot put frames into an overlay, nor can a guest
 * behind an uplink on the underlay's wire. While the mux is not exclusive each attempt succeeds, which shows that the
 * attempt is a real one.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, afterEach, before, suite, test } from 'node:test'
import { generateId } from '#abi/id.ts'
import { udpFrame, vxlanFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { asMac, macFrom, type Mac } from '#wire/mac.ts'
import { vniFrom } from '#wire/vni.ts'
import { encodeVxlan } from '#wire/vxlan.ts'
import { honestFrame, marker, v4 } from './attempt.ts'
import { ScratchLab, twoCustomers } from './scratch-lab.ts'

const user = 65534

let lab: ScratchLab

/** A frame of red1 for red2 that neither has sent. */
const forged = (bytes: Uint8Array): Uint8Array => {
  const [from, to] = [lab.guest('red1'), lab.guest('red2')]
  return udpFrame({ srcMac: asMac(from.mac), dstMac: asMac(to.mac), src: v4(from), dst: v4(to), srcPort: 7, dstPort: 7 }, bytes)
}

const sender = `const socket = require('dgram').createSocket('udp4')
socket.send(Buffer.from(process.argv[1], 'hex'), 4789, '192.0.2.2', () => socket.close())`

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Have a user's program on h1 send a datagram to the mux of h2. A rule of the host may refuse it. */
const sendAsUser = (datagram: Uint8Array, uid = user): Promise<unknown> =>
  lab.run('h1', 'setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', process.execPath, '-e', sender, hex(datagram))

/** Whether frames come to red2: an honest one that is sent after them does. */
async function comes(send: (bytes: Uint8Array) => unknown, text: string): Promise<boolean> {
  const [wanted, beacon] = [marker(text), marker(`beacon after ${text}`)]
  using goal = lab.raw('red2')
  using red1 = lab.raw('red1')
  await send(wanted)
  red1.send(honestFrame(lab.guest('red1'), lab.guest('red2'), beacon))
  let came = false
  const last = await goal.waitFor((frame) => {
    came ||= Buffer.from(frame).includes(wanted)
    return Buffer.from(frame).includes(beacon)
  })
  assert.ok(last, 'the honest frame did not come')
  return came
}

const setExclusive = (exclusive: boolean): Promise<void> => lab.setExclusive('h1', exclusive)

/** Replace all rules of h1. */
function rules(text: string): void {
  const argv = [`--net=/run/netns/${lab.netns('h1')}`, 'nft', '-f', '-']
  const { status, stderr } = spawnSync('nsenter', argv, { input: `flush ruleset\n${text}`, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
}

const inOutput = (rule: string): string => `table inet t {\n chain c {\n type filter hook output priority 0\n ${rule}\n }\n }\n`
const drops = async (): Promise<number> => (await lab.muxStats('h1')).drops['not_from_mux'] ?? 0

suite('on an underlay', () => {
  before(async () => {
    lab = await ScratchLab.up(twoCustomers)
  })
  after(async () => lab?.[Symbol.asyncDispose]())
  afterEach(async () => {
    rules('')
    await setExclusive(true)
  })

  const attack = (text: string, uid = user): Promise<boolean> =>
    comes((bytes) => sendAsUser(encodeVxlan(vniFrom(5001), forged(bytes)), uid), text)

  test("a user's program does not send to another host's mux", async () => {
    const earlier = await drops()
    assert.equal(await attack('from a user'), false)
    assert.equal((await drops()) - earlier, 1)
    await setExclusive(false)
    assert.equal(await attack('from a user, let through'), true)
  })

  test('a rule of the host that takes marks away from packets does not stop the mux', async () => {
    rules(inOutput('meta mark set 0'))
    const earlier = await drops()
    const out = await lab.must('red1', 'ping', '-n', '-q', '-i', '0.02', '-c', '20', '-W', '1', '10.0.0.2')
    assert.match(out, / 20 received/)
    assert.equal(await drops(), earlier)
    assert.equal(await attack('from a user, without a mark'), false)
  })

  test('the rule for operators does the same, and excepts whom it names', async () => {
    await setExclusive(false)
    rules(inOutput(`udp dport 4789 meta skuid != 0 drop`))
    assert.equal(await attack('from a user, against a rule'), false)
    rules(inOutput(`udp dport 4789 meta skuid != { 0, ${user} } drop`))
    assert.equal(await attack('from a user that is excepted'), true)
    assert.equal(await attack('from another user', user - 1), false)
  })

  test("a guest behind an uplink on the underlay's wire does not send to a mux", async () => {
    const [portId, host, blue1] = [generateId('vpcp'), lab.host('h1'), lab.guest('blue1')]
    const { id: switchId } = host.switches.find(({ customer }) => customer === 'blue')!
    await using sw = await lab.vpc('h1').openSwitch(switchId, { write: true })
    await sw.addPort(portId)
    await using port = await lab.vpc('h1').openPort(portId, { write: true })
    await port.setVni(blue1.vni)
    await port.connect(host.ethlinkId)
    await sw.setUplink(portId)
    await using own = await lab.vpc('h1').openPort(blue1.portId, { write: true })
    await own.setAddresses([])
    const macOf = async (name: string): Promise<Mac> =>
      macFrom(JSON.parse(await lab.must(name, 'ip', '-j', 'link', 'show', 'underlay0'))[0].address as string)
    const link = { srcMac: asMac(blue1.mac), dstMac: await macOf('h2'), src: ipFrom('192.0.2.1'), dst: ipFrom('192.0.2.2') }
    using guest = lab.raw('blue1')
    const send = (bytes: Uint8Array): void => guest.send(vxlanFrame({ ...link, vni: vniFrom(5001) }, forged(bytes)))
    assert.equal(await comes(send, 'from an uplink'), false)
    assert.equal((await lab.portStats('blue1')).drops['not_from_mux'], 1)
    await setExclusive(false)
    assert.equal(await comes(send, 'from an uplink, let through'), true)
    await sw.deletePort(portId)
  })
})
