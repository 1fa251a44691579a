/** All types of objects. */
import type { UnitType } from '#abi/object-type.ts'
import type { VpcObject } from '../store/model.ts'
import { addressSetType } from './address-set.ts'
import { ethlinkType } from './ethlink.ts'
import { groupType } from './group.ts'
import { hostifType } from './hostif.ts'
import { muxType } from './mux.ts'
import { natType } from './nat.ts'
import { portType } from './port.ts'
import { routerType } from './router.ts'
import { subnetType } from './subnet.ts'
import { switchType } from './switch.ts'
import type { ObjectType } from './type.ts'
import { vmnicType } from './vmnic.ts'

/** By name. */
export const types: { readonly [T in UnitType]: ObjectType<T> } = {
  vpcsw: switchType,
  vpcp: portType,
  vpcmux: muxType,
  vmnic: vmnicType,
  ethlink: ethlinkType,
  hostif: hostifType,
  subnet: subnetType,
  vpcrtr: routerType,
  set: addressSetType,
  group: groupType,
  vpcnat: natType,
}

/** The declaration of the object's type. The compiler does not see that it fits this object. */
export const typeOf = ({ type }: VpcObject): ObjectType<any> => types[type]
