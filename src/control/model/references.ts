/**
 * References of a body become ids. What is named for the first time must be there, be allowed, and stay until the
 * commit.
 */
import type { Field, Fields } from '#resource/field.ts'
import type { Kind } from '#resource/kind.ts'
import { kindOf } from '#resource/kinds.ts'
import { fleetScope, type Scope } from './caller.ts'
import type { Draft } from './draft.ts'
import { find } from './find.ts'
import { targetsOf } from './targets.ts'
import { textIn, type ObjectRecord, type Stored } from './record.ts'

type Path = readonly (string | number)[]

/** References that say where a thing belongs, the innermost first. */
const homes = ['subnet', 'vpc', 'account', 'principal', 'org'] as const

/** Resolve all references of a draft, and find where it belongs. */
export function resolveReferences(draft: Draft): void {
  const { kind, spec, before } = draft
  const known = new Set(before === undefined ? [] : targetsOf(kind.kind, before.record.spec))
  const resolve = (fields: Fields, into: Record<string, unknown>, path: Path, only?: (name: string) => boolean): void => {
    for (const [name, field] of Object.entries(fields))
      if (into[name] !== undefined && (only === undefined || only(name)))
        into[name] = resolved(draft, known, field, into[name], [...path, name], resolve)
  }
  // Where it belongs decides what other names mean.
  const isHome = (name: string): boolean => isHomeOf(kind, name)
  resolve(kind.fields, spec, [], isHome)
  draft.scope = scopeOf(draft)
  resolve(kind.fields, spec, [], (name) => !isHome(name))
  // A vnic is in the vpc of its subnet.
  if (kind.kind === 'vnic') draft.scope = { ...draft.scope, vpc: draft.get('subnet', draft.text('subnet')!).record.vpc }
}

/** A vnic's account says where it belongs before its subnet is looked up there. */
const isHomeOf = (kind: Kind, name: string): boolean =>
  (homes as readonly string[]).includes(name) && !(kind.kind === 'vnic' && name === 'subnet')

type Resolve = (fields: Fields, into: Record<string, unknown>, path: Path) => void

function resolved(draft: Draft, known: ReadonlySet<string>, field: Field, value: unknown, path: Path, resolve: Resolve): unknown {
  if (field.type === 'reference') return lookUp(draft, known, field, value as string, path)
  if (field.type === 'list') return (value as unknown[]).map((each, i) => resolved(draft, known, field.of, each, [...path, i], resolve))
  if (field.type !== 'object') return value
  const copy = { ...(value as Record<string, unknown>) }
  resolve(field.fields, copy, path)
  return copy
}

type Reference = Extract<Field, { type: 'reference' }>

function lookUp(draft: Draft, known: ReadonlySet<string>, field: Reference, text: string, path: Path): string {
  // What it refers to already cannot go, whether the caller may read it or not.
  if (known.has(text)) return text
  const { objects } = draft.mirror
  const kind = kindOf(field.to)
  const only = (stored: Stored): boolean => isWithin(draft, kind, field.within ?? 'account', stored)
  const found = find({ objects, caller: draft.ask.caller, only, isNaming: true }, kind, text)
  if (found.kind === 'one') {
    const { id } = found.stored.record
    if (!known.has(id)) draft.use(found.stored)
    return id
  }
  if (found.kind === 'many')
    throw draft.problem('invalid', path, `there are several of the name ${text}; write one of ${found.paths.join(', ')}, or an id`)
  const where =
    kind.kind === 'peering'
      ? ' that joins this vpc'
      : field.within === 'any'
        ? ''
        : field.within === 'vpc'
          ? ' in this vpc'
          : ' in this account'
  throw draft.problem('invalid', path, `there is no ${kind.kind} ${text}${kind.wall === 'fleet' ? '' : where}`)
}

function isWithin(draft: Draft, kind: Kind, within: Reference['within'], { record }: Stored): boolean {
  if (kind.kind === 'peering') return joins(record, draft.scope.vpc)
  if (within === 'any' || kind.wall === 'fleet') return true
  if (within === 'vpc') return record.vpc === draft.scope.vpc
  return record.account === draft.scope.account
}

/** A peering is for both vpcs that it joins. The other side has agreed, so it can be asked to let go of it. */
const joins = ({ spec }: ObjectRecord, vpc: string | null): boolean => spec.vpc === vpc || (spec.accepted === true && spec.peerVpc === vpc)

/** Where a draft belongs, by what it refers to. */
function scopeOf({ kind, id, spec, mirror }: Draft): Scope {
  if (kind.kind === 'org') return { ...fleetScope, org: id }
  if (kind.kind === 'account') return { org: textIn(spec, 'org') ?? null, account: id, vpc: null }
  if (kind.wall === 'fleet') return fleetScope
  for (const home of homes) {
    if (!isHomeOf(kind, home) || (kind.kind === 'role-binding' && home === 'principal')) continue
    const target = textIn(spec, home)
    const stored = target === undefined ? undefined : mirror.objects.get(home, target)
    if (stored === undefined) continue
    const { org, account, vpc } = stored.record
    return { org, account, vpc: kind.kind === 'vpc' ? id : vpc }
  }
  return fleetScope
}
