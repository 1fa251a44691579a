/** `vpc db finalize`. */
import { command } from '../../command.ts'
import { storeOption, withStore } from '../../with-store.ts'

export default command({
  path: 'db finalize',
  summary: 'write the new schema from now on, which the version before cannot read',
  description: `Run it when all APIs run the new version and you will not go back. Refuses a store that was not migrated.`,
  options: { store: storeOption },
  examples: [{ line: 'vpc db finalize', does: 'the store of this machine' }],
  async run({ store: where }, { output }) {
    const schema = await withStore(where, async (store) => {
      const { finalize } = await import('#control/store/schema.ts')
      return finalize(store)
    })
    output.result(schema, () => `schema ${schema.schema}, final`)
  },
})
