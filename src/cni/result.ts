/** What ADD answers, in the form of the version that the runtime speaks. */

export interface Address {
  readonly address: string
  readonly gateway?: string
  readonly interface?: number
  /** Before version 1.0. */
  readonly version?: '4' | '6'
}

export interface Result {
  readonly cniVersion: string
  readonly interfaces: readonly { readonly name: string; readonly mac: string; readonly sandbox: string; readonly mtu?: number }[]
  readonly ips: readonly Address[]
  readonly routes: readonly { readonly dst: string; readonly gw: string }[]
  readonly dns: object
}

export interface Made {
  readonly name: string
  readonly mac: string
  readonly mtu: number
  readonly netns: string
  /** With prefix lengths. */
  readonly addresses: readonly string[]
  readonly gateways: readonly string[]
  readonly dns: object
}

const isSix = (address: string): boolean => address.includes(':')

/** The result of one interface. */
export function resultOf(cniVersion: string, { name, mac, mtu, netns, addresses, gateways, dns }: Made): Result {
  const [isOld, hasMtu] = [cniVersion.startsWith('0.'), cniVersion === '1.1.0']
  return {
    cniVersion,
    interfaces: [{ name, mac, ...(hasMtu && { mtu }), sandbox: netns }],
    ips: addresses.map((address) => {
      const gateway = gateways.find((each) => isSix(each) === isSix(address))
      return {
        ...(isOld && { version: isSix(address) ? '6' : '4' }),
        address,
        ...(gateway !== undefined && { gateway }),
        interface: 0,
      }
    }),
    routes: gateways.map((gw) => ({ dst: isSix(gw) ? '::/0' : '0.0.0.0/0', gw })),
    dns,
  }
}
