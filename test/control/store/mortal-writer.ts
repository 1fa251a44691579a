/**
 * A process that uses an SQLite store and ends itself with SIGKILL before step N: mortal-writer.ts FILE N. It writes a
 * line to standard output for each thing that it was told is done.
 */
import { writeSync } from 'node:fs'
import { openSqliteStore } from '#control/store/sqlite/sqlite-store.ts'
import { observeSteps } from '#control/store/step.ts'
import { absent, del, exists, put } from '#control/store/store.ts'

const [path, at] = [process.argv[2]!, Number(process.argv[3])]
let step = 0
observeSteps(() => {
  if (step++ === at) process.kill(process.pid, 'SIGKILL')
})
const done = (what: string): void => void writeSync(1, `${what}\n`)

const store = openSqliteStore(path)
done('open')
// Two commits of one group, each of two keys.
await Promise.all(
  ['a', 'b'].map(async (name) => {
    await store.commit({ if: [absent(`${name}/1`)], write: [put(`${name}/1`, name), put(`${name}/2`, name)] })
    done(`put ${name}`)
  }),
)
const lease = await store.lease(5000)
await store.commit({ if: [], write: [put('here', '', lease.id)] })
done('here')
await store.commit({ if: [exists('a/1')], write: [del('a/1'), del('a/2')] })
done('delete a')
await lease.release()
done('release')
await store.compact((await store.status()).revision)
done('compact')
await store[Symbol.asyncDispose]()
done(`steps ${step}`)
