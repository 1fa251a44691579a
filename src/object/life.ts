/**
 * The life of objects: who holds one, what happens when nobody does any more.
 *
 * An object is held by each open descriptor, by a commit, and a port by the switch that it is in. vpc_open with CREATE makes one that has
 * one holder, the new descriptor; `port add` of an unknown id makes a port whose holder is the switch.
 *
 * | state     | held by                     | in the journal           | found by id | goes on to                                              |
 * |-----------|-----------------------------|--------------------------|-------------|---------------------------------------------------------|
 * | open      | descriptors                 | no                       | yes         | committed (commit), dead (destroy), gone (last close)   |
 * | member    | its switch, and descriptors | when the switch is       | yes         | committed, dead, gone (port delete or switch destroyed) |
 * | committed | the commit, and descriptors | yes                      | yes         | dead (destroy)                                          |
 * | dead      | descriptors                 | no                       | no          | gone (last close)                                       |
 *
 * To destroy an object, and to let the last holder go, is the same: it is disconnected from everything (a port from its interface and
 * its switch, an interface from its port, an ethlink from its mux; a switch lets go of its ports), its entries leave the tables, its device
 * goes, its unit number is free. What remains is a dead handle: all operations but `type get` and `id get` answer ESTALE, its id can be
 * created anew. vpcd's end is the last close of all descriptors, so what is not committed does not outlive it, and a start of vpcd removes
 * what a killed one has left of such objects.
 *
 * A reference between two objects (port and switch, port and interface, mux and ethlink) is in the journal when both ends are.
 */
import type { Id } from '#abi/id.ts'
import type { UnitType } from '#abi/object-type.ts'
import type { Core } from './core.ts'
import { createEthlink, dismantleEthlink } from './ethlink.ts'
import { createHostif, dismantleHostif } from './hostif.ts'
import type { VpcObject } from './model.ts'
import { createMux, dismantleMux } from './mux.ts'
import { createPort, dismantlePort, letGoOfPort } from './port.ts'
import { createSwitch, dismantleSwitch } from './switch.ts'
import type { Transaction } from './transaction.ts'
import { createVmnic, dismantleVmnic } from './vmnic.ts'

const creators: { readonly [T in UnitType]: (core: Core, tx: Transaction, id: Id) => VpcObject } = {
  vpcsw: createSwitch,
  vpcp: createPort,
  vpcmux: createMux,
  vmnic: createVmnic,
  ethlink: createEthlink,
  hostif: createHostif,
}

/** Make an object that nothing holds yet: the caller is about to. It gets the lowest free unit number, or the one that is given, which must be free. */
export function create(core: Core, tx: Transaction, type: UnitType, id: Id, unit?: number): VpcObject {
  core.model.nextUnit = unit
  try {
    return creators[type](core, tx, id)
  } finally {
    core.model.nextUnit = undefined
  }
}

/** Take an object out of service at once, whoever holds it. */
export function destroy(core: Core, tx: Transaction, object: VpcObject): void {
  switch (object.type) {
    case 'vpcsw':
      return dismantleSwitch(core, tx, object)
    case 'vpcp':
      return dismantlePort(core, tx, object)
    case 'vpcmux':
      return dismantleMux(core, tx, object)
    case 'vmnic':
      return dismantleVmnic(core, tx, object)
    case 'ethlink':
      return dismantleEthlink(core, tx, object)
    case 'hostif':
      return dismantleHostif(core, tx, object)
  }
}

/** A holder has let go: if it was the last, the object goes. */
export function letGo(core: Core, tx: Transaction, object: VpcObject): void {
  if (object.dead || object.descriptors > 0 || object.committed) return
  if (object.type === 'vpcp') letGoOfPort(core, tx, object)
  else destroy(core, tx, object)
}
