import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LinkEvent } from './netlink.ts'
import { ScratchNetns } from './scratch-netns.ts'

const until = async (condition: () => boolean): Promise<void> => {
  for (let i = 0; i < 200 && !condition(); i++) await sleep(10)
  assert.ok(condition(), 'what was waited for did not come within 2 s')
}

const named = (events: LinkEvent[], kind: LinkEvent['kind'], name: string) =>
  events.filter((event) => event.kind === kind && event.kind !== 'lost' && event.link.name === name)

test('creation, change, deletion and departure of links are told', async () => {
  using scratch = new ScratchNetns()
  using elsewhere = new ScratchNetns()
  const { netlink } = scratch
  const events: LinkEvent[] = []
  using _following = netlink.onLinkChange((event) => events.push(event))
  const { ifindex, linkIndex } = netlink.createVeth({ name: 'a', peer: 'b', up: true })
  scratch.exec('ip', 'link', 'set', 'dev', 'a', 'mtu', '1400')
  await until(() => named(events, 'changed', 'a').some((event) => event.kind !== 'lost' && event.link.mtu === 1400))
  netlink.setLink(linkIndex!, { netnsFd: elsewhere.fd })
  await until(() => named(events, 'deleted', 'b').length === 1)
  netlink.deleteLink(ifindex)
  await until(() => named(events, 'deleted', 'a').length === 1)
})

test('a flood that does not fit is told as lost, and what comes after it is told again', async () => {
  using scratch = new ScratchNetns()
  const { netlink } = scratch
  const events: LinkEvent[] = []
  using _following = netlink.onLinkChange((event) => events.push(event))
  const { ifindex } = netlink.createBridge({ name: 'br0' })
  for (let i = 0; i < 4000; i++) netlink.setLink(ifindex, { mtu: 1000 + (i % 2) }) // in one go: nobody reads meanwhile
  await until(() => events.some(({ kind }) => kind === 'lost'))
  netlink.setLink(ifindex, { mtu: 1234 })
  await until(() => named(events, 'changed', 'br0').some((event) => event.kind !== 'lost' && event.link.mtu === 1234))
})

test('after stop nothing is told, and no descriptor stays', async () => {
  using scratch = new ScratchNetns()
  const { netlink } = scratch
  const open = () => readdirSync('/proc/self/fd').length
  const before = open()
  const events: LinkEvent[] = []
  for (let round = 0; round < 20; round++) {
    using first = netlink.onLinkChange((event) => events.push(event))
    using second = netlink.onLinkChange(() => void (events.length > 0 && first.stop())) // from within a callback
    netlink.setLink(1, { up: round % 2 === 0 })
    await until(() => events.length > 0)
    first.stop()
    second.stop()
    second.stop()
    events.length = 0
    netlink.setLink(1, { mtu: 2000 + round })
  }
  await sleep(50)
  assert.deepEqual(events, [])
  assert.equal(open(), before)
})

const follow = (end: string): string => `
  import { Netlink } from '${import.meta.resolve('./netlink.ts')}'
  using netlink = Netlink.open()
  const following = netlink.onLinkChange(() => {})
  ${end}
`

for (const [how, end, code] of [
  ['stops', 'following.stop()', 0],
  ['does nothing', '', 0],
  ['calls exit', 'setTimeout(() => process.exit(7), 50)', 7],
  ['throws', 'setTimeout(() => { throw new Error("deliberate") }, 50)', 1],
] as const) {
  test(`a process that follows links and then ${how} ends`, async () => {
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', follow(end)], { stdio: 'ignore', timeout: 10_000 })
    const [status] = await once(child, 'exit')
    assert.equal(status, code)
  })
}
