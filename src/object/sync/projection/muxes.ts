/** Table `muxes`: by the mux's device, and by its underlay's interface, what it listens on. */
import { u32 } from '#abi/c-struct.ts'
import { mux as muxLayout, muxFlag, type Mux } from '#datapath/layout.ts'
import type { Mux as ModelMux } from '../../store/model.ts'
import { inService } from '../../type/mtu.ts'
import { mayLeaveDirectly, mayEnterDirectly } from '../../type/mux-direct.ts'
import { tableVtep } from './destination.ts'
import type { Projection } from './projection.ts'

const muxFlags = (from: ModelMux): number =>
  (mayLeaveDirectly(from) ? muxFlag.directOut : 0) |
  (mayEnterDirectly(from) ? muxFlag.directIn : 0) |
  (from.exclusive ? muxFlag.exclusive : 0)

export const muxes: Projection<number, Mux> = {
  keys: (model) => model.devices.keys(),
  keyField: u32,
  valueField: muxLayout,
  values: (model) => (ifindex) => {
    const device = model.devices.get(ifindex)
    const mux = device?.type === 'ethlink' ? device.mux : device
    if (mux?.type !== 'vpcmux' || mux.listen === null || mux.down || !inService(mux)) return undefined
    return { stats: mux.source, flags: muxFlags(mux), listen: tableVtep(mux.listen) }
  },
}
