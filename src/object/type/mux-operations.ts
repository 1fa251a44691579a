/** The operations of a mux. */
import { idTypeCode } from '#abi/id.ts'
import { typeNameOf, typeNoun } from '#abi/object-type.ts'
import { formatEndpoint, type Endpoint } from '#wire/endpoint.ts'
import { formatIp } from '#wire/ip-address.ts'
import { readEndpoint, readId } from '../input.ts'
import { fullName, unitName, type Ethlink, type Mux } from '../store/model.ts'
import { connectMux, disconnectMux, listenOn } from './mux.ts'
import { deleteEntries, setEntries } from './mux-entries.ts'
import type { Call, Operations } from '../operation.ts'
import { idOut, textOut } from '../output.ts'

type MuxCall = Call<Mux>

export const muxOperations: Operations<Mux> = {
  vpcmuxListen(call) {
    const { context, tx, object: mux, input } = call
    const endpoint = readEndpoint(tx, input)
    tx.asked = `listen on ${formatEndpoint(endpoint)} with ${unitName(mux)}`
    if (mux.listen !== null && formatEndpoint(mux.listen) === formatEndpoint(endpoint)) return
    checkListen(call, endpoint)
    listenOn(context, tx, mux, endpoint)
  },
  vpcmuxFteSet: setEntries,
  vpcmuxFteDelete: deleteEntries,
  vpcmuxFteList: ({ object: { entries } }) => entries.encode(),
  vpcmuxConnect(call) {
    const { context, tx, object: mux } = call
    connectMux(context, tx, mux, findEthlink(call))
  },
  vpcmuxDisconnect({ context, tx, object: mux }) {
    tx.asked = `disconnect ${unitName(mux)}`
    if (mux.underlay === null) tx.refuse('ENOTCONN', 'it has no underlay')
    disconnectMux(context, tx, mux)
  },
  vpcmuxConnectedGet: ({ tx, object: { underlay } }) =>
    underlay === null ? tx.refuse('ENOTCONN', 'it has no underlay') : idOut(underlay.id),
  vpcmuxListenGet: ({ tx, object: { listen } }) =>
    listen === null ? tx.refuse('ENOTCONN', 'it does not listen') : textOut(formatEndpoint(listen)),
}

function findEthlink({ context: { model }, tx, object: mux, input }: MuxCall): Ethlink {
  const id = readId(tx, input)
  tx.asked = `connect ${unitName(mux)} to ${id}`
  const type = typeNameOf(idTypeCode(id))
  if (type === 'vpcp')
    tx.refuse('EOPNOTSUPP', 'it is the id of a port, and a mux needs none: it serves all switches of the host', 'connect it to an ethlink')
  if (type !== 'ethlink') {
    const what = type === undefined ? `byte 9 of it is ${idTypeCode(id)}, which is no type` : `it is the id of ${typeNoun[type]}`
    tx.refuse('EINVAL', what, 'the underlay of a mux is an ethlink')
  }
  return (
    model.find('ethlink', id) ?? tx.refuse('ENOENT', 'there is no ethlink of that id on this host', 'create it with vpc ethlink create')
  )
}

function checkListen({ context: { model, devices }, tx, object: mux }: MuxCall, { address, port }: Endpoint): void {
  const here = devices.addresses()
  if (!here.some((own) => Buffer.compare(own, address) === 0)) {
    const usable = here.filter((own) => own.length === address.length && !isLocalOnly(own)).map(formatIp)
    tx.refuse(
      'EADDRNOTAVAIL',
      `this host does not have address ${formatIp(address)}`,
      `it has ${[...new Set(usable)].join(', ') || 'none of that family'}`,
    )
  }
  for (const other of model.ofType('vpcmux')) {
    if (other !== mux && other.listen?.port === port)
      tx.refuse('EADDRINUSE', `${fullName(other)} listens on UDP port ${port}`, 'choose another port')
  }
  const family = address.length === 4 ? 4 : 6
  const others = [...mux.entries.families()].filter((found) => found !== family)
  if (others.length > 0)
    tx.refuse(
      'EAFNOSUPPORT',
      `it has forwarding entries with IPv${others[0]} VTEPs`,
      `delete them, or listen on an IPv${others[0]} address`,
    )
}

/** Loopback and IPv6 link-local addresses: no other host can send to them. */
const isLocalOnly = (address: Uint8Array): boolean =>
  address.length === 4
    ? address[0] === 127
    : (address[0] === 0xfe && (address[1]! & 0xc0) === 0x80) || address.subarray(0, 15).every((byte) => byte === 0)
