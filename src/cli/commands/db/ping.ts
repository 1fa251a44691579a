/** `vpc db ping`. */
import type { StoreStatus } from '#control/store/store.ts'
import { command } from '../../command.ts'
import { storeOption, withStore } from '../../with-store.ts'

/** A name with a slip in it, such as another prefix, looks like this. */
const empty = 'the store has no keys: is it the one that the API uses?'

export default command({
  path: 'db ping',
  summary: 'ask the store of the control plane how it is',
  description: `Reads the store, and for etcd asks each member. Shows the version, the size, the revision, the schema, and
    whatever a person should know. An API must not have the file of an SQLite store open: it says the same about itself.

    etcd below 3.5.18 is for tests only. Run 3.5.33 or newer, or 3.6.`,
  options: { store: storeOption },
  examples: [
    { line: 'vpc db ping', does: 'the store of this machine' },
    {
      line: `vpc db ping --store='etcd://a.example:2379,b.example:2379?ca=ca.pem&cert=api.pem&key=api.key'`,
      does: 'a cluster, with a certificate',
    },
  ],
  async run({ store: where }, { output }) {
    const status = await withStore(where, async (store) => {
      const { readSchema } = await import('#control/store/schema.ts')
      const began = performance.now()
      await store.get([])
      const readMs = Math.round((performance.now() - began) * 10) / 10
      const { warnings, ...status } = await store.status()
      const { entries } = await store.range('', { limit: 1, keysOnly: true })
      const all = entries.length === 0 ? [empty, ...warnings] : warnings
      return { ...status, warnings: all, ...(await readSchema(store)), readMs }
    })
    output.result(status, () => statusText(status))
  },
})

function statusText(status: StoreStatus & { readonly schema: number; readonly writes: number; readonly readMs: number }): string {
  const { kind, version, revision, compacted, bytes, schema, writes, readMs, warnings, members = [] } = status
  return [
    `${kind} ${version}, ${(bytes / 2 ** 20).toFixed(1)} MiB, a read takes ${readMs} ms`,
    `revision ${revision}, changes since ${compacted}`,
    `schema ${schema}${writes === schema ? '' : `, writes ${writes} until vpc db finalize`}`,
    ...members.map(({ endpoint, version, isLeader }) => `member ${endpoint}: ${version ?? 'away'}${isLeader === true ? ', leads' : ''}`),
    ...warnings.map((warning) => `warning: ${warning}`),
  ].join('\n')
}
