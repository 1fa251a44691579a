/** Connects an interface to a port; repeating it is safe. */
import type { Id } from '#abi/id.ts'
import type { Port } from '#client/port.ts'
import { Failure } from './failure.ts'
import { unitText } from './outcome.ts'

/** Connect; false when it is connected already. Throws when the port holds another interface. */
export async function connectPort(port: Port, peer: Id): Promise<boolean> {
  const info = await port.describe()
  if (info.peer === peer) return false
  if (info.peer === null) {
    await port.connect(peer)
    return true
  }
  const differences = [{ setting: 'interface', asked: peer, is: info.peer }]
  const wayOut = `disconnect it first with vpc switch port disconnect --port-id=${info.id} --interface-id=${info.peer}`
  throw new Failure('conflict', `${unitText(info)} is connected to ${info.peerUnit}; ${wayOut}`, { code: 'EISCONN', differences })
}
