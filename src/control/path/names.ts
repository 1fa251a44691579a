/** Things by the names that the asker may know. */
import { kindOf } from '#resource/kinds.ts'
import { mayRead, mayWrite } from '../model/caller.ts'
import { find, pathOf } from '../model/find.ts'
import type { ObjectRecord } from '../model/record.ts'
import type { Viewer } from '../model/view.ts'
import type { Thing } from './answer.ts'

export class Names {
  readonly viewer: Viewer

  constructor(viewer: Viewer) {
    this.viewer = viewer
  }

  /** Whether the asker may know a thing. */
  mayRead = (record: ObjectRecord): boolean => mayRead(this.viewer.caller, this.viewer.mirror.objects, { record, modified: 0 })

  /** Whether the asker may change it. */
  mayWrite = (record: ObjectRecord): boolean => this.mayRead(record) && mayWrite(this.viewer.caller, kindOf(record.kind), record)

  /** A thing; one that the asker may not know is not named. Null: not even its id. */
  thing(record: ObjectRecord | undefined): Thing | null {
    if (record === undefined || !this.mayRead(record)) return null
    return { kind: record.kind, id: record.id, name: this.path(record) }
  }

  /** `group shop/db`. */
  text(record: ObjectRecord): string {
    const kind = record.kind.replace('-', ' ')
    return this.mayRead(record) ? `${kind} ${this.path(record)}` : `a ${kind} of another account`
  }

  /** A name that means this one alone in a command: its path from the account on, else its id. */
  path(record: ObjectRecord): string {
    const { mirror, caller } = this.viewer
    const { objects } = mirror
    const kind = kindOf(record.kind)
    const words = pathOf(objects, kind, { record, modified: 0 }).split('/')
    const isBelowAccount = record.account !== null && record.kind !== 'account'
    for (const short of isBelowAccount ? [words.slice(1)] : [words.slice(-1), words]) {
      const found = find({ objects, caller }, kind, short.join('/'))
      if (found.kind === 'one' && found.stored.record.id === record.id) return short.join('/')
    }
    return record.id
  }

  /** Text for a shell: in quotes where it needs them. */
  command = (...words: readonly string[]): string => ['vpc', ...words.map(quoted)].join(' ')
}

/** For who wants no words, as of thousands of paths: it names nothing, which is most of what an answer costs. */
export class Nameless extends Names {
  override thing(): null {
    return null
  }
  override text(): string {
    return ''
  }
  override path(): string {
    return ''
  }
}

function quoted(word: string): string {
  const [, option = '', value = word] = /^(--[a-z0-9-]+=)(.*)$/s.exec(word) ?? []
  return /^[A-Za-z0-9._/:,=@+-]*$/.test(value) ? word : `${option}'${value.replaceAll("'", `'\\''`)}'`
}
