/** Quotas of a switch on tables that all switches share. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SwitchInfo } from '#abi/info.ts'
import { macFrom } from '#wire/mac.ts'
import { addresses, entry, neighbour, u32 } from './inputs.ts'
import { refused, ScratchHost } from './scratch-host.ts'
import { world } from './world.ts'

const VNI = 5001

describe('a quota of a switch', () => {
  test('bounds what its VNIs, its neighbours and its ports take of tables that all share', async () => {
    await using host = new ScratchHost()
    const { sw, port, other, mux } = world(host)
    for (const name of ['vpcswMaxEntriesSet', 'vpcswMaxNeighboursSet', 'vpcswMaxAddressesSet'] as const) sw.do(name, u32(3))
    const mac = (last: number): string => `02:00:00:00:01:0${last}`
    mux.do('vpcmuxFteSet', entry(5001, mac(1), '192.0.2.2'))
    const full = refused(() => mux.do('vpcmuxFteSet', entry(5001, mac(2), '192.0.2.2')))
    assert.equal(full.code, 'EDQUOT')
    assert.equal(
      full.message,
      `cannot set forwarding entries of vpcmux0: switch vpcsw0 (${sw.id}) has a quota of 3 forwarding entries in its VNIs, and would have 4; ` +
        'delete some, or raise it by vpc switch set --max-entries',
    )
    // Another switch's VNIs do not count, nor does an entry that replaces another.
    mux.do('vpcmuxFteSet', entry(7001, mac(2), '192.0.2.2'))
    mux.do('vpcmuxFteSet', entry(5001, mac(1), '192.0.2.3'))
    assert.equal(host.datapath.tables.fdb.get({ segment: VNI, mac: macFrom(mac(2)) }), undefined)
    const three = Buffer.concat([1, 2, 3].map((last) => neighbour(5001, `10.0.1.${last}`)))
    assert.match(refused(() => sw.do('vpcswNeighbourSet', three)).message, /quota of 3 neighbours, and would have 4/)
    sw.do('vpcswNeighbourSet', three.subarray(0, 56))
    // The port has two.
    assert.match(
      refused(() => other.do('vpcpAddressesSet', addresses('10.0.0.5', '10.0.0.6'))).message,
      /quota of 3 addresses of its ports/,
    )
    other.do('vpcpAddressesSet', addresses('10.0.0.5'))
    // A lower quota removes nothing, and shrinking stays possible.
    sw.do('vpcswMaxAddressesSet', u32(1))
    port.do('vpcpAddressesSet', addresses('10.0.0.1'))
    assert.equal(sw.describe<SwitchInfo>().maxAddresses, 1)
    sw.do('vpcswMaxEntriesSet', u32(0))
    mux.do('vpcmuxFteSet', entry(5001, mac(2), '192.0.2.2'))
  })
})
