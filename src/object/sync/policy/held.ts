/** What vpcd has written into the tables of security groups, so that it finds differences without reading them. */
import type { PolicyTables } from '#datapath/policy-tables.ts'
import { fixedTables, policyFields, type Entries, type FixedTable, type PolicyTable } from './wanted.ts'

const bytesOf = (texts: readonly string[]): Uint8Array => Buffer.from(texts.join(''), 'latin1')

/** Entries of all tables. */
export type Contents = Record<PolicyTable, Entries>

export const noContents = (): Contents => ({
  ruleNumbers: new Map(),
  portRules: new Map(),
  portCuts: new Map(),
  peerRules: new Map(),
  members: new Map(),
  cidrs: new Map(),
  portPolicies: new Map(),
})

export class HeldPolicies {
  readonly contents: Contents
  readonly #tables: PolicyTables

  constructor(tables: PolicyTables, contents: Contents) {
    this.#tables = tables
    this.contents = contents
  }

  /** Write missing and different entries. Throws TableFull, with nothing of this table done. */
  write(name: PolicyTable, wanted: Iterable<readonly [key: string, value: string]>): string[] {
    const held = this.contents[name]
    const missing = [...wanted].filter(([key, value]) => held.get(key) !== value)
    if (missing.length === 0) return []
    const keys = missing.map(([key]) => key)
    if (name === 'cidrs') this.#writeNetworks(missing)
    else this.#tables[name].setManyEncoded(bytesOf(keys), bytesOf(missing.map(([, value]) => value)))
    for (const [key, value] of missing) held.set(key, value)
    return keys
  }

  /**
   * A lookup in a trie by a longer key finds the value of a shorter one, so a batch of old values cannot be restored at
   * once.
   */
  #writeNetworks(entries: readonly (readonly [key: string, value: string])[]): void {
    const { keyField, valueField } = policyFields.cidrs
    const { contents } = this
    for (const [key, value] of entries) {
      const view = (text: string): DataView => {
        const bytes = Buffer.from(text, 'latin1')
        return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      }
      this.#tables.cidrs.set(keyField.read(view(key), 0), valueField.read(view(value), 0))
      contents.cidrs.set(key, value)
    }
  }

  remove(name: PolicyTable, keys: readonly string[]): void {
    if (keys.length === 0) return
    this.#tables[name].deleteManyEncoded(bytesOf(keys))
    for (const key of keys) this.contents[name].delete(key)
  }

  /** Remove entries that are no longer wanted. */
  keepOnly(wanted: Readonly<Record<FixedTable, Entries>>): void {
    for (const name of fixedTables.toReversed())
      this.remove(
        name,
        [...this.contents[name].keys()].filter((key) => !wanted[name].has(key)),
      )
  }
}
