/** The options that name objects, with the letters that the original gave them. */
import type { Id } from '#abi/id.ts'
import type { UnitType } from '#abi/object-type.ts'
import type { Positional } from './command.ts'
import { idOf, idOfAny, newId } from './kinds.ts'
import { choice, Option } from './option.ts'

export const switchId = idOf('vpcsw', 'the switch').required
export const portId = idOf('vpcp', 'the port').required
export const vmnicId = idOf('vmnic', 'the vmnic').short('N').required
export const hostifId = idOf('hostif', 'the hostif').short('H').required
export const ethlinkId = idOf('ethlink', 'the ethlink').short('E').required
export const muxId = idOf('vpcmux', 'the mux').short('M').required
export const subnetId = idOf('subnet', 'the subnet').required
export const routerId = idOf('vpcrtr', 'the router').required
export const natId = idOf('vpcnat', 'the NAT').required
export const groupId = idOf('group', 'the security group').required
export const addressSetId = idOf('set', 'the address set').required
export const interfaceId = idOfAny(['vmnic', 'hostif', 'ethlink'], 'the vmnic, hostif or ethlink').short('I').required

/** For a command that creates: an id of its own choice, or the command generates one. */
export const fresh = (option: Option<Id>, type: UnitType): Option<Id | undefined> =>
  new Option<Id | undefined>({
    ...option.help('id to give it').spec,
    isRequired: false,
    defaultText: 'a new one',
    parse: (text) => newId(text, type),
  })

/** The name of what a command creates. */
export const newName: Positional = { name: 'NAME', help: 'name to give it; commands take it in place of the id', isOptional: true }

export const sortBy = choice('order of the lines: by id, or by unit name', ['id', 'name']).short('s').default('id')
