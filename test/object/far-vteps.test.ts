/** VTEPs that a mux reaches by a way of their own: a narrower one, or under IPsec alone. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { test } from 'node:test'
import type { MuxInfo } from '#abi/info.ts'
import { muxFlag } from '#datapath/layout.ts'
import { macFrom } from '#wire/mac.ts'
import { entry, sockaddr, text, u16 } from './inputs.ts'
import { refused, ScratchHost } from './scratch-host.ts'
import { eventually, underlay, VNI, ways, type Underlay } from './underlay.ts'

const ip = (...words: string[]): string => execFileSync('ip', words, { encoding: 'utf8' })

/** Policies for addresses, as `ip` lists them: direction, source, destination, port, action. */
function policies(): string[] {
  const found = ip('xfrm', 'policy', 'list').matchAll(/^src (\S+) dst (\S+) proto udp dport (\d+).*\n\s+dir (\w+)(?: action (\w+))?/gm)
  return [...found].map(([, from, to, port, way, action = 'allow']) => `${way} ${from} ${to} ${port} ${action}`).sort()
}

/** The two that keep a VTEP's packets from passing in plain. */
const guards = (vtep: string, port = 4789): string[] => [
  `in ${vtep}/32 192.0.2.1/32 ${port} block`,
  `out 192.0.2.1/32 ${vtep}/32 ${port} block`,
]

/** What becomes of a packet that a program of the host sends to a VTEP: a policy refuses it, or it is sent. */
const send = (address: string): Promise<string> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.bind(0, '192.0.2.1', () =>
      socket.send('x', 4789, address, (error) => {
        socket.close()
        resolve((error as NodeJS.ErrnoException | null)?.code ?? 'sent')
      }),
    )
  })

/** A mux in service, with entries behind 192.0.2.2 (MAC 01) and 192.0.2.3 (MAC 03). */
function inService(host: ScratchHost): Underlay {
  const one = underlay(host)
  for (const step of ['connect', 'listen', 'entry']) ways[step]!(one)
  one.mux.do('vpcmuxFteSet', entry(VNI, '02:00:00:00:00:03', '192.0.2.3'))
  return one
}

/** MTUs by MAC, and whether packets may bypass the host's stack. */
function tablesOf({ datapath: { tables } }: ScratchHost): unknown[] {
  const mtu = (last: string): number | undefined => tables.fdb.get({ segment: VNI, mac: macFrom(`02:00:00:00:00:${last}`) })?.mtu
  const isDirect = tables.muxes.entries().some(([, { flags }]) => (flags & (muxFlag.directOut | muxFlag.directIn)) !== 0)
  return [mtu('01'), mtu('03'), isDirect]
}

const far = (...lines: string[]): Uint8Array => text(JSON.stringify(lines))

test('the MTU of a far VTEP counts, and the kernel drops what IPsec does not protect', async () => {
  await using host = new ScratchHost()
  const { mux } = inService(host)
  mux.do('vpcmuxDirectSet', u16(2))
  assert.deepEqual([tablesOf(host), policies(), await send('192.0.2.2')], [[1550, 1550, true], [], 'sent'])
  mux.do('vpcmuxFarVtepsSet', far('192.0.2.2 mtu=1400 ipsec'))
  assert.deepEqual([tablesOf(host), policies()], [[1350, 1550, false], guards('192.0.2.2')])
  assert.deepEqual([await send('192.0.2.2'), await send('192.0.2.3')], ['EPERM', 'sent'])
  // A policy of the operator for the same packets is one more, and comes first.
  const own = ['src', '192.0.2.1', 'dst', '192.0.2.2', 'proto', 'udp', 'dport', '4789', 'dir', 'out']
  ip('xfrm', 'policy', 'add', ...own)
  assert.equal(await send('192.0.2.2'), 'sent')
  ip('xfrm', 'policy', 'del', ...own)
  assert.equal(await send('192.0.2.2'), 'EPERM')
  mux.do('vpcmuxFarVtepsSet', far('192.0.2.2'))
  assert.deepEqual([tablesOf(host), policies(), await send('192.0.2.2')], [[1550, 1550, true], [], 'sent'])
  const twice = refused(() => mux.do('vpcmuxFarVtepsSet', far('192.0.2.2', '192.0.2.2 ipsec')))
  assert.match(twice.message, /192\.0\.2\.2 is in the list already/)
  const small = refused(() => mux.do('vpcmuxFarVtepsSet', far('192.0.2.2 mtu=100')))
  assert.match(small.message, /an MTU of 100 bytes is not one of 1280/)
})

test('policies against packets in plain outlive vpcd, come back, follow the mux and go with it', async () => {
  await using host = new ScratchHost()
  const { mux, ethlink } = inService(host)
  mux.do('vpcmuxFarVtepsSet', far('192.0.2.2 mtu=1400 ipsec'))
  mux.do('metaCommit')
  ethlink.do('metaCommit')
  const { id } = mux
  await host.stop()
  assert.deepEqual(policies(), guards('192.0.2.2'))
  ip('xfrm', 'policy', 'flush')
  host.start()
  const again = host.open('vpcmux', id)
  assert.deepEqual([policies(), again.describe<MuxInfo>().farVteps], [guards('192.0.2.2'), ['192.0.2.2 mtu=1400 ipsec']])
  ip('xfrm', 'policy', 'flush')
  await eventually(() => policies().length === 2)
  again.do('vpcmuxListen', sockaddr('192.0.2.1', 4790))
  assert.deepEqual(policies(), guards('192.0.2.2', 4790))
  again.do('metaDestroy')
  assert.deepEqual(policies(), [])
})
