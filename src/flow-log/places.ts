/** Places that records go to, and which records go to which: all of them, or those that flow logs of the cloud name. */
import type { FlowLogSpec } from '#feed/item.ts'
import type { Destination, Outlet } from './destination.ts'
import { RotatedFile, type RotatedFileOptions } from './file.ts'
import { HttpDestination } from './http.ts'
import { Ipfix } from './ipfix.ts'
import { isSampled, type FlowRecord } from './record.ts'
import { parseSyslogAddress, Syslog } from './syslog.ts'

export interface PlaceOptions extends Omit<RotatedFileOptions, 'path'> {
  /** A bearer token for HTTP servers. */
  readonly token?: string | undefined
}

/** Read `file:PATH`, `udp:HOST:PORT`, `unix:PATH`, `ipfix:HOST:PORT` or a URL. Undefined: it is none of these. */
export function parsePlace(text: string, { maxBytes, keep, token }: PlaceOptions): Destination | undefined {
  if (/^file:./.test(text)) return new RotatedFile({ path: text.slice(5), maxBytes, keep })
  const collector = text.startsWith('ipfix:') ? parseSyslogAddress(`udp:${text.slice(6)}`) : undefined
  if (collector !== undefined && 'host' in collector) return new Ipfix(collector)
  const syslog = parseSyslogAddress(text)
  if (syslog !== undefined) return new Syslog(syslog)
  return /^https?:$/.test(URL.parse(text)?.protocol ?? '') ? new HttpDestination(text, token) : undefined
}

/** The ends of a flow, in one text. */
const keyOf = ({ port, protocol, source, sourcePort, destination, destinationPort }: FlowRecord): string =>
  [port, protocol, source, sourcePort, destination, destinationPort].join(' ')

/** By names: each flow log of the cloud names one. */
export class NamedPlaces {
  readonly #outlets: ReadonlyMap<string, Outlet>
  readonly #say: (name: string) => void
  readonly #unknown = new Set<string>()

  /** `say`: nothing has this name, which a flow log asks for. */
  constructor(outlets: ReadonlyMap<string, Outlet>, say: (name: string) => void) {
    this.#outlets = outlets
    this.#say = say
  }

  /** Put each record where the flow logs of its port want it, with the id of the log. */
  put(records: readonly FlowRecord[], logs: ReadonlyMap<string, readonly FlowLogSpec[]>): void {
    for (const record of records)
      for (const log of logs.get(record.port ?? '') ?? []) {
        if (log.verdict !== 'all' && log.verdict !== record.verdict) continue
        if (!isSampled(keyOf(record), log.sample)) continue
        const outlet = this.#outlets.get(log.destination)
        if (outlet === undefined) this.#tellOnce(log.destination)
        else outlet.put([{ ...record, flowLog: log.id, sample: log.sample }])
      }
  }

  #tellOnce(name: string): void {
    if (this.#unknown.has(name) || this.#unknown.size > 1_000) return
    this.#unknown.add(name)
    this.#say(name)
  }
}
