/** Parts of the console that need no browser: what a drop asks, where things of a picture stand, gaps of a chart. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { arpRequest, echoFrame, tcpFrame, udpFrame } from '#wire/frames.ts'
import { ipv4From } from '#wire/ipv4-address.ts'
import { ipv6From } from '#wire/ipv6-address.ts'
import { macFrom } from '#wire/mac.ts'
import { summarize } from '#wire/summary.ts'
import type { Resource } from '../../console/api.ts'
import { questionOf } from '../../console/drop-question.ts'
import { findIn } from '../../console/doc-page.ts'
import { layOut, size } from '../../console/picture-layout.ts'
import { slotsOf } from '../../console/points.ts'
import { consolePages, pageOf } from '../../scripts/console-pages.ts'
import { root } from '../sources.ts'

const [srcMac, dstMac] = [macFrom('02:00:00:00:00:0a'), macFrom('02:00:00:00:00:0b')]
const four = { srcMac, dstMac, src: ipv4From('10.0.0.1'), dst: ipv4From('10.0.0.2') }
const six = { srcMac, dstMac, src: ipv6From('fd00::1'), dst: ipv6From('fd00::2') }
const resource = (id: string, kind: string, more: object = {}): Resource =>
  ({ id, kind, name: id, state: 'ok', revision: '1', vpc: 'red', ...more }) as Resource

test('a dropped packet becomes a question, as far as its headers are known', () => {
  const asks = (frame: Uint8Array) =>
    questionOf({ time: '', vnic: 'v', reason: 'sg_denied', text: summarize(frame) }, resource('v', 'vnic'))
  const vpc = 'red'
  assert.deepEqual(asks(tcpFrame({ ...four, srcPort: 1234, dstPort: 80 })), {
    from: '10.0.0.1',
    to: '10.0.0.2',
    protocol: 'tcp',
    port: '80',
    vpc,
  })
  assert.deepEqual(asks(udpFrame({ ...six, srcPort: 5353, dstPort: 53 }, new Uint8Array(9))), {
    from: 'fd00::1',
    to: 'fd00::2',
    protocol: 'udp',
    port: '53',
    vpc,
  })
  assert.deepEqual(asks(echoFrame({ ...four, id: 1, seq: 1 })), { from: '10.0.0.1', to: '10.0.0.2', protocol: 'icmp', vpc })
  assert.deepEqual(asks(echoFrame({ ...six })), { from: 'fd00::1', to: 'fd00::2', protocol: 'icmp', vpc })
  const asking = arpRequest({ sha: srcMac, spa: four.src, tpa: four.dst })
  assert.deepEqual(asks(asking), { from: '10.0.0.1', to: '10.0.0.2', protocol: 'icmp', vpc })
  const refused = { time: '', vnic: 'v', reason: 'sg_denied', direction: 'in', peer: '10.0.0.7' } as const
  assert.deepEqual(questionOf(refused, resource('v', 'vnic')), { from: '10.0.0.7', to: 'v', vpc })
  assert.equal(questionOf({ time: '', vnic: 'v', reason: 'truncated' }, resource('v', 'vnic')), undefined)
})

test('a picture has a column for each subnet and a row for each host, and folds what is many', () => {
  const vnic = (n: number): Resource =>
    resource(`v${n}`, 'vnic', { subnet: n % 2 === 0 ? 'a' : 'b', binding: n < 3 ? null : { host: 'h1', unit: 'hostif' } })
  const members = {
    subnets: [resource('a', 'subnet', { routeTable: 't' }), resource('b', 'subnet', { routeTable: null })],
    routers: [resource('r', 'router', { interfaces: [{ subnet: 'a' }, { subnet: 'b' }] })],
    tables: [resource('t', 'route-table', { routes: [{ destination: '0.0.0.0/0', nat: 'n' }] })],
    outside: [resource('n', 'nat')],
    vnics: Array.from({ length: 1000 }, (_, n) => vnic(n)),
    unfolded: new Set<string>(),
  }
  const { rows, edges, subnets, routers, outside, height } = layOut(members)
  assert.deepEqual(
    rows.map(({ host, count }) => [host, count]),
    [
      ['h1', 997],
      [undefined, 3],
    ],
  )
  const [cell] = rows[0]!.cells
  assert.deepEqual([cell!.vnics.length, cell!.shown.length], [498, size.perLine * size.lines])
  assert.deepEqual([edges.length, outside[0]!.y < routers[0]!.y, routers[0]!.y < subnets[0]!.y], [3, true, true])
  assert.ok(rows.every(({ y }, i) => i === 0 || y >= rows[i - 1]!.y + rows[i - 1]!.height) && height > rows[1]!.y)
  // Without a route table, packets of a router's subnets go out; a table without a route keeps them in.
  const waysOut = (routeTable: string | null): number =>
    layOut({
      ...members,
      subnets: [resource('a', 'subnet', { routeTable })],
      tables: [resource('t', 'route-table', { routes: [] })],
    }).edges.filter(({ of }) => of === 'n').length
  assert.deepEqual([waysOut(null), waysOut('t')], [1, 0])
  assert.equal(layOut({ ...members, unfolded: new Set(['h1']) }).rows[0]!.cells[0]!.shown.length, 498)
})

test('an interval without a point has its place, up to now', () => {
  const at = (seconds: number) => ({
    time: new Date(seconds * 1000).toISOString(),
    rxPackets: 1,
    rxBytes: 1,
    txPackets: 1,
    txBytes: 1,
    flows: 0,
    drops: {},
  })
  const slots = slotsOf([at(1000), at(1010), at(1040)], 10, 1_065_000)
  assert.equal(slots.length, 30)
  assert.equal(slots[0]!.time, at(770).time)
  assert.deepEqual(
    slots.slice(-7).map(({ point }) => point !== undefined),
    [true, true, false, false, true, false, false],
  )
  assert.equal(slots.at(-1)!.time, at(1060).time)
  assert.equal(slotsOf([at(0), at(3000)], 10).length, 301)
  assert.deepEqual(slotsOf([], 10), [])
})

test('pages of the documentation link to pages and headings that are there, and nothing in them is code of a page', () => {
  const pages = consolePages(join(root, 'docs'))
  assert.equal(pages[0]!.name, 'index')
  const anchors = new Map(pages.map(({ name, html }) => [name, [...html.matchAll(/ id="doc-([^"]*)"/g)].map(([, id]) => id)]))
  for (const { name, html } of pages) {
    for (const [link, to, at] of html.matchAll(/href="#\/docs\/([^"?]*)(?:\?at=([^"]*))?"/g)) {
      const there = anchors.get(decodeURIComponent(to!))
      assert.ok(there !== undefined && (at === undefined || there.includes(decodeURIComponent(at))), `${name}: ${link}`)
    }
    assert.equal(new Set(anchors.get(name)).size, anchors.get(name)!.length, `${name} has an id twice`)
    assert.doesNotMatch(html, /<(script|style|iframe)|javascript:|\son\w+=|style=/)
  }
  const { html } = pageOf(
    'a/b',
    '# A `b` & c\n\n<script>x</script>\n\n[x](../z.md#y) [out](../../up.ts) [web](https://x.example/)\n\n```sh h1\na < b\n```',
  )
  assert.equal(
    html,
    '<h1 id="doc-a-b--c">A <code>b</code> &amp; c</h1>\n' +
      '<p><a href="#/docs/z?at=y">x</a> out <a href="https://x.example/" rel="noreferrer" target="_blank">web</a></p>\n' +
      '<pre tabindex="0"><code>a &lt; b</code></pre>\n',
  )
  const [first] = findIn(pages, 'drop reasons')
  assert.deepEqual([first!.page.name, first!.heading], ['drop-reasons', undefined])
  assert.ok(findIn(pages, 'who may do what').some(({ page, heading }) => page.name === 'cloud' && heading?.id === 'who-may-do-what'))
  assert.ok(findIn(pages, 'not_from_mux').some(({ page }) => page.name === 'drop-reasons'))
  assert.deepEqual(findIn(pages, ' '), [])
})
