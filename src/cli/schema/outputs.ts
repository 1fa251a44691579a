/** What each command prints with --json: the one table that `vpc doc schema` serves and tests check outputs by. */
import { isDeepStrictEqual } from 'node:util'
import { kindNames } from '#resource/kind-names.ts'
import { z } from 'zod'
import * as answer from './answers.ts'
import { changed, changedId, changedObject, count, flag, id, objectOf, objectsOf, only, text, textOrNull, texts } from './objects.ts'
import * as report from './reports.ts'
import { resourceOf, wouldBe } from './resources.ts'

/** One value; lines, each a value; or no JSON: a document, a script, or what a program prints. */
export type CommandOutput = { readonly one: z.ZodType } | { readonly lines: z.ZodType } | 'text'

const one = (schema: z.ZodType): CommandOutput => ({ one: schema })
const lines = (schema: z.ZodType): CommandOutput => ({ lines: schema })
const list = (schema: z.ZodType): CommandOutput => one(z.array(schema))
const loose = z.looseObject({})
const generated = one(only({ id, mac: text }))
const files = one(changed({ files: texts }))
const entries = one(changed({ id, entries: count }))
const machine = one(z.looseObject({ changed: flag }))
/** Hosts that have not done a change yet. */
const late = { late: z.array(z.looseObject({ host: text })).optional() }

const switches: Readonly<Record<string, CommandOutput>> = {
  'switch create': one(changedObject('vpcsw')),
  'switch genid': generated,
  'switch destroy': one(changedId),
  'switch get': one(objectOf('vpcsw')),
  'switch list': one(objectsOf('vpcsw')),
  'switch set': one(changedObject('vpcsw')),
  'switch reset': one(changedObject('vpcsw')),
  'switch port add': one(changedObject('vpcsw')),
  'switch port connect': one(changedObject('vpcp')),
  'switch port disconnect': one(z.union([changedObject('vpcp'), changedId])),
  'switch port genid': generated,
  'switch port get': one(objectOf('vpcp')),
  'switch port list': one(objectsOf('vpcp')),
  'switch port remove': one(changedId),
  'switch port set': one(changedObject('vpcp')),
  'switch port uplink': one(changedObject('vpcsw')),
  'switch neighbour clear-used': one(changed({ id })),
  'switch neighbour del': entries,
  'switch neighbour get': one(report.neighbour),
  'switch neighbour list': list(report.neighbour),
  'switch neighbour set': entries,
}

const interfaces: Readonly<Record<string, CommandOutput>> = {
  'ethlink connect': one(changedObject('ethlink')),
  'ethlink create': one(changedObject('ethlink')),
  'ethlink destroy': one(changedId),
  'ethlink disconnect': one(z.union([changedObject('ethlink'), changedId])),
  'ethlink get': one(objectOf('ethlink')),
  'ethlink set': one(changedObject('ethlink')),
  'ethlink genid': generated,
  'ethlink list': one(objectsOf('ethlink')),
  'ethlink vtag': one(z.union([only({ vtag: count }), changedObject('ethlink')])),
  'hostif create': one(changedObject('hostif')),
  'hostif destroy': one(changedId),
  'hostif genmac': generated,
  'hostif get': one(objectOf('hostif')),
  'hostif list': one(objectsOf('hostif')),
  'hostif set': one(changedObject('hostif')),
  'interface list': one(objectsOf('vmnic', 'hostif', 'ethlink')),
  'mux connect': one(changedObject('vpcmux')),
  'mux create': one(changedObject('vpcmux')),
  'mux destroy': one(changedId),
  'mux disconnect': one(z.union([changedObject('vpcmux'), changedId])),
  'mux genid': generated,
  'mux fte clear-used': one(changed({ id })),
  'mux fte del': entries,
  'mux fte get': list(report.entry),
  'mux fte list': list(report.entry),
  'mux fte set': entries,
  'mux list': one(objectsOf('vpcmux')),
  'mux listen': one(changedObject('vpcmux')),
  'mux probe': list(report.probe.extend({ answered: flag, mtuBytes: count })),
  'mux set': one(changedObject('vpcmux')),
  'mux show': one(objectOf('vpcmux')),
  'vmnic create': one(changedObject('vmnic')),
  'vmnic destroy': one(changedId),
  'vmnic exec': 'text',
  'vmnic genmac': generated,
  'vmnic get': one(z.union([objectOf('vmnic'), only({ queues: count }), z.array(report.queueStats)])),
  'vmnic list': one(objectsOf('vmnic')),
  'vmnic set': one(changedObject('vmnic')),
}

