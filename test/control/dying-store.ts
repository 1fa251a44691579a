/** A store that dies with its process at a commit. */
import { StoreError } from '#control/store/store-error.ts'
import type { Store } from '#control/store/store.ts'

/** A store whose commit number `n` is the last: done or not, its answer is never seen. */
export function dyingAt(n: number, isDone: boolean): (store: Store) => Store {
  let count = 0
  return (store) =>
    new Proxy(store, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown
        if (name !== 'commit') return typeof value === 'function' ? value.bind(target) : value
        return async (commit: Parameters<Store['commit']>[0]) => {
          count++
          if (count < n) return target.commit(commit)
          if (count === n && isDone) await target.commit(commit)
          throw new StoreError('away', 'the process has died')
        }
      },
    })
}
