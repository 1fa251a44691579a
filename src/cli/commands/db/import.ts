/** `vpc db import`. */
import { command } from '../../command.ts'
import { progressOn, storeOption, withFailures, withNewStore } from '../../with-store.ts'

export default command({
  path: 'db import',
  summary: 'fill an empty store of the control plane from a file',
  description: `Reads a file of vpc db export, checks that it is whole, and puts all its keys into the store. Refuses a
    store that has keys. If it is broken off, the store says so to whoever opens it; empty it and import again.

    Revisions of objects change. Agents, and whoever watches, notice and list everything again.`,
  options: { store: storeOption },
  positionals: [{ name: 'FILE', help: 'a file that vpc db export wrote' }],
  examples: [
    {
      line: `vpc db import control.jsonl --store='etcd://a.example:2379?ca=ca.pem&cert=api.pem&key=api.key'`,
      does: 'move from SQLite to etcd',
    },
  ],
  async run({ store: where }, { output, global }, [file]) {
    const { checkFile, importStore } = await import('#control/store/transfer.ts')
    // Before a store is made: a file that is wrong leaves none.
    const checked = await withFailures(() => checkFile(file!))
    const progress = progressOn(process.stderr, global.json)
    const result = await withNewStore(where, (store) => importStore(store, file!, progress.say, checked)).finally(progress.end)
    output.result(result, () => `${result.entries} keys, of revision ${result.revision} where they come from`)
  },
})
