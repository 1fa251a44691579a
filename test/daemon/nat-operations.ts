/** The typed operations of a NAT, for typed.test.ts. */
import assert from 'node:assert/strict'
import { generateId } from '#abi/id.ts'
import type { Vpc } from '#client/vpc.ts'

const create = { create: true }

/** Use each of them; `code`: checks an error. */
export async function useNat(vpc: Vpc, code: (errno: string, message: RegExp) => (error: unknown) => boolean): Promise<void> {
  await using sw = await vpc.openSwitch(generateId('vpcsw'), create)
  await using subnet = await vpc.openSubnet(generateId('subnet'), create)
  await using router = await vpc.openRouter(generateId('vpcrtr'), create)
  await using ethlink = await vpc.openEthlink(generateId('ethlink'), create)
  await using nat = await vpc.openNat(generateId('vpcnat'), create)
  await subnet.setVni(42)
  await subnet.setPrefix4('10.1.0.0/24')
  await subnet.setSwitch(sw.id)
  await subnet.setRouter(router.id)
  assert.equal((await nat.describe()).obstacle, 'it serves no router')
  await nat.setRouter(router.id)
  await nat.setEthlink(ethlink.id)
  await nat.setPool(['203.0.113.16/28', '2001:db8:7::/64'])
  await nat.setPrefix4('203.0.113.0/24')
  await nat.setPrefix6('2001:db8:7::/64')
  await nat.setGateway4('203.0.113.1')
  await nat.setGateway6('fe80::1')
  const values = [nat.router(), nat.ethlink(), nat.via(), nat.prefix4(), nat.prefix6(), nat.gateway4(), nat.gateway6()]
  const wire = ['203.0.113.0/24', '2001:db8:7::/64', '203.0.113.1', 'fe80::1']
  assert.deepEqual(await Promise.all(values), [router.id, ethlink.id, null, ...wire])
  await nat.addFloats(['203.0.113.20 to 10.1.0.5', '203.0.113.21 to 10.1.0.6'])
  await nat.addFloats(['203.0.113.20 to 10.1.0.7'])
  assert.deepEqual(await nat.listFloats(), ['203.0.113.21 to 10.1.0.6', '203.0.113.20 to 10.1.0.7'])
  await assert.rejects(nat.deleteFloats(['203.0.113.30 to 10.1.0.5']), code('ENOENT', /no floating address 203.0.113.30/))
  await nat.deleteFloats(['203.0.113.20 to 10.1.0.7'])
  assert.deepEqual(await nat.floats(), ['203.0.113.21 to 10.1.0.6'])
  assert.equal((await nat.describe()).obstacle, `${(await ethlink.describe()).unit} has no interface`)
  await nat.setEthlink(null)
  await nat.setVia('192.0.2.7')
  assert.equal(await nat.via(), '192.0.2.7')
  assert.equal((await nat.describe()).obstacle, 'no mux of this host reaches 192.0.2.7')
  await nat.setShared(['203.0.113.22'])
  assert.deepEqual(await nat.shared(), ['203.0.113.22'])
  await nat.setKept(['10.1.0.7 203.0.113.22 1024-1087'])
  assert.deepEqual(await nat.kept(), ['10.1.0.7 203.0.113.22 1024-1087'])
  await nat.setKept([])
  assert.deepEqual([await nat.listBlocks(), await nat.listPorts()], [[], []])
  await nat.setShared([])
  await nat.setFloats([])
  assert.deepEqual([await nat.floats(), await nat.pool()], [[], ['203.0.113.16/28', '2001:db8:7::/64']])
}
