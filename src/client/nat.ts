/** A NAT: public addresses of a router's stations. Its settings come from src/abi/settings.ts. */
import { formatFloat, parseFloating, type Float } from '#abi/float.ts'
import type { NatBlockInfo, NatPortInfo } from '#abi/info.ts'
import { withSettings } from './setting.ts'
import { parsed } from './text.ts'

const floatsOf = (texts: readonly string[]): Float[] => texts.map((text) => parsed(parseFloating(text)))

export class Nat extends withSettings('vpcnat') {
  /** Add floating addresses (`203.0.113.20 to 10.1.0.5`), each in place of the one with its public address. */
  async addFloats(texts: readonly string[]): Promise<void> {
    if (texts.length > 0) await this.call('vpcnatFloatAdd', floatsOf(texts))
  }

  /** Delete floating addresses, all or none. Throws ENOENT for one that is not there. */
  async deleteFloats(texts: readonly string[]): Promise<void> {
    if (texts.length > 0) await this.call('vpcnatFloatDelete', floatsOf(texts))
  }

  /** Who has which blocks of public ports. */
  async listBlocks(): Promise<readonly NatBlockInfo[]> {
    return await this.call('vpcnatBlocks', undefined)
  }

  /** The public ports in use. */
  async listPorts(): Promise<readonly NatPortInfo[]> {
    return await this.call('vpcnatPorts', undefined)
  }

  /** All floating addresses. */
  async listFloats(): Promise<string[]> {
    return (await this.call('vpcnatFloatsGet', undefined)).map(formatFloat)
  }
}
