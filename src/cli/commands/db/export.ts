/** `vpc db export`. */
import { command } from '../../command.ts'
import { progressOn, storeOption, withReader } from '../../with-store.ts'

export default command({
  path: 'db export',
  summary: 'write the whole store of the control plane into a file',
  description: `Everything of one revision, without what lives only as long as a process, such as who is connected. The
    file has a line of JSON for each key, and ends with the SHA-256 of the lines before. It has secrets of all accounts:
    only its owner may read it. It appears under its name once it is whole.

    The store may be in use.`,
  options: { store: storeOption },
  positionals: [{ name: 'FILE', help: 'the file to write' }],
  examples: [{ line: 'vpc db export control.jsonl', does: 'keep a copy of the store of this machine' }],
  async run({ store: where }, { output, global }, [file]) {
    const progress = progressOn(process.stderr, global.json)
    const result = await withReader(where, async (store) => {
      const { exportStore } = await import('#control/store/transfer.ts')
      return exportStore(store, file!, progress.say)
    }).finally(progress.end)
    output.result(result, () => `${result.entries} keys of revision ${result.revision}, SHA-256 ${result.sha256}`)
  },
})
