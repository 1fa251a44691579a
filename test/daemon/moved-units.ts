/** Units that a container's manager has moved, by the typed client. */
import assert from 'node:assert/strict'
import { generateId } from '#abi/id.ts'
import { VpcError } from '#client/error.ts'
import type { TestHost } from './test-host.ts'

/** A hostif that is destroyed and made again: its unit is back in the container, once. */
export async function useMovedUnits(host: TestHost): Promise<void> {
  const id = generateId('hostif')
  await using mgmt = await host.vpc.mgmt({ write: true })
  const make = async (): Promise<string> => {
    await using hostif = await host.vpc.openHostif(id, { create: true })
    await hostif.commit()
    return (await hostif.describe()).unit
  }
  const destroy = async (): Promise<void> => {
    await using hostif = await host.vpc.openHostif(id, { write: true })
    await hostif.destroy()
  }
  const unit = await make()
  const inside = host.guest('moved', unit, '10.9.0.1/24')
  await mgmt.keepMovedUnits()
  await destroy()
  assert.equal(await make(), unit)
  assert.ok(!host.devices().includes(unit))
  assert.match(inside('ip', '-o', 'address', 'show', 'dev', unit), /10\.9\.0\.1\/24/)
  await destroy()
  assert.equal(await make(), unit)
  assert.ok(host.devices().includes(unit))
  await destroy()
  await using reader = await host.vpc.mgmt()
  await assert.rejects(reader.keepMovedUnits(), (error) => error instanceof VpcError && error.code === 'EPERM')
}
