/**
 * Which guests of a vpc have a host name, without an index of all names: the names of vnics and guests are keys of the
 * store already. Kept by the changes of the mirror: names that vnics say themselves, and whose vnics are in which vpc.
 */
import type { Mirror, ObjectChange } from '../model/mirror.ts'
import { nameKey } from '../model/keys.ts'
import type { ObjectRecord } from '../model/record.ts'
import { hostnameOf } from './items/stations.ts'
import type { View } from './view.ts'

export class HostNames {
  /** Vnics by vpc and the host name that they say. */
  readonly #said = new Map<string, Set<string>>()
  /** How many vnics of each account a vpc has. */
  readonly #accounts = new Map<string, Map<string, number>>()

  /** Count everything anew. */
  load({ objects }: Mirror): void {
    this.#said.clear()
    this.#accounts.clear()
    for (const { record, count } of objects.alikeVnics()) this.#note(record, count)
  }

  /** Follow a change. */
  apply({ before, after }: ObjectChange): void {
    if (before?.record.kind === 'vnic') this.#note(before.record, -1)
    if (after?.record.kind === 'vnic') this.#note(after.record, 1)
  }

  /** Vnics of a vpc that are plugged in and have a host name, in any case of its letters. */
  find(view: View, mirror: Pick<Mirror, 'nameHolder'>, vpc: string, name: string): string[] {
    const wanted = name.toLowerCase()
    const candidates = new Set(this.#said.get(keyOf(vpc, wanted)))
    for (const account of this.#accounts.get(vpc)?.keys() ?? []) {
      const vnic = mirror.nameHolder(nameKey(account, 'vnic', wanted))
      if (vnic !== undefined) candidates.add(vnic)
      const guest = mirror.nameHolder(nameKey(account, 'vm', wanted))
      const first =
        guest === undefined ? undefined : (view.objects.get('vm', guest)?.record.spec.vnics as readonly string[] | undefined)?.[0]
      if (first !== undefined) candidates.add(first)
    }
    return [...candidates].filter((id) => {
      const record = view.objects.get('vnic', id)?.record
      return record?.vpc === vpc && record.binding !== undefined && hostnameOf(view, record)?.toLowerCase() === wanted
    })
  }

  #note({ id, vpc, spec }: ObjectRecord, by: number): void {
    if (vpc === null) return
    const { account, dhcpHostname } = spec as { account: string; dhcpHostname?: string }
    const accounts = this.#accounts.get(vpc) ?? new Map<string, number>()
    const count = (accounts.get(account) ?? 0) + by
    if (count === 0) accounts.delete(account)
    else accounts.set(account, count)
    if (accounts.size === 0) this.#accounts.delete(vpc)
    else this.#accounts.set(vpc, accounts)
    if (typeof dhcpHostname !== 'string') return
    const key = keyOf(vpc, dhcpHostname)
    const ids = this.#said.get(key) ?? new Set<string>()
    if (by > 0) ids.add(id)
    else ids.delete(id)
    if (ids.size === 0) this.#said.delete(key)
    else this.#said.set(key, ids)
  }
}

const keyOf = (vpc: string, name: string): string => `${vpc} ${name}`
