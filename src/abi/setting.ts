/** What the declaration of a setting says, and how one is declared. */
import type { Kind } from './kind.ts'

/** Name and number of an operation. */
export type Op = readonly [name: string, op: number]

export interface Setting<T, J> {
  readonly kind: Kind<T, J>
  /** What a new object has. */
  readonly initial: T
  /** A phrase for help texts. */
  readonly help: string
  /** Its key in documents and on the command line, if that is not the name in kebab-case. */
  readonly key?: string | undefined
  /** Its operations, if it has two of its own. */
  readonly get?: Op
  readonly set?: Op
  /** Its option of `vpc … set`, if that is not its key; for a list, the help of `--no-…`. */
  readonly option?: { readonly name?: string; readonly short?: string; readonly none?: string } | undefined
  /**
   * The first version of the journal with this setting; default 1. A new setting needs a new version
   * (src/object/store/versions.ts).
   */
  readonly since?: number | undefined
}

export type WithOps<T, J> = Setting<T, J> & { readonly get: Op; readonly set: Op }

/** What most settings do without. */
type More = Pick<Setting<any, any>, 'key' | 'option' | 'since'>

/** Declare a setting with two operations of its own. */
export const own = <T, J>(kind: Kind<T, J>, initial: T, get: Op, set: Op, help: string, more: More = {}): WithOps<T, J> => ({
  kind,
  initial,
  help,
  get,
  set,
  ...more,
})

/** Declare a setting that operations of another form set. */
export const shared = <T, J>(kind: Kind<T, J>, initial: T, help: string, more: More = {}): Setting<T, J> => ({
  kind,
  initial,
  help,
  ...more,
})
