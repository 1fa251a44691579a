/**
 * The test breaks things of each kind behind vpcd's back: an audit finds them, a repair restores them, and the host is
 * as before.
 */
import assert from 'node:assert/strict'
import { existsSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, suite, test } from 'node:test'
import type { AuditItem, AuditReport } from '#abi/audit.ts'
import { openFlag } from '#abi/command.ts'
import { generateId } from '#abi/id.ts'
import { detachLink } from '#kernel/bpf-link.ts'
import { BpfMap, mapType } from '#kernel/bpf-map.ts'
import { getPinned } from '#kernel/bpf.ts'
import { close } from '#kernel/libc.ts'
import { json } from './inputs.ts'
import { ScratchHost } from './scratch-host.ts'
import { world, type World } from './world.ts'

const { create, read, write } = openFlag

function report(host: ScratchHost, operation: 'mgmtAudit' | 'mgmtRepair'): AuditReport {
  const mgmt = host.open('mgmt', generateId('mgmt'), create | read | write)
  try {
    return json(mgmt.do(operation)) as AuditReport
  } finally {
    mgmt.handle.close()
  }
}

const told = (items: readonly AuditItem[]): string[] =>
  items.map(({ kind, what, part, problem }) => [kind, what, part, problem].filter((word) => word !== '').join(' '))

let host: ScratchHost
let all: World
let directory: string

const ifindexOf = (name: string): number => {
  const link = host.netlink.linkByName(name)
  assert.ok(link, `no device ${name}`)
  return link.ifindex
}

function withTable(name: string, use: (map: BpfMap) => void): void {
  using map = BpfMap.fromPin(join(directory, 'maps', name))
  assert.ok(map.entries().length > 0, `table ${name} is empty`)
  use(map)
}

function detach(pin: string): void {
  const link = getPinned(join(directory, 'links', pin))
  detachLink(link)
  close(link)
}

/** Change rows as another process would. */
function inJournal(sql: string): void {
  const db = new DatabaseSync(join(host.directory, 'state.db'))
  db.exec(sql)
  db.close()
}

before(() => {
  host = new ScratchHost()
  all = world(host)
  directory = join(host.bpffs.path, 'vpc')
})
after(() => host[Symbol.asyncDispose]())

/** Tables with entries in the world; those in which a strange entry can be put. */
const tables = [
  'ports',
  'fdb',
  'flood',
  'segments',
  'neighbours',
  'port_addresses',
  'port_limits',
  'dhcp_replies',
  'dhcpv6_replies',
  'ra_replies',
  'muxes',
  'vteps',
  'tunnel_ends',
  'subnets',
  'routes',
  'hosts',
] as const

type Case = readonly [what: string, breakIt: () => void, finds: readonly RegExp[]]
const cases: Case[] = [
  ['a tap deleted', () => host.netlink.deleteLink(ifindexOf('vmnic0')), [/^device vmnic0 missing$/]],
  ['a veth deleted', () => host.netlink.deleteLink(ifindexOf('hostif0')), [/^device hostif0 missing$/]],
  ['the device of a mux deleted', () => host.netlink.deleteLink(ifindexOf('vpcmux0')), [/^device vpcmux0 missing$/]],
  ['the mirror of a switch deleted', () => host.netlink.deleteLink(ifindexOf('vpcsw0')), [/^device vpcsw0 missing$/]],
  [
    'the mirror of an ethlink renamed',
    () => host.netlink.setLink(ifindexOf('ethlink0'), { name: 'other' }),
    [/^device ethlink0 name different$/],
  ],
  ['a mirror taken down', () => host.netlink.setLink(ifindexOf('vpcsw0'), { up: false }), [/^device vpcsw0 up different$/]],
  ['a program detached from a mirror', () => detach('vpcsw0-mirror'), [/^program vpcsw0-mirror different$/]],
  ['a tap renamed', () => host.netlink.setLink(ifindexOf('vmnic0'), { name: 'other' }), [/^device vmnic0 name different$/]],
  ['a switch side renamed', () => host.netlink.setLink(ifindexOf('sw-hostif0'), { name: 'other' }), [/^device hostif0 name different$/]],
  ['a unit renamed', () => host.netlink.setLink(ifindexOf('hostif0'), { name: 'other' }), [/^device hostif0 name of the unit different$/]],
  ['a wrong MTU of a tap', () => host.netlink.setLink(ifindexOf('vmnic0'), { mtu: 1400 }), [/^device vmnic0 mtu different$/]],
  ['a wrong MTU of a unit', () => host.netlink.setLink(ifindexOf('hostif0'), { mtu: 1400 }), [/^device hostif0 mtu different$/]],
  ['a wrong MTU of a mux', () => host.netlink.setLink(ifindexOf('vpcmux0'), { mtu: 1400 }), [/^device vpcmux0 mtu different$/]],
  [
    'a wrong MAC',
    () => host.netlink.setLink(ifindexOf('hostif0'), { mac: Uint8Array.of(2, 0, 0, 0, 0, 7) }),
    [/^device hostif0 mac different$/],
  ],
  ['a tap taken down', () => host.netlink.setLink(ifindexOf('vmnic0'), { up: false }), [/^device vmnic0 up different$/]],
  ['a switch side taken down', () => host.netlink.setLink(ifindexOf('sw-hostif0'), { up: false }), [/^device hostif0 up different$/]],
  ['a mux taken down', () => host.netlink.setLink(ifindexOf('vpcmux0'), { up: false }), [/^device vpcmux0 up different$/]],
  [
    'a strange device with our alias',
    () => void host.netlink.createVeth({ name: 'odd0', peer: 'odd1', alias: `vpc:${generateId('vmnic')}` }),
    [/^device odd0 strange$/],
  ],
  [
    'an uplink no longer promiscuous',
    () => host.netlink.setLink(ifindexOf('wire0'), { promisc: false }),
    [/^interface ethlink0 promiscuous different$/],
  ],
  ['a program detached from a unit', () => detach('hostif0'), [/^program hostif0 different$/]],
  ['a program detached from a mux', () => detach('vpcmux0-4789'), [/^program vpcmux0-4789 different$/]],
  ['a program detached from a wrapped interface', () => detach('ethlink0'), [/^program ethlink0 different$/]],
  ['a link unpinned', () => unlinkSync(join(directory, 'links/vmnic0')), [/^program vmnic0 missing$/]],
  ['a strange program', () => void host.datapath.attach('unit', 1, 'odd'), [/^program odd strange$/]],
  ['a table unpinned', () => unlinkSync(join(directory, 'maps/fdb')), [/^pin fdb missing$/]],
  ['a row of the journal deleted', () => inJournal("DELETE FROM object WHERE type = 'vmnic'"), [/^journal vmnic0 missing$/]],
  [
    'a row of the journal changed',
    () => inJournal(`UPDATE object SET settings = json_set(settings, '$.vlan', 9) WHERE type = 'vpcp' AND unit = 0`),
    [/^journal vpcp0 settings different$/],
  ],
  [
    'a strange row in the journal',
    () => inJournal(`INSERT INTO object SELECT '${generateId('hostif')}', type, 77, settings FROM object WHERE type = 'hostif'`),
    [/^journal hostif77 strange$/],
  ],
  [
    'entries of the journal deleted',
    () => inJournal('DELETE FROM entries'),
    [/^journal vpcmux0 entries different$/, /^journal vpcsw0 neighbours different$/],
  ],
  ...tables.flatMap((name): Case[] => [
    [
      `an entry of ${name} deleted`,
      () => withTable(name, (map) => void map.delete(map.keys()[0]!)),
      [new RegExp(`^entry ${name} .* missing$`)],
    ],
    [`an entry of ${name} changed`, () => withTable(name, (map) => change(map)), [new RegExp(`^entry ${name} .* different$`)]],
    [`an entry added to ${name}`, () => withTable(name, (map) => add(map)), [new RegExp(`^entry ${name} .* strange$`)]],
  ]),
]

