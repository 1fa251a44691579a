/** Reports events of the datapath to the handles that asked for them, in the words of the objects. */
import type { Id } from '#abi/id.ts'
import type { DropEvent, MissEvent } from '#abi/info.ts'
import type { DropEvent as Drop, MissEvent as Miss } from '#datapath/datapath.ts'
import { formatMac } from '#wire/mac.ts'
import type { NameQuestion } from '#abi/name-question.ts'
import type { Handle } from './handle.ts'
import { vniOfSegment } from './store/keys.ts'
import { unitName, type Model, type Switch } from './store/model.ts'
import { endsOf } from './packet-ends.ts'
import { describeRefusal } from './refusal.ts'
import { describeRoute } from './route-text.ts'
import { readQuestion } from './question.ts'

export class EventHub {
  readonly #model: Model
  readonly #drops = new Set<Handle>()
  readonly #misses = new Map<Switch, Set<Handle>>()

  constructor(model: Model) {
    this.#model = model
  }

  /** From now on, reports dropped packets to a handle. */
  followDrops(handle: Handle): void {
    this.#drops.add(handle)
  }

  /** From now on, reports the unanswered questions in a switch's segments to a handle. */
  listen(handle: Handle, sw: Switch): void {
    let handles = this.#misses.get(sw)
    if (handles === undefined) this.#misses.set(sw, (handles = new Set()))
    handles.add(handle)
  }

  /** The handle is closed, or its object is gone. */
  forget(handle: Handle): void {
    this.#drops.delete(handle)
    if (handle.object?.type !== 'vpcsw') return
    const handles = this.#misses.get(handle.object)
    handles?.delete(handle)
    if (handles?.size === 0) this.#misses.delete(handle.object)
  }

  /** A packet was dropped. */
  drop(drop: Drop): void {
    if (this.#drops.size > 0) send(this.#drops, this.#describeDrop(drop))
  }

  /** A question was not answered. */
  miss(miss: Miss): void {
    const sw = this.#model.segments.get(miss.segment)
    const handles = sw && this.#misses.get(sw)
    if (handles !== undefined) send(handles, this.#describeMiss(miss))
  }

  /** A guest asks DNS for what is not there. Gives whether anybody listens. */
  ask({ zone, source, name, address }: NameQuestion): boolean {
    const sw = this.#model.byType.vpcsw.get(zone)
    const handles = sw && this.#misses.get(sw)
    if (handles === undefined) return false
    const port = this.#model.sources.get(source)
    if (port?.type !== 'vpcp' || port.switch !== sw) return false
    send(handles, {
      time: new Date().toISOString(),
      question: 'name',
      port: unitName(port),
      portId: port.id,
      vni: port.vni,
      mac: port.peer === null ? '00:00:00:00:00:00' : formatMac(port.peer.mac),
      address: null,
      target: address ?? null,
      ...(name !== undefined && { name }),
      lost: 0,
      data: '',
    })
    return true
  }

  #describeDrop({ time, reason, source, segment, length, lost, data, refusal, route, nat }: Drop): DropEvent {
    const from = this.#places(source)
    const refused = refusal && { refusal: describeRefusal(this.#model, refusal, data) }
    const routed = route !== undefined && { route: describeRoute(this.#model, segment, endsOf(data)?.dst, route) }
    return {
      time: time.toISOString(),
      reason,
      ...from,
      vni: vniOfSegment(segment),
      length,
      lost,
      ...refused,
      ...routed,
      ...(nat !== undefined && { nat: this.#natName(nat) }),
      data: base64(data),
    }
  }

  #natName(source: number): string {
    const nat = this.#model.sources.get(source)
    return nat?.type === 'vpcnat' ? unitName(nat) : 'a NAT that is gone'
  }

  #describeMiss({ time, question, source, segment, lost, data }: Miss): MissEvent {
    const { port } = this.#places(source)
    return {
      time: time.toISOString(),
      question,
      port,
      portId: this.#portId(source),
      vni: vniOfSegment(segment),
      ...readQuestion(data),
      lost,
      data: base64(data),
    }
  }

  #portId(source: number | undefined): Id | null {
    const object = source === undefined ? undefined : this.#model.sources.get(source)
    return object?.type === 'vpcp' ? object.id : null
  }

  /** Unit names of where a packet came from. */
  #places(source: number | undefined): { readonly unit: string | null; readonly port: string | null } {
    const object = source === undefined ? undefined : this.#model.sources.get(source)
    if (object === undefined) return { unit: null, port: null }
    if (object.type !== 'vpcp') return { unit: unitName(object), port: null }
    return { unit: object.peer && unitName(object.peer), port: unitName(object) }
  }
}

const base64 = (data: Uint8Array): string => Buffer.from(data.buffer, data.byteOffset, data.length).toString('base64')

function send(handles: Iterable<Handle>, event: DropEvent | MissEvent): void {
  const payload = Buffer.from(JSON.stringify(event))
  for (const handle of handles) handle.onEvent?.(payload)
}
