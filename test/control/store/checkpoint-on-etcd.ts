/** APIs on one etcd that keep checkpoints: each starts from its own, and none that does not fit is used. */
import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Checkpoints } from '#control/model/checkpoints.ts'
import { Model } from '#control/model/model.ts'
import { sweepMarks } from '#control/model/sweep.ts'
import { openEtcdStore } from '#control/store/etcd/etcd-store.ts'
import type { Store } from '#control/store/store.ts'
import { Cloud, startsAlike as starts } from '../model/checkpoint-cloud.ts'
import { scratch, TestApi } from '../test-api.ts'
import type { EtcdCluster } from './etcd-cluster.ts'

const file = 'mirror.checkpoint'
const startsAlike = (api: TestApi, checkpoints: Checkpoints): Promise<boolean> => starts(api, checkpoints, { isShared: true })

/** A start reads the file and what changed since; torn or foreign, it reads all; two APIs leave each other alone. */
export async function startFromCheckpoints(cluster: EtcdCluster): Promise<void> {
  const location = cluster.location('/vpc1/checkpoints/')
  const elsewhere = scratch()
  await using api = await TestApi.start({ store: openEtcdStore(location) })
  await using otherStore = openEtcdStore(location)
  const other = await Model.start(otherStore)
  const of = (directory: string, told: string[] = [], store: Store = api.store): Checkpoints =>
    new Checkpoints({ directory, location, store, info: (message) => void told.push(message) })
  try {
    const cloud = new Cloud(api, 29)
    await cloud.make()
    for (let i = 0; i < 30; i++) await cloud.change()
    const [own, others] = [of(api.directory), of(elsewhere, [], otherStore)]
    for (const checkpoints of [own, others]) await checkpoints.write()
    for (const directory of [api.directory, elsewhere]) assert.equal(await startsAlike(api, of(directory)), true, 'nothing changed')
    // The mark of one is no change for the other.
    await Promise.all([api.model.mirror.fresh(), other.mirror.fresh()])
    assert.deepEqual([own.isBehind(api.model.mirror), others.isBehind(other.mirror)], [false, false])
    for (let i = 0; i < 20; i++) await cloud.change()
    await other.mirror.fresh()
    assert.deepEqual([own.isBehind(api.model.mirror), others.isBehind(other.mirror)], [true, true])
    for (const directory of [api.directory, elsewhere]) assert.equal(await startsAlike(api, of(directory)), true, 'something changed')
    await refuseTorn(api, of)
    await refuseForeign(cluster, join(elsewhere, file))
    // The second API is gone for good, and etcd has forgotten what changed since.
    await api.store.compact((await api.store.get([])).revision)
    await own.write()
    assert.equal(await sweepMarks(api.store), 1)
    assert.deepEqual([await startsAlike(api, of(api.directory)), await startsAlike(api, of(elsewhere))], [true, false])
  } finally {
    other.stop()
    rmSync(elsewhere, { recursive: true })
  }
}

async function refuseTorn(api: TestApi, of: (directory: string, told: string[]) => Checkpoints): Promise<void> {
  const path = join(api.directory, file)
  const whole = readFileSync(path)
  const told: string[] = []
  writeFileSync(path, whole.subarray(0, whole.length >> 1))
  assert.equal(await startsAlike(api, of(api.directory, told)), false)
  assert.match(told.join(), /is not used, and all of the store is read: it is not whole$/)
  writeFileSync(path, whole)
}

/** The file of another store, with keys beside those of the first one. */
async function refuseForeign(cluster: EtcdCluster, path: string): Promise<void> {
  const location = cluster.location('/vpc1/checkpoints-foreign/')
  await using api = await TestApi.start({ store: openEtcdStore(location) })
  copyFileSync(path, join(api.directory, file))
  const told: string[] = []
  const info = (message: string): void => void told.push(message)
  assert.equal(await startsAlike(api, new Checkpoints({ directory: api.directory, location, store: api.store, info })), false)
  assert.match(told.join(), /the store does not know it: it is too old, or of another store$/)
}
