/** Which programs must be on which devices, and whether they are. */
import { chainOf, detachFrom, directions, type ChainProgram } from '#datapath/chain.ts'
import type { Hook } from '#datapath/datapath.ts'
import { roomAlias, servicesAlias, type Device } from '#datapath/device/devices.ts'
import { guardHook, hooks } from '#datapath/hook.ts'
import type { Context } from '../../context.ts'
import { ethlinkPins, isUnderlay, isUplink, isWire } from '../../type/ethlink-service.ts'
import type { Model } from '../../store/model.ts'
import { mirrorPin } from '../../type/mirror.ts'
import { servicesPin } from '../../type/services.ts'
import { pinOf } from '../../type/unit-device.ts'
import type { Findings } from './finding.ts'

export interface WantedProgram {
  readonly pinName: string
  readonly hook: Hook
  readonly ifindex: number
}

/** The programs that the objects need where they have devices. */
export function* wantedPrograms(model: Model): Generator<WantedProgram> {
  if (model.services.ifindex !== 0) yield { pinName: servicesPin, hook: 'service', ifindex: model.services.ifindex }
  for (const object of model.objects.values()) {
    if ('mirror' in object && object.mirror.ifindex !== 0) {
      yield { pinName: mirrorPin(object), hook: 'mirror', ifindex: object.mirror.ifindex }
    }
    if (!('ifindex' in object) || object.ifindex === 0) continue
    const { ifindex } = object
    if (object.type !== 'ethlink') {
      yield { pinName: pinOf(object), hook: object.type === 'vpcmux' ? 'mux' : 'unit', ifindex }
      continue
    }
    const { ingress, underlay, egress, wire } = ethlinkPins(object)
    if (isUplink(object)) yield { pinName: ingress, hook: 'ethlink', ifindex }
    if (isWire(model, object)) yield { pinName: wire, hook: 'wire', ifindex }
    if (!isUnderlay(object)) continue
    yield { pinName: egress, hook: 'ethlink-egress', ifindex }
    yield { pinName: underlay, hook: 'underlay', ifindex }
  }
}

/** A program of ours on a device that no pin of this vpcd accounts for. */
export interface Stray {
  readonly device: Device
  readonly program: ChainProgram
}

/**
 * Programs of ours that are attached to devices by other links: a vpcd with another bpffs left them, or another mount
 * hides the bpffs of their vpcd. They run, and may decide before the programs that the objects know.
 */
export function* strayPrograms(model: Model, devices: Iterable<Device>, links: ReadonlySet<number>): Generator<Stray> {
  for (const device of devices) {
    const guarded = guardedSides(model, device)
    for (const direction of directions) {
      for (const program of chainOf(device.ifindex, direction)) {
        const guards = program.linkId === 0 && program.name === guardName && guarded.includes(direction)
        if (program.ours && !guards && !setsPorts(model, device.ifindex, program) && !links.has(program.linkId)) yield { device, program }
      }
    }
  }
}

/** VTEPs with UDP ports of their own are reached by this interface, not by the wrapped one. */
const setsPorts = (model: Model, ifindex: number, { linkId, name }: ChainProgram): boolean =>
  linkId === 0 && name === hooks['ethlink-egress'].program && [...model.ofType('vpcmux')].some(({ ways }) => ways.has(ifindex))

const guardName = hooks[guardHook].program

/** The sides of a device that accept nothing from the host's own stack. */
function guardedSides(model: Model, { ifindex, alias }: Device): readonly ('ingress' | 'egress')[] {
  if (alias === roomAlias) return directions
  if (alias === servicesAlias) return ['egress']
  const object = model.devices.get(ifindex)
  return object?.type === 'vmnic' || object?.type === 'hostif' ? ['egress'] : []
}

/** Attach the guard to each device that should have it. The delivering programs must already be those of this build. */
export function guardDevices({ model, datapath, devices }: Context): void {
  for (const device of devices.all()) datapath.guard(device.ifindex, ...guardedSides(model, device))
}

function auditGuards({ model, datapath }: Context, findings: Findings, devices: readonly Device[]): void {
  const expected = `program ${datapath.programId(guardHook)}`
  for (const device of devices) {
    for (const direction of guardedSides(model, device)) {
      findings.count('program')
      const found = chainOf(device.ifindex, direction).find(({ name, linkId }) => linkId === 0 && name === guardName)
      if (found === undefined) findings.missing('program', device.name, `guard of ${direction}`, expected)
      else findings.same('program', device.name, `guard of ${direction}`, expected, `program ${found.progId}`)
    }
  }
}

/**
 * Compare: each program must be on its device and be the one that this vpcd loaded, and no device may have others of
 * ours.
 */
export function auditPrograms(context: Context, findings: Findings): void {
  const { model, datapath, devices } = context
  const attachments = datapath.attachments()
  const all = devices.all()
  auditGuards(context, findings, all)
  for (const { device, program } of strayPrograms(model, all, new Set(attachments.map(({ linkId }) => linkId)))) {
    findings.count('program')
    findings.strange('program', device.name, program.direction, `${program.name} (program ${program.progId}), of another vpcd or build`)
  }
  const found = new Map(attachments.map((attachment) => [attachment.pinName, attachment]))
  for (const { pinName, hook, ifindex } of wantedPrograms(model)) {
    findings.count('program')
    const there = found.get(pinName)
    found.delete(pinName)
    const id = datapath.programId(hook)
    const expected = `program ${id} on ifindex ${ifindex}`
    if (there === undefined) findings.missing('program', pinName, '', expected)
    else
      findings.same(
        'program',
        pinName,
        '',
        expected,
        there.ifindex === 0 ? 'detached' : `program ${there.progId} on ifindex ${there.ifindex}`,
      )
  }
  for (const { pinName, ifindex, progId } of found.values()) {
    findings.count('program')
    findings.strange('program', pinName, '', ifindex === 0 ? 'detached' : `program ${progId} on ifindex ${ifindex}`)
  }
  for (const { name, state } of datapath.mapPins()) {
    findings.count('pin')
    if (state === 'missing') findings.missing('pin', name, '', 'the table of the programs')
    if (state === 'other') findings.different('pin', name, '', 'the table of the programs', 'another map')
  }
}

/** Attach missing programs and detach strange ones, each by itself. */
export function repairPrograms(context: Context, attempt: (what: string, act: () => void) => void): void {
  const { model, datapath, devices } = context
  const wanted = [...wantedPrograms(model)]
  const names = new Set(wanted.map(({ pinName }) => pinName))
  const found = new Map(datapath.attachments().map((attachment) => [attachment.pinName, attachment]))
  for (const pinName of found.keys()) if (!names.has(pinName)) attempt(`unpin ${pinName}`, () => void datapath.detach(pinName))
  for (const { pinName, hook, ifindex } of wanted) {
    const there = found.get(pinName)
    if (there?.ifindex !== ifindex || there.progId !== datapath.programId(hook))
      attempt(`attach program ${pinName} to its device`, () => datapath.attach(hook, ifindex, pinName))
  }
  const links = new Set(datapath.attachments().map(({ linkId }) => linkId))
  for (const { device, program } of strayPrograms(model, devices.all(), links))
    attempt(`detach program ${program.name} from ${device.name}`, () => detachFrom(device.ifindex, program))
  attempt('guard devices', () => guardDevices(context))
  attempt('pin the tables', () => datapath.repinMaps())
}
