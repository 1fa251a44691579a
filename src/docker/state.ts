/** What the driver must know after a restart: docker tells it once about a network and an endpoint. A file for each. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { readIfThere, writeWhole } from '#system/whole-file.ts'

export interface Network {
  /** A switch of this host; in a subnet of the cloud, vnics say where. */
  readonly on: { readonly switch: string; readonly isOwn: boolean; readonly vni: number } | 'cloud'
  /** Gateways that a router of this host has. */
  readonly gateways: readonly string[]
}

export interface Endpoint {
  readonly network: string
  /** The interface, by its id in vpcd. */
  readonly hostif: string
  /** On a switch of this host: its port. */
  readonly port?: string
  /** In a cloud: its vnic. */
  readonly vnic?: string
  readonly gateways: readonly string[]
}

/** Records of one kind below a directory. */
export class Records<T> {
  readonly #directory: string
  constructor(directory: string) {
    this.#directory = directory
  }
  #path(id: string): string {
    return join(this.#directory, `${id}.json`)
  }
  get(id: string): T | undefined {
    const text = readIfThere(this.#path(id))
    return text === undefined ? undefined : (JSON.parse(text) as T)
  }
  put(id: string, record: T): void {
    writeWhole(this.#path(id), `${JSON.stringify(record)}\n`, { mode: 0o600, isNew: false })
  }
  remove(id: string): void {
    rmSync(this.#path(id), { force: true })
  }
  /** The ids of all. */
  ids(): string[] {
    try {
      return readdirSync(this.#directory).flatMap((name) => (name.endsWith('.json') ? name.slice(0, -'.json'.length) : []))
    } catch {
      return []
    }
  }
}

/** An address of a subnet of the cloud that docker has, and the vnic that has it. */
export interface Given {
  readonly vnic: string
}

/** A vnic that docker has given back while the cloud was away. */
export interface Leftover {
  readonly vnic: string
}

/** A vnic that docker has asked for, and for which no endpoint has come yet. */
export interface Asked {
  readonly vnic: string
}

export interface State {
  readonly networks: Records<Network>
  readonly endpoints: Records<Endpoint>
  readonly addresses: Records<Given>
  readonly leftovers: Records<Leftover>
  readonly asked: Records<Asked>
}

export const openState = (directory: string): State => ({
  networks: new Records(join(directory, 'networks')),
  endpoints: new Records(join(directory, 'endpoints')),
  addresses: new Records(join(directory, 'addresses')),
  leftovers: new Records(join(directory, 'leftovers')),
  asked: new Records(join(directory, 'asked')),
})

/** Whether an endpoint has a vnic. */
export const hasEndpoint = ({ endpoints }: State, vnic: string): boolean => endpoints.ids().some((id) => endpoints.get(id)?.vnic === vnic)
