/** What a document asks of each object: the one that it means, the one that takes its place, and those that go. */
import { isDeepStrictEqual } from 'node:util'
import { isId } from '#resource/envelope.ts'
import { kindOf } from '#resource/kinds.ts'
import type { Kind } from '#resource/kind.ts'
import { mayRead, type Caller } from '../model/caller.ts'
import { find } from '../model/find.ts'
import type { Known } from '../model/mirror.ts'
import { fieldProblem } from '../model/problem.ts'
import { textIn, type Spec, type Stored } from '../model/record.ts'
import { parseBody, type Body } from '../model/schema.ts'
import { uuidV7 } from '../model/uuid.ts'
import { checkBodies, problemOf, problemsOf, vpcKind, type Member, type VpcDocument } from './document.ts'
import { applySetLabel, memberKinds } from './members.ts'
import { DocumentNames, withReferences } from './names.ts'

export interface Look {
  readonly known: Known
  readonly caller: Caller
  readonly now: number
}

/** One object of the document, and what there is. */
export interface Target {
  readonly kind: Kind
  readonly path: readonly (string | number)[]
  readonly id: string
  readonly before: Stored | undefined
  /** What it takes the place of: a field that never changes differs. */
  readonly replaced: Stored | undefined
  readonly body: Body
  /** A field that is set in the end. */
  readonly later: string | undefined
}

export interface Targets {
  readonly vpc: string
  readonly account: string
  /** In the order in which they are made. */
  readonly targets: readonly Target[]
  /** Objects of the same set that the document has no more. */
  readonly pruned: readonly Stored[]
  readonly names: DocumentNames
}

/** Find everything that a document names. Throws a Problem. */
export function targetsOf(look: Look, document: VpcDocument): Targets {
  const { vpc, account } = homeOf(look, document)
  const names = new DocumentNames()
  const vpcId = vpc?.record.id ?? textIn(document.vpc, 'id') ?? uuidV7(look.now)
  const vpcName = textIn(document.vpc, 'name') ?? vpc?.record.name ?? null
  names.add('vpc', vpcName, vpcId)
  const home: Home = { vpc: vpcId, vpcName, account }
  const found = findMembers(look, document, home, names)
  const bodyOf = (member: Member): Spec => bodyIn(look, home, names, document.applySet, member)
  checkBodies(document.members, bodyOf)
  const members = document.members.map((member) => ({ ...found.get(member)!, body: parseBody(member.of.kind, bodyOf(member)) }))
  const all = [...vpcTarget(document, vpc, vpcId, account, vpcName), ...members.map((each) => replacing(look, names, each))]
  // What takes the place of another has a new id, which others name.
  if (all.some(({ replaced }) => replaced !== undefined))
    for (const [i, member] of document.members.entries()) {
      const at = all.length - document.members.length + i
      all[at] = { ...all[at]!, body: parseBody(member.of.kind, bodyOf(member)) }
    }
  return { vpc: vpcId, account, targets: all, pruned: pruned(look, document, home, all), names }
}

interface Home {
  readonly vpc: string
  readonly vpcName: string | null
  readonly account: string
}

/** The vpc, if it is there, and the account. */
function homeOf({ known: { objects }, caller }: Look, { vpc, isNamedOnly }: VpcDocument): { vpc: Stored | undefined; account: string } {
  const accountText = textIn(vpc, 'account')
  const account = accountText === undefined ? undefined : find({ objects, caller, isNaming: true }, kindOf('account'), accountText)
  if (account !== undefined && account.kind !== 'one') throw fieldProblem('invalid', ['account'], `there is no account ${accountText}`)
  const wanted = account?.stored.record.id ?? undefined
  const text = textIn(vpc, 'id') ?? textIn(vpc, 'name')
  if (text === undefined) throw fieldProblem('invalid', ['vpc'], 'it has no name')
  const only = ({ record }: Stored): boolean => wanted === undefined || record.account === wanted
  const found = find({ objects, caller, only }, vpcKind, text)
  if (found.kind === 'many')
    throw fieldProblem('invalid', ['vpc'], `there are several vpcs ${text}: ${found.paths.join(', ')}; name the account, too`)
  if (found.kind === 'one') return { vpc: found.stored, account: found.stored.record.account! }
  if (isNamedOnly) throw fieldProblem('not-found', ['vpc'], `there is no vpc ${text}; write 'vpc: { name: ${text} }' to make one`)
  const own = wanted ?? caller.account
  if (own === null) throw fieldProblem('invalid', ['account'], 'name the account that owns the vpc')
  return { vpc: undefined, account: own }
}

function vpcTarget(document: VpcDocument, vpc: Stored | undefined, id: string, account: string, name: string | null): Target[] {
  if (document.isNamedOnly) return []
  const body = { ...document.vpc, name, account, ...labelled(document.vpc, document.applySet) }
  const wrong = problemsOf(vpcKind, ['vpc'], body)
  if (wrong.length > 0) throw problemOf(wrong)
  return [{ kind: vpcKind, path: ['vpc'], id, before: vpc, replaced: undefined, body: parseBody(vpcKind, body), later: undefined }]
}

const labelled = ({ labels }: Spec, applySet: string | undefined): Spec =>
  applySet === undefined ? {} : { labels: { ...(labels as object | undefined), [applySetLabel]: applySet } }

