/** The object types of the vpc ABI: codes, the names of their units, and which of them have one. */

/** Code of each type, in byte 9 of an id and in the handle type. */
export const objectType = {
  vpcsw: 1,
  vpcp: 2,
  vpcrtr: 3,
  vpcnat: 4,
  vpcmux: 5,
  vmnic: 6,
  mgmt: 7,
  ethlink: 8,
  meta: 9,
  any: 10,
  hostif: 11,
  // Ours: the original's codes end at 11, and ours begin above all that it could still assign.
  subnet: 0x40,
  group: 0x41,
  set: 0x42,
} as const

export type TypeName = keyof typeof objectType
export type TypeCode = (typeof objectType)[TypeName]

/** Types whose objects exist on a host. */
export const unitTypes = ['vpcsw', 'vpcp', 'vpcmux', 'vmnic', 'ethlink', 'hostif', 'subnet', 'vpcrtr', 'set', 'group', 'vpcnat'] as const
export type UnitType = (typeof unitTypes)[number]

/** The noun for an object of the type, with its article. */
export const typeNoun = {
  vpcsw: 'a switch',
  vpcp: 'a port',
  vpcrtr: 'a router',
  vpcnat: 'a NAT',
  vpcmux: 'a mux',
  vmnic: 'a vmnic',
  mgmt: 'a management handle',
  ethlink: 'an ethlink',
  meta: 'a meta handle',
  any: 'any object',
  hostif: 'a hostif',
  subnet: 'a subnet',
  group: 'a security group',
  set: 'an address set',
} as const satisfies Record<TypeName, string>

const names = new Map<number, TypeName>(Object.entries(objectType).map(([name, code]) => [code, name as TypeName]))

/** The codes of the types, for messages. */
export const typeCodes = `types are 1 to ${objectType.hostif} and ${objectType.subnet}`

/** The name of a type code, or undefined when no type has it. */
export const typeNameOf = (code: number): TypeName | undefined => names.get(code)

/** Whether objects of this type have a unit name (`vmnic0`) on a host. */
export const isUnitType = (name: string): name is UnitType => (unitTypes as readonly string[]).includes(name)
