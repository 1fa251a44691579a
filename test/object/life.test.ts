/** The life of objects, and the result table of vpc_open. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { operations } from '#abi/command.ts'
import { generateId, idBytes, idMac, type Id } from '#abi/id.ts'
import type { HostifInfo, PortInfo, SwitchInfo } from '#abi/info.ts'
import { objectHeader } from '#abi/layouts.ts'
import { objectType, unitTypes } from '#abi/object-type.ts'
import { formatMac } from '#wire/mac.ts'
import { json, none, u16, u32, vni } from './inputs.ts'
import { refused, ScratchHost } from './scratch-host.ts'

const root = { pid: process.pid, uid: 0, gid: 0 }
const type = (code: number, version = 1n): bigint => (version << 60n) | (BigInt(code) << 48n)

describe('vpc_open', () => {
  test('answers as the table of the ABI says', async () => {
    await using host = new ScratchHost()
    const open = (id: Id, handleType: bigint, flags: number, caller = root): unknown =>
      host.host.open(caller, idBytes(id), handleType, BigInt(flags))
    const { id } = host.create('vmnic')
    const sw = generateId('vpcsw')
    const multicast = '07f95a11-6788-2ae7-c306-bb95cff1db38' as Id
    const cases: readonly (readonly [code: string, message: RegExp, run: () => unknown])[] = [
      ['EEXIST', /vmnic .* exists already \(vmnic0\)/, () => open(id, type(6), 1 | 4 | 8)],
      ['EINVAL', /CREATE and OPEN are both/, () => open(id, type(6), 1 | 2)],
      ['ENOENT', /there is no switch/, () => open(sw, type(1), 2 | 4)],
      ['EINVAL', /unknown flag 0x10/, () => open(sw, type(1), 2 | 16)],
      ['EINVAL', /neither CREATE nor OPEN/, () => open(sw, type(1), 4 | 8)],
      ['EINVAL', /multicast bit.*use 07f95a11-6788-2ae7-c306-ba95cff1db38/, () => open(multicast, type(6), 2)],
      ['EINVAL', /is the id of a vmnic .* for a switch use /, () => open(id, type(1), 2)],
      ['EINVAL', /reserved bits/, () => open(id, type(6) | 1n, 2)],
      ['EOPNOTSUPP', /version byte 0x20/, () => open(id, type(6, 2n), 2)],
      ['EOPNOTSUPP', /version byte 0x0/, () => open(id, type(6, 0n), 2)],
      ['EOPNOTSUPP', /not an object type/, () => open(id, type(12), 2)],
      ['EOPNOTSUPP', /not an object type/, () => open(id, type(0), 2)],
      ['EOPNOTSUPP', /takes no descriptor/, () => open(id, type(9), 2)],
      ['EOPNOTSUPP', /takes no descriptor/, () => open(id, type(10), 2)],
      ['EPERM', /user 1000 .* run as root/, () => open(id, type(6), 2, { ...root, uid: 1000 })],
      ['ENOENT', /open it with CREATE/, () => open(generateId('mgmt'), type(7), 2 | 4)],
    ]
    for (const [code, message, run] of cases) {
      const found = refused(run)
      assert.equal(found.code, code, found.message)
      assert.match(found.message, message)
    }
    assert.equal(host.host.info().objects, 1)
  })

  test('makes one of each, a unit with the MAC of its id', async () => {
    await using host = new ScratchHost()
    for (const name of unitTypes) {
      const opened = host.create(name)
      const { unit, mac, committed, descriptors } = opened.describe()
      assert.deepEqual(
        { unit, mac, committed, descriptors },
        { unit: `${name}0`, mac: formatMac(idMac(opened.id)), committed: false, descriptors: 1 },
      )
      assert.deepEqual(Buffer.from(opened.do('metaIdGet')), Buffer.from(idBytes(opened.id)))
      assert.equal(new DataView(opened.do('metaTypeGet').buffer).getUint32(0, true), objectType[name])
    }
    for (const device of ['vmnic0', 'hostif0', 'vpcmux0']) {
      const link = host.netlink.linkByName(device)!
      assert.match(link.alias ?? '', /^vpc:/)
      assert.ok([...host.host.objects()].some(({ id }) => formatMac(idMac(id)) === formatMac(link.mac)))
    }
  })
})

describe('rights', () => {
  test('to change takes WRITE, to look READ or WRITE, and the command must say the same', async () => {
    await using host = new ScratchHost()
    const { id } = host.create('vpcsw')
    const reader = host.open('vpcsw', id, 2 | 4)
    const writer = host.open('vpcsw', id, 2 | 8)
    const blind = host.open('vpcsw', id, 2)
    assert.equal(reader.describe<SwitchInfo>().descriptors, 4)
    assert.match(refused(() => reader.do('vpcswVniSet', vni(1))).message, /needs a descriptor opened with WRITE/)
    assert.equal(refused(() => reader.do('metaDestroy')).code, 'EPERM')
    writer.do('vpcswVniSet', vni(1))
    assert.deepEqual(Buffer.from(writer.do('vpcswVniGet')), Buffer.from(vni(1)))
    assert.equal(refused(() => blind.do('vpcswVniGet')).code, 'EPERM')
    // Without the mutate bit; with the bits of direction left out, as old callers do.
    const { command } = operations.vpcswVniSet
    assert.equal(refused(() => writer.handle.ctl(command & ~0x20000000, vni(2))).code, 'EINVAL')
    writer.handle.ctl(command & ~0xc0000000, vni(2))
    assert.deepEqual(Buffer.from(reader.handle.ctl(operations.vpcswVniGet.command & 0x00ffffff, none)), Buffer.from(vni(2)))
  })

  test('operations of another type, unknown ones, and inputs of the wrong length', async () => {
    await using host = new ScratchHost()
    const sw = host.create('vpcsw')
    assert.match(refused(() => sw.do('vpcpVniGet')).message, /'VNI get' is an operation of a port; this descriptor is of a switch, vpcsw0/)
    assert.equal(refused(() => sw.handle.ctl(0x0001ffff, none)).code, 'EOPNOTSUPP')
    assert.equal(refused(() => sw.do('vpcswVniSet', u16(1))).code, 'EINVAL')
    assert.match(refused(() => sw.do('vpcswVniSet', vni(0x1000000))).message, /VNI 16777216 does not fit in 24 bits/)
    assert.match(refused(() => sw.do('vpcswPortAdd', new Uint8Array(15))).message, /takes 16 bytes of input, not 15/)
    assert.match(refused(() => sw.do('vpcswReset', new Uint8Array(1))).message, /takes no input/)
    assert.match(refused(() => sw.do('vpcswPortAdd', idBytes(sw.id))).message, /is the id of a switch .* for a port use/)
  })
})

describe('life', () => {
  test('the last close takes an object that is not committed', async () => {
    await using host = new ScratchHost()
    const first = host.create('hostif')
    const second = host.open('hostif', first.id)
    first.handle.close()
    first.handle.close()
    assert.ok(host.netlink.linkByName('hostif0'))
    second.handle.close()
    assert.equal(host.netlink.linkByName('hostif0'), undefined)
    assert.equal(host.netlink.linkByName('sw-hostif0'), undefined)
    assert.equal(refused(() => host.open('hostif', first.id)).code, 'ENOENT')
    assert.deepEqual(host.datapath.attachments(), [])
    assert.equal(refused(() => first.do('metaIdGet')).code, 'EBADF')
  })

  test('a commit outlives all descriptors, and destroy takes it back at once', async () => {
    await using host = new ScratchHost()
    const id = host.create('vmnic').keep()
    const one = host.open('vmnic', id)
    const other = host.open('vmnic', id)
    one.do('metaCommit')
    assert.equal(other.describe().committed, true)
    one.do('metaDestroy')
    assert.equal(host.netlink.linkByName('vmnic0'), undefined)
    assert.deepEqual(host.journal.objects(), [])
    // Remaining handles are dead, and the id can be used again.
    assert.match(refused(() => other.do('vmnicQueuesGet')).message, /vmnic0 was destroyed; close this descriptor/)
    assert.equal(refused(() => other.do('metaDestroy')).code, 'ESTALE')
    assert.deepEqual(Buffer.from(other.do('metaIdGet')), Buffer.from(idBytes(id)))
    const anew = host.create('vmnic', id)
    one.handle.close()
    other.handle.close()
    assert.equal(anew.describe().unit, 'vmnic0')
  })

  test('unit numbers are the lowest free ones', async () => {
    await using host = new ScratchHost()
    const all = [0, 1, 2].map(() => host.create('vmnic'))
    all[1]!.handle.close()
    assert.equal(host.create('vmnic').describe().unit, 'vmnic1')
    assert.equal(host.create('vmnic').describe().unit, 'vmnic3')
  })

  test('a port that a switch made lives as long as it is in the switch', async () => {
    await using host = new ScratchHost()
    const sw = host.create('vpcsw')
    sw.do('vpcswVniSet', vni(5001))
    const id = generateId('vpcp')
    sw.do('vpcswPortAdd', idBytes(id))
    const hostif = host.create('hostif')
    const port = host.open('vpcp', id)
    port.do('vpcpConnect', idBytes(hostif.id))
    port.handle.close()
    assert.equal(hostif.describe<HostifInfo>().port, id)
    sw.do('vpcswPortDelete', idBytes(id))
    assert.equal(hostif.describe<HostifInfo>().port, null)
    assert.equal(refused(() => host.open('vpcp', id)).code, 'ENOENT')
    assert.deepEqual(host.datapath.tables.ports.entries(), [])
  })

  test('a switch that is destroyed lets go of its ports', async () => {
    await using host = new ScratchHost()
    const sw = host.create('vpcsw')
    sw.do('vpcswVniSet', vni(5001))
    const [made, own] = [generateId('vpcp'), generateId('vpcp')]
    const kept = host.create('vpcp', own)
    for (const id of [made, own]) sw.do('vpcswPortAdd', idBytes(id))
    const [one, two] = [host.create('hostif'), host.create('hostif')]
    const first = host.open('vpcp', made)
    first.do('vpcpConnect', idBytes(one.id))
    first.handle.close()
    kept.do('vpcpConnect', idBytes(two.id))
    sw.do('metaDestroy')
    assert.equal(refused(() => host.open('vpcp', made)).code, 'ENOENT')
    assert.equal(one.describe<HostifInfo>().port, null)
    const { switch: member, peer, vni: number } = kept.describe<PortInfo>()
    assert.deepEqual({ member, peer, number }, { member: null, peer: two.id, number: 0 })
    const { tables } = host.datapath
    assert.deepEqual([...tables.ports.entries(), ...tables.fdb.entries(), ...tables.segments.entries(), ...tables.flood.entries()], [])
  })
})

describe('a management handle', () => {
  test('counts, lists and describes; takes varints and bits that old callers give', async () => {
    await using host = new ScratchHost()
    const [first, second] = [host.create('vmnic'), host.create('vmnic')]
    host.create('vpcsw')
    const mgmt = host.mgmt()
    const count = (input: Uint8Array): number => new DataView(mgmt.do('mgmtCount', input).buffer).getUint32(0, true)
    assert.deepEqual([count(u16(6)), count(u16(1)), count(u16(10)), count(u16(3)), count(Uint8Array.of(6))], [2, 1, 3, 0, 2])
    assert.equal(refused(() => count(u16(12))).code, 'EINVAL')
    assert.equal(refused(() => count(u32(6))).code, 'EINVAL')
    const headers = mgmt.do('mgmtHeaders', u16(6))
    assert.equal(headers.length, 48)
    assert.deepEqual(objectHeader.decode(headers.subarray(24)), { type: 6, unit: 1, id: idBytes(second.id) })
    const described = json(mgmt.do('mgmtDescribeAll', u16(6))) as { id: string }[]
    assert.deepEqual(
      described.map(({ id }) => id),
      [first.id, second.id],
    )
    assert.equal(refused(() => mgmt.do('metaDestroy')).code, 'EPERM')
    assert.equal(refused(() => host.open('mgmt', generateId('mgmt'), 1 | 8).do('metaDestroy')).code, 'EOPNOTSUPP')
    assert.equal(new DataView(mgmt.do('metaTypeGet').buffer).getUint32(0, true), 7)
  })
})
