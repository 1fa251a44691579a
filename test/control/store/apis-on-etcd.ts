/** Two APIs on one cluster of etcd make interfaces while its leader is killed. */
import assert from 'node:assert/strict'
import { Model } from '#control/model/model.ts'
import { parseBody } from '#control/model/schema.ts'
import { callerOf } from '#control/model/token.ts'
import { uuidV7 } from '#control/model/uuid.ts'
import { openEtcdStore } from '#control/store/etcd/etcd-store.ts'
import { kindOf } from '#resource/kinds.ts'
import { checkInvariants } from '../invariants.ts'
import { TestApi } from '../test-api.ts'
import type { EtcdCluster } from './etcd-cluster.ts'
import { until } from './harm.ts'

const half = 60

/** No request fails, no address is given twice, and both APIs know everything. */
export async function makeUnderHarm(cluster: EtcdCluster): Promise<void> {
  const location = cluster.location('/vpc1/apis/')
  await using api = await TestApi.start({ store: openEtcdStore(location) })
  await api.ok('POST', '/orgs', { name: 'acme' })
  await api.ok('POST', '/accounts', { name: 'shop', org: 'acme' })
  await api.ok('POST', '/vpcs', { name: 'red', account: 'shop' })
  await api.ok('POST', '/subnets', { name: 'web', vpc: 'red', network4: '10.0.0.0/24', network6: 'auto' })
  await using otherStore = openEtcdStore(location)
  const other = await Model.start(otherStore)
  try {
    const kind = kindOf('vnic')
    const caller = callerOf(api.model.mirror.objects, api.admin, 'test', Date.now())!
    const create = async (model: Model): Promise<string> => {
      const { stored } = await model.write({
        kind,
        id: uuidV7(),
        body: () => parseBody(kind, { account: 'shop', subnet: 'web' }),
        ask: { caller, request: uuidV7(), method: 'POST', now: Date.now(), isDryRun: false },
        show: () => undefined,
        isVisible: () => true,
      })
      return (stored.record.spec['addresses'] as string[])[0]!
    }
    const made: Promise<string>[] = []
    const some = (): void => void made.push(...Array.from({ length: half }, (_, n) => create(n % 2 === 0 ? api.model : other)))
    const leader = await cluster.leader()
    some()
    const heal = await cluster.harm(leader, 'killed')
    some()
    const addresses = await Promise.all(made)
    assert.equal(new Set(addresses).size, 2 * half)
    await heal()
    await Promise.all([api.model.mirror.fresh(), other.mirror.fresh()])
    for (const model of [api.model, other]) assert.equal(Array.from(model.mirror.objects.ids('vnic')).length, 2 * half)
    await checkInvariants(api.store)
    await until('the member is back', () => cluster.isWell(leader))
  } finally {
    other.stop()
  }
}
