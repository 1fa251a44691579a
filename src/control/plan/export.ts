/** Writes a whole vpc as a document: names for ids, and only what users wrote. A plan of it is empty. */
import { isDeepStrictEqual } from 'node:util'
import type { Fields } from '#resource/field.ts'
import { kindOf } from '#resource/kinds.ts'
import type { Kind } from '#resource/kind.ts'
import { mayRead } from '../model/caller.ts'
import { find, pathOf } from '../model/find.ts'
import type { Objects } from '../model/objects.ts'
import { targetsOf } from '../model/targets.ts'
import type { Spec, Stored } from '../model/record.ts'
import type { Viewer } from '../model/view.ts'
import { applySetLabel, memberKinds } from './members.ts'
import { withReferences } from './names.ts'

/** The document of a vpc. What the caller may not read is not in it. */
export function exportVpc(viewer: Viewer, vpc: Stored): Spec {
  const { objects } = viewer.mirror
  const applySet = vpc.record.labels[applySetLabel]
  const members = membersOf(viewer, vpc, applySet)
  const { vpc: _, ...body } = { ...bodyOf(viewer, vpc, vpc, applySet), vpc: undefined }
  const lists = memberKinds.map(({ key, kind }) => [
    key,
    members.filter(({ record }) => record.kind === kind.kind).map((each) => bodyOf(viewer, vpc, each, applySet)),
  ])
  return {
    vpc: { ...body, account: objects.get('account', vpc.record.account!)?.record.name ?? vpc.record.account },
    ...(applySet !== undefined && { applySet }),
    ...Object.fromEntries(lists.filter(([, list]) => list!.length > 0)),
  }
}

/** What is in the vpc; and what of the account serves its vnics, or is of its set. */
function membersOf({ mirror: { objects }, caller }: Viewer, { record: vpc }: Stored, applySet: string | undefined): Stored[] {
  const found = new Map<string, Stored>()
  const add = (stored: Stored | undefined): void => {
    if (stored === undefined || found.has(stored.record.id) || !mayRead(caller, objects, stored)) return
    found.set(stored.record.id, stored)
    for (const each of servantsOf(objects, stored)) add(each)
  }
  for (const { kind } of memberKinds)
    for (const id of objects.ids(kind.kind, vpc.account!)) {
      const { record } = objects.get(kind.kind, id)!
      const isOfSet = applySet !== undefined && record.vpc === null && record.labels[applySetLabel] === applySet
      if (record.vpc === vpc.id || isOfSet) add(objects.get(kind.kind, id))
    }
  return [...found.values()].sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1))
}

const textOf = ({ record: { name, id } }: Stored): string => name ?? `~${id}`

/** Groups and lists that it names, the guest that it is in, floating addresses that point to it. */
function servantsOf(objects: Objects, { record }: Stored): Stored[] {
  const named = [...targetsOf(record.kind, record.spec)].flatMap((id) => ['group', 'prefix-list'].map((kind) => objects.get(kind, id)))
  const users = record.kind === 'vnic' ? ['vm', 'floating-ip'].flatMap((kind) => objects.usersOf(record.id, kind)) : []
  return [...named, ...users].flatMap((each) => each ?? [])
}

/** What users wrote of an object. */
function bodyOf(viewer: Viewer, vpc: Stored, { record }: Stored, applySet: string | undefined): Spec {
  const kind = kindOf(record.kind)
  const { [applySetLabel]: set, ...others } = record.labels
  const labels = applySet !== undefined && set === applySet ? others : record.labels
  const spec = withReferences(kind.fields, written(kind, record.spec, record.chosen ?? ''), (to, id) =>
    nameFor(viewer, vpc.record.id, to, id),
  )
  const { account: _, vpc: __, ...own } = spec
  return {
    ...(record.name === null ? { id: record.id } : { name: record.name }),
    ...(record.description !== '' && { description: record.description }),
    ...(record.protected && { protected: true }),
    ...(Object.keys(labels).length > 0 && { labels }),
    ...own,
  }
}

/** A spec without defaults, and without what the API chose. */
function written({ fields }: Kind, spec: Spec, chosen: string): Spec {
  const names = new Set(chosen.split(' '))
  const kept = Object.entries(spec).filter(([name]) => !names.has(name) || name === 'network6')
  const asked = kept.map(([name, value]) => [name, names.has(name) ? 'auto' : withoutChosen(name, value, names)] as const)
  return withoutDefaults(fields, Object.fromEntries(asked))
}

/** An object without fields inside that the API chose. */
function withoutChosen(name: string, value: unknown, names: ReadonlySet<string>): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([inner]) => !names.has(`${name}.${inner}`)))
}

function withoutDefaults(fields: Fields, spec: Spec): Spec {
  return Object.fromEntries(
    Object.entries(spec).flatMap(([name, value]) => {
      const field = fields[name]
      if (field === undefined || isDeepStrictEqual(value, field.default)) return []
      const isListOfObjects = field.type === 'list' && field.of.type === 'object' && Array.isArray(value)
      if (!isListOfObjects) return [[name, value]]
      const inner = (field.of as { fields: Fields }).fields
      return [[name, value.map((each: Spec) => withoutAllocated(inner, withoutDefaults(inner, each)))]]
    }),
  )
}

/** Ids of rules and MACs of routers stay what they are when a document leaves them out. */
const withoutAllocated = (fields: Fields, spec: Spec): Spec =>
  Object.fromEntries(Object.entries(spec).filter(([name]) => !fields[name]?.allocated))

/** The shortest text that means an object in a document of the vpc. */
export function nameFor({ mirror: { objects }, caller }: Pick<Viewer, 'mirror' | 'caller'>, vpc: string, to: string, id: string): string {
  const stored = objects.get(to, id)
  if (stored === undefined || stored.record.name === null || !mayRead(caller, objects, stored)) return id
  const { name } = stored.record
  if (stored.record.vpc === vpc || to === 'vpc') return to === 'vpc' && id !== vpc ? id : name
  const kind = kindOf(to)
  const found = find({ objects, caller, only: ({ record }) => record.account === stored.record.account }, kind, name)
  const isAlone = found.kind === 'one' && objects.named(to, name).every(({ record }) => record.vpc !== vpc)
  return isAlone ? name : pathOf(objects, kind, stored)
}
