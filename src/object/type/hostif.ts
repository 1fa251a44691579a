/**
 * An interface for the host's own stack or a container: one end of a veth pair. All its operations are those of meta.
 */
import type { Guest } from '#abi/guest-kind.ts'
import type { Id } from '#abi/id.ts'
import { initialSettings, settings } from '#abi/settings.ts'
import type { Context } from '../context.ts'
import type { Call } from '../operation.ts'
import { unitName, type Hostif } from '../store/model.ts'
import { newBase, register, unregister } from '../store/registry.ts'
import type { Transaction } from '../store/transaction.ts'
import { interfaceMtuBytes } from './mtu.ts'
import { setMtu } from './mtu-follow.ts'
import { disconnectPort } from './port.ts'
import { setGuest } from './guest.ts'
import { type ObjectType, settersOf, type State } from './type.ts'
import { dropDevice, makeUnitDevice, switchSideName } from './unit-device.ts'

const state = (): State<'hostif'> => ({ port: null, ifindex: 0, inOtherNetns: false, runsXdp: false })

function createHostif(context: Context, tx: Transaction, id: Id): Hostif {
  const hostif = register<Hostif>(context, tx, { ...newBase(context.model, 'hostif', id), ...initialSettings('hostif'), ...state() })
  makeUnitDevice(context, tx, hostif)
  return hostif
}

function dismantleHostif(context: Context, tx: Transaction, hostif: Hostif): void {
  if (hostif.port !== null) disconnectPort(context, tx, hostif.port)
  dropDevice(context, tx, hostif)
  unregister(context, tx, hostif)
}

export const hostifType: ObjectType<'hostif'> = {
  type: 'hostif',
  create: createHostif,
  dismantle: dismantleHostif,
  state,
  setters: settersOf<'hostif'>({ mtuBytes: setMtu, guest: setGuest }),
  kept: [],
  operations: {
    // Namespaces are a matter of the host, so this needs a right of its own.
    hostifGuestSet({ context, tx, object, input, claim }: Call<Hostif, Guest | null>) {
      tx.asked = `hand ${unitName(object)} over`
      claim(tx, 'hostif', object.id, 'handover')
      setGuest(context, tx, object, input)
    },
  },
  describe: (model, hostif) => ({
    port: hostif.port?.id ?? null,
    mtuBytes: interfaceMtuBytes(model, hostif),
    mtuSet: hostif.mtuBytes !== null,
    device: hostif.ifindex === 0 ? 'missing' : unitName(hostif),
    xdp: hostif.runsXdp,
    moved: hostif.guest === null && hostif.ifindex !== 0 && hostif.inOtherNetns,
    guest: settings.hostif.guest.kind.toJson(hostif.guest),
    hostDevice: hostif.ifindex === 0 ? 'missing' : switchSideName(hostif),
  }),
}
