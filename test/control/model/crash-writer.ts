/** A process that makes and destroys vnics until it is killed, and tells of each answer. */
import { TestApi } from '../test-api.ts'

const api = await TestApi.start({ directory: process.argv[2]! })
await api.ok('POST', '/orgs', { name: 'acme' })
await api.ok('POST', '/accounts', { name: 'shop', org: 'acme' })
await api.ok('POST', '/vpcs', { name: 'red', account: 'shop' })
await api.ok('POST', '/subnets', { name: 'web', vpc: 'red', network4: '10.0.0.0/16' })

async function writer(n: number): Promise<never> {
  for (let i = 0; ; i++) {
    const { id } = await api.ok('POST', '/vnics', { account: 'shop', subnet: 'web', name: `v${n}-${i}` })
    const isKept = i % 3 !== 0
    if (!isKept) await api.ok('DELETE', `/vnics/${id}`)
    process.send!([id, isKept])
  }
}

await Promise.all([0, 1, 2, 3].map(writer))
