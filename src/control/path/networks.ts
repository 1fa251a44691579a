/** Whether networks have an address, by their texts. A path asks for the same few often: each text is read once. */
import { ipFrom, type Ip } from '#wire/ip-address.ts'
import { contains, prefixFrom, type Prefix } from '#wire/prefix.ts'

/** Texts that are kept. */
const most = 4096

/** What a text means, read once as long as it is asked for. */
function reader<T>(read: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>()
  return (text) => {
    let value = known.get(text)
    if (value === undefined) {
      if (known.size >= most) known.clear()
      value = read(text)
      known.set(text, value)
    }
    return value
  }
}

export const ipOf: (text: string) => Ip = reader(ipFrom)
export const prefixOf: (text: string) => Prefix = reader(prefixFrom)

/** Whether a network has an address. */
export const has = (network: string, address: string): boolean => contains(prefixOf(network), ipOf(address))
