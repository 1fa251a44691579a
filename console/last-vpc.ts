/** The vpc that somebody looked at last: pages that are about one vpc begin with it. A reload forgets it. */
import type { Route } from './route.ts'

let last: string | undefined

/** The id of the vpc; undefined: none was looked at. */
export const lastVpc = (): string | undefined => last

/** Note the vpc that a page is about. */
export function noteVpc({ path: [first, second], query }: Route): void {
  const id = first === 'vpcs' && second !== 'new' ? second : query.get('vpc')
  if (id) last = id
}