const networks: Readonly<Record<string, CommandOutput>> = {
  'address-set add': one(changed({ id, networks: texts })),
  'address-set create': one(changedObject('set')),
  'address-set destroy': one(changedId),
  'address-set genid': generated,
  'address-set get': one(objectOf('set')),
  'address-set list': one(objectsOf('set')),
  'address-set remove': one(changed({ id, networks: texts })),
  'address-set set': one(changedObject('set')),
  'group create': one(changedObject('group')),
  'group destroy': one(changedId),
  'group genid': generated,
  'group get': one(objectOf('group')),
  'group list': one(objectsOf('group')),
  'group member add': one(changed({ id, members: texts })),
  'group member del': one(changed({ id, members: texts })),
  'group member list': list(text),
  'group rule add': one(changed({ id, rule: z.looseObject({ id: text }) })),
  'group rule del': one(changed({ id, rule: text })),
  'group set': one(changedObject('group')),
  'nat block list': list(report.natBlock),
  'nat create': one(changedObject('vpcnat')),
  'nat destroy': one(changedId),
  'nat float add': one(changed({ id, float: text })),
  'nat float list': list(only({ address: text, inside: text })),
  'nat float remove': one(changed({ id, float: text.optional() })),
  'nat genid': generated,
  'nat get': one(objectOf('vpcnat')),
  'nat list': one(objectsOf('vpcnat')),
  'nat port list': list(report.natPort),
  'nat set': one(changedObject('vpcnat')),
  'router create': one(changedObject('vpcrtr')),
  'router destroy': one(changedId),
  'router genid': generated,
  'router get': one(objectOf('vpcrtr')),
  'router list': one(objectsOf('vpcrtr')),
  'router route add': one(changed({ id, route: text })),
  'router route del': one(changed({ id, route: text.optional() })),
  'router route list': list(loose),
  'router set': one(changedObject('vpcrtr')),
  'subnet create': one(changedObject('subnet')),
  'subnet destroy': one(changedId),
  'subnet genid': generated,
  'subnet get': one(objectOf('subnet')),
  'subnet list': one(objectsOf('subnet')),
  'subnet set': one(changedObject('subnet')),
}

const host: Readonly<Record<string, CommandOutput>> = {
  apply: one(only({ dryRun: flag, changed: flag, changes: z.array(report.hostChange) })),
  attach: one(changed({ switch: id, unit: text })),
  audit: one(report.audit),
  capture: one(z.array(loose)),
  changes: lines(report.objectChanges),
  console: lines(only({ url: text })),
  daemon: 'text',
  detach: one(changed({ switch: id })),
  'doc man': files,
  'doc md': files,
  'doc schema': one(z.record(text, loose)),
  doctor: list(report.probe),
  drops: one(z.union([z.array(loose), report.reason])),
  events: lines(loose),
  exec: 'text',
  export: one(report.hostDocument),
  exporter: lines(only({ port: count })),
  'docker-driver': lines(only({ listen: text })),
  'flow export': 'text',
  'flow import': one(changed({ id, imported: count, kept: count })),
  'flow list': list(report.flow),
  'flow log': 'text',
  list: one(z.union([z.array(report.listedObject), z.array(report.typeCount)])),
  name: one(z.looseObject({})),
  'shell autocomplete bash': files,
  'shell autocomplete fish': files,
  'shell autocomplete zsh': files,
  stats: list(report.sourceStats),
  trace: one(answer.trace),
  version: one(only({ version: text, node: text })),
}

const machines: Readonly<Record<string, CommandOutput>> = {
  'lab down': one(z.looseObject({ changed: flag })),
  'lab exec': 'text',
  'lab list': list(report.lab),
  'cluster apply': one(only({ dryRun: flag, changed: flag, changes: z.array(report.hostChange) })),
  'cluster check': one(report.cluster),
  'cluster plan': one(only({ dryRun: flag, changed: flag, changes: z.array(report.hostChange) })),
  'cluster render': one(report.hostDocument),
  'lab up': one(only({ changed: flag, name: text, hosts: texts, guests: texts })),
  'libvirt attach': one(changed({ mac: text, device: text.optional(), mtuBytes: count.optional() })),
  'libvirt detach': one(changed({ mac: text.optional() })),
  'libvirt hook': 'text',
  'libvirt list': list(only({ domain: text, name: text, dev: text, mac: text, made: z.looseObject({ in: text }) })),
  'libvirt release': one(changed({})),
  'vm attach': machine,
  'vm connect': 'text',
  'vm console': one(only({ log: text })),
  'vm create': machine,
  'vm destroy': machine,
  'vm detach': machine,
  'vm get': one(report.vm),
  'vm image destroy': one(changed({})),
  'vm image import': one(changed({ image: report.image })),
  'vm image list': list(report.image),
  'vm list': list(z.looseObject({ id: text, state: text })),
  'vm migrate': machine,
  'vm receive': 'text',
  'vm reset': machine,
  'vm run': machine,
  'vm set': machine,
  'vm ssh': 'text',
  'vm stop': machine,
}