function change(map: BpfMap): void {
  const [key, value] = map.entries()[0]!
  value[value.length - 1]! ^= 0xff
  map.update(key, value)
}

function add(map: BpfMap): void {
  const [key, value] = map.entries()[0]!
  // A trie's key begins with the length of the prefix.
  const start = map.type === mapType.lpmTrie ? 4 : 0
  map.update(key.fill(0x5a, start, start + 3), value)
}

suite('what is broken behind the back of vpcd', () => {
  test('nothing is: the audit finds nothing, and has looked at everything', () => {
    const { checked, items } = report(host, 'mgmtAudit')
    assert.deepEqual(items, [])
    assert.deepEqual({ ...checked, entry: 0 }, { device: 6, interface: 2, program: 12, pin: checked.pin, entry: 0, journal: 14 })
    assert.ok(checked.entry >= 10 && checked.pin >= 9)
  })

  for (const [what, breakIt, finds] of cases) {
    test(`${what} is found and mended`, () => {
      breakIt()
      const found = told(report(host, 'mgmtAudit').items)
      for (const pattern of finds)
        assert.ok(
          found.some((line) => pattern.test(line)),
          `${String(pattern)} is not among\n${found.join('\n')}`,
        )
      const { items, failures, mended } = report(host, 'mgmtRepair')
      assert.deepEqual([told(items), failures], [[], []])
      assert.ok(mended.length >= finds.length)
      assert.deepEqual(report(host, 'mgmtAudit').items, [])
    })
  }

  test('an address that the host has lost is told; only the host can get it back', () => {
    const address = { ifindex: ifindexOf('under0'), address: Uint8Array.of(192, 0, 2, 1), prefixLength: 24 }
    host.netlink.deleteAddress(address)
    assert.deepEqual(told(report(host, 'mgmtAudit').items), ['interface vpcmux0 listen address missing'])
    const { items, failures } = report(host, 'mgmtRepair')
    assert.deepEqual(told(items), ['interface vpcmux0 listen address missing'])
    assert.match(failures.join(), /^cannot give the host address 192.0.2.1, on which vpcmux0 listens; give it back/)
    host.netlink.addAddress(address)
    assert.deepEqual(report(host, 'mgmtAudit').items, [])
  })

  test('after all of it a start finds nothing to repair, and every object as it was', async () => {
    const before = Object.values(all).map((opened) => ({ ...(opened.describe() as object), descriptors: 0 }))
    await host.kill()
    host.lines.length = 0
    host.start()
    assert.deepEqual(
      host.lines.filter(({ message }) => /repaired|making|removing/.test(message)),
      [],
    )
    const now = Object.values(all).map(({ handle }) => ({ ...(host.open(handle.type, handle.id).describe() as object), descriptors: 0 }))
    assert.deepEqual(now, before)
    assert.ok(existsSync(join(directory, 'maps/fdb')))
  })
})
