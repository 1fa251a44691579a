/** Finds what a word of a question names: a vnic by its name, id or address. */
import { parseIp, formatIp } from '#wire/ip-address.ts'
import { kindOf } from '#resource/kinds.ts'
import { find } from '../model/find.ts'
import { notFound } from '../model/model.ts'
import { fieldProblem } from '../model/problem.ts'
import type { ObjectRecord } from '../model/record.ts'
import type { Viewer } from '../model/view.ts'
import type { Cloud } from './cloud.ts'

/** One thing of a kind that a word names. */
export function oneOf({ mirror, caller }: Viewer, kind: string, text: string, word: string): ObjectRecord {
  const found = find({ objects: mirror.objects, caller }, kindOf(kind), text)
  if (found.kind === 'one') return found.stored.record
  if (found.kind === 'none') throw notFound(kindOf(kind), text.slice(0, 200))
  throw fieldProblem(
    'invalid',
    [word],
    `there are several of the name ${text}: ${found.paths.join(', ')}; say which one, by its path or id`,
  )
}

/** Vpcs that an answer names. */
const mostNames = 10

/** With what words are read. */
export interface Asked {
  readonly viewer: Viewer
  readonly cloud: Cloud
  /** Of addresses that several vpcs have. */
  readonly vpc: ObjectRecord | undefined
}

/** An address in the one form that tells it from others. Undefined: it is a name or an id. */
export function addressIn(text: string): string | undefined {
  const address = parseIp(text)
  return address.ok ? formatIp(address.value) : undefined
}

/** A vnic by name, id or address. Undefined: an address that no vnic has which the asker may see. */
export function vnicAt({ viewer, cloud, vpc }: Asked, text: string, word: string): ObjectRecord | undefined {
  const ip = addressIn(text)
  if (ip === undefined) return oneOf(viewer, 'vnic', text, word)
  const { mirror, caller } = viewer
  const { objects } = mirror
  const vpcs = vpc === undefined ? [...objects.ids('vpc')] : [vpc.id]
  const found = vpcs.flatMap((id) => {
    const station = cloud.station(id, ip)
    return station !== undefined && find({ objects, caller }, kindOf('vpc'), id).kind === 'one' ? [station] : []
  })
  if (found.length <= 1) return found[0]
  const names = found.slice(0, mostNames).map((each) => objects.get('vpc', each.vpc!)!.record.name)
  if (found.length > mostNames) names.push(`${found.length - mostNames} others`)
  throw fieldProblem('invalid', [word], `vnics of several vpcs have ${ip}: of ${names.join(', ')}; say which vpc`)
}
