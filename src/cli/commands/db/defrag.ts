/** `vpc db defrag`. */
import { command } from '../../command.ts'
import { storeOption, withStore } from '../../with-store.ts'

export default command({
  path: 'db defrag',
  summary: 'give back the room of the store that is not used',
  description: `Forgets all old changes and makes the store smaller. For etcd it does so member by member, and then ends the alarm that
    there is no room (NOSPACE), so that writes are taken again; it needs the certificate of a user with the role root. While it runs a
    member answers nothing. For SQLite, stop the API first: it has the file.

    Watches that were behind begin anew. Run it when /health/store of the API says nearly-full or full.`,
  options: { store: storeOption },
  examples: [
    { line: 'vpc db defrag', does: 'the store of this machine' },
    {
      line: `vpc db defrag --store='etcd://a.example:2379,b.example:2379?ca=ca.pem&cert=root.pem&key=root.key'`,
      does: 'a cluster, as root',
    },
  ],
  async run({ store: where }, { output }) {
    const result = await withStore(where, async (store) => {
      const before = await store.room()
      await store.makeRoom()
      return { before, after: await store.room() }
    })
    const size = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`
    output.result(result, () => `${size(result.before.used)} before, ${size(result.after.used)} now, of ${size(result.after.most)}`)
  },
})
