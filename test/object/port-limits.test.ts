/** Limits of ports, from the setting to the tables that the programs ask. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateId, idBytes } from '#abi/id.ts'
import { dstFlag, portFlag } from '#datapath/layout.ts'
import { u32, u64, vni } from './inputs.ts'
import { refused, ScratchHost } from './scratch-host.ts'

const VNI = 5001

test('limits of a port are in the tables, and no port without limits is asked', async () => {
  await using host = new ScratchHost()
  const sw = host.create('vpcsw')
  sw.do('vpcswVniSet', vni(VNI))
  const id = generateId('vpcp')
  sw.do('vpcswPortAdd', idBytes(id))
  const port = host.open('vpcp', id)
  const hostif = host.create('hostif')
  port.do('vpcpConnect', idBytes(hostif.id))
  const { tables } = host.datapath
  const { stats } = tables.ports.entries()[0]![1]
  const flags = (): [boolean, boolean] => [
    (tables.ports.entries()[0]![1].flags & portFlag.limited) > 0,
    (tables.fdb.entries()[0]![1].flags & dstFlag.limited) > 0,
  ]
  const limits = () => tables.portLimits.get({ stats })
  assert.deepEqual([flags(), limits()], [[false, false], undefined])
  port.do('vpcpQuestionRateSet', u32(5))
  assert.deepEqual([flags(), limits()?.neighbourQuestions, limits()?.dhcpQuestions], [[false, false], 5, 100])
  port.do('vpcpRateOutSet', u64(12_500_000_000n))
  assert.deepEqual([flags(), limits()?.bytesOut], [[true, false], 12_500_000_000n])
  port.do('vpcpPacketRateInSet', u32(1000))
  assert.deepEqual([flags(), limits()?.packetsIn], [[true, true], 1000])
  assert.deepEqual(tables.flood.get({ segment: VNI, page: 0 })!.dst[0]!.flags & dstFlag.limited, dstFlag.limited)
  assert.match(refused(() => port.do('vpcpRateInSet', u64(100_000_000_001n))).message, /at most 100000000000/)
  assert.equal(refused(() => port.do('vpcpRateInSet', u32(1))).code, 'EINVAL')
  for (const op of ['vpcpRateOutSet', 'vpcpPacketRateInSet'] as const) port.do(op, op === 'vpcpRateOutSet' ? u64(0n) : u32(0))
  port.do('vpcpQuestionRateSet', u32(100))
  assert.deepEqual([flags(), limits()], [[false, false], undefined])
})