const cloud: Readonly<Record<string, CommandOutput>> = {
  'agent run': 'text',
  'agent status': one(z.looseObject({ server: text, host: textOrNull })),
  api: lines(only({ url: text, token: textOrNull, agents: count.nullable() })),
  'context list': list(only({ name: text, server: text, current: flag })),
  'context use': machine,
  'db defrag': one(report.db.defrag),
  'db export': one(report.db.export),
  'db finalize': one(report.db.finalize),
  'db import': one(report.db.import),
  'db migrate': one(report.db.migrate),
  'db ping': one(report.db.ping),
  down: machine,
  issuer: lines(only({ socket: text })),
  join: machine,
  login: machine,
  up: machine,
  whoami: one(
    only({
      context: textOrNull,
      server: text,
      principal: only({ id, name: text }),
      account: only({ id, name: text }).nullable(),
      token: only({ id, expires: textOrNull }),
      roles: z.array(only({ role: text, org: textOrNull, account: textOrNull, vpc: textOrNull, scopeId: id.nullable().optional() })),
    }),
  ),
  why: one(answer.why),
  'cloud apply': one(z.union([only({ changed: flag, ...report.plan }), only({ dryRun: z.literal(true), ...report.plan })])),
  'cloud audit': list(answer.auditRecord),
  'cloud export': one(z.looseObject({ vpc: z.looseObject({ name: text }) })),
  'cloud host drain': one(answer.emptied),
  'cloud host evacuate': one(answer.emptied),
  'cloud host token': machine,
  'cloud host undrain': one(answer.emptied),
  'cloud plan': one(only({ dryRun: z.literal(true), ...report.plan })),
  'cloud vnic attach': machine,
  'cloud vnic detach': machine,
  'cloud vnic plug': one(z.union([changed({ resource: resourceOf('vnic').extend(late) }), wouldBe('vnic')])),
  'cloud vnic unplug': one(z.union([changed({ resource: resourceOf('vnic').extend(late) }), wouldBe('vnic')])),
  'cloud watch': lines(z.looseObject({ event: text })),
}

const fallen = z.array(only({ action: text, kind: text, name: textOrNull, id: text }))
/** The commands of every kind of a cloud's resources; with --dry-run they print what would be. */
const ofKind = (kind: string): [string, CommandOutput][] => {
  const resource = resourceOf(kind)
  // A token's secret is shown when it is made, and so is what a host joins with.
  const created = resource.extend({ ...late, ...(kind === 'token' && { token: text.optional() }) })
  const join = kind === 'host' ? { join: z.looseObject({ token: text }).optional() } : {}
  const kept = resource.extend(late)
  return [
    [`cloud ${kind} list`, list(resource)],
    [`cloud ${kind} get`, one(resource)],
    [`cloud ${kind} create`, one(z.union([changed({ resource: created, ...join }), wouldBe(kind)]))],
    [`cloud ${kind} set`, one(z.union([changed({ resource: kept }), wouldBe(kind)]))],
    [
      `cloud ${kind} destroy`,
      one(z.union([changed({ resource: resource.optional() }), only({ changed: flag, dryRun: flag, changes: fallen }), wouldBe(kind)])),
    ],
  ]
}

/** By the words of the command. */
export const outputs: ReadonlyMap<string, CommandOutput> = new Map([
  ...Object.keys(kindNames).flatMap(ofKind),
  ...Object.entries({ ...switches, ...interfaces, ...networks, ...host, ...machines, ...cloud }),
])

/** The JSON Schema of a command's output, or of each line of it; undefined: it prints no JSON. */
export function jsonSchemaOf(path: string): object | undefined {
  const found = outputs.get(path)
  if (found === undefined || found === 'text') return undefined
  const schema = z.toJSONSchema('one' in found ? found.one : found.lines) as Record<string, unknown>
  return 'one' in found ? schema : { ...schema, description: 'of each line' }
}

/** What is wrong with an output of a command; undefined: nothing. */
export function outputProblem(path: string, printed: string): string | undefined {
  const found = outputs.get(path)
  if (found === undefined) return `'${path}' stands in no table of src/cli/schema/outputs.ts`
  if (found === 'text') return undefined
  const values = 'one' in found ? [printed] : printed.split('\n').filter(Boolean)
  for (const value of values) {
    const printedValue: unknown = JSON.parse(value)
    const read = ('one' in found ? found.one : found.lines).safeParse(printedValue)
    if (!read.success) return `${path}: ${z.prettifyError(read.error)}\n${value.slice(0, 2000)}`
    // What zod passes over, the published schema forbids.
    if (!isDeepStrictEqual(read.data, printedValue)) return `${path}: the schema lacks a key\n${value.slice(0, 2000)}`
  }
  return undefined
}
