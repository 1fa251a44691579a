/** `vpc db import`. */
import { closeSync, openSync } from 'node:fs'
import { command } from '../../command.ts'
import { progressOn, storeOption, withNewStore } from '../../with-store.ts'

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
    // Before a store is made.
    closeSync(openSync(file!, 'r'))
    const progress = progressOn(process.stderr, global.json)
    const result = await withNewStore(where, async (store) => {
      const { importStore } = await import('#control/store/transfer.ts')
      return importStore(store, file!, progress.say)
    }).finally(progress.end)
    output.result(result, () => `${result.entries} keys, of revision ${result.revision} where they come from`)
  },
})
