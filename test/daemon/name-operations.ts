/** Names of objects, and neighbours of switches, by the typed client. */
import assert from 'node:assert/strict'
import { generateId } from '#abi/id.ts'
import { VpcError } from '#client/error.ts'
import type { Switch } from '#client/switch.ts'
import type { Vmnic } from '#client/vmnic.ts'
import type { TestHost } from './test-host.ts'

const refused = (code: string) => (error: unknown) => error instanceof VpcError && error.code === code

/** Name a vmnic, find it, and take the name away again. */
export async function useNames(host: TestHost, vmnic: Vmnic): Promise<void> {
  await vmnic.setName('front')
  assert.equal(await vmnic.name(), 'front')
  await assert.rejects(vmnic.setName('vmnic7'), refused('EINVAL'))
  await using rival = await host.vpc.openVmnic(generateId('vmnic'), { create: true })
  await assert.rejects(rival.setName('front'), refused('EEXIST'))
  await using mgmt = await host.vpc.mgmt()
  const found = await mgmt.find('front', ['vmnic'])
  assert.deepEqual(
    found.map(({ id }) => id),
    [vmnic.id],
  )
  await vmnic.setName(null)
  assert.equal(await vmnic.name(), null)
}

/** Set two neighbours of a switch; deleting one that is not there deletes none. Gives them. */
export async function useNeighbours(
  sw: Switch,
): Promise<readonly { readonly vni: number; readonly address: string; readonly mac: string }[]> {
  const neighbours = [
    { vni: 5, address: '10.0.0.1', mac: '02:00:00:00:00:01' },
    { vni: 5, address: '2001:db8::1', mac: '02:00:00:00:00:01' },
  ]
  await sw.setNeighbours(neighbours)
  await sw.setNeighbours([])
  assert.deepEqual(
    (await sw.neighbours()).toSorted((x, y) => x.address.length - y.address.length),
    neighbours,
  )
  await assert.rejects(sw.deleteNeighbours([...neighbours, { vni: 6, address: '10.0.0.1' }]), refused('ENOENT'))
  assert.equal((await sw.neighbours()).length, 2)
  return neighbours
}