type Found = Omit<Target, 'body' | 'replaced'> & { readonly hasOwnId: boolean }

function findMembers(look: Look, document: VpcDocument, home: Home, names: DocumentNames): Map<Member, Found> {
  const found = new Map<Member, Found>()
  const seen = new Set<string>()
  for (const member of document.members) {
    const { of, path, given } = member
    const { kind } = of
    const [id, name] = [textIn(given, 'id'), textIn(given, 'name')]
    if (id === undefined && name === undefined)
      throw fieldProblem('invalid', [...path, 'name'], `a ${kind.kind} of a document has a name or an id, so that it is found again`)
    const before = beforeOf(look, home, member, id, name)
    const own = before?.record.id ?? id?.toLowerCase() ?? uuidV7(look.now)
    for (const word of [own, ...(name === undefined ? [] : [name])]) {
      if (seen.has(`${kind.kind}/${word}`)) throw fieldProblem('invalid', [...path, 'name'], `${kind.kind} ${word} stands twice`)
      seen.add(`${kind.kind}/${word}`)
    }
    names.add(kind.kind, name ?? null, own)
    found.set(member, { kind, path, id: own, before, later: of.later, hasOwnId: id !== undefined })
  }
  return found
}

/** What there is of an object: by its id, else by its name beside its siblings. */
function beforeOf({ known: { objects }, caller }: Look, home: Home, { of, path }: Member, id?: string, name?: string): Stored | undefined {
  const { kind } = of
  if (id !== undefined) {
    if (!isId(id)) throw fieldProblem('invalid', [...path, 'id'], `'${id.slice(0, 64)}' is not a UUID`)
    const stored = objects.get(kind.kind, id.toLowerCase())
    if (stored === undefined) return undefined
    if (mayRead(caller, objects, stored) && isAtHome(home, stored)) return stored
    throw fieldProblem('invalid', [...path, 'id'], `this vpc has no ${kind.kind} ${id}; leave out the id to make one`)
  }
  return objects.named(kind.kind, name!).find((stored) => mayRead(caller, objects, stored) && isAtHome(home, stored))
}

/** Is it of the vpc, or does it serve several vpcs of the account? */
const isAtHome = ({ vpc, account }: Home, { record }: Stored): boolean =>
  record.account === account && (record.vpc === null || record.vpc === vpc)

/** The body of a member: with its parents, its label, and ids of what the document and the vpc have. */
function bodyIn({ known: { objects } }: Look, home: Home, names: DocumentNames, applySet: string | undefined, member: Member): Spec {
  const { kind } = member.of
  const { id: _, ...given } = member.given
  const parents: Record<string, string> = {}
  for (const [field, own, name] of [
    ['vpc', home.vpc, home.vpcName],
    ['account', home.account, null],
  ] as const) {
    if (kind.fields[field]?.required !== true) continue
    const said = given[field]
    if (field === 'vpc' && said !== undefined && said !== own && said !== name)
      throw fieldProblem('invalid', [...member.path, field], `the document is of vpc ${name ?? own}`)
    parents[field] = own
  }
  const idOf = (to: string, text: string): string => {
    const inVpc = (): string | undefined => objects.named(to, text).find(({ record }) => record.vpc === home.vpc)?.record.id
    return names.idOf(to, text) ?? (isId(text) ? text : (inVpc() ?? text))
  }
  return withReferences(kind.fields, { ...given, ...parents, ...labelled(given, applySet) }, idOf)
}

/** A target; one with a new id when a field differs that never changes, and the document does not insist on the id. */
function replacing(look: Look, names: DocumentNames, found: Found & { readonly body: Body }): Target {
  const { kind, before, body, hasOwnId } = found
  const differs = before !== undefined && Object.keys(kind.fields).some((name) => isOther(look, kind, name, body, before))
  if (!differs || hasOwnId) return { ...found, replaced: undefined }
  const id = uuidV7(look.now)
  names.add(kind.kind, body.name, id)
  return { ...found, id, before: undefined, replaced: before }
}

/** Does a document ask for another value of a field that never changes? */
function isOther({ known: { objects }, caller }: Look, kind: Kind, name: string, body: Body, before: Stored): boolean {
  const field = kind.fields[name]!
  const asked = body.spec[name]
  if (!field.immutable || asked === undefined || asked === 'auto') return false
  if (field.type !== 'reference' || isId(asked as string)) return !isDeepStrictEqual(asked, before.record.spec[name])
  const found = find({ objects, caller }, kindOf(field.to), asked as string)
  return found.kind === 'one' && found.stored.record.id !== before.record.spec[name]
}

function pruned({ known: { objects }, caller }: Look, { applySet }: VpcDocument, home: Home, targets: readonly Target[]): Stored[] {
  if (applySet === undefined) return []
  const kept = new Set(targets.flatMap(({ before, replaced }) => [before?.record.id, replaced?.record.id]))
  return memberKinds.flatMap(({ kind }) =>
    [...objects.ids(kind.kind, home.account)].flatMap((id) => {
      const stored = objects.get(kind.kind, id)!
      const isOfSet = stored.record.labels[applySetLabel] === applySet && isAtHome(home, stored)
      return isOfSet && !kept.has(id) && mayRead(caller, objects, stored) ? [stored] : []
    }),
  )
}
