/** Names of objects, by the typed client. */
import assert from 'node:assert/strict'
import { generateId } from '#abi/id.ts'
import { VpcError } from '#client/error.ts'
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
