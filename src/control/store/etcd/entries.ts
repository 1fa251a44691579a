/** Keys and entries between the store's form and etcd's: etcd has bytes, and all our keys are below one prefix. */
import type { LeaseId } from '../lease.ts'
import { prefixEnd, type Condition, type Entry, type KeyRange, type Write } from '../store.ts'
import { compareResult, compareTarget, type Decoded, type Encoded } from './messages.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export class KeySpace {
  readonly prefix: string

  constructor(prefix: string) {
    this.prefix = prefix
  }

  bytes(key: string): Buffer {
    return Buffer.from(this.prefix + key, 'latin1')
  }

  /** The key of the store; with the drivers' own keys, which begin with '~'. */
  key(bytes: Uint8Array): string {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1').slice(this.prefix.length)
  }

  range({ from, to }: KeyRange): { readonly key: Buffer; readonly range_end: Buffer } {
    // A range that ends before it begins is empty; etcd would take an empty end for one key.
    return { key: this.bytes(from), range_end: this.bytes(to < from ? from : to) }
  }

  /** Everything below the prefix, with the drivers' own keys. */
  get everything(): { readonly key: Buffer; readonly range_end: Buffer } {
    return { key: this.bytes(''), range_end: Buffer.from(prefixEnd(this.prefix), 'latin1') }
  }

  entry(kv: Decoded<'KeyValue'>): Entry {
    const lease = kv.lease.toString()
    return {
      key: this.key(kv.key),
      // Without a value there are no bytes, but an empty list.
      value: kv.value.length === 0 ? '' : decoder.decode(kv.value),
      created: kv.create_revision.toNumber(),
      modified: kv.mod_revision.toNumber(),
      ...(lease !== '0' && { lease: lease as LeaseId }),
    }
  }

  compare(condition: Condition): Encoded<'Compare'> {
    switch (condition.kind) {
      case 'absent':
        return { key: this.bytes(condition.key), target: compareTarget.create, result: compareResult.equal, create_revision: 0 }
      case 'exists':
        return { key: this.bytes(condition.key), target: compareTarget.create, result: compareResult.greater, create_revision: 0 }
      case 'at':
        return {
          key: this.bytes(condition.key),
          target: compareTarget.mod,
          result: compareResult.equal,
          mod_revision: condition.revision || -1,
        }
      case 'empty':
        return { ...this.prefixRange(condition.prefix), target: compareTarget.create, result: compareResult.equal, create_revision: 0 }
    }
  }

  prefixRange(prefix: string): { readonly key: Buffer; readonly range_end: Buffer } {
    return this.range({ from: prefix, to: prefixEnd(prefix) })
  }

  write(write: Write): Encoded<'RequestOp'> {
    const key = this.bytes(write.key)
    if (write.kind === 'del') return { request_delete_range: { key } }
    return { request_put: { key, value: Buffer.from(write.value), ...(write.lease !== undefined && { lease: write.lease }) } }
  }
}
