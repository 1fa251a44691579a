/** What is said of an object in JSON. */
import type { ObjectInfo } from '#abi/info.ts'
import type { Context } from '../context.ts'
import { describeEthlink } from './ethlink.ts'
import { describeHostif } from './hostif.ts'
import type { VpcObject } from '../store/model.ts'
import { describeMux } from './mux.ts'
import { describePort } from './port.ts'
import { describeSwitch } from './switch.ts'
import { describeVmnic } from './vmnic.ts'

export function describe({ model }: Context, object: VpcObject): ObjectInfo {
  const { descriptors } = object
  switch (object.type) {
    case 'vpcsw':
      return { ...describeSwitch(object), descriptors }
    case 'vpcp':
      return { ...describePort(object), descriptors }
    case 'vmnic':
      return { ...describeVmnic(model, object), descriptors }
    case 'hostif':
      return { ...describeHostif(model, object), descriptors }
    case 'ethlink':
      return { ...describeEthlink(model, object), descriptors }
    case 'vpcmux':
      return { ...describeMux(object), descriptors }
  }
}
