/**
 * Table `tunnel_ends`: addresses and ports that only muxes may send to. They are the VTEPs of all entries and the muxes
 * themselves; a mux that is not exclusive has none.
 */
import { cStruct, u16, u32 } from '#abi/c-struct.ts'
import { endKind } from '#datapath/layout.ts'
import { fromMapped, type Ip } from '#wire/ip-address.ts'
import { EndKeys, type EndPlace } from '../../store/dirty.ts'
import { addressField, addressOfKey } from '../../store/keys.ts'
import type { Model, Mux } from '../../store/model.ts'
import type { Projection } from './projection.ts'

/** struct vpc_tunnel_end, its address as a key. */
export const endPlace = cStruct({ port: u16, kind: u16, address: addressField })

type Listening = Mux & { readonly listen: NonNullable<Mux['listen']> }

const exclusiveMuxes = (model: Model): Listening[] =>
  [...model.ofType('vpcmux')].filter((mux): mux is Listening => mux.exclusive && mux.listen !== null)

export const tunnelEnds: Projection<EndPlace, number> = {
  keys(model) {
    const ends = new EndKeys()
    for (const { listen, entries } of exclusiveMuxes(model)) {
      ends.addOwn(listen)
      for (const { address, port } of entries.used.keys()) ends.add(address, port || listen.port)
    }
    return ends
  },
  keyField: endPlace,
  valueField: u32,
  values(model) {
    const muxes = exclusiveMuxes(model)
    return ({ kind, port, address }) => {
      const ip = fromMapped(addressOfKey(address))
      return muxes.some((mux) => has(mux, ip, kind, port)) ? 1 : undefined
    }
  },
}

function has({ listen, entries }: Listening, address: Ip, kind: number, port: number): boolean {
  const own = Buffer.compare(listen.address, address) === 0
  if (kind === endKind.own) return own
  if (kind === endKind.address) return own || [0, ...entries.ownPorts.keys()].some((each) => entries.uses(address, each))
  // Port 0 of an entry means the mux's own; a mux that does not listen yet has none.
  if (port === 0) return false
  return (port === listen.port && (own || entries.uses(address, 0))) || entries.uses(address, port)
}
