/** `vpc db migrate`. */
import { command } from '../../command.ts'
import { storeOption, withNewStore } from '../../with-store.ts'

export default command({
  path: 'db migrate',
  summary: 'bring the store of the control plane to the schema of this version',
  description: `Run it with the new version before its APIs start. Until vpc db finalize, the new version goes on writing
    what the version before can read. Running it again does no harm.`,
  options: { store: storeOption },
  examples: [{ line: 'vpc db migrate', does: 'the store of this machine' }],
  async run({ store: where }, { output }) {
    const result = await withNewStore(where, async (store) => {
      const { migrate } = await import('#control/store/schema.ts')
      return migrate(store)
    })
    output.result(result, () => (result.from === result.to ? `schema ${result.to}` : `from schema ${result.from} to ${result.to}`))
  },
})
